// Steps that the store's own journeys do not use: coupons, webhooks to other systems, times of day and quiet hours. On
// the test build, whose journeys are those of tests/e2e/project besides.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop } from "./shop.mjs";
import { until } from "./worker.mjs";

const ZONE = "America/New_York"; // the store's, in tests/e2e/project/store.yaml
const SECRET = "whsec_dGVzdC1ub3RpZnktc2VjcmV0LTMyLWJ5dGVzLS0tLS0=";
const ASKED_LIMIT_MS = 10_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const build = "test";
const consent = { marketing: "subscribed" };
const realFetch = globalThis.fetch;

/** What a clock on the wall shows there. */
const clockIn = (timeZone, date) =>
  new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);

for (const shards of [1, 4]) {
  describe(`a coupon step, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ build, shards }); });
    afterAll(() => shop.close());

    const imports = async (codes) => {
      const response = await shop.admin("coupons/comeback", { method: "POST", body: JSON.stringify({ codes }) });
      return { status: response.status, ...(await response.json()) };
    };
    const pools = async () => (await (await shop.admin("coupons")).json()).pools;
    const wants = (who) => shop.event("Code Wanted", { email: who.email });
    /** The codes in a shopper's mails, which say the same in both parts. */
    const codesOf = async (who) => (await shop.mailsTo(who)).map(({ html, text }) => {
      const code = /(\S+): 10% off/.exec(text)?.[1];
      assert.ok(html.includes(`${code}: 10% off`), html);
      return code;
    });

    test("everyone gets a code of their own, and who comes to an empty pool the shared one", async () => {
      assert.deepEqual(await imports(["B2", "A1"]), { status: 200, pool: "comeback", new: 2 });
      assert.deepEqual(await imports(["A1", "B2"]), { status: 200, pool: "comeback", new: 0 });
      assert.deepEqual(await pools(), [{ name: "comeback", codes: 2, left: 2 }]);
      const people = [shop.shopper("ana"), shop.shopper("bea"), shop.shopper("cleo")];
      for (const who of people) {
        await wants(who);
        await shop.untilSentTo(who, 1);
      }
      assert.deepEqual(await Promise.all(people.map(codesOf)), [["A1"], ["B2"], ["EVERYBODY5"]]);
      assert.deepEqual(await pools(), [{ name: "comeback", codes: 2, left: 0 }]);
      await imports(["C3"]);
      const dora = shop.shopper("dora");
      await wants(dora);
      await shop.untilSentTo(dora, 1);
      assert.deepEqual(await codesOf(dora), ["C3"]);
      await shop.advance("2d");
      assert.equal((await shop.outbox()).length, 4, "nobody gets a second one");
    });

    test("who reads Russian gets the translation, and who reads German the original", async () => {
      await imports(["RU1", "DE1"]);
      const read = async (locale) => {
        const who = shop.shopper(locale.slice(0, 2));
        await shop.event("Contact Updated", { email: who.email, locale });
        await wants(who);
        await shop.untilSentTo(who, 1);
        const [mail] = await shop.mailsTo(who);
        return [mail.subject, /<html lang="([^"]+)"/.exec(mail.html)[1]];
      };
      assert.deepEqual(await read("ru-RU"), ["Ваш код", "ru"]);
      assert.deepEqual(await read("de-DE"), ["Your code", "en-GB"]);
    });

    test("a mail shows what its journey declares: of the event, of the contact, or what stands in for it", async () => {
      await imports(["V1", "V2"]);
      const textOf = async (name, properties) => {
        const who = shop.shopper(name);
        await shop.event("Code Wanted", { email: who.email, ...properties });
        await shop.untilSentTo(who, 1);
        return (await shop.mailsTo(who))[0].text;
      };
      assert.match(await textOf("una", { occasion: "Birthday of\r\nUna" }), /^Birthday of Una, 0$/m);
      assert.match(await textOf("vera", {}), /^No occasion, 0$/m);
    });

    test("many at once: no code goes to two", async () => {
      const codes = Array.from({ length: 8 }, (_, n) => `MANY${n}`);
      await imports(codes);
      const people = codes.map(() => shop.shopper("eve"));
      await Promise.all(people.map(wants));
      for (const who of people) await shop.untilSentTo(who, 1);
      assert.deepEqual((await Promise.all(people.map(codesOf))).flat().sort(), codes);
    });
  });
}

for (const shards of [1, 4]) {
  describe(`a referral link, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ build, shards }); });
    afterAll(() => shop.close());

    test("a friend's first order by the link of a mail is credited once", async () => {
      const nadia = shop.shopper("nadia");
      await shop.event("Link Wanted", { email: nadia.email });
      await shop.untilSentTo(nadia, 1);
      const [mail] = await shop.mailsTo(nadia);
      const [link, code] = /https:\/\/northfold\.example\/\?ref=([0-9A-Z]{12})/.exec(mail.text);
      assert.ok(mail.html.includes(`<a href="${link}"`) && mail.html.includes(`>${code}</a>`), mail.html);

      const friend = shop.shopper("omar");
      const page = new URL(link).pathname + new URL(link).search;
      await shop.orders(friend, { page });
      await shop.untilSentTo(nadia, 2);
      assert.deepEqual(await shop.sentTo(nadia), ["test-friend", "thanks"]);

      await shop.orders(friend, { page });
      await shop.orders(friend, { page, id: friend.orderId + 1, token: null });
      await shop.orders(nadia, { page });
      await shop.advance("1d");
      assert.deepEqual((await shop.sentTo(nadia)).filter((step) => step === "thanks"), ["thanks"], "no second order, and not her own");
    });
  });
}

describe("a notify step", () => {
  let shop;
  let stock;
  before(async () => {
    stock = await startStock();
    // store.yaml is compiled in, and the port is not known before: what goes to its address goes on to the server.
    const outbound = async (request) => {
      const { host, pathname } = new URL(request.url);
      assert.equal(host, "127.0.0.1:9");
      const headers = [...request.headers].filter(([name]) => /^(webhook-|content-type|user-agent)/.test(name));
      return realFetch(stock.url + pathname, { method: request.method, headers, body: await request.arrayBuffer() });
    };
    shop = await openShop({ build, secrets: { NOTIFY_WEBHOOK_SECRET: SECRET }, outbound });
  });
  afterAll(async () => {
    await shop.close();
    await stock.close();
  });

  const wants = (who) => shop.event("Stock Wanted", { email: who.email, product_id: "7" });
  const askedAbout = (who) => stock.requests.filter(({ json }) => json.data.contact.email === who.email);

  test("it is signed as Standard Webhooks say, and the answer decides what is sent", async () => {
    const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
    stock.answers.push([200, '{"left": 3}'], [200, '{"left": 0}']);
    await wants(ana);
    assert.deepEqual(await shop.untilSentTo(ana, 1), ["welcome-story"]);
    await wants(bea);
    assert.deepEqual(await shop.untilSentTo(bea, 1), ["welcome-favourites"]);
    const [asked, ...others] = askedAbout(ana);
    assert.equal(others.length, 0);
    assert.deepEqual([asked.method, asked.path, asked.headers["content-type"]], ["POST", "/stock", "application/json"]);
    assert.match(asked.headers["user-agent"], /^wend\//);
    expectSigned(asked);
    const { type, timestamp, data } = asked.json;
    assert.deepEqual([type, data.journey, data.contact.email], ["journey.notify", "test-notify", ana.email]);
    assert.equal(data.id, asked.headers["webhook-id"]);
    assert.equal(Math.floor(Date.parse(timestamp) / 1000), Number(asked.headers["webhook-timestamp"]));
    assert.notEqual(askedAbout(bea)[0].headers["webhook-id"], asked.headers["webhook-id"]);
  });

  test("a 500 is asked again, signed anew under the same id, and the later answer counts", async () => {
    const ana = shop.shopper();
    stock.answers.push([500, "down"], [500, "down"], [200, '{"left": 1}']);
    await wants(ana);
    await until(ASKED_LIMIT_MS, "the first request", () => askedAbout(ana), (asked) => asked.length >= 1);
    await shop.advance("5m");
    const asked = askedAbout(ana);
    assert.deepEqual(asked.map(({ status }) => status), [500, 500, 200]);
    asked.forEach(expectSigned);
    assert.equal(new Set(asked.map(({ headers }) => headers["webhook-id"])).size, 1);
    const times = asked.map(({ headers }) => Number(headers["webhook-timestamp"]));
    assert.ok(times[1] - times[0] >= 5 && times[2] - times[1] >= 10, `growing pauses: ${times}`);
    assert.deepEqual(await shop.sentTo(ana), ["welcome-story"]);
    await shop.advance("2d");
    assert.equal(askedAbout(ana).length, 3, "who answered is not asked again");
  });

  test("who never answers is asked for a day, and the journey goes on without", async () => {
    const ana = shop.shopper();
    stock.otherwise = [500, "down"];
    await wants(ana);
    await shop.advance("20h");
    assert.deepEqual(await shop.sentTo(ana), []);
    await shop.advance("6h");
    assert.deepEqual(await shop.sentTo(ana), ["welcome-favourites"]);
    assert.equal(new Set(askedAbout(ana).map(({ headers }) => headers["webhook-id"])).size, 1);
  });

  test("/health says nothing of the secret that is set", async () => {
    assert.deepEqual((await shop.health()).attention, []);
  });
});

test("/health names the secret that a notify step lacks, and the rest works", async () => {
  const shop = await openShop({ build, secrets: { NOTIFY_WEBHOOK_SECRET: "" } });
  try {
    const { ok, attention } = await shop.health();
    assert.equal(ok, true);
    assert.deepEqual(attention.map(({ setting, fatal }) => [setting, fatal]), [["NOTIFY_WEBHOOK_SECRET", false]]);
  } finally {
    await shop.close();
  }
});

describe("the clock on the wall", () => {
  let shop;
  before(async () => { shop = await openShop({ build }); });
  afterAll(() => shop.close());

  test("a wait until ten ends at ten: in the store's zone, and in that of a contact who has one", async () => {
    const [ana, yuki] = [shop.shopper("ana"), shop.shopper("yuki")];
    const start = await shop.now();
    await shop.event("Morning Wanted", { email: ana.email });
    await shop.event("Morning Wanted", { email: yuki.email, timezone: "Asia/Tokyo" });
    await shop.advance("26h");
    for (const [who, zone] of [[ana, ZONE], [yuki, "Asia/Tokyo"]]) {
      const mails = await shop.mailsTo(who);
      assert.deepEqual(mails.map((mail) => mail.step), ["welcome-story"]);
      const sent = new Date(mails[0].sent_at);
      assert.equal(clockIn(zone, sent), "10:00", zone);
      // A day in which the clocks change may have 25 hours.
      assert.ok(sent - start >= 0 && sent - start <= DAY + 61 * MINUTE, `the first one: ${start.toISOString()}, ${sent.toISOString()}`);
    }
  });

  test("quiet hours hold marketing until they end, say so, and hold nothing else", async () => {
    const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
    const [hour, minute] = clockIn(ZONE, await shop.now()).split(":").map(Number);
    // To half past ten in the evening; where the clocks change meanwhile it is an hour off, and quiet all the same.
    const toNight = (22 * 60 + 30 - (hour * 60 + minute) + 1440) % 1440;
    await shop.advance(`${toNight + 1}m`);
    const night = await shop.now();
    await shop.event("Night Wanted", { email: ana.email, consent });
    await shop.event("Code Wanted", { email: bea.email });
    assert.deepEqual(await shop.untilSentTo(bea, 1), ["test-coupon"]);
    await shop.settle();
    assert.deepEqual(await shop.sentTo(ana), []);
    const { held } = await (await shop.fetch("/dev/reasons.json")).json();
    const [row, ...others] = held.filter(({ to }) => to === ana.email);
    assert.equal(others.length, 0);
    assert.deepEqual([row.step, row.fate, clockIn(ZONE, new Date(row.at))], ["welcome-favourites", "held", "08:00"]);
    assert.match(row.reason, /hours at which marketing may go/);
    await shop.advance("11h");
    const [mail, ...more] = await shop.mailsTo(ana);
    assert.equal(more.length, 0);
    const sent = new Date(mail.sent_at);
    assert.equal(clockIn(ZONE, sent), "08:00");
    assert.ok(sent - night < DAY / 2, "the next morning");
  });
});

/** Another system, on this machine: takes the next of `answers`, then `otherwise`, and keeps what it was asked. */
async function startStock() {
  const stock = { requests: [], answers: [], otherwise: [200, "{}"] };
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const [status, text] = stock.answers.shift() ?? stock.otherwise;
    const { method, url, headers } = request;
    stock.requests.push({ method, path: url, headers, body, json: JSON.parse(body.toString("utf8")), status });
    response.writeHead(status, { "content-type": "application/json" }).end(text);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  stock.url = `http://127.0.0.1:${server.address().port}`;
  stock.close = () => new Promise((resolve) => {
    server.closeAllConnections();
    server.close(resolve);
  });
  return stock;
}

/** Holds a request against the specification: `<id>.<timestamp>.<body>` under the key that the secret's base64 is. */
function expectSigned({ headers, body }) {
  const key = Buffer.from(SECRET.slice("whsec_".length), "base64");
  const mac = createHmac("sha256", key).update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`).update(body);
  assert.equal(headers["webhook-signature"], `v1,${mac.digest("base64")}`);
}
