// The Segment-compatible API as senders meet it: the official library for servers as it is, batches, clocks, keys, origins.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after as afterAll, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { after, openShop, randomId, Shop } from "./shop.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

const { Analytics } = createRequire(new URL("clients/package.json", import.meta.url))("@segment/analytics-node");
const [WRITE_KEY, PUBLIC_KEY] = ["test-write-key-of-the-server", "test-public-key-of-pages"];
const KEYS = { SEGMENT_WRITE_KEY: WRITE_KEY, SEGMENT_PUBLIC_KEY: PUBLIC_KEY };
const PAGE = "https://shop.example";
const HOUR = 3_600_000;

/** HTTP Basic with the key and no password, as the libraries for servers send it. */
const basic = (key) => ({ authorization: `Basic ${Buffer.from(`${key}:`).toString("base64")}` });

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards, build: "test", secrets: KEYS, vars: { STORE_ORIGINS: PAGE } }); });
    afterAll(() => shop.close());

    const call = (name, body, headers = basic(WRITE_KEY)) =>
      shop.post(`/v1/${name}`, typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body), headers);
    const refused = async (name, body, headers, status) => {
      let answer;
      const rows = await shop.rowsOf(async () => { answer = await call(name, body, headers); });
      assert.deepEqual([rows.written, rows.alarms], [0, 0], `${name} wrote`);
      assert.equal(answer.status, status, JSON.stringify(answer));
      assert.deepEqual(Object.keys(answer), ["status", "error", "hint"]);
    };
    const order = (who, more = {}) => ({
      type: "track", userId: `u-${who.name}-${who.orderId}`, event: "Order Completed", messageId: randomId(),
      context: { traits: { email: who.email } },
      properties: { order_id: String(who.orderId), total: 57.05, currency: "GBP", products: [{ product_id: "93", name: "Linen dress", price: 57.05 }] },
      ...more,
    });

    test("a missing, wrong or foreign key is a 401 and writes nothing", async () => {
      const body = order(shop.shopper());
      await refused("track", body, {}, 401);
      await refused("track", body, basic("another"), 401);
      await refused("track", { ...body, writeKey: "another" }, {}, 401);
      await refused("track", body, { authorization: `Bearer ${WRITE_KEY}` }, 401);
      // The trusted key in a page is everybody's: the sender must hear of it.
      await refused("track", body, { ...basic(WRITE_KEY), origin: PAGE }, 401);
      await refused("track", { ...body, writeKey: PUBLIC_KEY }, { origin: "https://evil.example" }, 401);
      await refused("batch", "{", basic(WRITE_KEY), 400);
      await refused("batch", JSON.stringify({ batch: [], x: "y".repeat(512_000) }), basic(WRITE_KEY), 413);
      await refused("projects", body, basic(WRITE_KEY), 404);
      const answer = await shop.fetch("/v1/track");
      assert.deepEqual([answer.status, answer.headers.get("allow")], [405, "POST, OPTIONS"]);
    });

    test("one bad call in a batch costs the others nothing, and can be looked at", async () => {
      const ana = shop.shopper();
      const bad = { type: "track", event: "Signed Up", messageId: `bad-${randomId()}`, properties: { plan: "gold" } };
      const batch = { batch: [bad, order(ana), { type: "group", userId: "u", groupId: "g" }], sentAt: new Date().toISOString() };
      const answer = await call("batch", batch);
      assert.deepEqual([answer.status, answer.success], [200, true]);
      assert.deepEqual(answer.rejected.map(({ index, messageId }) => [index, messageId]), [[0, bad.messageId]]);
      assert.deepEqual(answer.ignored.map(({ index }) => index), [2]);
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
      const letters = (await shop.status()).shards.flatMap((shard) => shard.dead_letters);
      const kept = letters.find(({ id }) => id === `segment:${bad.messageId}`);
      assert.deepEqual([kept.what, kept.about], ["refused call", { event: "Signed Up", messageId: bad.messageId, type: "track" }]);
      assert.match(kept.reason, /names nobody/);
    });

    test("a messageId counts once, and an order once whatever its messageId", async () => {
      const ana = shop.shopper();
      const [first, again] = [order(ana), order(ana)];
      const view = { type: "track", userId: first.userId, event: "Checkout Started", messageId: randomId(), properties: { checkout_id: randomId() } };
      assert.equal((await call("batch", { batch: [first, view] })).success, true);
      await shop.settle();
      const rows = await shop.rowsOf(async () => {
        assert.equal((await call("batch", { batch: [first, view, again] })).success, true);
      });
      assert.deepEqual([rows.written, rows.alarms], [0, 0]);
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });

    test("a clock that is a day ahead does not move what happened", async () => {
      const ana = shop.shopper();
      const ahead = after(await shop.now(), 24 * HOUR);
      const view = {
        userId: randomId(), context: { traits: { email: ana.email } }, event: "Product Viewed", properties: { product_id: "93" },
        timestamp: after(ahead, -3 * HOUR).toISOString(), sentAt: ahead.toISOString(),
      };
      assert.equal((await call("track", view)).success, true);
      await shop.advance("55m");
      assert.deepEqual(await shop.sentTo(ana), []);
      // The journey waits four hours, of which three had passed.
      await shop.advance("6m");
      assert.deepEqual(await shop.sentTo(ana), ["browsed"]);
    });

    test("gzip is read, and what is none is a 400", async () => {
      const ana = shop.shopper();
      const headers = { ...basic(WRITE_KEY), "content-encoding": "gzip" };
      assert.equal((await call("batch", gzipSync(JSON.stringify({ batch: [order(ana)] })), headers)).success, true);
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
      await refused("batch", Buffer.from("not gzip"), headers, 400);
      await refused("batch", gzipSync(Buffer.alloc(8 << 20, "x")), headers, 413);
    });

    test("a page's key cannot name anybody, buy anything or consent to anything", async () => {
      const ana = shop.shopper();
      const visitor = randomId() + randomId();
      const of = (body) => ({ anonymousId: visitor, writeKey: PUBLIC_KEY, messageId: randomId(), ...body });
      const traits = { email: ana.email, consent: { marketing: "subscribed" } };
      for (const body of [
        of({ type: "identify", userId: ana.email, traits }),
        of({ type: "alias", userId: ana.email, previousId: visitor }),
        of({ type: "track", event: "Order Completed", properties: { order_id: String(ana.orderId), email: ana.email } }),
        of({ type: "track", event: "Product Viewed", anonymousId: "7" }),
      ]) {
        let answer;
        const rows = await shop.rowsOf(async () => { answer = await call("batch", { batch: [body], writeKey: PUBLIC_KEY }, {}); });
        assert.deepEqual([answer.success, answer.rejected.length, rows.written], [true, 1, 0]);
      }
      // Its word for whose the visit is counts for nothing: it waits for the server's.
      const view = of({ event: "Product Viewed", userId: ana.email, context: { traits }, properties: { product_id: "93" } });
      assert.equal((await call("track", view, { origin: PAGE, "content-type": "text/plain" })).success, true);
      await shop.advance("5h");
      assert.deepEqual(await shop.sentTo(ana), []);
      assert.equal((await call("identify", { userId: randomId(), anonymousId: visitor, traits: { email: ana.email } })).success, true);
      await shop.settle();
      await shop.advance("5h");
      assert.deepEqual(await shop.sentTo(ana), ["browsed"]);
    });

    test("only the store's own pages may read an answer", async () => {
      const asked = async (origin, method = "OPTIONS") => {
        const answer = await shop.fetch("/v1/track", { method, headers: { origin, "access-control-request-method": "POST" } });
        return [answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("vary")];
      };
      assert.deepEqual(await asked(PAGE), [204, PAGE, "origin"]);
      assert.deepEqual(await asked("https://northfold.example"), [204, "https://northfold.example", "origin"]);
      assert.deepEqual(await asked("https://evil.example"), [204, null, "origin"]);
      assert.deepEqual(await asked("null"), [204, null, "origin"]);
      assert.deepEqual(await asked(PAGE, "GET"), [405, PAGE, "origin"]);
    });
  });
}

describe("the official library for Node, as it is", () => {
  let [state, server, shop] = [];
  before(async () => {
    state = stateFolder();
    server = await serve(state, KEYS, wend("test"));
    shop = new Shop(server.fetch, 1);
  });
  afterAll(async () => {
    await server?.close();
    state?.remove();
  });

  test("@segment/analytics-node drives a running server", async () => {
    const ana = shop.shopper();
    const analytics = new Analytics({ writeKey: WRITE_KEY, host: server.url, maxEventsInBatch: 4, httpRequestTimeout: 60_000 });
    const errors = [];
    analytics.on("error", (error) => errors.push(error));
    const answers = [];
    analytics.on("http_request", ({ url }) => answers.push(new URL(url).pathname));
    const userId = `u-${ana.orderId}`;
    analytics.identify({ userId, traits: { email: ana.email, firstName: "Ana" }, context: { locale: "en-GB" } });
    analytics.track({ userId, event: "Checkout Started", properties: { checkout_id: ana.token, value: 57.05, currency: "GBP" } });
    analytics.page({ userId, name: "Checkout" });
    analytics.track({
      userId, event: "Order Completed",
      properties: { order_id: String(ana.orderId), checkout_id: ana.token, total: 57.05, currency: "GBP", products: [{ product_id: "93", name: "Linen dress", price: 57.05, quantity: 1 }] },
    });
    analytics.group({ userId, groupId: "g" });
    await analytics.closeAndFlush();
    assert.deepEqual(errors, []);
    assert.deepEqual(answers, ["/v1/batch", "/v1/batch"]);
    await shop.settle();
    await shop.advance("3d");
    // The order closed the checkout, and it is hers.
    assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    const [mail] = await shop.mailsTo(ana);
    assert.match(mail.text, /Linen dress/);
  });

  test("it hears of a wrong key, and does not try again", async () => {
    const analytics = new Analytics({ writeKey: "another", host: server.url, maxRetries: 3 });
    const errors = [];
    analytics.on("error", (error) => errors.push(error));
    analytics.track({ userId: "u", event: "Signed Up" });
    await analytics.closeAndFlush();
    assert.equal(errors.length, 1);
  });
});
