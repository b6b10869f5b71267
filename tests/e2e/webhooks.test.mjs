// What arrives that should not: unsigned, stale, broken, too large, unknown, twice. Nothing of it may leave a trace.

import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { after, emailHash, eventHeaders, hashOf, openShop, randomId, shopifyHeaders, woocommerceHeaders } from "./shop.mjs";
import { within } from "./worker.mjs";
import { serve, stateFolder } from "./workerd.mjs";

const MINUTE = 60_000;
const MAX_BODY_BYTES = 8 << 20;
const ANSWER_LIMIT_MS = 30_000;

/** An order without an address, of so many bytes. */
const orderOf = (bytes) => {
  const [start, end] = ['{"email":"","note":"', '"}'];
  return `${start}${"x".repeat(bytes - start.length - end.length)}${end}`;
};

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards }); });
    afterAll(() => shop.close());

    /** Posts, and shows that no row was written, but for the log's line of a delivery that was genuine. */
    const refused = async (path, body, headers) => {
      let answer;
      const rows = await shop.rowsOf(async () => { answer = await shop.post(path, body, headers); });
      const most = answer.status === 401 ? 0 : 1;
      assert.ok(rows.written <= most && rows.alarms === 0, `${path} wrote ${rows.written}, ${rows.alarms}`);
      return answer;
    };
    const expectError = (answer, status) => {
      assert.equal(answer.status, status, JSON.stringify(answer));
      assert.deepEqual(Object.keys(answer), ["status", "error", "hint"]);
    };
    const signupBody = () => JSON.stringify({ id: 77, email: shop.shopper().email, created_at: new Date().toISOString() });

    test("Shopify and WooCommerce: a wrong, missing, foreign or tampered signature is a 401", async () => {
      for (const [path, headersOf, topic, name] of [
        ["/hooks/shopify", shopifyHeaders, "customers/create", "x-shopify-hmac-sha256"],
        ["/hooks/woocommerce", woocommerceHeaders, "customer.created", "x-wc-webhook-signature"],
      ]) {
        const body = signupBody();
        const { [name]: signature, ...unsigned } = headersOf(topic, body);
        expectError(await refused(path, body, unsigned), 401);
        expectError(await refused(path, body, { ...unsigned, [name]: "" }), 401);
        expectError(await refused(path, body, { ...unsigned, [name]: signature.slice(0, -4) }), 401);
        expectError(await refused(path, body, { ...unsigned, [name]: Buffer.from(signature, "base64").toString("hex") }), 401);
        expectError(await refused(path, body, headersOf(topic, body, { secret: "another" })), 401);
        expectError(await refused(path, `${body} `, { ...unsigned, [name]: signature }), 401);
        expectError(await refused(path, "", headersOf(topic, "")), path.endsWith("shopify") ? 401 : 400);
      }
    });

    test("our own events: a stale, future, altered or missing signature is a 401", async () => {
      const body = JSON.stringify({ type: "Signed Up", data: { email: shop.shopper().email } });
      const now = await shop.now();
      for (const at of [after(now, -6 * MINUTE), after(now, 6 * MINUTE)]) {
        expectError(await refused("/hooks/events", body, eventHeaders(body, { at })), 401);
      }
      const good = eventHeaders(body, { at: now });
      for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
        const { [name]: _, ...without } = good;
        expectError(await refused("/hooks/events", body, without), 401);
      }
      expectError(await refused("/hooks/events", body, { ...good, "webhook-id": "msg_other" }), 401);
      expectError(await refused("/hooks/events", `${body} `, good), 401);
      assert.equal((await shop.post("/hooks/events", body, eventHeaders(body, { at: after(now, -4 * MINUTE) }))).status, 200);
    });

    test("a signed body that cannot be read is a 400", async () => {
      const at = await shop.now();
      for (const body of ["{", "[]", "nothing", '{"id":', Buffer.from([0xff, 0xfe, 0x7b])]) {
        expectError(await refused("/hooks/shopify", body, shopifyHeaders("orders/create", body)), 400);
        expectError(await refused("/hooks/woocommerce", body, woocommerceHeaders("order.created", body)), 400);
        if (typeof body === "string") expectError(await refused("/hooks/events", body, eventHeaders(body, { at })), 400);
      }
      const nameless = JSON.stringify({ email: "a@example.com" });
      expectError(await refused("/hooks/shopify", nameless, shopifyHeaders("orders/create", nameless)), 400);
    });

    test("exactly 8 MiB is read", async () => {
      const fits = orderOf(MAX_BODY_BYTES);
      expectError(await refused("/hooks/shopify", fits, shopifyHeaders("orders/create", fits)), 400);
    });

    test("unknown topics and the WooCommerce ping are a 200, and make nobody", async () => {
      const body = signupBody();
      for (const answer of [
        await refused("/hooks/shopify", body, shopifyHeaders("locations/update", body)),
        await refused("/hooks/woocommerce", body, woocommerceHeaders("coupon.updated", body)),
      ]) {
        assert.deepEqual([answer.status, answer.result], [200, "ignored"]);
        assert.match(answer.reason, /topic/);
      }
      const ping = await refused("/hooks/woocommerce", "webhook_id=7", { "content-type": "application/x-www-form-urlencoded" });
      assert.deepEqual([ping.status, ping.result], [200, "ping"]);
    });

    test("an empty or impossible address makes no contact", async () => {
      const contacts = async () => (await shop.status()).shards.reduce((sum, { contacts: count }) => sum + count, 0);
      const before = await contacts();
      for (const email of ["", "  ", null, "nobody"]) {
        const who = { ...shop.shopper(), email };
        const answer = await shop.startsCheckout(who, { customer: false });
        assert.equal(answer, "parked");
      }
      assert.equal(await contacts(), before);
    });

    test("routes, sources and methods that do not exist", async () => {
      expectError(await shop.post("/hooks/magento", "{}", {}), 404);
      expectError(await shop.post("/hooks/shopify/token", "{}", {}), 404);
      for (const method of ["GET", "PUT", "DELETE"]) {
        const answer = await shop.fetch("/hooks/shopify", { method });
        assert.equal(answer.status, 405);
        assert.equal(answer.headers.get("allow"), "POST");
      }
    });

    test("the same delivery twice has one effect and writes nothing the second time", async () => {
      const ana = shop.shopper();
      const at = await shop.now();
      const [signup, checkout, mine] = [randomId(), randomId(), randomId()];
      await shop.signsUp(ana, { id: signup, at });
      await shop.settle();
      await shop.startsCheckout(ana, { id: checkout, at });
      await shop.event("Contact Updated", { email: ana.email, first_name: "Ana" }, { id: mine, at });
      await shop.orders(ana, { at });
      await shop.settle();
      const again = async (post) => {
        const rows = await shop.rowsOf(async () => assert.equal(await post(), "duplicate"));
        assert.deepEqual([rows.written, rows.alarms], [0, 0]);
      };
      await again(() => shop.signsUp(ana, { id: signup, at }));
      await again(() => shop.startsCheckout(ana, { id: checkout, at }));
      await again(() => shop.event("Contact Updated", { email: ana.email, first_name: "Ana" }, { id: mine, at }));
      await again(() => shop.orders(ana, { at }));
      await shop.advance("4d");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "order-thank-you"]);
    });

    test("20 deliveries of one id at once have one effect", async () => {
      const ana = shop.shopper();
      const at = await shop.now();
      const id = randomId();
      const rows = async (post) => {
        const results = [];
        const written = await shop.rowsOf(async () => { results.push(...(await Promise.all(Array.from({ length: 20 }, post)))); });
        return { ...written, results: results.sort() };
      };
      // Another person's first delivery says what one costs.
      const other = shop.shopper();
      const one = await shop.rowsOf(() => shop.signsUp(other, { at, id: randomId() }));
      const twenty = await rows(() => shop.signsUp(ana, { at, id }));
      assert.deepEqual(twenty.results, ["accepted", ...Array.from({ length: 19 }, () => "duplicate")]);
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);
      assert.ok(twenty.written <= one.written + 8, `one cost ${one.written}, twenty ${twenty.written}`);
      const orders = await rows(() => shop.orders(ana, { at }));
      assert.equal(orders.results.filter((result) => result === "accepted").length, 1);
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "order-thank-you"]);
    });

    test("many people at once: everybody is known, nobody is mixed up", async () => {
      const people = Array.from({ length: 40 }, () => shop.shopper());
      await Promise.all(people.flatMap((who) => [shop.signsUp(who), shop.startsCheckout(who)]));
      await Promise.all(people.slice(0, 20).map((who) => shop.orders(who)));
      await shop.advance("2h");
      const mails = await shop.outbox();
      const stepsOf = (who) => mails.filter((mail) => mail.to === who.email).map((mail) => mail.step).sort();
      for (const [n, who] of people.entries()) {
        const steps = stepsOf(who).filter((step) => step !== "welcome-hello");
        assert.deepEqual(steps, n < 20 ? ["order-thank-you"] : ["checkout-nudge"], who.email);
      }
    });

    test("an event for an order that nobody is known for is parked, and released when its person comes", async () => {
      const ana = shop.shopper();
      const placed = await shop.now();
      const order = { order_id: String(ana.orderId), value: "10", currency: "GBP" };
      assert.equal(await shop.event("Order Fulfilled", order, { at: after(placed, MINUTE) }), "parked");
      const hash = hashOf("order", "events", String(ana.orderId));
      const parked = async () => (await Promise.all(names(shards).map((name) =>
        shop.worker.sql("Shard", name, "SELECT hash FROM parked WHERE hash = ?", hash)))).flat().length;
      assert.equal(await parked(), 1);
      assert.equal(await shop.event("Order Completed", { ...order, email: ana.email }, { at: placed }), "accepted");
      await shop.settle();
      assert.equal(await parked(), 0);
      const row = await shop.worker.sql("Shard", `g1-00${Number.parseInt(emailHash(ana.email).slice(0, 4), 16) & (shards - 1)}`,
        "SELECT status FROM orders WHERE contact_id = ?", emailHash(ana.email));
      assert.deepEqual(row.map(({ status }) => status), ["fulfilled"]);
    });
  });
}

const names = (shards) => Array.from({ length: shards }, (_, n) => `g1-00${n}`);

// Over a socket of its own: the answer comes before the whole body was sent, and whoever still sends when it comes may
// find the connection reset and never read it. So nothing is sent beyond what has to be read for the answer.
describe("more than 8 MiB, of a provider's events more than 16, is a 413, and nothing is stored", () => {
  const large = orderOf(MAX_BODY_BYTES + 1);
  const ofLength = (length) => ({ "content-length": String(length) });
  for (const [what, where, headers, sent] of [
    ["by its announced length, before anything of it came", "/hooks/shopify", ofLength(large.length), ""],
    ["without an announced length, at the first byte too many", "/hooks/shopify", { "transfer-encoding": "chunked" }, large],
    ["of a provider's events", "/delivery/sendgrid", ofLength(2 * MAX_BODY_BYTES + 1), ""],
  ]) {
    test(what, async () => {
      const state = stateFolder();
      const server = await serve(state);
      try {
        const posted = request(`${server.url}${where}`, {
          method: "POST",
          headers: { ...shopifyHeaders("orders/create", large), ...headers },
        });
        const answered = once(posted, "response");
        posted.flushHeaders();
        if (sent) posted.write(sent);
        const [response] = await within(ANSWER_LIMIT_MS, "an answer", answered);
        assert.equal(response.statusCode, 413);
        posted.on("error", () => undefined); // the body's end is never sent
        posted.destroy();
        const stored = readdirSync(path.join(state.path, "objects"), { recursive: true });
        assert.deepEqual(stored.filter((file) => /\/[0-9a-f]{64}\.sqlite$/.test(file)), [], "no object was made");
      } finally {
        await server.close();
        state.remove();
      }
    });
  }
});

test("a source without its secret answers 401, and /health names the setting", async () => {
  const shop = await openShop({ secrets: { SHOPIFY_WEBHOOK_SECRET: "", EVENTS_WEBHOOK_SECRET: "" } });
  try {
    const body = "{}";
    const answer = await shop.post("/hooks/shopify", body, shopifyHeaders("orders/create", body));
    assert.equal(answer.status, 401);
    assert.match(answer.hint, /SHOPIFY_WEBHOOK_SECRET/);
    const health = await shop.health();
    assert.equal(health.ok, true, "the others still work");
    assert.deepEqual(health.attention.map(({ setting }) => setting), ["SHOPIFY_WEBHOOK_SECRET", "EVENTS_WEBHOOK_SECRET"]);
    assert.deepEqual(await shop.worker.objectIds("Shard"), []);
  } finally {
    await shop.close();
  }
});
