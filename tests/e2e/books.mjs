// The books of a run, balanced from outside: what the storefront was answered, what the ledger says by `/admin/export`, and
// what arrived at the provider. Each fault is a sentence; none means that nothing was lost, doubled or sent that should not be.

const AT_ONCE = 6;
/** What a kind of webhook brings about, as the journeys of this repository say it. */
const EVENT = { order: "Order Completed", signup: "Signed Up", cart: "Checkout Started" };
const MAIL = { order: "order-thank-you", signup: "welcome-hello", cart: "checkout-nudge" };
/** A request that left before a purchase was answered may arrive this much later. */
const ON_ITS_WAY_MS = 1_500;
const GIVEN_UP = "given_up";

/**
 * Compares the three; `shop` reaches the Worker. A provider that is `keyless` takes whatever comes: what it was asked before
 * `quietSince`, while answers were lost, may be given up, and order mail may be there twice.
 */
export async function balance(shop, storefront, provider, { keyless = false, quietSince = 0 } = {}) {
  const people = new Map();
  for (const delivery of storefront.deliveries) {
    const person = people.get(delivery.who.email) ?? { email: delivery.who.email, deliveries: [] };
    person.deliveries.push(delivery);
    people.set(person.email, person);
  }
  const arrived = Map.groupBy(provider.mails(), (mail) => mail.to);
  const faults = [...arrived.keys()].filter((to) => !people.has(to)).map(() => "somebody was mailed who did nothing");
  const doubted = doubts(keyless, quietSince, provider.requests());
  const queue = [...people.values()];
  const rows = [];
  const work = async () => {
    for (let person = queue.pop(); person; person = queue.pop()) {
      const held = await heldOf(shop, person.email);
      rows.push(...(held.messages ?? []));
      faults.push(...ofPerson(person, held, arrived.get(person.email) ?? [], doubted).map((fault) => `${person.email}: ${fault}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const keyed = provider.requests().filter(({ headers }) => headers["idempotency-key"] !== undefined);
  for (const same of Map.groupBy(keyed, ({ headers }) => headers["idempotency-key"]).values()) {
    if (same.some(({ body }) => !body.equals(same[0].body))) faults.push("a request was repeated with other bytes");
  }
  return { faults, people: people.size, rows: rows.length, given_up: rows.filter(({ state }) => state === GIVEN_UP).length };
}

/** Whether the fate of a message may be unknown: it was asked for while things went wrong, or never left the process that died. */
function doubts(keyless, quietSince, requests) {
  const heard = new Set(requests.filter(({ at }) => at >= quietSince).flatMap(({ messages }) => messages));
  for (const { messages } of requests.filter(({ at }) => at < quietSince)) for (const message of messages) heard.delete(message);
  return ({ message_id: message }) => keyless && !heard.has(message);
}

async function heldOf(shop, email) {
  const response = await shop.admin("export", { method: "POST", body: JSON.stringify({ email }) });
  if (response.status !== 200) throw new Error(`no export: ${response.status} ${await response.text()}`);
  return (await response.json()).held;
}

function ofPerson({ deliveries }, held, mails, doubted) {
  const [events, messages] = [held.events ?? [], held.messages ?? []];
  const faults = [];
  for (const delivery of deliveries) {
    const count = events.filter(({ kind }) => kind === EVENT[delivery.kind]).length;
    if (count > 1) faults.push(`${delivery.kind} counted ${count} times`);
    if (count === 0 && delivery.answered.length > 0) faults.push(`${delivery.kind} was answered with 200 and is lost`);
    if (count === 1) faults.push(...mailOf(delivery, events, messages, doubted));
  }
  for (const [message, same] of Map.groupBy(mails, (mail) => mail.message)) {
    const row = messages.find(({ message_id }) => message_id === message);
    if (!row) faults.push("a mail arrived of which the ledger knows nothing");
    else if (same.length > (row.stream === "transactional" && doubted(row) ? 2 : 1)) faults.push(`the provider took ${row.step} ${same.length} times`);
  }
  for (const row of messages) {
    const arrived = mails.filter(({ message }) => message === row.message_id);
    const told = arrived.filter(({ id }) => id === row.provider_id).length;
    if (row.state === "accepted" && told !== 1) faults.push(`${row.step} is accepted, and ${told} of it arrived`);
    const unsent = !["accepted", GIVEN_UP].includes(row.state) || !doubted(row);
    if (row.state !== "accepted" && unsent && arrived.length > 0) faults.push(`${row.step} is ${row.state}, and arrived`);
  }
  for (const [step, same] of Map.groupBy(messages, (message) => message.step)) {
    if (same.length > 1) faults.push(`${same.length} rows for ${step}`);
  }
  return [...faults, ...afterPurchase(deliveries, messages, mails)];
}

/** A webhook that counted has its mail: sent, given up where its fate is in doubt, or for a cart whose order counted too not needed any more. */
function mailOf(delivery, events, messages, doubted) {
  const step = MAIL[delivery.kind];
  const row = messages.find((message) => message.step === step);
  const bought = delivery.kind === "cart" && events.some(({ kind }) => kind === EVENT.order);
  if (row?.state === "accepted" || bought || (row?.state === GIVEN_UP && doubted(row))) return [];
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
