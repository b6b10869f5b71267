// Rows written are the bill: what each operation writes, exactly. The bounds are the design's, the numbers are measured.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { startResend } from "./resend.mjs";
import { after, openShop } from "./shop.mjs";

const table = [];
afterAll(() => {
  const width = Math.max(...table.map(([what]) => what.length));
  const line = (cells) => console.log(`${cells[0].padEnd(width)}  ${cells.slice(1).map((cell) => String(cell).padStart(8)).join("")}`);
  line(["rows written", "1 shard", "4 shards", "bound", "alarms"]);
  for (const row of table) line(row);
});

const measured = new Map();

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    let resend;
    before(async () => {
      resend = await startResend();
      const realFetch = globalThis.fetch;
      const secrets = { EMAIL_PROVIDER: "resend", RESEND_URL: resend.url, RESEND_API_KEY: "re_test" };
      shop = await openShop({ shards, secrets, outbound: (request) => realFetch(request) });
      // Every shard has been used and knows its installation.
      const people = Array.from({ length: 2 }, () => shop.shopper("first"));
      for (const who of people) {
        await shop.startsCheckout(who);
        await shop.orders(who);
      }
      await shop.advance("10d");
      // From here on nothing runs but what the test runs.
      await shop.stop(true);
    });
    afterAll(async () => {
      await shop.close();
      await resend.close();
    });

    /** Measures `work`, holds it against exactly `expected` and the bound, and notes it for the table. */
    const costs = async (what, bound, expected, work, { store = false } = {}) => {
      const rows = await shop.rowsOf(work);
      if (shards === 1) measured.set(what, rows.written);
      else table.push([what, measured.get(what), rows.written, bound, rows.alarms]);
      assert.equal(rows.written, expected[shards === 1 ? 0 : 1], what);
      assert.ok(rows.written <= bound, `${what}: ${rows.written} of ${bound}`);
      if (!store) assert.equal(rows.store, 0, `${what}: the Store is not on the path of a webhook`);
    };

    test("events", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      const at = await shop.now();
      const id = `${shards}`;
      await costs("signup: new contact, enrols; 2 new ids, 1 change of consent", 4 + 2 + 1, [7, 7], () => shop.signsUp(ana, { at, id }));
      await costs("the same signup again", 0, [0, 0], () => shop.signsUp(ana, { at, id }));
      await costs("an event without effect", 2, [2, 2], () => shop.event("Product Viewed", { email: ana.email, product_id: "1" }));
      await costs("checkout of a known contact, enrols; 2 new ids", 4 + 2, [4, 4], () => shop.startsCheckout(ana, { at }));
      await costs("an update that restarts the wait", 4, [2, 2], () => shop.updatesCheckout(ana, { at: after(at, 1000) }));
      await costs("an older update", 2, [1, 1], () => shop.updatesCheckout(ana, { at: after(at, -1000) }));
      await costs("order: enrols, ends 2, drops 1; order, closes 2, 1 new id", 4 + 3 + 1 + 2 + 1, [11, 11], () => shop.orders(ana, { at: after(at, 2000) }));
      await costs("the same order by orders/paid", 0, [0, 0], () => shop.orders(ana, { at: after(at, 2000), topic: "orders/paid" }));
      await costs("order of a stranger, enrols; order, 4 new ids, 1 change of consent", 4 + 1 + 4 + 1, [10, 10], () => shop.orders(bea, { customer: false }));
      await costs("a refused delivery", 0, [0, 0], () => shop.post("/hooks/shopify", "{}", {}));
    });

    test("imports", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      const at = (await shop.now()).getTime();
      const imports = async (...records) => {
        const response = await shop.admin("import", { method: "POST", body: JSON.stringify({ records }) });
        assert.equal(response.status, 200, await response.clone().text());
      };
      const contact = { contact: { list: "klaviyo", email: ana.email, consent: { state: "subscribed", at: at - 86_400_000 } } };
      const order = (who) => ({ order: { source: "shopify", id: String(who.orderId), email: who.email, placed_at: at - 86_400_000,
        total: { amount: "20.00", currency: "GBP" } } });
      await costs("an imported contact with a yes; 1 new id, 1 change of consent", 2 + 1 + 1, [4, 4], () => imports(contact));
      await costs("the same contact again", 0, [0, 0], () => imports(contact));
      await costs("an imported order of a known contact; order, 1 new id", 2 + 1 + 1, [4, 4], () => imports(order(ana)));
      await costs("the same order again", 0, [0, 0], () => imports(order(ana)));
      await costs("an imported order of a stranger; order, 2 new ids", 2 + 1 + 2, [5, 5], () => imports(order(bea)));
    });

    test("sends", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      await shop.startsCheckout(ana);
      await shop.orders(bea);
      await shop.advance("30m");
      await shop.stop(false);
      await shop.settle();
      await shop.advance("20m");
      await costs("a send, from due to accepted", 8, [7, 7], () => shop.advance("11m"), { store: true });
      await costs("the clock passes and nothing is due", 0, [0, 0], () => shop.advance("1h"), { store: true });
      await costs("a send with a wait before it", 8, [7, 7], () => shop.advance("22h"), { store: true });
      await costs("the last of a journey", 8, [7, 7], () => shop.advance("3d"), { store: true });
      await shop.stop(true);
    });
  });
}

test("an alarm is set only for what is earlier than the one that is set", async () => {
  const shop = await openShop();
  try {
    const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
    const at = await shop.now();
    const alarms = async (work) => (await shop.rowsOf(work)).alarms;
    assert.equal(await alarms(() => shop.startsCheckout(ana, { at, id: "a" })), 1);
    assert.equal(await alarms(() => shop.startsCheckout(ana, { at, id: "a" })), 0, "a duplicate");
    assert.equal(await alarms(() => shop.startsCheckout(bea, { at: after(at, 60_000) })), 0, "later");
    assert.equal(await alarms(() => shop.status()), 0, "a look");
    assert.equal(await alarms(() => shop.startsCheckout({ ...bea, token: "earlier" }, { at: after(at, -60_000) })), 0, "another checkout in its cooldown");
  } finally {
    await shop.close();
  }
});
