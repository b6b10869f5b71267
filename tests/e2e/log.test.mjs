// The log: each genuine delivery has its line, newest first, over all shards; what the log itself writes is next to nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop, randomId, shopifyHeaders } from "./shop.mjs";
import { until } from "./worker.mjs";

const product = readFileSync(new URL("../fixtures/sources/shopify/products_update.json", import.meta.url), "utf8");
const edited = readFileSync(new URL("../fixtures/sources/shopify/orders_paid.json", import.meta.url), "utf8");
const WRITE_KEY = "server-key";

for (const shards of [1, 4]) {
  describe(`the log, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => {
      shop = await openShop({ shards, secrets: { SEGMENT_WRITE_KEY: WRITE_KEY } });
    });
    afterAll(() => shop.close());

    const log = async (query = "") => {
      const response = await shop.admin(`log${query}`);
      assert.equal(response.status, 200, await response.clone().text());
      return response.json();
    };
    const words = ({ lines }) => lines.map(({ source, topic, verdict }) => `${source} ${topic}: ${verdict}`);
    const ignored = (id = randomId()) => shop.post("/hooks/shopify", product, shopifyHeaders("locations/update", product, { id }));
    /** Lines are kept behind the answer. */
    const untilLogged = (query, count) => until(5_000, `${count} lines`, () => log(query), ({ lines }) => lines.length >= count);

    test("each verdict has its line", async () => {
      const who = shop.shopper("ana");
      await shop.orders(who);
      assert.equal((await ignored()).result, "ignored");
      const broken = "{}";
      assert.equal((await shop.post("/hooks/shopify", broken, shopifyHeaders("orders/create", broken))).status, 400);
      await shop.event("Product Viewed", { anonymous_id: randomId(), product_id: "1" });
      const authorization = `Basic ${Buffer.from(`${WRITE_KEY}:`).toString("base64")}`;
      const calls = { batch: [{ type: "track", event: "Product Viewed", messageId: "m-1" }] };
      const body = JSON.stringify(calls);
      const answer = await shop.fetch("/v1/batch", { method: "POST", body, headers: { authorization, "content-type": "application/json" } });
      assert.equal((await answer.json()).rejected.length, 1);
      const told = await untilLogged("", 5);
      assert.deepEqual(words(told).sort(), [
        "events Product Viewed: parked",
        "segment Product Viewed: rejected",
        "shopify Order Completed: accepted",
        "shopify locations/update: ignored",
        "shopify orders/create: unreadable",
      ]);
      const times = told.lines.map(({ received_at: at }) => at);
      assert.deepEqual(times, times.toSorted().reverse(), "newest first");
      assert.ok(!JSON.stringify(told).includes("@"), "ids only");
      assert.deepEqual([told.next, told.unanswered], [null, []]);
      const reason = told.lines.find(({ verdict }) => verdict === "ignored").reason;
      assert.equal(reason, "the topic `locations/update` is not used");
    });

    test("what is not genuine leaves nothing, nor does a repeat", async () => {
      const before = (await log()).lines.length;
      const headers = shopifyHeaders("locations/update", product, { secret: "another" });
      assert.equal((await shop.post("/hooks/shopify", product, headers)).status, 401);
      const who = shop.shopper("bea");
      await shop.orders(who, { id: 4711 });
      await shop.orders(who, { id: 4711, topic: "orders/paid" });
      await untilLogged("", before + 1);
      assert.equal((await log()).lines.length, before + 1);
    });

    test("a line costs a row where nothing else is written, and a repeat of it none", async () => {
      const id = randomId();
      const rows = (work) => shop.rowsOf(async () => {
        const count = (await log("?verdict=ignored")).lines.length;
        await work();
        return untilLogged("?verdict=ignored", count);
      });
      await ignored(id);
      const known = await untilLogged("?verdict=ignored", 2);
      assert.equal(known.lines.length, 2);
      assert.equal((await rows(() => ignored(id))).written, 0);
      const more = await shop.rowsOf(async () => {
        await ignored();
        await untilLogged("?verdict=ignored", 3);
      });
      assert.equal(more.written, 1);
      const order = await shop.rowsOf(() => shop.event("Product Viewed", { email: shop.shopper("eve").email, product_id: "1" }));
      assert.ok(order.written <= 4, `${order.written}: no row more for the log`);
    });

    test("a change of an order that tells nothing new is answered, and leaves nothing", async () => {
      const before = (await log()).lines.length;
      const headers = () => shopifyHeaders("orders/updated", edited, { id: randomId() });
      const changes = await shop.rowsOf(async () => {
        for (let n = 0; n < 3; n += 1) {
          const answer = await shop.post("/hooks/shopify", edited, headers());
          assert.equal(answer.result, "ignored");
          assert.match(answer.reason, /^an order was changed; /);
        }
        await ignored();
        await untilLogged("", before + 1);
        await shop.quiet();
      });
      assert.equal(changes.written, 1, "that of the topic that is not used");
      assert.equal((await log()).lines.length, before + 1);
    });

    test("pages follow each other, by source and verdict", async () => {
      const all = (await log()).lines;
      const paged = [];
      for (let next = "/admin/log?limit=2"; next;) {
        const page = await log(next.slice("/admin/log".length));
        assert.ok(page.lines.length <= 2);
        paged.push(...page.lines);
        next = page.next;
      }
      assert.deepEqual(paged, all);
      const only = (await log("?source=shopify&verdict=accepted")).lines;
      assert.ok(only.length > 0 && only.every(({ source, verdict }) => source === "shopify" && verdict === "accepted"));
      const oldest = all.at(-1).received_at;
      assert.deepEqual((await log(`?before=${oldest}`)).lines, []);
    });

    test("what cannot be asked is said, and strangers are told nothing", async () => {
      for (const query of ["?source=magento", "?verdict=duplicate", "?before=yesterday", "?limit=0", "?limit=501", "?page=2"]) {
        const response = await shop.admin(`log${query}`);
        assert.equal(response.status, 400, query);
        assert.match((await response.json()).hint, /verdict \(accepted, /);
      }
      assert.equal((await shop.admin("log", { method: "POST" })).status, 405);
      assert.equal((await shop.fetch("/admin/log")).status, 401);
    });
  });
}
