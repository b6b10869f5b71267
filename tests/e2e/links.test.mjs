// The links in mails as people, mail programs and scanners open them: clicks, opens, the mail in a browser. On the test build,
// whose journey test-links.yaml waits for a click, and whose store.yaml has opens told.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop } from "./shop.mjs";
import { until } from "./worker.mjs";

const NOTHING = { written: 0, alarms: 0, store: 0 };
const PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";
const TAGS = "utm_source=wend&utm_medium=email&utm_campaign=test-links&utm_content=test-links";
const SCANS = 100;
/** A click is heard when it is clear that no other came with it. */
const HEARD_LIMIT_MS = 10_000;
const A_CLICK_IS_HEARD_MS = 2_600;

const paths = (mail, kind) => [...mail.html.matchAll(new RegExp(`"https?://[^/"]+(/${kind}/[^"]+)"`, "g"))].map(([, path]) => path);
/** The first link of the mail's own, after that of the shop's name. */
const sale = (mail) => paths(mail, "c")[1];
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

for (const shards of [1, 4]) {
  describe(`links, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ build: "test", shards }); });
    afterAll(() => shop.close());

    /** Somebody with a mail that waits for their click, which lies in their inbox for a minute. */
    const letter = async (name) => {
      const who = shop.shopper(name);
      await shop.event("Links Wanted", { email: who.email });
      await shop.untilSentTo(who, 1);
      await shop.advance("1m");
      const [mail] = await shop.mailsTo(who);
      return { who, mail, link: sale(mail) };
    };
    const visit = (path, { method = "GET", agent = PHONE, ...headers } = {}) =>
      shop.fetch(path, { method, redirect: "manual", headers: { "user-agent": agent, ...headers } });
    const delivery = async (mail) => {
      const shard = Number.parseInt(mail.id.slice(0, 4), 16) & (shards - 1);
      const [row] = await shop.worker.sql("Shard", `g1-${String(shard).padStart(3, "0")}`,
        "SELECT delivery FROM message WHERE message_id = ?", mail.id);
      return JSON.parse(row.delivery ?? "{}");
    };
    /** Waits until every click has been heard. Whoever counts rows asks now and then: an object put to sleep forgets its count. */
    const heard = async () => {
      for (const end = Date.now() + A_CLICK_IS_HEARD_MS; Date.now() < end; await pause(250)) await shop.status();
    };
    const untilTold = (mail, field) =>
      until(HEARD_LIMIT_MS, `${field} in the ledger`, () => delivery(mail), (told) => told[field] !== undefined);

    test("a click leads on at once, with the tags, and moves the journey; again it writes nothing", async () => {
      const { who, mail, link } = await letter("clicker");
      const answer = await visit(link);
      assert.equal(answer.status, 302);
      assert.equal(answer.headers.get("location"), `https://northfold.example/sale?size=m&colour=red&${TAGS}#top`);
      assert.deepEqual(["cache-control", "referrer-policy"].map((name) => answer.headers.get(name)), ["no-store", "no-referrer"]);
      await shop.untilSentTo(who, 2);
      assert.deepEqual(await shop.sentTo(who), ["test-links", "clicked"]);
      assert.ok((await delivery(mail)).clicked_at);
      const rows = await shop.rowsOf(async () => {
        assert.equal((await visit(link)).status, 302);
        await heard();
      });
      assert.deepEqual(rows, NOTHING);
    });

    test("other people's pages get no tags, and a link that is marked stays as it is in both parts", async () => {
      const { mail } = await letter("marked");
      const [front, , other] = paths(mail, "c");
      assert.equal((await visit(front)).headers.get("location"), `https://northfold.example?${TAGS}`);
      assert.equal((await visit(other)).headers.get("location"), "https://elsewhere.example/about");
      assert.ok(mail.html.includes('<a data-no-track href="https://northfold.example/recover?expires=1&amp;signature=2">'));
      assert.ok(mail.text.includes("Back: https://northfold.example/recover?expires=1&signature=2\n"));
      assert.ok(!mail.text.includes("elsewhere.example"));
      await heard();
    });

    test("an open is told by the picture, costs two rows, and is told once", async () => {
      const { mail } = await letter("opener");
      const [pixel] = paths(mail, "o");
      const rows = await shop.rowsOf(async () => {
        const answer = await visit(pixel);
        assert.deepEqual([answer.status, answer.headers.get("content-type")], [200, "image/gif"]);
        const bytes = Buffer.from(await answer.arrayBuffer());
        assert.deepEqual([bytes.length, bytes.subarray(0, 6).toString()], [43, "GIF89a"]);
        assert.match(answer.headers.get("cache-control"), /no-store/);
        await untilTold(mail, "opened_at");
      });
      assert.deepEqual(rows, { ...NOTHING, written: 2 });
      assert.deepEqual(await shop.rowsOf(async () => { await visit(pixel); await pause(500); }), NOTHING);
    });

    test("Apple's proxy opens for nobody", async () => {
      const { mail } = await letter("proxied");
      await visit(paths(mail, "o")[0], { agent: "Mozilla/5.0" });
      assert.equal((await untilTold(mail, "machine_at")).opened_at, undefined);
    });

    test("a scanner that follows every link a hundred times is led on, and moves nothing", async () => {
      const { who, mail } = await letter("scanned");
      const links = paths(mail, "c");
      assert.ok(new Set(links).size > 1, "several links");
      const rows = await shop.rowsOf(async () => {
        for (let hits = 0; hits < SCANS; hits += links.length) {
          for (const answer of await Promise.all(links.map((link) => visit(link)))) assert.equal(answer.status, 302);
          await shop.status();
        }
        await untilTold(mail, "machine_at");
        await heard();
      });
      assert.deepEqual(rows, { ...NOTHING, written: 1 });
      assert.equal((await delivery(mail)).clicked_at, undefined);
      await shop.advance("1d");
      assert.deepEqual(await shop.sentTo(who), ["test-links"]);
      // Whoever reads the mail then is still a person.
      await visit(links[0]);
      await shop.untilSentTo(who, 2);
    });

    test("a machine that says so is believed, and HEAD tells of nothing", async () => {
      const { who, mail, link } = await letter("named");
      const rows = await shop.rowsOf(async () => {
        const head = await visit(link, { method: "HEAD" });
        assert.deepEqual([head.status, await head.text()], [302, ""]);
        assert.equal((await visit(paths(mail, "o")[0], { method: "HEAD" })).status, 200);
        assert.equal((await visit(paths(mail, "m")[0], { method: "HEAD" })).status, 200);
        await heard();
      });
      assert.deepEqual(rows, NOTHING);
      for (const machine of [{ agent: "curl/8.5.0" }, { "sec-purpose": "prefetch" }]) {
        assert.equal((await visit(link, machine)).status, 302);
      }
      await untilTold(mail, "machine_at");
      await heard();
      assert.deepEqual(await shop.sentTo(who), ["test-links"]);
    });

    test("what nobody signed leads nowhere and calls nobody", async () => {
      const { mail, link } = await letter("forged");
      const token = link.slice("/c/".length);
      const forged = Buffer.from(token, "base64url");
      forged[24] ^= 1;
      const elsewhere = Buffer.concat([Buffer.from(token, "base64url").subarray(0, 24), Buffer.from("evil.example"), forged.subarray(-16)]);
      const rows = await shop.rowsOf(async () => {
        const before = (await shop.worker.objectIds("Shard")).length;
        for (const path of [
          `/c/${forged.toString("base64url")}`,
          `/c/${elsewhere.toString("base64url")}`,
          `/c/${token.slice(0, -4)}`,
          `/c/${token}AAAA`,
          link.replace("/c/", "/m/"),
          paths(mail, "o")[0].replace("/o/", "/c/"),
          paths(mail, "m")[0].replace("/m/", "/c/"),
          "/c/https://evil.example",
          "/c/",
          `/c/${"A".repeat(20_000)}`,
          paths(mail, "o")[0].replace("/o/", "/m/"),
        ]) {
          const answer = await visit(path);
          assert.equal(answer.status, 404, path);
          assert.equal(answer.headers.get("location"), null);
        }
        const page = await visit(`/c/${forged.toString("base64url")}`);
        assert.match(await page.text(), /This link does not work/);
        assert.equal(page.headers.get("x-robots-tag"), "noindex, nofollow");
        const picture = await visit("/o/guessed");
        assert.deepEqual([picture.status, picture.headers.get("content-type")], [200, "image/gif"]);
        for (const path of [link, paths(mail, "o")[0], paths(mail, "m")[0]]) {
          assert.equal((await visit(path, { method: "POST" })).status, 405, path);
        }
        assert.equal((await shop.worker.objectIds("Shard")).length, before, "no object came to be");
        await heard();
      });
      assert.deepEqual(rows, NOTHING);
      assert.deepEqual(await delivery(mail), {});
    });

    test("a mail is shown in a browser for sixty days, with its way out and without a picture of ours", async () => {
      const { who, mail } = await letter("viewer");
      const [path] = paths(mail, "m");
      assert.ok(mail.text.includes(path));
      const rows = await shop.rowsOf(async () => {
        const answer = await visit(path);
        assert.equal(answer.status, 200);
        const html = await answer.text();
        assert.match(html, /<title>[^<]+<\/title>/);
        assert.doesNotMatch(html, /\/o\/|\/m\//);
        assert.equal(paths({ html }, "c").length, paths(mail, "c").length);
        assert.match(answer.headers.get("content-security-policy"), /default-src 'none'/);
        assert.equal(answer.headers.get("x-robots-tag"), "noindex, nofollow");
        assert.equal(answer.headers.get("cache-control"), "no-store");
      });
      assert.deepEqual(rows, NOTHING);
      assert.deepEqual(await shop.sentTo(who), ["test-links"]);
      await shop.advance("61d");
      const gone = await visit(path);
      assert.equal(gone.status, 404);
      assert.match(await gone.text(), /not shown here any more/);
      // Its links work for years.
      assert.equal((await visit(paths(mail, "c")[0])).status, 302);
      await heard();
    });
  });
}

test("links of an old key lead on while it is listed", async () => {
  const [old, next] = ["an-old-link-key-of-32-bytes-01234", "the-next-link-key-of-32-bytes-0123"];
  const from = async (LINK_KEY, visitor) => {
    const shop = await openShop({ build: "test", secrets: { LINK_KEY } });
    try {
      return await visitor(shop);
    } finally {
      await shop.close();
    }
  };
  const link = await from(old, async (shop) => {
    const who = shop.shopper("early");
    await shop.event("Links Wanted", { email: who.email });
    await shop.untilSentTo(who, 1);
    return paths((await shop.mailsTo(who))[0], "c")[0];
  });
  const status = (keys) => from(keys, async (shop) => (await shop.fetch(link, { redirect: "manual" })).status);
  assert.equal(await status(`${next} ${old}`), 302);
  assert.equal(await status(next), 404);
});
