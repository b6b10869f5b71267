// What providers tell of mails, from their signed posts to the ledger, the journeys and the operator's page. On the test
// build, whose journey test-click.yaml waits for a click.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { SENDERS } from "./senders.mjs";
import { after, emailHash, openShop } from "./shop.mjs";
import { until } from "./worker.mjs";

const NOTHING = { written: 0, alarms: 0, store: 0 };
const LIMIT_MS = 10_000;
const MANY = 10_000;
/** Ten thousand events in one post: the provider waits for the answer. */
const MANY_LIMIT_MS = 30_000;

for (const shards of [1, 4]) {
  describe(`delivery events, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    let fetched;
    before(async () => {
      const outbound = (request) => {
        fetched.push(request.url);
        if (request.url.includes("gone")) return new Response("gone", { status: 404 });
        return SENDERS.ses.answers(request.url) ?? new Response("not found", { status: 404 });
      };
      const secrets = Object.assign({}, ...Object.values(SENDERS).map((sender) => sender.settings));
      fetched = [];
      shop = await openShop({ build: "test", shards, secrets, outbound });
    });
    afterAll(() => shop.close());

    /** Posts exactly this. */
    const deliver = (sender, body, headers) =>
      shop.post(`/delivery/${sender.name}`, body, { "content-type": "application/json", ...headers });
    const signed = async (sender, body, signing = {}) =>
      deliver(sender, body, sender.headers(body, { now: await shop.now(), ...signing }));
    const heard = (answer) => {
      assert.equal(answer.status, 200, JSON.stringify(answer));
      return Object.fromEntries(Object.entries(answer.heard).filter(([, count]) => count > 0));
    };
    const letter = async (who, count = 1) => {
      await shop.event("Letter Wanted", { email: who.email });
      await shop.untilSentTo(who, count);
      return (await shop.mailsTo(who)).at(-1);
    };

    for (const sender of Object.values(SENDERS)) {
      test(`${sender.name}: delivered and clicked moves the run, forged and repeated does nothing, bounced ends the address`, async () => {
        const who = shop.shopper(sender.name);
        const mail = await letter(who);
        await shop.advance("1m");
        const facts = async () => ({ message: mail.id, email: who.email, at: await shop.now() });

        const delivered = sender.body("delivered", await facts());
        const once = { id: "msg_delivered" };
        let rows = await shop.rowsOf(async () => assert.deepEqual(heard(await signed(sender, delivered, once)), { new: 1 }));
        assert.deepEqual(rows, { ...NOTHING, written: 1 });
        rows = await shop.rowsOf(async () => assert.deepEqual(heard(await signed(sender, delivered, once)), { repeated: 1 }));
        assert.deepEqual(rows, NOTHING);
        const opened = sender.body("opened", await facts());
        rows = await shop.rowsOf(async () => assert.deepEqual(heard(await signed(sender, opened)), { new: 1 }));
        assert.deepEqual(rows, { ...NOTHING, written: 2 });

        await shop.advance("1m");
        const forged = sender.body("clicked", await facts(), sender.forged);
        rows = await shop.rowsOf(async () => {
          const answer = await signed(sender, forged, sender.forged);
          assert.deepEqual([answer.status, answer.heard], [401, undefined]);
          assert.ok(answer.error && answer.hint);
        });
        assert.deepEqual(rows, NOTHING);
        const clicked = sender.body("clicked", await facts());
        const altered = clicked.replace(mail.id, mail.id.replace(/.$/, (last) => (last === "0" ? "1" : "0")));
        if (sender !== SENDERS.postmark) {
          const headers = sender.headers(clicked, { now: await shop.now() });
          assert.equal((await deliver(sender, altered, headers)).status, 401, "signed for other bytes");
        }
        assert.deepEqual(await shop.sentTo(who), ["welcome-story"]);

        assert.deepEqual(heard(await signed(sender, clicked, { id: "msg_clicked" })), { new: 1 });
        await shop.untilSentTo(who, 2);
        assert.deepEqual(await shop.sentTo(who), ["welcome-story", "welcome-favourites"]);
        rows = await shop.rowsOf(async () => assert.deepEqual(heard(await signed(sender, clicked, { id: "msg_clicked" })), { repeated: 1 }));
        assert.deepEqual(rows, NOTHING);

        assert.deepEqual(heard(await signed(sender, sender.body("bounced", await facts()))), { new: 1 });
        await shop.event("Letter Wanted", { email: who.email });
        await shop.settle();
        const contact = emailHash(who.email);
        const dropped = await until(LIMIT_MS, "the drop", () => shop.attentionOf(contact), (held) => held.length > 0);
        assert.deepEqual(dropped, [["welcome-story", "dropped", "suppressed"]]);
        assert.equal((await shop.sentTo(who)).length, 2, "nothing is sent any more");
      });
    }

    test("SNS: its certificate is fetched once, a subscription of our topic is confirmed, and no other", async () => {
      const { ses } = SENDERS;
      const at = await shop.now();
      fetched.length = 0;
      const body = ses.subscription({ at });
      const answer = await deliver(ses, body, ses.headers());
      assert.equal(answer.status, 200, JSON.stringify(answer));
      assert.deepEqual(fetched.filter((url) => !url.endsWith(".pem")), [JSON.parse(body).SubscribeURL]);
      fetched.length = 0;
      for (const [fields, signing] of [
        [{ at, Token: "1" }, ses.forged],
        [{ at, TopicArn: "arn:aws:sns:eu-west-1:999999999999:others" }],
        [{ at, SigningCertURL: "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem" }],
      ]) {
        assert.equal((await deliver(ses, ses.subscription(fields, signing), ses.headers())).status, 401);
      }
      // Even signed, another host is not asked.
      const elsewhere = ses.subscription({ at, SubscribeURL: "https://evil.example/?Action=ConfirmSubscription" });
      assert.equal((await deliver(ses, elsewhere, ses.headers())).status, 200);
      const older = ses.body("delivered", { message: "0".repeat(40), email: "x@example.com", at }, { version: "1" });
      assert.deepEqual(heard(await deliver(ses, older, ses.headers())), { unknown: 1 });
      assert.deepEqual(fetched, []);
    });

    test("a certificate that cannot be had is no reason to refuse: the post is wanted again", async () => {
      const { ses } = SENDERS;
      const at = await shop.now();
      const away = ses.subscription({ at, SigningCertURL: "https://sns.eu-west-1.amazonaws.com/gone.pem" });
      const answer = await deliver(ses, away, ses.headers());
      assert.equal(answer.status, 503, JSON.stringify(answer));
    });

    test("ten thousand events in one post are heard, and again without a row", async () => {
      const { sendgrid } = SENDERS;
      const people = Array.from({ length: 20 }, (_, n) => shop.shopper(`many${n}`));
      const mails = [];
      for (const who of people) mails.push(await letter(who));
      await shop.advance("1m");
      const at = await shop.now();
      const events = Array.from({ length: MANY }, (_, n) => {
        const who = n % people.length;
        const kind = n < people.length ? "delivered" : "opened";
        const message = n === MANY - 1 ? "0".repeat(40) : mails[who].id;
        return sendgrid.event(kind, { message, email: people[who].email, at: after(at, n), id: `e${n}` });
      });
      const body = JSON.stringify(events);
      const startedAt = Date.now();
      const first = heard(await signed(sendgrid, body));
      assert.deepEqual(first, { new: 2 * people.length, repeated: MANY - 2 * people.length - 1, unknown: 1 });
      assert.ok(Date.now() - startedAt < MANY_LIMIT_MS, `it took ${Date.now() - startedAt} ms`);
      const rows = await shop.rowsOf(async () => assert.deepEqual(heard(await signed(sendgrid, body)), { repeated: MANY - 1, unknown: 1 }));
      assert.deepEqual(rows, NOTHING);
    });

    test("what is not asked for is said so", async () => {
      const status = async (path, init) => (await shop.fetch(path, init)).status;
      const post = { method: "POST", body: "{}" };
      assert.equal(await status("/delivery/nobody", post), 404);
      assert.equal(await status("/delivery/outbox", post), 404);
      assert.equal(await status("/delivery/resend"), 405);
      assert.equal(await status("/delivery/brevo", post), 401, "its proof is not set");
      assert.equal(await status("/delivery/dashamail/guessed", post), 401);
      const { postmark } = SENDERS;
      assert.equal((await deliver(postmark, "{", postmark.headers("", {}))).status, 400);
      const large = Buffer.alloc(9 << 20, " ");
      assert.equal((await deliver(postmark, large, postmark.headers("", {}))).status, 400, "it is read: up to 16 MiB may come");
    });
  });
}
