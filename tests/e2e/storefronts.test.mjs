// Storefronts whose proofs the platform must check, whose addresses hold a token, or whose webhooks only name a document:
// from the post to the mail. Signatures are made with node:crypto, from the storefronts' own documentation.

import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop, randomId } from "./shop.mjs";
import { DEV_SECRETS } from "./worker.mjs";

const fixture = (path) => JSON.parse(readFileSync(new URL(`../fixtures/sources/${path}.json`, import.meta.url), "utf8"));
const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const [wixKey, saleorKey, strangersKey] = [rsa(), rsa(), rsa()];

const API_URL = "https://demo.saleor.example/graphql/";
const secrets = {
  WIX_PUBLIC_KEY: wixKey.publicKey.export({ type: "spki", format: "pem" }),
  SALEOR_API_URL: API_URL,
  STRIPE_WEBHOOK_SECRET: "whsec_test_stripe",
  BIGCOMMERCE_CLIENT_SECRET: "bc_client_secret",
  BIGCOMMERCE_ACCESS_TOKEN: "bc_token",
  ECWID_CLIENT_SECRET: "ecwid_secret",
};
const base64url = (text) => Buffer.from(text).toString("base64url");
const rs256 = (text, { privateKey }) => sign("sha256", Buffer.from(text), privateKey).toString("base64url");
const hmac = (key, text, encoding) => createHmac("sha256", key).update(text).digest(encoding);
const seconds = (date) => Math.floor(date.getTime() / 1000);
const tokenOf = (route) => hmac(DEV_SECRETS.HOOK_TOKEN, `wend/1/route-token/${route}`, "hex").slice(0, 32);

function wixToken(event, now, { key = wixKey, header = { alg: "RS256", typ: "JWT" } } = {}) {
  const data = JSON.stringify({ ...event, data: JSON.stringify(event.data) });
  const claims = { data, iat: seconds(now), exp: seconds(now) + 3600 };
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${rs256(signed, key)}`;
}

/** RFC 7797: the payload is signed as it is, and left out. */
function saleorHeaders(topic, body, { key = saleorKey, kid = "1", from = API_URL } = {}) {
  const header = base64url(JSON.stringify({ alg: "RS256", b64: false, crit: ["b64"], kid, typ: "JWT" }));
  const signature = `${header}..${rs256(`${header}.${body}`, key)}`;
  return { "saleor-event": topic, "saleor-api-url": from, "saleor-signature": signature };
}

const stripeHeaders = (body, now) => {
  const at = seconds(now);
  return { "stripe-signature": `t=${at},v1=${hmac(secrets.STRIPE_WEBHOOK_SECRET, `${at}.${body}`, "hex")}` };
};

/** Standard Webhooks, but for the key: the secret's own bytes. */
function bigcommerceHeaders(body, now) {
  const [id, at] = [randomId(), seconds(now)];
  const signature = hmac(secrets.BIGCOMMERCE_CLIENT_SECRET, `${id}.${at}.${body}`, "base64");
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": `v1,${signature}` };
}

for (const shards of [1, 4]) {
  describe(`storefronts, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    let asked;
    let answers;
    before(async () => {
      [asked, answers] = [[], new Map()];
      const outbound = (request) => {
        asked.push(request);
        const { status = 200, body } = answers.get(request.url) ?? { status: 404, body: {} };
        return new Response(status === 204 ? null : JSON.stringify(body), { status });
      };
      shop = await openShop({ shards, secrets, outbound });
    });
    afterAll(() => shop.close());

    const post = async (path, body, headers = {}) => {
      const answer = await shop.post(path, body, headers);
      return answer.status === 200 ? answer.result : answer.status;
    };
    const bought = async (who) => (await shop.mailsTo(who)).map((mail) => mail.journey);
    const knowsOrder = async (who) => {
      await shop.settle();
      const journeys = await bought(who);
      assert.ok(journeys.length > 0, `${who.email} got no mail after the order`);
    };

    test("Wix: a token of the app's key is taken, of another or none is a 401", async () => {
      const who = shop.shopper("wix");
      const event = fixture("wix/order_created_decoded");
      const now = await shop.now();
      Object.assign(event.data, { id: randomId(), eventTime: now.toISOString() });
      const order = event.data.createdEvent.entity;
      Object.assign(order, { id: randomId(), createdDate: now.toISOString() });
      order.buyerInfo = { contactId: randomId(), email: who.email };
      const token = wixToken(event, now);
      assert.equal(await post("/hooks/wix", wixToken(event, now, { key: strangersKey })), 401);
      assert.equal(await post("/hooks/wix", wixToken(event, now, { header: { alg: "none" } })), 401);
      assert.equal(await post("/hooks/wix", `${token.slice(0, -8)}AAAAAAAA`), 401);
      assert.equal(await post("/hooks/wix", wixToken(event, new Date(now.getTime() - 7_200_000))), 401);
      assert.equal(await post("/hooks/wix", token), "accepted");
      assert.equal(await post("/hooks/wix", token), "duplicate");
      await knowsOrder(who);
    });

    test("Saleor: the shop's published key proves; it is fetched once, and for a key of a new name anew", async () => {
      const who = shop.shopper("saleor");
      const published = (kid) => ({ keys: [{ ...saleorKey.publicKey.export({ format: "jwk" }), kid, use: "sig" }] });
      const url = "https://demo.saleor.example/.well-known/jwks.json";
      answers.set(url, { body: published("1") });
      const document = fixture("saleor/order_created");
      Object.assign(document.order, { id: randomId(), userEmail: who.email, created: (await shop.now()).toISOString() });
      Object.assign(document.order.user, { id: randomId(), email: who.email });
      const body = JSON.stringify(document);
      const headers = saleorHeaders("order_created", body);
      assert.equal(await post("/hooks/saleor", body, saleorHeaders("order_created", body, { key: strangersKey })), 401);
      assert.equal(await post("/hooks/saleor", `${body} `, headers), 401);
      const stranger = saleorHeaders("order_created", body, { from: "https://evil.example/graphql/" });
      assert.equal(await post("/hooks/saleor", body, stranger), 401);
      assert.equal(await post("/hooks/saleor", body, headers), "accepted");
      const fetches = () => asked.filter((request) => request.url.startsWith(url)).length;
      assert.equal(fetches(), 1, "of the shop's own host, and once");
      answers.set(url, { body: published("2") });
      const rotated = saleorHeaders("order_fully_paid", body, { kid: "2" });
      assert.equal(await post("/hooks/saleor", body, rotated), 503, "Saleor tries again, for more than five minutes");
      assert.equal(fetches(), 1, "whoever makes up keys brings the shop no requests");
      await shop.advance("5m");
      assert.equal(await post("/hooks/saleor", body, rotated), "duplicate", "the same order");
      assert.equal(await post("/hooks/saleor", body, saleorHeaders("order_paid", body, { kid: "1" })), 503);
      await shop.advance("6m");
      assert.equal(await post("/hooks/saleor", body, saleorHeaders("order_paid", body, { kid: "1" })), 401);
      assert.equal(fetches(), 3);
      await knowsOrder(who);
    });

    test("Stripe: an expired session brings the cart's mail, and a paid one ends it", async () => {
      const who = shop.shopper("stripe");
      const now = await shop.now();
      const session = (name, type, change) => {
        const event = fixture(`stripe/${name}`);
        Object.assign(event, { id: `evt_${randomId()}`, type, created: seconds(now), livemode: true });
        Object.assign(event.data.object, { livemode: true, customer: `cus_${who.orderId}`, ...change });
        event.data.object.customer_details.email = who.email;
        return JSON.stringify(event);
      };
      const left = session("checkout_session_expired", "checkout.session.expired", { id: `cs_left_${who.orderId}` });
      assert.equal(await post("/hooks/stripe", left, stripeHeaders(left, now)), "accepted");
      const change = { id: `cs_paid_${who.orderId}`, payment_intent: `pi_${who.orderId}`, recovered_from: `cs_left_${who.orderId}` };
      const paid = session("checkout_session_completed", "checkout.session.completed", change);
      assert.equal(await post("/hooks/stripe", paid, { "stripe-signature": "t=1,v1=00" }), 401);
      assert.equal(await post("/hooks/stripe", paid, stripeHeaders(paid, now)), "accepted");
      await shop.advance("3d");
      assert.ok(!(await bought(who)).includes("abandoned-checkout"), "the cart was bought");
    });

    test("Tilda and InSales: the token in the address is the proof", async () => {
      const who = shop.shopper("tilda");
      const form = new URLSearchParams({ Name: "Ольга", Email: who.email, tranid: `1:${who.orderId}` });
      form.set("payment", JSON.stringify({ ...fixture("tilda/form_order").payment, orderid: String(who.orderId) }));
      const own = `/hooks/tilda/${tokenOf("hooks/tilda")}`;
      for (const path of ["/hooks/tilda", "/hooks/tilda/", `/hooks/tilda/${tokenOf("hooks/insales")}`]) {
        assert.equal(await post(path, form.toString()), 401, path);
      }
      assert.equal(await post(own, "test=test"), "ping");
      assert.equal(await post(own, form.toString()), "accepted");
      assert.equal(await post(own, form.toString()), "duplicate");
      await knowsOrder(who);

      const client = { ...fixture("insales/clients_create"), id: who.orderId, email: who.otherEmail };
      assert.equal(await post(`/hooks/insales/${tokenOf("hooks/insales")}`, JSON.stringify(client)), "accepted");
      assert.equal(await post(`/hooks/insales/${tokenOf("hooks/insales")}`, "<order/>"), 400);
    });

    test("BigCommerce: what is named is accepted at once, fetched afterwards, and asked for again after an outage", async () => {
      const who = shop.shopper("bigcommerce");
      const hook = { ...fixture("bigcommerce/store_order_statusUpdated"), hash: randomId() };
      hook.data.id = who.orderId;
      const order = { ...fixture("bigcommerce/fetched_order_v2"), id: who.orderId, cart_id: randomId() };
      order.billing_address.email = who.email;
      order.date_created = (await shop.now()).toUTCString().replace("GMT", "+0000");
      const at = `https://api.bigcommerce.com/stores/abc123/v2/orders/${who.orderId}`;
      answers.set(at, { status: 503, body: {} });
      answers.set(`${at}/products?limit=250`, { body: [] });
      const body = JSON.stringify(hook);
      asked.length = 0;
      // No alarm rings meanwhile: its second may be over before the rows are counted.
      await shop.stop(true);
      const rows = await shop.rowsOf(async () => {
        assert.equal(await post("/hooks/bigcommerce", body, bigcommerceHeaders(body, await shop.now())), "accepted");
      });
      await shop.stop(false);
      assert.deepEqual([rows.written, asked.length], [1, 0], "one row, and nobody is asked in the request");
      await shop.advance("2s");
      assert.ok(asked.length > 0);
      assert.equal(asked[0].headers.get("x-auth-token"), "bc_token");
      assert.deepEqual(await bought(who), [], "the shop's API is down");
      answers.set(at, { body: order });
      await shop.advance("10m");
      await knowsOrder(who);
      const forwards = (await shop.status()).shards.map((shard) => shard.forwards);
      assert.ok(forwards.every((count) => count === 0), "nothing is left to fetch");
    });

    test("BigCommerce: an abandoned cart that was bought meanwhile gets no mail", async () => {
      const who = shop.shopper("cart");
      const cart = randomId();
      const send = async (hook) => {
        const body = JSON.stringify({ ...hook, hash: randomId(), created_at: seconds(await shop.now()) });
        return post("/hooks/bigcommerce", body, bigcommerceHeaders(body, await shop.now()));
      };
      const line = { name: "Garden chair", quantity: 1, sale_price: 40.25, product_id: 93 };
      answers.set(`https://api.bigcommerce.com/stores/abc123/v3/carts/${cart}?include=redirect_urls`, { body: { data: {
        id: cart, email: who.email, currency: { code: "USD" }, cart_amount: 40.25, line_items: { physical_items: [line] },
      } } });
      const abandoned = fixture("bigcommerce/store_cart_abandoned");
      Object.assign(abandoned.data, { id: cart });
      assert.equal(await send(abandoned), "accepted");
      await shop.advance("10s");
      const converted = fixture("bigcommerce/store_cart_converted");
      Object.assign(converted.data, { id: cart });
      assert.equal(await send(converted), "accepted");
      await shop.advance("3d");
      assert.deepEqual(await bought(who), []);
    });

    test("Ecwid: without its API's token nobody is asked, /health says so, and after three days the work is shown as dead", async () => {
      const send = (orderId) => {
        const hook = { ...fixture("ecwid/order_updated"), eventId: randomId() };
        hook.data.orderId = orderId;
        const signature = hmac(secrets.ECWID_CLIENT_SECRET, `${hook.eventCreated}.${hook.eventId}`, "base64");
        return post("/hooks/ecwid", JSON.stringify(hook), { "x-ecwid-webhook-signature": signature });
      };
      // No token is set: nobody is asked, and the work stays until one is.
      assert.equal(await send("NOTOKEN"), "accepted");
      await shop.advance("1m");
      assert.ok(!asked.some((request) => request.url.includes("NOTOKEN")));
      assert.deepEqual((await shop.health()).attention.map(({ setting }) => setting), ["ECWID_API_TOKEN"]);
      const waiting = async () => (await shop.status()).shards.reduce((sum, shard) => sum + shard.forwards, 0);
      assert.equal(await waiting(), 1);
      await shop.advance("4d");
      assert.equal(await waiting(), 0);
      const letters = (await shop.status()).shards.flatMap((shard) => shard.dead_letters);
      assert.match(JSON.stringify(letters), /ECWID_API_TOKEN/, "it says what to set");
    });
  });
}
