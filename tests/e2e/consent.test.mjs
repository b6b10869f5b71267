// Nobody is mailed without consent or after a no, and the links that take consent back act on POST only.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { emailHash, openShop } from "./shop.mjs";

const ONE_CLICK = "List-Unsubscribe=One-Click";
const linkOf = (mail) => new URL(/<(https?:[^>]+)>/.exec(mail.headers["List-Unsubscribe"])[1]);

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards }); });
    afterAll(() => shop.close());

    /** Somebody who got their first mail, and the path of the link in it. */
    const greeted = async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana);
      await shop.settle();
      const [mail] = await shop.mailsTo(ana);
      return { ana, mail, path: linkOf(mail).pathname };
    };

    const reminders = async (who) => {
      await shop.advance("6d");
      return shop.sentTo(who);
    };

    test("without consent a mail is dropped, and the reason is shown", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana, { consent: "not_subscribed" });
      await shop.startsCheckout(ana, { consent: "not_subscribed" });
      await shop.advance("2h");
      assert.deepEqual(await shop.sentTo(ana), []);
      assert.deepEqual((await shop.attentionOf(emailHash(ana.email))).sort(), [
        ["checkout-nudge", "dropped", "no_consent"],
        ["welcome-hello", "dropped", "no_consent"],
      ]);
      const { shards: overviews } = await shop.status();
      const counted = overviews.flatMap(({ messages }) => messages).filter(({ reason }) => reason === "no_consent");
      assert.ok(counted.length > 0);
      assert.doesNotMatch(JSON.stringify(overviews), /@example/, "no address in the status");
      const page = await (await shop.fetch("/dev/outbox")).text();
      assert.match(page, new RegExp(`${ana.email}[^]*dropped|dropped[^]*${ana.email}`));
    });

    test("an order is thanked for without any consent, and no review is asked for", async () => {
      const ana = shop.shopper();
      await shop.orders(ana, { consent: "not_subscribed" });
      await shop.fulfils(ana, { consent: "not_subscribed" });
      await shop.advance("20d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });

    test("consent that comes later counts for the mails after it", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana, { consent: "not_subscribed" });
      await shop.advance("1d");
      await shop.event("Contact Updated", { email: ana.email, consent: { marketing: "subscribed", method: "form" } });
      assert.deepEqual(await reminders(ana), ["welcome-story", "welcome-favourites"]);
    });

    test("an unsubscribe that the shop reports ends marketing, and an older consent does not bring it back", async () => {
      const { ana } = await greeted();
      const before = await shop.now();
      await shop.advance("1h");
      await shop.event("Unsubscribed", { email: ana.email });
      await shop.signsUp(ana, { at: before });
      assert.deepEqual(await reminders(ana), ["welcome-hello"]);
    });

    test("a mail carries both unsubscribe headers and the same link in both parts", async () => {
      const { mail } = await greeted();
      assert.equal(mail.headers["List-Unsubscribe-Post"], ONE_CLICK);
      const link = linkOf(mail).href;
      assert.ok(mail.html.includes(link) && mail.text.includes(link));
    });

    test("GET and HEAD of the link show a page and change nothing", async () => {
      const { ana, path } = await greeted();
      const rows = await shop.rowsOf(async () => {
        const page = await shop.fetch(path);
        assert.equal(page.status, 200);
        assert.match(await page.text(), /<form[^>]*method="post"/i);
        const head = await shop.fetch(path, { method: "HEAD" });
        assert.equal(head.status, 200);
        assert.equal(await head.text(), "");
      });
      assert.equal(rows.written, 0);
      assert.equal((await reminders(ana)).length, 3);
    });

    test("a mail client's one-click POST acts, urlencoded or multipart, and again only moves the time of the no", async () => {
      const multipart = new FormData();
      multipart.set("List-Unsubscribe", "One-Click");
      for (const body of [new URLSearchParams(ONE_CLICK), multipart, undefined]) {
        const { ana, path } = await greeted();
        const first = await shop.fetch(path, { method: "POST", body });
        assert.equal(first.status, 200);
        assert.match(first.headers.get("content-type"), /^text\/html/);
        const again = await shop.rowsOf(async () => {
          assert.equal((await shop.fetch(path, { method: "POST", body })).status, 200);
        });
        // A yes that was given between the two and arrives after both must not stand.
        assert.deepEqual([again.written, again.alarms], [1, 0]);
        assert.deepEqual(await reminders(ana), ["welcome-hello"]);
        const reasons = (await shop.attentionOf(emailHash(ana.email))).map(([, , reason]) => reason);
        assert.deepEqual([...new Set(reasons)], ["unsubscribed"]);
      }
    });

    test("what is bought is still confirmed after an unsubscribe", async () => {
      const { ana, path } = await greeted();
      await shop.fetch(path, { method: "POST", body: new URLSearchParams(ONE_CLICK) });
      await shop.orders(ana);
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "order-thank-you"]);
    });

    test("a link still works after its contact was merged into another", async () => {
      const { ana, path } = await greeted();
      await shop.startsCheckout(ana, { email: ana.otherEmail });
      await shop.orders(ana, { email: ana.otherEmail, token: null });
      await shop.settle();
      assert.equal((await shop.fetch(path, { method: "POST", body: new URLSearchParams(ONE_CLICK) })).status, 200);
      // Without a record of consent: one stamped in the next second would be a new, explicit yes.
      await shop.fulfils(ana, { consent: "not_subscribed" });
      await shop.advance("20d");
      assert.deepEqual((await shop.mailsTo(ana)).filter((mail) => mail.step === "review-request"), []);
    });

    test("a forged, cut or foreign token is a 404, and no object is called", async () => {
      const { ana, path } = await greeted();
      const token = path.split("/").at(-1);
      await shop.quiet();
      const flipped = token.slice(0, -2) + (token.at(-2) === "A" ? "B" : "A") + token.at(-1);
      const before = await shop.rows();
      for (const forged of [flipped, token.slice(0, 20), token.slice(1), `${token}A`, "x", "%00"]) {
        for (const method of ["GET", "POST"]) {
          assert.equal((await shop.fetch(`/u/${forged}`, { method })).status, 404, `${method} ${forged}`);
        }
      }
      assert.deepEqual(await shop.rows(), before);
      assert.equal((await reminders(ana)).length, 3);
    });

    test("other methods are a 405", async () => {
      const { path } = await greeted();
      const answer = await shop.fetch(path, { method: "PUT", body: "x" });
      assert.equal(answer.status, 405);
      assert.equal(answer.headers.get("allow"), "GET, HEAD, POST");
    });

    test("pages are served under headers that load and frame nothing", async () => {
      const { path } = await greeted();
      for (const page of [path, "/u/forged", "/dev/outbox"]) {
        const { headers } = await shop.fetch(page);
        const policy = headers.get("content-security-policy");
        assert.match(policy, /default-src 'none'/, page);
        assert.match(policy, /frame-ancestors 'none'/, page);
        assert.doesNotMatch(policy, /script-src/, page);
        assert.equal(headers.get("x-content-type-options"), "nosniff", page);
        assert.equal(headers.get("referrer-policy"), "no-referrer", page);
        assert.equal(headers.get("cache-control"), "no-store", page);
      }
    });
  });
}

test("a forged token reaches no object: even without objects that could answer", async () => {
  const shop = await openShop({ secrets: { ENVIRONMENT: "production" } });
  try {
    assert.equal((await shop.fetch("/u/forged", { method: "POST" })).status, 404);
    assert.deepEqual(await shop.worker.objectIds("Shard"), []);
    assert.deepEqual(await shop.worker.objectIds("Store"), []);
  } finally {
    await shop.close();
  }
});
