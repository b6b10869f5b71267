// Questions and gifts by links: GET and HEAD record nothing, POST counts once, and a token that nobody signed calls no object.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop } from "./shop.mjs";

const FORM = { "content-type": "application/x-www-form-urlencoded" };

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards, build: "test" }); });
    afterAll(() => shop.close());

    const press = (link, body = "") => shop.fetch(link, { method: "POST", headers: FORM, body });

    /** Somebody who was asked, and the paths behind the numbers. */
    const asked = async (name) => {
      const who = shop.shopper(name);
      await shop.event("Question Wanted", { email: who.email });
      await shop.settle();
      const [mail] = await shop.mailsTo(who);
      const links = [...mail.text.matchAll(/^ {2}(\d+): (\S+)/gm)].map(([, score, url]) => [score, new URL(url).pathname]);
      return { who, mail, links: Object.fromEntries(links) };
    };

    test("each number is a link, and none of them is led over another", async () => {
      const { mail, links } = await asked("nele");
      assert.deepEqual(Object.keys(links), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
      for (const link of Object.values(links)) {
        assert.match(link, /^\/n\/[A-Za-z0-9_-]+$/);
        assert.ok(mail.html.includes(link), link);
      }
    });

    test("GET and HEAD show the choice and record nothing", async () => {
      const { who, links } = await asked("gerd");
      const rows = await shop.rowsOf(async () => {
        const page = await shop.fetch(links[9]);
        assert.equal(page.status, 200);
        const html = await page.text();
        assert.match(html, /value="9" required checked/);
        assert.doesNotMatch(html, /<script/);
        assert.equal((await shop.fetch(links[9], { method: "HEAD" })).status, 200);
      });
      assert.equal(rows.written, 0);
      assert.equal((await shop.fetch(links[9], { method: "PUT" })).status, 405);
      assert.deepEqual(await shop.sentTo(who), ["nps-question"]);
    });

    test("a POST counts once, and steers the run; another answer is another event", async () => {
      const { who, links } = await asked("paul");
      const page = await press(links[3], "answer=3");
      assert.equal(page.status, 200);
      assert.match(await page.text(), /<textarea/, "critics are asked for words");
      await shop.settle();
      assert.deepEqual(await shop.sentTo(who), ["nps-question", "welcome-story"]);
      const again = await shop.rowsOf(() => press(links[3], "answer=3"));
      assert.equal(again.written, 0, "the same answer");
      const other = await shop.rowsOf(() => press(links[3], "answer=8"));
      assert.equal(other.written, 2, "an event, and what is known of the contact");
      const words = await shop.rowsOf(() => press(links[3], "answer=3&comment=Too+slow"));
      assert.equal(words.written, 3, "the answer, what was written below it, and what is known of the contact");
      assert.equal((await shop.rowsOf(() => press(links[3], "answer=3&comment=Too+slow"))).written, 0);
      assert.deepEqual(await shop.sentTo(who), ["nps-question", "welcome-story"]);
    });

    test("a form that is none of ours, or an answer that the question has not, changes nothing", async () => {
      const { links } = await asked("ines");
      const rows = await shop.rowsOf(async () => {
        for (const body of ["", "answer=11", "answer=", "comment=hello", "answer=%3Cscript%3E"]) {
          assert.equal((await press(links[5], body)).status, 400, body);
        }
        assert.equal((await shop.fetch(links[5], { method: "POST", body: "answer=5" })).status, 400);
      });
      assert.equal(rows.written, 0);
    });

    test("a gift is opened by its button, once for each contact, and kindly empty at last", async () => {
      const imported = await shop.admin("coupons/scratch", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ codes: [`G${shards}A`] }),
      });
      assert.equal(imported.status, 200);
      const gifts = [];
      for (const name of ["anna", "bert"]) {
        const { who, links } = await asked(name);
        await press(links[10], "answer=10");
        await shop.settle();
        const mail = (await shop.mailsTo(who)).at(-1);
        gifts.push(new URL(/https?:\S+\/g\/\S+/.exec(mail.text)[0]).pathname);
      }
      const closed = await shop.rowsOf(async () => {
        const html = await (await shop.fetch(gifts[0])).text();
        assert.doesNotMatch(html, new RegExp(`G${shards}A`));
        await shop.fetch(gifts[0], { method: "HEAD" });
      });
      assert.equal(closed.written, 0);
      for (const time of ["first", "second"]) {
        assert.match(await (await press(gifts[0])).text(), new RegExp(`G${shards}A`), `the ${time} time`);
      }
      const empty = await press(gifts[1]);
      assert.equal(empty.status, 200);
      assert.match(await empty.text(), /mailto:help@northfold\.example/);
    });

    test("a forged token, or one of another purpose, calls no object", async () => {
      const { mail, links } = await asked("fred");
      const token = links[9].split("/").at(-1);
      const flipped = `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`;
      const view = /\/m\/([A-Za-z0-9_-]+)/.exec(mail.text)?.[1] ?? token.slice(0, 40);
      const rows = await shop.rowsOf(async () => {
        for (const path of [`/n/${flipped}`, `/g/${token}`, `/n/${view}`, "/n/forged", "/g/forged", `/n/${token}A`]) {
          for (const method of ["GET", "POST"]) {
            const body = method === "POST" ? "answer=9" : undefined;
            assert.equal((await shop.fetch(path, { method, headers: body && FORM, body })).status, 404, `${method} ${path}`);
          }
        }
      });
      assert.equal(rows.written, 0);
    });
  });
}
