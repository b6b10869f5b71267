// The page of preferences, double opt-in, and the ledger that proves what people chose. Only a POST acts, once.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { hashOf, openShop } from "./shop.mjs";

const path = (pattern, mail) => new URL(new RegExp(`https?://[^\\s"<>]+${pattern}[A-Za-z0-9_-]+`).exec(mail.text)[0]).pathname;
const form = (fields) => ({ method: "POST", body: new URLSearchParams(fields) });
/** What the page posts when nothing on it is touched. */
const SHOWN = [["shown", "news"], ["shown", "carts"], ["shown", "reviews"], ["shown", "general"]];
const ALL_ON = SHOWN.map(([, topic]) => ["topic", topic]);
const save = (fields) => form([...SHOWN, ["action", "save"], ...fields]);

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ build: "test", shards }); });
    afterAll(() => shop.close());

    /** Somebody who got their first mail, and the paths of the links in it. */
    const greeted = async (more = {}) => {
      const ana = shop.shopper();
      await shop.signsUp(ana);
      if (more.locale) await shop.event("Contact Updated", { email: ana.email, locale: more.locale });
      await shop.advance("12h");
      const [mail] = await shop.mailsTo(ana);
      return { ana, mail, p: path("/p/", mail), u: path("/u/", mail) };
    };

    /** The lines of the ledger of consent about somebody, the oldest first. */
    const ledger = async (who) => {
      const address = hashOf("email", "", who.email.toLowerCase());
      const rows = [];
      for (let shard = 0; shard < shards; shard += 1) {
        const name = `g1-${String(shard).padStart(3, "0")}`;
        const sql = "SELECT state, said, grade, method, ip, agent, actor, at FROM consent WHERE address = ?1 ORDER BY recorded_at";
        rows.push(...(await shop.worker.sql("Shard", name, sql, address)));
      }
      return rows;
    };

    test("GET and HEAD show the page, a hundred times, and write nothing", async () => {
      const { p } = await greeted();
      const rows = await shop.rowsOf(async () => {
        const visit = async (method) => {
          const page = await shop.fetch(p, { method });
          return [page.status, await page.text()];
        };
        const pages = await Promise.all(Array.from({ length: 100 }, (_, n) => visit(n % 2 ? "HEAD" : "GET")));
        assert.ok(pages.every(([status]) => status === 200));
        assert.match(pages[0][1], /<fieldset>/);
      });
      assert.deepEqual([rows.written, rows.alarms], [0, 0]);
    });

    test("a topic that is turned off is not mailed about, and the page remembers", async () => {
      const { ana, p } = await greeted();
      const on = ALL_ON.filter(([, topic]) => topic !== "news");
      const post = save([...on, ["frequency", "all"], ["pause", "none"]]);
      const saved = await (await shop.fetch(p, post)).text();
      assert.match(saved, /role="status"/);
      assert.doesNotMatch(saved, /value="news" checked/);
      assert.match(saved, /value="carts" checked/);
      const again = await shop.rowsOf(async () => {
        assert.equal((await shop.fetch(p, post)).status, 200);
      });
      assert.deepEqual([again.written, again.alarms], [0, 0], "the same once more");
      await shop.advance("6d");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);
      const reasons = (await shop.attentionOf(hashOf("email", "", ana.email))).map(([, , reason]) => reason);
      assert.deepEqual([...new Set(reasons)], ["topic_off"]);
    });

    test("a rest, fewer mails and another language are kept, and the page speaks it", async () => {
      const { p } = await greeted();
      const wishes = [["frequency", "less"], ["pause", "30"], ["language", "de"]];
      const page = await (await shop.fetch(p, save([...ALL_ON, ...wishes]))).text();
      assert.match(page, /<html lang="de">/);
      assert.match(page, /value="keep" checked/);
      assert.match(page, /value="less" checked/);
      assert.match(page, /<option value="de" lang="de" selected>/);
      assert.match(page, /Ihr Warenkorb/);
    });

    test("nonsense is refused with a page, and changes nothing", async () => {
      const { p } = await greeted();
      const sound = [...ALL_ON, ["frequency", "all"], ["pause", "none"]];
      const nonsense = [
        form([]),
        form([["action", "burn"]]),
        save([["frequency", "all"]]),
        save([...ALL_ON, ["frequency", "hourly"], ["pause", "none"]]),
        save([...ALL_ON, ["frequency", "all"], ["pause", "45"]]),
        save([...ALL_ON, ["frequency", "all"], ["pause", "date"], ["until", "2020-01-01"]]),
        save([...ALL_ON, ["frequency", "all"], ["pause", "date"], ["until", "tomorrow"]]),
        save([...sound, ["topic", "horoscopes"]]),
        save([...sound, ["language", "tlh"]]),
        save([...sound, ["frequency", "less"]]),
        { method: "POST", body: "{}", headers: { "content-type": "application/json" } },
        { method: "POST", body: `action=save&x=${"x".repeat(20_000)}`, headers: { "content-type": "application/x-www-form-urlencoded" } },
      ];
      const rows = await shop.rowsOf(async () => {
        for (const [number, post] of nonsense.entries()) {
          const answer = await shop.fetch(p, post);
          assert.equal(answer.status, 400, `number ${number}`);
          assert.match(await answer.text(), /That could not be saved/, `number ${number}`);
        }
      });
      assert.equal(rows.written, 0);
    });

    test("leaving on the page is an unsubscribe, and coming back there is an explicit yes", async () => {
      const { ana, p } = await greeted();
      assert.match(await (await shop.fetch(p, form([["action", "leave"]]))).text(), /You are unsubscribed/);
      await shop.advance("3d");
      const back = await (await shop.fetch(p, form([["action", "return"]]))).text();
      assert.doesNotMatch(back, /You are unsubscribed/);
      await shop.advance("4d");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "welcome-favourites"]);
      const states = (await ledger(ana)).map(({ state, method, grade, actor }) => [state, method, grade, actor]);
      assert.deepEqual(states.slice(-2), [
        ["unsubscribed", "link", "explicit", "contact"],
        ["subscribed", "preference_centre", "explicit", "contact"],
      ]);
    });

    test("the ledger keeps who clicked: address, browser, and whether it was the mail client's own button", async () => {
      const { ana, u } = await greeted();
      const headers = { "cf-connecting-ip": "203.0.113.7", "user-agent": "Mail/1.0", "content-type": "application/x-www-form-urlencoded" };
      await shop.fetch(u, { method: "POST", headers, body: "List-Unsubscribe=One-Click" });
      const row = (await ledger(ana)).at(-1);
      assert.deepEqual([row.state, row.method, row.ip, row.agent], ["unsubscribed", "one_click", "203.0.113.7", "Mail/1.0"]);
    });

    test("a request is confirmed by the button alone, and what waited for it begins", async () => {
      const ana = shop.shopper();
      await shop.event("Confirm Wanted", { email: ana.email });
      await shop.settle();
      const [mail] = await shop.mailsTo(ana);
      assert.equal(mail.stream, "transactional");
      const confirm = path("/confirm/", mail);
      const rows = await shop.rowsOf(async () => {
        assert.match(await (await shop.fetch(confirm)).text(), /Confirm my subscription/);
        await shop.fetch(confirm, { method: "HEAD" });
      });
      assert.equal(rows.written, 0);
      assert.deepEqual(await ledger(ana), []);
      assert.match(await (await shop.fetch(confirm, form([]))).text(), /Thank you, that is confirmed/);
      const again = await shop.rowsOf(() => shop.fetch(confirm, form([])));
      assert.equal(again.written, 0);
      const [row, ...more] = await ledger(ana);
      assert.deepEqual([row.state, row.method, row.grade, more.length], ["subscribed", "double_opt_in", "explicit", 0]);
      await shop.advance("12h");
      assert.deepEqual(await shop.sentTo(ana), ["confirm-subscription", "welcome-hello"]);
    });

    test("a token of one link opens no other, and a forged one calls no object", async () => {
      const { p, u } = await greeted();
      const token = (link) => link.split("/").at(-1);
      const flipped = token(p).slice(0, -2) + (token(p).at(-2) === "A" ? "B" : "A") + token(p).at(-1);
      await shop.quiet();
      const before = await shop.rows();
      const wrong = [`/p/${token(u)}`, `/confirm/${token(p)}`, `/u/${token(p)}`, `/p/${flipped}`, `/p/${token(p).slice(0, 30)}`, "/confirm/x", "/p/%00"];
      for (const link of wrong) {
        for (const method of ["GET", "POST"]) {
          assert.equal((await shop.fetch(link, { method })).status, 404, `${method} ${link}`);
        }
      }
      assert.deepEqual(await shop.rows(), before);
      assert.equal((await shop.fetch(p, { method: "PUT", body: "x" })).status, 405);
    });

    test("a page is in the language of its reader, and else of the browser", async () => {
      const { u } = await greeted({ locale: "fr-CA" });
      assert.match(await (await shop.fetch(u)).text(), /<html lang="fr">/);
      const unknown = await shop.fetch("/u/forged", { headers: { "accept-language": "de-AT" } });
      assert.match(await unknown.text(), /Dieser Link funktioniert nicht/);
    });

    test("the page loads nothing, is framed by nobody and sets no cookie", async () => {
      const { p } = await greeted();
      const { headers } = await shop.fetch(p);
      const policy = headers.get("content-security-policy");
      assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
      assert.equal(headers.get("set-cookie"), null);
      assert.equal(headers.get("cache-control"), "no-store");
    });
  });
}
