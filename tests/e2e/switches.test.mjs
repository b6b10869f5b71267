// The operator's switches: told to every shard, obeyed at once, told again by cron; pauses that go on by the rules of a paused
// journey; and protection, which switches in the operator's place. On the test build.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { SENDERS } from "./senders.mjs";
import { emailHash, openShop, shardOf } from "./shop.mjs";

const shardName = (n) => `g1-${String(n).padStart(3, "0")}`;
const nameOf = (who, shards) => shardName(shardOf(emailHash(who.email), shards));

async function withShop(options, work) {
  const shop = await openShop({ build: "test", ...options });
  try {
    await work(shop);
  } finally {
    await shop.close();
  }
}

/** Switches, and returns the answer with its status. */
async function flip(shop, change) {
  const response = await shop.admin("switches", { method: "POST", body: JSON.stringify(change) });
  return { status: response.status, ...(await response.json()) };
}

const switches = async (shop) => (await shop.admin("switches")).json();

for (const shards of [1, 4]) {
  describe(`switches, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    const all = Array.from({ length: shards }, (_, n) => shardName(n));
    before(async () => { shop = await openShop({ build: "test", shards }); });
    afterAll(() => shop.close());
    const waiting = async (who) => (await shop.status()).shards.flatMap((shard) => shard.waiting)
      .filter((row) => row.contact === emailHash(who.email)).map(({ step, reason }) => [step, reason]);

    test("a paused journey keeps everybody in place with the reason, lets nobody in, and goes on", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      await shop.startsCheckout(ana);
      const paused = await flip(shop, { pause: ["abandoned-checkout"], reason: "wrong picture" });
      assert.deepEqual([paused.status, paused.shards], [200, all]);
      const pause = paused.switches.paused["abandoned-checkout"];
      assert.deepEqual([pause.by, pause.reason], ["operator", "wrong picture"]);
      await shop.startsCheckout(bea);
      await shop.orders(shop.shopper("omar"));
      await shop.advance("2h");
      assert.deepEqual([...(await shop.sentTo(ana)), ...(await shop.sentTo(bea))], []);
      assert.match(JSON.stringify((await shop.health()).attention), /paused by an operator/);
      await flip(shop, { resume: ["abandoned-checkout"] });
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["checkout-nudge"]);
      assert.deepEqual(await shop.sentTo(bea), []);
      const again = await shop.rowsOf(() => flip(shop, { resume: ["abandoned-checkout"] }));
      assert.deepEqual([again.written, again.store], [0, 0], "switching what is switched writes nothing");
    });

    test("marketing that is on its way waits with its reason, and order mail leaves", async () => {
      const [ana, omar] = [shop.shopper("ana"), shop.shopper("omar")];
      await shop.stop(true);
      await shop.signsUp(ana);
      await flip(shop, { marketing_paused: true });
      await shop.stop(false);
      await shop.orders(omar);
      await shop.advance("1m");
      assert.deepEqual([await shop.sentTo(ana), await shop.sentTo(omar)], [[], ["order-thank-you"]]);
      assert.deepEqual(await waiting(ana), [["welcome-hello", "paused"]]);
      await flip(shop, { marketing_paused: false });
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);
      assert.deepEqual(await waiting(ana), []);
    });

    test("shadow mode and the allow-list are switches too, beside those of wrangler.toml", async () => {
      const [ana, bea, me] = [shop.shopper("ana"), shop.shopper("bea"), shop.shopper("me")];
      await flip(shop, { shadow: true });
      await shop.orders(ana);
      await shop.settle();
      await flip(shop, { shadow: false, only_to: [me.email] });
      for (const who of [bea, me]) await shop.orders(who);
      await shop.settle();
      const sent = await Promise.all([ana, bea, me].map((who) => shop.sentTo(who)));
      assert.deepEqual(sent, [[], [], ["order-thank-you"]]);
      assert.deepEqual(await shop.attentionOf(emailHash(bea.email)), [["order-thank-you", "dropped", "not_listed"]]);
      assert.deepEqual((await switches(shop)).switches.only_to, [me.email]);
      await flip(shop, { only_to: null });
      assert.equal((await switches(shop)).switches.only_to, null);
    });

    test("a shard that does not answer is named, and cron tells it", async () => {
      const ana = shop.shopper();
      await shop.orders(ana);
      await shop.quiet();
      const name = nameOf(ana, shards);
      const [{ value: key }] = await shop.worker.sql("Shard", name, "SELECT value FROM meta WHERE key = 'hash_key'");
      const setKey = async (value) => {
        await shop.worker.sql("Shard", name, "UPDATE meta SET value = ? WHERE key = 'hash_key'", value);
        await shop.worker.evict("Shard", name);
      };
      await setKey("0000000000000000");
      const stopped = await flip(shop, { stopped: true });
      assert.deepEqual([stopped.status, stopped.unanswered], [202, [name]]);
      assert.deepEqual(stopped.shards, all.filter((shard) => shard !== name));
      assert.match(stopped.hint, /cron/);
      await setKey(key);
      assert.equal((await shop.worker.scheduled()).outcome, "ok");
      const { version } = (await switches(shop)).switches;
      assert.deepEqual((await shop.status()).shards.map((shard) => shard.switches), all.map(() => version));
      assert.equal((await flip(shop, { stopped: false })).status, 200);
    });

    test("what cannot be switched is refused, and changes nothing", async () => {
      const before = await switches(shop);
      for (const [change, hint] of [
        [{ stoped: true }, /stopped/],
        [{ pause: ["wellcome"] }, /welcome/],
        [{ resume: ["wellcome"] }, /welcome/],
        [{ only_to: [] }, /null lifts/],
        [{ only_to: ["two words.example"] }, /addresses or domains/],
        [{ reason: "x".repeat(501) }, /500/],
      ]) {
        const answer = await flip(shop, change);
        assert.equal(answer.status, 400, JSON.stringify(change));
        assert.match(answer.hint, hint);
      }
      assert.deepEqual(await switches(shop), before);
    });

    test("protection stops marketing whose mails bounce, leaves order mail alone, and counts anew after a resume", async () => {
      await withShop({ shards, secrets: SENDERS.resend.settings }, async (shop) => {
        const sender = SENDERS.resend;
        const people = Array.from({ length: 110 }, (_, n) => shop.shopper(`p${n}`));
        for (const who of people) await shop.signsUp(who);
        await shop.advance("1m");
        const mails = new Map((await shop.outbox()).map((mail) => [mail.to, mail.id]));
        const bounce = async (who) => {
          const body = sender.body("bounced", { message: mails.get(who.email), email: who.email, at: await shop.now() });
          const answer = await shop.post("/delivery/resend", body, sender.headers(body, { now: await shop.now() }));
          assert.equal(answer.heard?.new, 1, JSON.stringify(answer));
        };
        const cron = async () => assert.equal((await shop.worker.scheduled()).outcome, "ok");
        for (const who of people.slice(0, 4)) await bounce(who);
        assert.deepEqual(await shop.rowsOf(() => bounce(people[4])), { written: 6, alarms: 0, store: 0 });
        await cron();
        assert.equal((await shop.rowsOf(cron)).written, 0, "mails are counted every six hours");
        const warned = (await shop.status()).store.protection.find((finding) => finding.journey === "welcome");
        assert.deepEqual([warned.level, warned.figures], ["warn", { mails: 110, hard_bounces: 5, complaints: 0 }]);
        assert.match(JSON.stringify((await shop.health()).attention), /nearly too many/);
        for (const who of people.slice(5, 9)) await bounce(who);
        await cron();
        const { paused } = (await switches(shop)).switches;
        assert.equal(paused.welcome.by, "protection");
        assert.match(paused.welcome.reason, /9 bounced for good \(8\.18 %\)/);
        const health = await shop.health();
        assert.equal(health.status, 200);
        assert.match(JSON.stringify(health.attention), /paused by protection/);

        const [late, last] = [shop.shopper("late"), people.at(-1)];
        await shop.signsUp(late);
        await shop.orders(last);
        await shop.advance("1m");
        assert.deepEqual(await shop.sentTo(late), []);
        assert.deepEqual(await shop.sentTo(last), ["welcome-hello", "order-thank-you"]);

        const resumed = await flip(shop, { resume: ["welcome"], marketing_paused: false });
        assert.deepEqual(resumed.switches.paused, {});
        await cron();
        assert.deepEqual((await switches(shop)).switches.paused, {}, "what bounced before counts no more");
        const anew = shop.shopper("anew");
        await shop.signsUp(anew);
        await shop.settle();
        assert.deepEqual(await shop.sentTo(anew), ["welcome-hello"]);
      });
    });
  });
}
