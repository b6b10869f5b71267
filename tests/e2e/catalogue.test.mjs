// The catalogue on the real runtime: a feed is read at cron, what changed is told, and no feed can do harm. The feed's server
// is this test.
//
// FEED_OFFERS=100000 reads feeds of that many offers and of a tenth as well, and holds the memory that workerd takes for them to a bound.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { openShop, stamp } from "./shop.mjs";

const YML = readFileSync(new URL("../fixtures/feeds/yml_catalog.xml", import.meta.url), "utf8");
const PRODUCT = JSON.parse(readFileSync(new URL("../fixtures/sources/shopify/products_update.json", import.meta.url), "utf8"));
const FEED = "https://feeds.northfold.example/yml.xml?key=of-the-test";

let shop;
let answer;
let asked;

before(async () => {
  shop = await openShop({
    build: "test",
    outbound: async (request) => {
      asked.push(request.url);
      return answer(request);
    },
  });
});
after(() => shop.close());

const xml = (body, headers = {}) => new Response(body, { headers: { "content-type": "application/xml", ...headers } });

/** Six hours later: what cron makes of this answer, as operators see it. */
async function reads(next) {
  await shop.advance("6h");
  [answer, asked] = [next, []];
  assert.equal((await shop.worker.scheduled()).outcome, "ok");
  const [feed] = (await shop.status()).store.feeds;
  return feed;
}

const offersOf = (ids) => shop.worker.sql("Store", "store",
  "SELECT id, available, doc FROM offer WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", JSON.stringify(ids));

test("a feed is read, and its state is shown without its key", async () => {
  await shop.signsUp(shop.shopper());
  const feed = await reads(() => xml(YML, { etag: "\"1\"" }));
  assert.deepEqual(asked, [FEED]);
  assert.equal(feed.error, undefined);
  assert.deepEqual([feed.offers, feed.changed, feed.shown], [2, 2, "https://feeds.northfold.example/yml.xml"]);
  const rows = await offersOf(["3011", "3012"]);
  assert.equal(JSON.stringify(rows).includes("Футболка «Север»"), true);
});

test("what has not changed is not read, and costs two rows", async () => {
  let condition;
  await shop.advance("6h");
  [answer, asked] = [(request) => {
    condition = request.headers.get("if-none-match");
    return new Response(null, { status: 304 });
  }, []];
  const before = (await shop.rows()).store;
  await shop.worker.scheduled();
  assert.equal((await shop.rows()).store - before, 2);
  assert.equal(condition, "\"1\"");
  await shop.worker.scheduled();
  assert.equal(asked.length, 1, "not before it is due");
});

test("what is back in stock is told once to who looked at it, and their mail shows it", async () => {
  const [nadia, omar] = [shop.shopper("nadia"), shop.shopper("omar")];
  const line = { product_id: "2011", variant_id: "3012", name: "Arctic", quantity: 1 };
  for (const who of [nadia, omar]) await shop.event("Product Viewed", { email: who.email, products: [line] });
  await shop.event("Order Completed", { email: omar.email, order_id: "o-1", value: 1, currency: "RUB", products: [line] });
  await reads(() => xml(YML.replace('available="false"', 'available="true"')));
  await shop.settle();
  assert.deepEqual((await shop.sentTo(nadia)).filter((step) => step === "back"), ["back"]);
  assert.equal((await shop.sentTo(omar)).includes("back"), false, "it was bought");
  await shop.worker.scheduled();
  await shop.settle();
  assert.equal((await shop.sentTo(nadia)).filter((step) => step === "back").length, 1);
});

test("a packed feed is unpacked, in its own encoding", async () => {
  const text = YML.replace("UTF-8", "windows-1251").replace("Футболка «Север»", "T");
  // The fixture's other letters, byte by byte: what is ASCII, and Cyrillic from А to я.
  const bytes = Buffer.from([...text].map((c) => {
    const code = c.codePointAt(0);
    if (code < 128) return code;
    return code >= 0x410 && code <= 0x44f ? code - 0x410 + 0xc0 : 0x3f;
  }));
  const feed = await reads(() => new Response(gzipSync(bytes), { headers: { "content-type": "application/gzip" } }));
  assert.equal(feed.error, undefined);
  const [row] = await offersOf(["3011"]);
  assert.match(JSON.stringify(row), /Одежда/);
});

test("a feed leads to no private address, and a broken one takes nothing out of stock", async () => {
  const broken = {
    "a redirect into a private network": () => Response.redirect("http://169.254.169.254/latest/meta-data", 302),
    "a redirect to a number": () => Response.redirect("https://167772161/", 302),
    "a feed that breaks off": () => xml(YML.slice(0, 1_500)),
    "entities": () => xml(YML.replace("<yml_catalog", "<!DOCTYPE a [<!ENTITY b \"c\">]><yml_catalog")),
    "a page in place of a feed": () => xml("<html><body>not found</body></html>"),
    "an error": () => new Response("", { status: 500 }),
    "nothing": () => xml(""),
  };
  const before = await offersOf(["3011", "3012"]);
  assert.equal(before.length, 2);
  for (const [what, next] of Object.entries(broken)) {
    const feed = await reads(next);
    assert.ok(feed.error, what);
    assert.deepEqual([asked, feed.offers], [[FEED], 2], what);
  }
  assert.deepEqual(await offersOf(["3011", "3012"]), before);
  const good = await reads(() => Response.redirect("https://cdn.northfold.example/yml.xml", 302));
  assert.ok(good.error, "led on for ever");
  assert.equal(asked.length, 6);
  const followed = await reads((request) =>
    request.url === FEED ? Response.redirect("https://cdn.northfold.example/yml.xml", 302) : xml(YML));
  assert.equal(followed.error, undefined);
});

test("a product's webhook feeds the same catalogue", async () => {
  assert.equal(await shop.shopify("products/update", PRODUCT), "accepted");
  const rows = await offersOf(["44010229330195", "44010229362963"]);
  assert.equal(rows.length, 2);
  assert.match(JSON.stringify(rows), /demo-shop\.myshopify\.com\/products\/merino-beanie\?variant=44010229330195/);
  const before = (await shop.rows()).store;
  await shop.shopify("products/update", PRODUCT);
  assert.equal((await shop.rows()).store, before, "told again as it was");
});

test("a product that was deleted is brought back by nothing older, and the log says so", async () => {
  const id = PRODUCT.id;
  const variants = PRODUCT.variants.map((variant) => String(variant.id));
  const early = stamp(await shop.now());
  await shop.advance("5m");
  assert.equal(await shop.shopify("products/delete", { id }), "accepted");
  const gone = async () => (await offersOf(variants)).map(({ available }) => available);
  assert.deepEqual(await gone(), variants.map(() => 0));
  // An update from before the deletion, which Shopify tried again for some minutes.
  await shop.shopify("products/update", { ...PRODUCT, updated_at: early });
  assert.deepEqual(await gone(), variants.map(() => 0));
  const { lines } = await (await shop.admin("log?source=shopify&verdict=accepted")).json();
  const line = lines.find((one) => one.id === `shopify:product:${id}`);
  assert.deepEqual([line.topic, line.reason], ["Product", "its shop took it away"]);
});

test("a telling that has come to its end in one shard is not begun anew there", async () => {
  const pia = shop.shopper("pia");
  const line = { product_id: "2011", variant_id: "3012", name: "Arctic", quantity: 1 };
  await shop.event("Product Viewed", { email: pia.email, products: [line] });
  await reads(() => xml(YML));
  await reads(() => xml(YML.replace('available="false"', 'available="true"')));
  const [place] = await shop.worker.sql("Shard", "g1-000", "SELECT value FROM meta WHERE key = ?", "news");
  assert.match(place.value, /^\d+ all$/);
  const before = await shop.rows();
  await shop.worker.scheduled();
  assert.deepEqual((await shop.rows()).store, before.store, "nothing is left to tell");
});

const many = Number(process.env.FEED_OFFERS ?? 0);
/** Most memory that a feed of ten times the offers may take beyond the short one, in MB: its file is ten times as long. */
const MORE = 200;

test("a long feed takes little more memory than a short one", { skip: many === 0 && "FEED_OFFERS=100000 runs it" }, async () => {
  const peaks = [];
  for (const offers of [Math.ceil(many / 10), many]) {
    const startedAt = Date.now();
    const feed = await reads(() => xml(long(offers)));
    assert.deepEqual([feed.error, feed.offers], [undefined, offers]);
    peaks.push(peak());
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
    console.log(`${offers} offers in ${seconds} s; workerd took ${peaks.at(-1)} MB at most`);
  }
  const [short, all] = peaks;
  assert.ok(short > 0 && all - short <= MORE, `${short} MB, then ${all}`);
});

/** A YML feed as a stream: it is never whole here either. */
function long(count) {
  const description = "<![CDATA[" + "<p>Хлопок 100%, Шотландия.</p>".repeat(20) + "]]>";
  const offer = (id) => `<offer id="v${id}" available="true" group_id="p${id >> 2}">
    <url>https://shop.example.ru/product/${id}?variant=${id}</url><price>${1000 + (id % 977)}</price><currencyId>RUR</currencyId>
    <categoryId>12</categoryId><picture>https://cdn.example.ru/p/${id}.jpg</picture><name>Футболка «Север» ${id}</name>
    <vendor>Север</vendor><description>${description}</description></offer>\n`;
  const [head, tail] = [YML.slice(0, YML.indexOf("<offer ")), "</offers></shop></yml_catalog>"];
  const encoder = new TextEncoder();
  let next = -1;
  return new ReadableStream({
    pull(controller) {
      if (next < 0) controller.enqueue(encoder.encode(head));
      let part = "";
      for (next = Math.max(next, 0); next < count && part.length < 60_000; next += 1) part += offer(next);
      if (part) controller.enqueue(encoder.encode(part));
      if (next < count) return;
      controller.enqueue(encoder.encode(tail));
      controller.close();
    },
  });
}

/** The most memory that a workerd of this test has taken, in MB. */
function peak() {
  const status = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/status`, "utf8");
    } catch {
      return "";
    }
  };
  const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  const all = new Map(readdirSync("/proc").filter((name) => /^\d+$/.test(name)).map((pid) => [Number(pid), status(pid)]));
  const isOurs = (pid) => pid === process.pid || (all.has(pid) && pid > 1 && isOurs(field(all.get(pid), "PPid")));
  const peaks = [...all].filter(([pid, text]) => /^Name:\s+workerd/m.test(text) && isOurs(pid)).map(([, text]) => field(text, "VmHWM"));
  return Math.round(Math.max(0, ...peaks) / 1024);
}
