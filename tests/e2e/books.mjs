// The books of a run, balanced from outside: what the storefront was answered, what the ledger says by `/admin/export`, and
// what arrived at the provider. Each fault is a sentence; none means that nothing was lost, doubled or sent that should not be.

const AT_ONCE = 6;
/** What a kind of webhook brings about, as the journeys of this repository say it. */
const EVENT = { order: "Order Completed", signup: "Signed Up", cart: "Checkout Started" };
const MAIL = { order: "order-thank-you", signup: "welcome-hello", cart: "checkout-nudge" };
/** A request that left before a purchase was answered may arrive this much later. */
const ON_ITS_WAY_MS = 1_500;

/** Compares the three; `shop` reaches the Worker. */
export async function balance(shop, storefront, resend) {
  const people = new Map();
  for (const delivery of storefront.deliveries) {
    const person = people.get(delivery.who.email) ?? { email: delivery.who.email, deliveries: [] };
    person.deliveries.push(delivery);
    people.set(person.email, person);
  }
  const arrived = Map.groupBy(resend.mails(), (mail) => mail.to);
  const faults = [...arrived.keys()].filter((to) => !people.has(to)).map(() => "somebody was mailed who did nothing");
  const queue = [...people.values()];
  let rows = 0;
  const work = async () => {
    for (let person = queue.pop(); person; person = queue.pop()) {
      const held = await heldOf(shop, person.email);
      rows += (held.messages ?? []).length;
      faults.push(...ofPerson(person, held, arrived.get(person.email) ?? []).map((fault) => `${person.email}: ${fault}`));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const same of Map.groupBy(resend.requests(), (request) => request.headers["idempotency-key"]).values()) {
    if (same.some(({ body }) => !body.equals(same[0].body))) faults.push("a request was repeated with other bytes");
  }
  return { faults, people: people.size, rows };
}

async function heldOf(shop, email) {
  const response = await shop.admin("export", { method: "POST", body: JSON.stringify({ email }) });
  if (response.status !== 200) throw new Error(`no export: ${response.status} ${await response.text()}`);
  return (await response.json()).held;
}

function ofPerson({ deliveries }, held, mails) {
  const [events, messages] = [held.events ?? [], held.messages ?? []];
  const faults = [];
  for (const delivery of deliveries) {
    const count = events.filter(({ kind }) => kind === EVENT[delivery.kind]).length;
    if (count > 1) faults.push(`${delivery.kind} counted ${count} times`);
    if (count === 0 && delivery.answered.length > 0) faults.push(`${delivery.kind} was answered with 200 and is lost`);
    if (count === 1) faults.push(...mailOf(delivery, events, messages));
  }
  for (const [id, same] of Map.groupBy(mails, (mail) => mail.id)) {
    const row = messages.find((message) => message.provider_id === id);
    if (!row) faults.push("a mail arrived of which the ledger knows nothing");
    if (same.length > 1) faults.push("the provider took a mail twice");
  }
  for (const message of messages) {
    const found = mails.filter((mail) => mail.id === message.provider_id).length;
    if (message.state === "accepted" && found !== 1) faults.push(`${message.step} is accepted, and ${found} of it arrived`);
    if (message.state !== "accepted" && found > 0) faults.push(`${message.step} is ${message.state}, and arrived`);
  }
  for (const [step, same] of Map.groupBy(messages, (message) => message.step)) {
    if (same.length > 1) faults.push(`${same.length} rows for ${step}`);
  }
  return [...faults, ...afterPurchase(deliveries, messages, mails)];
}

/** A webhook that counted has its mail: sent, or for a cart whose order counted too not needed any more. */
function mailOf(delivery, events, messages) {
  const step = MAIL[delivery.kind];
  const row = messages.find((message) => message.step === step);
  const bought = delivery.kind === "cart" && events.some(({ kind }) => kind === EVENT.order);
  if (row?.state === "accepted" || bought) return [];
  return [row ? `${step} is ${row.state} ${row.reason ?? ""}` : `no row for ${step}`];
}

/** No request about a cart after the answer that it was bought. */
function afterPurchase(deliveries, messages, mails) {
  const nudge = messages.find(({ step }) => step === MAIL.cart);
  const mail = nudge && mails.find(({ id }) => id === nudge.provider_id);
  const order = deliveries.find(({ kind, answered }) => kind === "order" && answered.length > 0);
  const late = mail && order ? mail.at - order.answered[0] : 0;
  return late > ON_ITS_WAY_MS ? [`mailed about a cart ${late} ms after it was bought`] : [];
}
