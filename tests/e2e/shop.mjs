// A small shop for the end-to-end tests: its people, its webhooks as storefronts sign them, its clock and its outbox.
//
// Nothing here is shared with the code under test. Signatures, hashes and the rule of the shards are written a second
// time, with node:crypto, from the sources' own documentation and from docs/.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { DEV_SECRETS, startWorker, until } from "./worker.mjs";

const fixture = (path) => JSON.parse(readFileSync(new URL(`../fixtures/sources/${path}.json`, import.meta.url), "utf8"));
const FIXTURES = {
  customer: fixture("shopify/customers_create"),
  checkout: fixture("shopify/checkouts_create"),
  order: fixture("shopify/orders_create"),
  fulfilled: fixture("shopify/orders_fulfilled"),
  cancelled: fixture("shopify/orders_cancelled"),
  wooOrder: fixture("woocommerce/order_created"),
};
const SENT_LIMIT_MS = 10_000;
/** Well below the ten seconds after which an object that nobody calls is put to sleep. */
const AWAKE_MS = 2_000;
const ALARM_SLACK_MS = 100;
const ALARM_DRIFT_MS = 5_000;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** An alarm that is nearer than this belongs to work that is due now. */
const SOON_MS = 2_000;

/** The directory key of an identifier: the first half of an HMAC-SHA256 under HASH_KEY (`docs/schema.md`). */
export function hashOf(kind, source, value) {
  return createHmac("sha256", DEV_SECRETS.HASH_KEY).update(`1\n${kind}\n${source}\n${value}`).digest("hex").slice(0, 32);
}

export const emailHash = (email) => hashOf("email", "", email.toLowerCase());

/** Rule 1: the first four hex digits, modulo the count. */
export const shardOf = (hash, shards) => Number.parseInt(hash.slice(0, 4), 16) & (shards - 1);

const signed = (secret, body) => createHmac("sha256", secret).update(body).digest("base64");

/** The headers of a Shopify delivery of exactly these bytes. */
export function shopifyHeaders(topic, body, { id = randomId(), secret = DEV_SECRETS.SHOPIFY_WEBHOOK_SECRET } = {}) {
  return {
    "content-type": "application/json",
    "x-shopify-topic": topic,
    "x-shopify-webhook-id": id,
    "x-shopify-shop-domain": "demo-shop.myshopify.com",
    "x-shopify-hmac-sha256": signed(secret, body),
  };
}

export function woocommerceHeaders(topic, body, { secret = DEV_SECRETS.WOOCOMMERCE_WEBHOOK_SECRET } = {}) {
  return {
    "content-type": "application/json",
    "x-wc-webhook-topic": topic,
    "x-wc-webhook-source": "https://shop.example.com/",
    "x-wc-webhook-delivery-id": "1",
    "x-wc-webhook-signature": signed(secret, body),
  };
}

/** Standard Webhooks: `<id>.<timestamp>.<body>`, under the key that the secret's base64 decodes to. */
export function eventHeaders(body, { id = `msg_${randomId()}`, at, secret = DEV_SECRETS.EVENTS_WEBHOOK_SECRET }) {
  const timestamp = Math.floor(at.getTime() / 1000);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${signature}`,
  };
}

export const randomId = () => randomBytes(12).toString("hex");

/**
 * Opens a shop on a Worker of the test harness. `options` are those of `startWorker`, and the number of shards. A shop of the
 * test build has quiet hours, so its day begins at noon, at whatever hour the tests run.
 */
export async function openShop({ shards = 1, vars = {}, ...options } = {}) {
  const worker = await startWorker({ ...options, vars: { SHARDS: String(shards), ...vars } });
  const shop = Object.assign(new Shop(worker.fetch, shards), { worker, close: () => worker.close() });
  if (options.build === "test") await shop.toNoon();
  return shop;
}

export class Shop {
  #people = 0;

  /** `fetch(path, init)` reaches the Worker. */
  constructor(fetch, shards) {
    this.fetch = fetch;
    this.shards = shards;
  }

  // ---- people ----

  /**
   * Somebody with ids of their own. With several shards address, customer, checkout and order all lie in different
   * ones, so that every scenario crosses shards.
   */
  shopper(name = "ana") {
    const n = ++this.#people;
    const on = (shard, make) => this.#placed(shard, make);
    return {
      name,
      email: on(0, (k) => [emailHash, `${name}.${n}.${k}@example.com`]),
      otherEmail: on(3, (k) => [emailHash, `${name}.${n}.${k}@other.example`]),
      customerId: Number(on(1, (k) => [(id) => hashOf("customer", "shopify", id), `7${n}000${k}`])),
      token: on(2, (k) => [(id) => hashOf("checkout", "shopify", id), `token-${n}-${k}`]),
      cartToken: on(1, (k) => [(id) => hashOf("cart", "shopify", id), `cart-${n}-${k}`]),
      orderId: Number(on(3, (k) => [(id) => hashOf("order", "shopify", id), `6${n}000${k}`])),
    };
  }

  #placed(shard, make) {
    for (let k = 0; ; k += 1) {
      const [hash, value] = make(k);
      if (shardOf(hash(value), this.shards) === (shard & (this.shards - 1))) return value;
    }
  }

  // ---- webhooks ----

  async post(path, body, headers) {
    const response = await this.fetch(path, { method: "POST", body, headers });
    return { status: response.status, ...(await response.json()) };
  }

  /** Posts a delivery that must be taken, and returns what the Worker says became of it. */
  async #taken(path, body, headers) {
    const answer = await this.post(path, body, headers);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    return answer.result;
  }

  shopify(topic, payload, options) {
    const body = JSON.stringify(payload);
    return this.#taken("/hooks/shopify", body, shopifyHeaders(topic, body, options));
  }

  woocommerce(topic, payload, options) {
    const body = JSON.stringify(payload);
    return this.#taken("/hooks/woocommerce", body, woocommerceHeaders(topic, body, options));
  }

  /** Our own JSON. `at` is when it happened; it is signed now. */
  async event(type, data, { at, id } = {}) {
    const now = await this.now();
    const body = JSON.stringify({ type, timestamp: (at ?? now).toISOString(), data });
    return this.#taken("/hooks/events", body, eventHeaders(body, { id, at: now }));
  }

  async signsUp(who, { at, consent = "subscribed", ...options } = {}) {
    const time = stamp(at ?? (await this.now()));
    return this.shopify("customers/create", customerOf(who, time, consent), options);
  }

  async startsCheckout(who, options = {}) {
    return this.shopify("checkouts/create", await this.#checkout(who, options), options);
  }

  async updatesCheckout(who, options = {}) {
    return this.shopify("checkouts/update", await this.#checkout(who, options), options);
  }

  async orders(who, { topic = "orders/create", ...options } = {}) {
    return this.shopify(topic, await this.#order(FIXTURES.order, who, options), options);
  }

  async fulfils(who, options = {}) {
    const order = await this.#order(FIXTURES.fulfilled, who, options);
    for (const parcel of order.fulfillments) parcel.created_at = parcel.updated_at = order.updated_at;
    return this.shopify("orders/fulfilled", order, options);
  }

  async cancels(who, options = {}) {
    const order = await this.#order(FIXTURES.cancelled, who, options);
    return this.shopify("orders/cancelled", { ...order, cancelled_at: order.updated_at }, options);
  }

  /** A WooCommerce order in this status; `pending` is what stands for a checkout there. */
  async wooOrder(who, status, { at, topic = "order.updated" } = {}) {
    const time = stamp(at ?? (await this.now())).replace("Z", "");
    const order = structuredClone(FIXTURES.wooOrder);
    Object.assign(order, {
      id: who.orderId,
      number: String(who.orderId),
      customer_id: who.customerId,
      status,
      date_created_gmt: time,
      date_modified_gmt: time,
      date_paid_gmt: status === "pending" ? null : time,
    });
    order.billing.email = who.email;
    return this.woocommerce(topic, order);
  }

  async #checkout(who, { at, email = who.email, customer = {}, consent = "subscribed", items, token = who.token }) {
    const time = stamp(at ?? (await this.now()));
    const checkout = structuredClone(FIXTURES.checkout);
    Object.assign(checkout, { token, cart_token: who.cartToken, email, created_at: time, updated_at: time });
    checkout.buyer_accepts_marketing = consent === "subscribed";
    checkout.customer = customer && email === who.email ? { ...customerOf(who, time, consent), ...customer } : null;
    if (items) checkout.line_items = items;
    if (items?.length === 0) checkout.total_price = "0.00";
    return checkout;
  }

  async #order(base, who, options) {
    const { at, email = who.email, customer = {}, token = who.token, consent = "subscribed", id = who.orderId, name = `#${id}` } = options;
    const time = stamp(at ?? (await this.now()));
    const order = structuredClone(base);
    Object.assign(order, {
      id,
      name,
      email,
      contact_email: email,
      checkout_token: token,
      cart_token: token === null ? null : who.cartToken,
      created_at: time,
      processed_at: time,
      updated_at: time,
    });
    order.buyer_accepts_marketing = consent === "subscribed";
    order.customer = customer ? { ...customerOf(who, time, consent), ...customer } : null;
    if (options.page) order.landing_site = options.page;
    return order;
  }

  // ---- clock and outbox ----

  async now() {
    return new Date((await (await this.fetch("/dev/clock")).json()).now);
  }

  /** Lets time pass, doing all that falls due on the way. */
  async advance(delay) {
    const response = await this.fetch("/dev/clock", { method: "POST", body: JSON.stringify({ advance: delay }) });
    assert.equal(response.status, 200, await response.clone().text());
    return new Date((await response.json()).now);
  }

  /** Does what is due at this moment. */
  settle() {
    return this.advance("1s");
  }

  async outbox() {
    return (await this.fetch("/dev/outbox.json")).json();
  }

  /** The mails to an address, or to any address of a shopper, oldest first. */
  async mailsTo(who) {
    const addresses = typeof who === "string" ? [who] : [who.email, who.otherEmail];
    return (await this.outbox()).filter((mail) => addresses.includes(mail.to));
  }

  /** The steps whose mails a shopper got, oldest first. */
  async sentTo(who) {
    return (await this.mailsTo(who)).map((mail) => mail.step);
  }

  /** Waits, without touching the clock, until an alarm has sent so many mails. */
  untilSentTo(who, count, limitMs = SENT_LIMIT_MS) {
    return until(limitMs, `${count} mails`, () => this.sentTo(who), (steps) => steps.length >= count);
  }

  // ---- operators ----

  async status() {
    const response = await this.admin("status");
    assert.equal(response.status, 200);
    return response.json();
  }

  admin(what, init = {}) {
    const headers = { authorization: `Bearer ${DEV_SECRETS.ADMIN_TOKEN}`, ...init.headers };
    return this.fetch(`/admin/${what}`, { ...init, headers });
  }

  async stop(stopped) {
    const response = await this.admin("stop", { method: "POST", body: JSON.stringify({ stopped }) });
    assert.equal(response.status, 200);
    return response.json();
  }

  async health() {
    const response = await this.fetch("/health");
    return { status: response.status, ...(await response.json()) };
  }

  /** Messages that operators are shown, of all shards: unknown, given up, failed, dropped. */
  async attention() {
    return (await this.status()).shards.flatMap((shard) => shard.attention);
  }

  /** What is known of one contact's messages: `[step, state, reason]`. */
  async attentionOf(contact) {
    return (await this.attention()).filter((row) => row.contact === contact).map(({ step, state, reason }) => [step, state, reason]);
  }

  /** Rows that are billed so far: written by statements, and one for each alarm set. */
  async rows() {
    const { shards, store } = await this.status();
    const sum = (field) => shards.reduce((total, shard) => total + shard[field], 0);
    return { written: sum("rows_written"), alarms: sum("alarms_set"), store: store.rows_written };
  }

  /** Puts the clock to the next noon of tests/e2e/project: 17:00 UTC is 12:00 or 13:00 in New York. */
  async toNoon() {
    const now = await this.now();
    const noon = new Date(now);
    noon.setUTCHours(17, 0, 0, 0);
    await this.advance(`${Math.ceil((noon - now + DAY_MS) / MINUTE_MS) % (DAY_MS / MINUTE_MS)}m`);
  }

  /**
   * Does what is due, and waits until no alarm is left that was set for it: one that rings late finds nothing to do, but
   * sets the next one, which is a row.
   */
  async quiet() {
    await this.settle();
    const rings = ({ alarm_at: at, next_due: due }, stopped) =>
      at === null ? due !== null && !stopped : Date.parse(at) < Date.now() + SOON_MS;
    await until(SENT_LIMIT_MS, "the alarms to be over", () => this.status(), ({ shards, store }) =>
      !shards.some((shard) => rings(shard, store.switches.stopped)));
  }

  /** What `work` wrote, after all that was still to be done is done. */
  async rowsOf(work) {
    await this.quiet();
    const before = await this.status();
    const awake = this.#keptAwake();
    try {
      await work();
    } finally {
      clearInterval(awake);
    }
    const after = await this.status();
    const sum = (read) => after.shards.reduce((total, shard, index) => total + read(shard, before.shards[index]), 0);
    return {
      written: sum((now, then) => now.rows_written - then.rows_written),
      alarms: sum((now, then) => (drifted(now.alarm_at, then.alarm_at) ? 0 : now.alarms_set - then.alarms_set)),
      store: after.store.rows_written - before.store.rows_written,
    };
  }

  /** The counts are in the objects' memory: one that nobody called for ten seconds would have forgotten its own. */
  #keptAwake() {
    return setInterval(() => void this.status().catch(() => undefined), AWAKE_MS);
  }
}

/**
 * Whether an alarm was only taken forward a little, as on a slow machine the call that set it got to its shard later than this
 * one did. Within the slack of src/turn/alarm.rs it stands: one that is set anew there counts.
 */
function drifted(now, then) {
  const earlier = now === null || then === null ? 0 : Date.parse(then) - Date.parse(now);
  return earlier > ALARM_SLACK_MS && earlier < ALARM_DRIFT_MS;
}

/** Where the tracked links of a mail's HTML lead, read from their tokens as src/render/links.rs describes them. */
export const targetsOf = (mail) => [...mail.html.matchAll(/"https?:\/\/[^/"]+\/c\/([^"]+)"/g)].map(([, token]) => {
  const bytes = Buffer.from(token, "base64url");
  return `${["https://", "http://"][bytes[23]]}${bytes.subarray(24, -16)}`;
});

/** The webhook that `work` lets this shop post: its exact bytes, which nobody gets. */
export async function written(shop, work) {
  let webhook;
  const { post } = shop;
  shop.post = async (path, body, headers) => {
    webhook = { path, body, headers };
    return { status: 200 };
  };
  try {
    await work();
  } finally {
    shop.post = post;
  }
  return webhook;
}

/** RFC 3339 to the second, as the storefronts write it. */
export const stamp = (date) => `${date.toISOString().slice(0, 19)}Z`;

export const after = (date, ms) => new Date(date.getTime() + ms);

function customerOf(who, time, consent) {
  return {
    ...structuredClone(FIXTURES.customer),
    id: who.customerId,
    email: who.email,
    created_at: time,
    updated_at: time,
    email_marketing_consent: { state: consent, opt_in_level: "single_opt_in", consent_updated_at: time },
  };
}
