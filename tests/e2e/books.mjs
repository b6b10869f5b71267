// The books of a run, balanced from outside: what the storefront was answered, what the ledger says by `/admin/export`, and
// what arrived at the provider. Each fault is a sentence; none means that nothing was lost, doubled or sent that should not be.

const AT_ONCE = 6;
/** What a kind of webhook brings about, as the journeys of this repository say it. */
const EVENT = { order: "Order Completed", signup: "Signed Up", cart: "Checkout Started" };
const MAIL = { order: "order-thank-you", signup: "welcome-hello", cart: "checkout-nudge" };
/** A request that left before a purchase was answered may arrive this much later. */
const ON_ITS_WAY_MS = 1_500;
const GIVEN_UP = "given_up";
/** What waits, for its time or for its fate. */
const OPEN = ["intended", "unknown"];

/**
 * Compares the three; `shop` reaches the Worker. A provider that is `keyless` takes whatever comes: where a mail's fate is in
 * doubt, because an answer was lost or a process died that had not written down what became of its request (`claimed` of
 * `deaths`, as `claimedBy` found it), order mail is asked for once more, and anything else is given up. Among several `shards` an
 * order that was never answered may have closed its cart and come no further: it was bought all the same.
 */
export async function balance(shop, storefront, provider, { keyless = false, deaths = [], shards = 1 } = {}) {
  const people = peopleOf(storefront);
  const arrived = Map.groupBy(provider.mails(), (mail) => mail.to);
  const faults = [...arrived.keys()].filter((to) => !people.has(to)).map(() => "somebody was mailed who did nothing");
  const fates = fatesOf(provider.requests());
  const wasClaimed = (message) => deaths.some(({ claimed }) => claimed?.has(message));
  const inDoubt = (message) => keyless && (wasClaimed(message) || (fates.get(message) ?? []).includes(false));
  const rows = [];
  await ofEach(people.values(), async (person) => {
    const held = await heldOf(shop, person.email);
    rows.push(...(held.messages ?? []));
    const mails = arrived.get(person.email) ?? [];
    faults.push(...ofPerson(person, held, mails, { inDoubt, mayBeHalf: shards > 1 }).map((fault) => `${person.email}: ${fault}`));
  });
  const unasked = rows.filter(({ state, message_id }) => state === GIVEN_UP && !fates.has(message_id)).length;
  if (!keyless) faults.push(...ofKeys(provider.requests()));
  return { faults, people: people.size, rows: rows.length, given_up: rows.filter(({ state }) => state === GIVEN_UP).length, unasked };
}

/**
 * The messages of requests whose outcome was not written down when a process died, as `shop` tells, which must be one that runs
 * nothing: those due by the time of an open request of their person. `over` grows: by address so many webhooks of people as have
 * had their mail, and need not be asked about again.
 */
export async function claimedBy(shop, storefront, over) {
  const claimed = new Set();
  const left = [...peopleOf(storefront).values()].filter(({ email, deliveries }) => over.get(email) !== deliveries.length);
  await ofEach(left, async (person) => {
    const held = await heldOf(shop, person.email);
    const requests = (held.open_requests ?? []).map(({ first_at: at }) => Date.parse(at));
    for (const { message_id: id, state, due_at: due } of held.messages ?? []) {
      if (OPEN.includes(state) && requests.some((at) => Date.parse(due) <= at)) claimed.add(id);
    }
    if (isOver(person, held)) over.set(person.email, person.deliveries.length);
  });
  return claimed;
}

/** Whether each webhook of a person has a mail whose fate is known, or needs none, as its cart was bought. */
function isOver({ deliveries }, { messages = [], events = [] }) {
  const bought = events.some(({ kind }) => kind === EVENT.order);
  return deliveries.every(({ kind }) => (kind === "cart" && bought) || messages.some(({ step, state }) => step === MAIL[kind] && !OPEN.includes(state)));
}

function peopleOf(storefront) {
  const people = new Map();
  for (const delivery of storefront.deliveries) {
    const person = people.get(delivery.who.email) ?? { email: delivery.who.email, deliveries: [] };
    person.deliveries.push(delivery);
    people.set(person.email, person);
  }
  return people;
}

async function ofEach(list, work) {
  const queue = [...list];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = queue.pop(); next; next = queue.pop()) await work(next);
  }));
}

/** By message, its requests in their order: whether a whole 200 left. */
function fatesOf(requests) {
  const fates = new Map();
  for (const { messages, status, answered_at: answered } of requests) {
    for (const message of messages) fates.set(message, [...(fates.get(message) ?? []), status === 200 && answered !== null]);
  }
  return fates;
}

function ofKeys(requests) {
  const faults = requests.some(({ headers }) => headers["idempotency-key"] === undefined) ? ["a request left without a key"] : [];
  for (const same of Map.groupBy(requests, ({ headers }) => headers["idempotency-key"]).values()) {
    if (same.some(({ body }) => !body.equals(same[0].body))) faults.push("a request was repeated with other bytes");
  }
  return faults;
}

async function heldOf(shop, email) {
  const response = await shop.admin("export", { method: "POST", body: JSON.stringify({ email }) });
  if (response.status !== 200) throw new Error(`no export: ${response.status} ${await response.text()}`);
  return (await response.json()).held;
}

function ofPerson({ deliveries }, held, mails, { inDoubt, mayBeHalf }) {
  const [events, messages] = [held.events ?? [], held.messages ?? []];
  const faults = [];
  const unanswered = deliveries.some(({ kind, answered }) => kind === "order" && answered.length === 0);
  const closed = mayBeHalf && unanswered && (held.closed_checkouts ?? []).length > 0;
  const excused = (row) => row.state === GIVEN_UP && inDoubt(row.message_id);
  for (const delivery of deliveries) {
    const count = events.filter(({ kind }) => kind === EVENT[delivery.kind]).length;
    if (count > 1) faults.push(`${delivery.kind} counted ${count} times`);
    if (count === 0 && delivery.answered.length > 0) faults.push(`${delivery.kind} was answered with 200 and is lost`);
    if (count === 1) faults.push(...mailOf(delivery, events, messages, { excused, closed }));
  }
  for (const [message, same] of Map.groupBy(mails, (mail) => mail.message)) {
    const row = messages.find(({ message_id }) => message_id === message);
    const most = row?.stream === "transactional" && inDoubt(message) ? 2 : 1;
    if (!row) faults.push("a mail arrived of which the ledger knows nothing");
    else if (same.length > most) faults.push(`the provider took ${row.step} ${same.length} times`);
  }
  for (const row of messages) {
    const arrived = mails.filter(({ message }) => message === row.message_id);
    const told = arrived.filter(({ id }) => id === row.provider_id).length;
    if (row.state === "accepted" && told !== 1) faults.push(`${row.step} is accepted, and ${told} of it arrived`);
    if (row.state !== "accepted" && !excused(row) && arrived.length > 0) faults.push(`${row.step} is ${row.state}, and arrived`);
  }
  for (const [step, same] of Map.groupBy(messages, (message) => message.step)) {
    if (same.length > 1) faults.push(`${same.length} rows for ${step}`);
  }
  return [...faults, ...afterPurchase(deliveries, messages, mails)];
}

/** A webhook that counted has its mail: sent, given up where its fate is in doubt, or for a cart that was bought not needed any more. */
function mailOf(delivery, events, messages, { excused, closed }) {
  const step = MAIL[delivery.kind];
  const row = messages.find((message) => message.step === step);
  const bought = delivery.kind === "cart" && (closed || events.some(({ kind }) => kind === EVENT.order));
  if (row?.state === "accepted" || bought || (row && excused(row))) return [];
  return [row ? `${step} is ${row.state} ${row.reason ?? ""}` : `no row for ${step}`];
}

/** No request about a cart after the answer that it was bought. */
function afterPurchase(deliveries, messages, mails) {
  const nudge = messages.find(({ step }) => step === MAIL.cart);
  const mail = nudge && mails.find(({ message }) => message === nudge.message_id);
  const order = deliveries.find(({ kind, answered }) => kind === "order" && answered.length > 0);
  const late = mail && order ? mail.at - order.answered[0] : 0;
  return late > ON_ITS_WAY_MS ? [`mailed about a cart ${late} ms after it was bought`] : [];
}
