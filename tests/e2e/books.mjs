// The books of a run, balanced from outside: what the storefront was answered, what the ledger says by `/admin/export`, and
// what arrived at the provider. Each fault is a sentence; none means that nothing was lost, doubled or sent that should not be.

const AT_ONCE = 6;
/** What a kind of webhook brings about, as the journeys of this repository say it. */
const EVENT = { order: "Order Completed", signup: "Signed Up", cart: "Checkout Started" };
const MAIL = { order: "order-thank-you", signup: "welcome-hello", cart: "checkout-nudge" };
/** A request that left before a purchase was answered may arrive this much later. */
const ON_ITS_WAY_MS = 1_500;
/** A process that dies so soon after an answer left may not have written it down. */
const WRITING_MS = 1_000;
/** Mails that a shard may have been about to ask for when its process died, on average. */
const UNASKED_PER_DEATH = 5;
const GIVEN_UP = "given_up";

/**
 * Compares the three; `shop` reaches the Worker. A provider that is `keyless` takes whatever comes: where a mail's fate is in
 * doubt, because an answer was lost or the process died (from `at` to `until` of `deaths`) before it can have been written
 * down, order mail is asked for once more, and anything else is given up. Among several `shards` an order that was never
 * answered may have closed its cart and come no further: it was bought all the same.
 */
export async function balance(shop, storefront, provider, { keyless = false, deaths = [], shards = 1 } = {}) {
  const people = new Map();
  for (const delivery of storefront.deliveries) {
    const person = people.get(delivery.who.email) ?? { email: delivery.who.email, deliveries: [] };
    person.deliveries.push(delivery);
    people.set(person.email, person);
  }
  const arrived = Map.groupBy(provider.mails(), (mail) => mail.to);
  const faults = [...arrived.keys()].filter((to) => !people.has(to)).map(() => "somebody was mailed who did nothing");
  const fates = fatesOf(provider.requests(), deaths);
  const inDoubt = (message) => keyless && doubted(fates.get(message) ?? [], deaths);
  const queue = [...people.values()];
  const rows = [];
  const work = async () => {
    for (let person = queue.pop(); person; person = queue.pop()) {
      const held = await heldOf(shop, person.email);
      rows.push(...(held.messages ?? []));
      const mails = arrived.get(person.email) ?? [];
      faults.push(...ofPerson(person, held, mails, { inDoubt, mayBeHalf: shards > 1 }).map((fault) => `${person.email}: ${fault}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const unasked = rows.filter(({ state, message_id }) => state === GIVEN_UP && !fates.has(message_id)).length;
  if (unasked > UNASKED_PER_DEATH * deaths.length * shards) faults.push(`${unasked} mails were given up, and never asked for`);
  if (!keyless) faults.push(...ofKeys(provider.requests()));
  return { faults, people: people.size, rows: rows.length, given_up: rows.filter(({ state }) => state === GIVEN_UP).length, unasked };
}

/** By message, its requests in their order: whether a whole 200 left, and the process lived long enough to write it down. */
function fatesOf(requests, deaths) {
  const fates = new Map();
  for (const { messages, status, answered_at: answered } of requests) {
    const heard = status === 200 && answered !== null && !deaths.some(({ at, until }) => answered > at - WRITING_MS && answered <= until);
    for (const message of messages) fates.set(message, [...(fates.get(message) ?? []), heard]);
  }
  return fates;
}

/** Whether any request of a message was not heard of; one that was never asked for may have been about to be when the process died. */
const doubted = (requests, deaths) => (requests.length === 0 ? deaths.length > 0 : requests.includes(false));

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
