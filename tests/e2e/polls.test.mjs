// Webhooks that got lost: a pretend WooCommerce and a pretend Shopify list what changed, by their own documentation, and cron
// asks them. What came already writes nothing; what is broken moves nothing on; the key goes nowhere else.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after as afterAll, before, describe, test } from "node:test";
import { after, openShop, randomId, stamp } from "./shop.mjs";

const fixture = (path) => JSON.parse(readFileSync(new URL(`../fixtures/sources/${path}.json`, import.meta.url), "utf8"));

const WOO = "http://127.0.0.1:9701/wordpress";
const SHOPIFY = "http://127.0.0.1:9702";
const secrets = {
  WOOCOMMERCE_URL: `${WOO}/`,
  WOOCOMMERCE_CONSUMER_KEY: "ck_test",
  WOOCOMMERCE_CONSUMER_SECRET: "cs_test",
  SHOPIFY_SHOP: SHOPIFY,
  SHOPIFY_ADMIN_TOKEN: "shpat_test",
};
const PER_PAGE = 100;
/** More than from one poll to the next. */
const A_WHILE = "16m";

/** A WooCommerce that has these orders: <https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders>. */
function wooList(orders, { url }) {
  const query = new URL(url).searchParams;
  assert.equal(query.get("dates_are_gmt"), "true");
  const since = query.get("modified_after");
  assert.match(since, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
  const changed = orders.filter((order) => order.date_modified_gmt > since);
  if (query.get("orderby") === "id") changed.sort((one, other) => one.id - other.id);
  const page = Number(query.get("page"));
  const size = Number(query.get("per_page"));
  const headers = { "x-wp-total": String(changed.length), "x-wp-totalpages": String(Math.ceil(changed.length / size)) };
  return Response.json(changed.slice((page - 1) * size, page * size), { headers });
}

/** A Shopify: <https://shopify.dev/docs/api/admin-rest/usage/pagination>. A mark stands for a place and its filter. */
function shopifyList(lists, { url }) {
  const { pathname, searchParams: query } = new URL(url);
  const [, name] = pathname.match(/^\/admin\/api\/\d{4}-\d\d\/(\w+)\.json$/);
  const mark = query.get("page_info");
  if (mark && (query.has("updated_at_min") || query.has("status"))) {
    return Response.json({ errors: "status cannot be passed when page_info is present" }, { status: 400 });
  }
  const { since, from } = mark ? JSON.parse(Buffer.from(mark, "base64url")) : { since: query.get("updated_at_min"), from: 0 };
  const changed = lists[name].filter((one) => Date.parse(one.updated_at) >= Date.parse(since));
  const upTo = from + Number(query.get("limit"));
  const next = Buffer.from(JSON.stringify({ since, from: upTo })).toString("base64url");
  const link = `<https://demo-shop.myshopify.com${pathname}?limit=${query.get("limit")}&page_info=${next}>; rel="next"`;
  return Response.json({ [name]: changed.slice(from, upTo) }, { headers: changed.length > upTo ? { link } : {} });
}

for (const shards of [1, 4]) {
  describe(`polls, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    let asked;
    let wooOrders;
    let shopify;
    /** What a list answers instead, by the beginning of its address. */
    let instead;
    before(async () => {
      [asked, wooOrders, shopify, instead] = [[], [], { orders: [], checkouts: [] }, new Map()];
      const outbound = (request) => {
        asked.push(request);
        for (const [start, answer] of instead) if (request.url.startsWith(start)) return answer(request);
        if (request.url.startsWith(WOO)) return wooList(wooOrders, request);
        assert.ok(request.url.startsWith(SHOPIFY), `nobody else is asked: ${request.url}`);
        return shopifyList(shopify, request);
      };
      shop = await openShop({ shards, secrets, outbound });
    });
    afterAll(() => shop.close());

    /** Lets the time come for a poll, and cron with it. */
    const tick = async (delay = A_WHILE) => {
      await shop.advance(delay);
      await shop.worker.scheduled();
      await shop.settle();
    };
    const polls = async () => (await shop.status()).store.polls;
    const wooOrder = async (who, status, changes = {}) => {
      const time = stamp(changes.at ?? (await shop.now())).replace("Z", "");
      const order = { ...fixture("woocommerce/order_created"), id: who.orderId, number: String(who.orderId), status };
      Object.assign(order, { customer_id: 0, date_created_gmt: time, date_modified_gmt: time });
      order.date_paid_gmt = status === "pending" ? null : time;
      order.billing = { ...order.billing, email: who.email };
      return order;
    };
    const shopifySale = async (name, who, changes = {}) => {
      const time = stamp(changes.at ?? (await shop.now()));
      const sale = { ...fixture(`shopify/${name}`), email: who.email, contact_email: who.email };
      Object.assign(sale, { created_at: time, processed_at: time, updated_at: time, cart_token: who.cartToken });
      const consent = { state: "subscribed", opt_in_level: "single_opt_in", consent_updated_at: time };
      sale.customer = { ...sale.customer, id: who.customerId, email: who.email, email_marketing_consent: consent };
      if (name === "orders_create") return Object.assign(sale, { id: who.orderId, checkout_token: who.token });
      return Object.assign(sale, { token: who.token });
    };
    const journeysOf = async (who) => (await shop.mailsTo(who)).map((mail) => mail.journey);

    test("the first look goes back a day, with the key in its header", async () => {
      const now = await shop.now();
      await shop.worker.scheduled();
      assert.deepEqual(asked.map(({ url }) => new URL(url).pathname), [
        "/admin/api/2026-07/orders.json", "/admin/api/2026-07/checkouts.json", "/wordpress/wp-json/wc/v3/orders",
      ]);
      const [orders, , woo] = asked;
      assert.equal(orders.headers.get("x-shopify-access-token"), "shpat_test");
      assert.equal(woo.headers.get("authorization"), `Basic ${Buffer.from("ck_test:cs_test").toString("base64")}`);
      const since = Date.parse(new URL(orders.url).searchParams.get("updated_at_min"));
      assert.ok(Math.abs(now.getTime() - 86_400_000 - since) < 60_000, new Date(since).toISOString());
      asked.length = 0;
      await shop.worker.scheduled();
      assert.equal(asked.length, 0, "not again at the next tick");
    });

    test("WooCommerce: the order whose webhook got lost ends the cart in time, and is thanked for once", async () => {
      const who = shop.shopper("woo");
      await shop.signsUp(who);
      await shop.wooOrder(who, "pending");
      wooOrders = [await wooOrder(who, "processing", { at: after(await shop.now(), 60_000) })];
      await shop.advance("2m");
      await tick();
      await shop.advance("20h");
      assert.deepEqual((await journeysOf(who)).toSorted(), ["post-purchase", "welcome"], "no mail about a cart that was bought");
    });

    test("without the poll that cart would have been written about", async () => {
      const who = shop.shopper("woo-unpaid");
      await shop.signsUp(who);
      await shop.wooOrder(who, "pending");
      wooOrders = [];
      await tick();
      await shop.advance("20h");
      assert.ok((await journeysOf(who)).includes("abandoned-checkout"));
    });

    test("Shopify: the order that got lost is found, and a checkout of which nothing came", async () => {
      const [ana, bea] = [shop.shopper("lost-order"), shop.shopper("lost-checkout")];
      await shop.startsCheckout(ana);
      shopify.orders = [await shopifySale("orders_create", ana, { at: after(await shop.now(), 60_000) })];
      shopify.checkouts = [await shopifySale("checkouts_create", bea)];
      await shop.advance("2m");
      await tick();
      assert.deepEqual(await journeysOf(ana), ["post-purchase"]);
      await shop.advance("2h");
      assert.deepEqual(await journeysOf(ana), ["post-purchase"]);
      assert.deepEqual(await journeysOf(bea), ["abandoned-checkout"]);
    });

    test("what came already writes nothing in any shard, and two rows for each list in the Store", async () => {
      // Protection counts the mails of the tests before now, and for six hours no more.
      await tick();
      const who = shop.shopper("told");
      const at = await shop.now();
      await shop.orders(who, { at });
      await shop.startsCheckout({ ...who, token: `${who.token}-2` }, { at });
      shopify.orders = [await shopifySale("orders_create", who, { at })];
      shopify.checkouts = [{ ...(await shopifySale("checkouts_create", who, { at })), token: `${who.token}-2` }];
      wooOrders = [];
      await shop.advance(A_WHILE);
      await shop.stop(true);
      asked.length = 0;
      const rows = await shop.rowsOf(() => shop.worker.scheduled());
      assert.equal(asked.length, 3);
      assert.deepEqual([rows.written, rows.store], [0, 6]);
      const listed = (await polls())["shopify/orders"].last;
      assert.deepEqual([listed.listed, listed.new, listed.error], [1, 0, null]);
      await shop.advance(A_WHILE);
      assert.equal((await shop.rowsOf(() => shop.worker.scheduled())).written, 0, "nor the next time");
      await shop.stop(false);
    });

    test("many pages are walked over several ticks, and the cursor moves at the end", async () => {
      const before = (await polls())["woocommerce/orders"].since;
      await new Promise((resolve) => setTimeout(resolve, 1_100)); // a shop's clock tells whole seconds
      const at = await shop.now();
      const people = Array.from({ length: PER_PAGE * 3 + 20 }, () => shop.shopper("many"));
      wooOrders = await Promise.all(people.map((who) => wooOrder(who, "processing", { at })));
      const pages = () => asked.filter(({ url }) => url.startsWith(WOO)).map(({ url }) => new URL(url).searchParams.get("page"));
      await shop.advance(A_WHILE);
      asked.length = 0;
      await shop.worker.scheduled();
      assert.deepEqual(pages(), ["1", "2", "3"]);
      let held = (await polls())["woocommerce/orders"];
      assert.deepEqual([held.since, held.unfinished], [before, true]);
      await shop.worker.scheduled();
      assert.deepEqual(pages(), ["1", "2", "3", "4"]);
      held = (await polls())["woocommerce/orders"];
      assert.deepEqual([held.last.error, held.unfinished, held.last.listed, held.last.new], [null, false, 320, 320]);
      assert.ok(held.since > before, `${held.since}, ${before}`);
      wooOrders = [];
    });

    test("a page that is too large is asked for in halves until it fits, and all of it is had", async () => {
      const at = await shop.now();
      const people = Array.from({ length: 3 }, () => shop.shopper("large"));
      const note = "x".repeat(6 << 20);
      wooOrders = await Promise.all(people.map(async (who) => ({ ...(await wooOrder(who, "processing", { at })), customer_note: note })));
      await shop.advance(A_WHILE);
      asked.length = 0;
      for (let ticks = 0; ticks < 4; ticks += 1) await shop.worker.scheduled();
      const sizes = asked.filter(({ url }) => url.startsWith(WOO)).map(({ url }) => new URL(url).searchParams.get("per_page"));
      assert.deepEqual(sizes, ["100", "50", "25", "12", "6", "3", "1", "1", "1"]);
      await shop.settle();
      const held = (await polls())["woocommerce/orders"];
      assert.deepEqual([held.last.error, held.unfinished, held.last.listed], [null, false, 3]);
      for (const who of people) assert.ok((await journeysOf(who)).includes("post-purchase"));
      wooOrders = [];
    });

    for (const [what, answer, problem] of [
      ["401", () => Response.json({ code: "woocommerce_rest_cannot_view" }, { status: 401 }), /answered 401: check its key/],
      ["500", () => new Response("<h1>Error establishing a database connection</h1>", { status: 500 }), /answered 500/],
      ["a page of a proxy", () => new Response("<html>One moment, please", { status: 200 }), /is no list/],
      ["half a list", () => new Response('[{"id": 1, "status": "processing"},', { status: 200 }), /is no list/],
      ["a redirect to another host", () => Response.redirect("https://evil.example/wp-json/wc/v3/orders", 302), /answered 302: it leads elsewhere/],
      // The test harness makes a 500 of it.
      ["nobody", () => { throw new TypeError("connection refused"); }, /no answer|answered 500/],
    ]) {
      test(`${what}: nothing moves on, it is shown, and afterwards all of it is had`, async () => {
        const who = shop.shopper("outage");
        const before = (await polls())["woocommerce/orders"].since;
        wooOrders = [await wooOrder(who, "processing")];
        instead.set(WOO, answer);
        asked.length = 0;
        await tick();
        assert.ok(asked.every(({ url }) => !url.startsWith("https://evil.example")), "the key went nowhere else");
        const held = (await polls())["woocommerce/orders"];
        assert.equal(held.since, before);
        assert.match(held.last.error, problem);
        assert.deepEqual(await journeysOf(who), []);
        instead.clear();
        await tick();
        await tick("2h");
        assert.deepEqual(await journeysOf(who), ["post-purchase"]);
        assert.equal((await polls())["woocommerce/orders"].last.error, null);
        wooOrders = [];
      });
    }

    test("an outage of hours is told by /health, and the pauses grow", async () => {
      instead.set(SHOPIFY, () => new Response("", { status: 503 }));
      asked.length = 0;
      for (let ticks = 0; ticks < 36; ticks += 1) {
        await shop.advance("5m");
        await shop.worker.scheduled();
      }
      const looks = asked.filter(({ url }) => url.includes("/orders.json")).length;
      assert.ok(looks > 4 && looks < 30, `${looks} looks in three hours`);
      const told = (await shop.health()).attention.map(({ problem }) => problem);
      assert.ok(told.some((problem) => /`shopify\/orders` cannot be polled: .*503/.test(problem)), told.join("\n"));
      instead.clear();
      await tick("2h");
      assert.ok((await shop.health()).attention.every(({ problem }) => !/polled/.test(problem)));
    });

    test("a mark that Shopify does not know any more: the walk starts over", async () => {
      const at = await shop.now();
      const people = Array.from({ length: PER_PAGE + 1 }, () => shop.shopper("mark"));
      shopify.orders = await Promise.all(people.map((who) => shopifySale("orders_create", who, { at })));
      instead.set(SHOPIFY, (request) => request.url.includes("page_info=")
        ? Response.json({ errors: "Invalid value." }, { status: 400 })
        : shopifyList(shopify, request));
      await tick();
      assert.match((await polls())["shopify/orders"].last.error, /answered 400/);
      assert.equal((await polls())["shopify/orders"].unfinished, false, "it begins anew");
      instead.clear();
      await tick();
      const held = (await polls())["shopify/orders"];
      assert.deepEqual([held.unfinished, held.last.error], [false, null]);
      const last = people.at(-1);
      assert.deepEqual(await journeysOf(last), ["post-purchase"]);
      shopify.orders = [];
    });
  });
}

test("without their settings nobody is asked, and /health says what is half set", async () => {
  const shop = await openShop({ secrets: { WOOCOMMERCE_URL: WOO } });
  try {
    await shop.worker.scheduled();
    const { attention } = await shop.health();
    assert.deepEqual(attention.map(({ setting }) => setting), ["WOOCOMMERCE_CONSUMER_KEY"]);
    assert.deepEqual((await shop.status()).store.polls, {});
  } finally {
    await shop.close();
  }
});
