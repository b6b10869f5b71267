// What an operator relies on: the stop switch, shadow mode, the allow-list, the clock-work behind alarms, and that one
// broken contact harms nobody else.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { emailHash, openShop, shardOf } from "./shop.mjs";

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
const shardName = (hash, shards) => `g1-${String(shardOf(hash, shards)).padStart(3, "0")}`;

async function withShop(options, work) {
  const shop = await openShop(options);
  try {
    await work(shop);
  } finally {
    await shop.close();
  }
}

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards }); });
    afterAll(() => shop.close());

    /** Turns the stop switch behind everybody's back. */
    const setStopped = (objectClass, name, table, stopped) =>
      shop.worker.sql(objectClass, name,
        `UPDATE ${table} SET value = json_set(value, '$.stopped', json(?)) WHERE key = 'switches'`, JSON.stringify(stopped));

    test("the stop switch is acknowledged by every shard, holds all mail, and lets it go again", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      await shop.startsCheckout(bea);
      assert.deepEqual(await shop.stop(true), { stopped: true, shards });
      await shop.orders(ana);
      await shop.signsUp(bea);
      await shop.advance("2h");
      assert.deepEqual([...(await shop.sentTo(ana)), ...(await shop.sentTo(bea))], []);
      const health = await shop.health();
      assert.equal(health.ok, true);
      assert.match(JSON.stringify(health.attention), /stopped/);
      assert.equal((await shop.status()).store.switches.stopped, true);
      assert.deepEqual(await shop.stop(false), { stopped: false, shards });
      assert.deepEqual(await shop.untilSentTo(ana, 1), ["order-thank-you"], "by the alarm, without another call");
      assert.deepEqual((await shop.untilSentTo(bea, 2)).sort(), ["checkout-nudge", "welcome-hello"]);
      assert.doesNotMatch(JSON.stringify((await shop.health()).attention), /stopped/);
    });

    test("cron tells a shard that missed it that all is stopped", async () => {
      const ana = shop.shopper();
      const name = shardName(emailHash(ana.email), shards);
      await shop.stop(true);
      // An alarm from before would find the switch off, below, before cron turns it on again.
      await shop.quiet();
      await shop.orders(ana);
      await setStopped("Shard", name, "meta", false);
      assert.equal((await shop.worker.scheduled()).outcome, "ok");
      await shop.advance("10m");
      assert.deepEqual(await shop.sentTo(ana), []);
      await shop.stop(false);
      assert.deepEqual(await shop.untilSentTo(ana, 1), ["order-thank-you"]);
    });

    test("cron does what is due on a shard whose alarm is lost and whose memory is gone", async () => {
      const ana = shop.shopper();
      const name = shardName(emailHash(ana.email), shards);
      // While all is stopped no alarm is set; then the switch goes back behind the shard's back.
      await shop.stop(true);
      await shop.quiet();
      await shop.orders(ana);
      await setStopped("Shard", name, "meta", false);
      await setStopped("Store", "store", "setting", false);
      await shop.worker.evict("Shard", name);
      await pause(300);
      assert.deepEqual(await shop.sentTo(ana), [], "no alarm");
      assert.equal((await shop.worker.scheduled()).outcome, "ok");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });

    test("an object that was dropped from memory goes on where it was", async () => {
      const ana = shop.shopper();
      await shop.startsCheckout(ana);
      for (let n = 0; n < shards; n += 1) await shop.worker.evict("Shard", `g1-00${n}`);
      await shop.worker.evict("Store", "store");
      await shop.advance("61m");
      assert.deepEqual(await shop.sentTo(ana), ["checkout-nudge"]);
    });

    test("a contact that cannot be read never blocks its shard, and is shown when it is given up", async () => {
      // All in one shard: the poison one and those who wait behind it.
      const people = Array.from({ length: 5 }, () => shop.shopper());
      for (const who of people) await shop.startsCheckout(who);
      const [poison, ...others] = people;
      const contact = emailHash(poison.email);
      await shop.worker.sql("Shard", shardName(contact, shards), "UPDATE contact SET doc = '{' WHERE contact_id = ?", contact);
      await shop.advance("61m");
      for (const who of others) assert.deepEqual(await shop.sentTo(who), ["checkout-nudge"]);
      const body = shop.startsCheckout(poison);
      await assert.rejects(body, ({ message }) => {
        assert.match(message, /503/, "its own webhooks are to be sent again");
        assert.match(message, /send it again/);
        assert.doesNotMatch(message, /object|stored|line \d/, "and nobody outside learns what failed inside");
        return true;
      });
      await shop.advance("1d");
      const letters = (await shop.status()).shards.flatMap((shard) => shard.dead_letters);
      assert.deepEqual(letters.map(({ id, what }) => [id, what]), [[`contact:${contact}`, "contact"]]);
      for (const who of others) assert.deepEqual(await shop.sentTo(who), ["checkout-nudge", "checkout-reminder"]);
      // Protection counts the mails that left, and for six hours no more.
      await shop.worker.scheduled();
      const runs = await shop.rowsOf(() => shop.worker.scheduled());
      assert.equal(runs.written, 0, "and costs nothing from then on");
    });

    test("a contact that cannot be read does not break the operator's pages", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana, { consent: "not_subscribed" });
      await shop.settle();
      const contact = emailHash(ana.email);
      await shop.worker.sql("Shard", shardName(contact, shards), "UPDATE contact SET doc = '{' WHERE contact_id = ?", contact);
      for (const page of ["/dev/outbox", "/dev/outbox.json"]) assert.equal((await shop.fetch(page)).status, 200, page);
      assert.deepEqual(await shop.attentionOf(contact), [["welcome-hello", "dropped", "no_consent"]]);
    });

    test("cron writes nothing when there is nothing to do", async () => {
      await shop.settle();
      const rows = await shop.rowsOf(async () => assert.equal((await shop.worker.scheduled()).outcome, "ok"));
      assert.deepEqual([rows.written, rows.alarms], [0, 0]);
    });

    test("/admin is for who holds the token", async () => {
      for (const authorization of [undefined, "Bearer wrong", "Basic x", "Bearer "]) {
        const answer = await shop.admin("status", { headers: { authorization: authorization ?? "" } });
        assert.equal(answer.status, 401);
        assert.equal(answer.headers.get("www-authenticate"), "Bearer");
      }
      assert.equal((await shop.admin("stop", { method: "POST", body: "{}" })).status, 400);
      assert.equal((await shop.admin("stop", { method: "GET" })).status, 405);
      assert.equal((await shop.admin("nothing")).status, 404);
    });
  });
}

test("MODE=shadow decides and keeps the ledger, and sends nothing", async () => {
  await withShop({ vars: { MODE: "shadow" } }, async (shop) => {
    const ana = shop.shopper();
    await shop.signsUp(ana);
    await shop.startsCheckout(ana);
    await shop.advance("2h");
    await shop.orders(ana);
    await shop.advance("10d");
    assert.deepEqual(await shop.outbox(), []);
    const [{ messages }] = (await shop.status()).shards;
    assert.deepEqual(messages, [{ state: "shadowed", reason: null, count: 3 }], "welcome, nudge, thanks");
    const page = await (await shop.fetch("/dev/outbox")).text();
    assert.match(page, /shadow mode/);
  });
});

test("MODE=shadow never asks a provider either", async () => {
  const vars = { MODE: "shadow" };
  const secrets = { EMAIL_PROVIDER: "resend", RESEND_URL: "http://127.0.0.1:9", RESEND_API_KEY: "re_test" };
  // The harness refuses outgoing requests, so one would show as a failure.
  await withShop({ vars, secrets }, async (shop) => {
    await shop.orders(shop.shopper());
    await shop.advance("1h");
    const [{ messages }] = (await shop.status()).shards;
    assert.deepEqual(messages, [{ state: "shadowed", reason: null, count: 1 }]);
  });
});

test("SEND_ONLY_TO lets mail go to listed addresses and domains, and says why the rest was dropped", async () => {
  await withShop({ vars: { SEND_ONLY_TO: "me@own.example, @team.example" } }, async (shop) => {
    const to = (email) => ({ ...shop.shopper(), email });
    const [me, colleague, ana] = [to("Me@own.example"), to("anyone@team.example"), to("ana@example.com")];
    for (const who of [me, colleague, ana]) await shop.orders(who);
    await shop.settle();
    assert.deepEqual((await shop.outbox()).map((mail) => mail.to).sort(), ["Me@own.example", "anyone@team.example"]);
    assert.deepEqual(await shop.attentionOf(emailHash(ana.email)), [["order-thank-you", "dropped", "not_listed"]]);
  });
});

test("the development routes do not exist in production", async () => {
  await withShop({ secrets: { ENVIRONMENT: "production" } }, async (shop) => {
    for (const route of ["/dev/outbox", "/dev/outbox.json", "/dev/clock"]) {
      assert.equal((await shop.fetch(route)).status, 404, route);
      assert.equal((await shop.fetch(route, { method: "POST", body: '{"advance":"1h"}' })).status, 404, route);
    }
  });
});

test("nor with a provider that can reach people", async () => {
  const secrets = { EMAIL_PROVIDER: "resend", RESEND_API_KEY: "re_test" };
  for (const RESEND_URL of ["", "https://api.resend.com", "http://127.0.0.1.example.com"]) {
    await withShop({ secrets: { ...secrets, RESEND_URL } }, async (shop) => {
      assert.equal((await shop.fetch("/dev/clock")).status, 404, RESEND_URL);
      assert.equal((await shop.fetch("/dev/outbox.json")).status, 404, RESEND_URL);
    });
  }
  await withShop({ secrets: { ...secrets, RESEND_URL: "http://127.0.0.1:9" } }, async (shop) => {
    assert.equal((await shop.fetch("/dev/clock")).status, 200);
  });
});

test("settings that are missing or wrong are named, and nothing is taken meanwhile", async () => {
  for (const [secrets, setting] of [
    [{ HASH_KEY: "" }, "HASH_KEY"],
    [{ LINK_KEY: "short" }, "LINK_KEY"],
    [{ EMAIL_PROVIDER: "resent" }, "EMAIL_PROVIDER"],
    [{ ENVIRONMENT: "staging", EMAIL_PROVIDER: "resend", RESEND_API_KEY: "re_test" }, "ENVIRONMENT"],
    [{ ENVIRONMENT: "production" }, "EMAIL_PROVIDER"],
  ]) {
    await withShop({ secrets }, async (shop) => {
      const health = await shop.health();
      assert.deepEqual([health.status, health.ok], [503, false], setting);
      assert.deepEqual(health.attention.map((row) => [row.setting, row.fatal]), [[setting, true]]);
      const answer = await shop.post("/hooks/shopify", "{}", {});
      assert.equal(answer.status, 503);
      assert.match(answer.hint, /\/health/);
    });
  }
});
