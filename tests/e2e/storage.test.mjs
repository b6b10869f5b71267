// Storage that fails: a disk that is full, a file that is broken. What cannot be written is answered 503 and comes again; the
// other shards go on; the log and /admin/status say which shard it is.

import assert from "node:assert/strict";
import { closeSync, openSync, readdirSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { startResend } from "./resend.mjs";
import { Shop, emailHash, shardOf } from "./shop.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

/** Room for some dozen orders, in blocks of 512 bytes. */
const LITTLE_ROOM = 1_200;
const SHARDS = 4;
const SENT_LIMIT_MS = 15_000;

async function withState(work) {
  const state = stateFolder();
  const started = [];
  const start = async (settings, limits) => {
    const server = await serve(state, settings, wend(), limits);
    started.push(server);
    return Object.assign(new Shop(server.fetch, Number(settings.SHARDS)), { server });
  };
  try {
    await work(start, state);
  } finally {
    for (const server of started) await server.close();
    state.remove();
  }
}

/** Somebody who signs up by an address that lies in that shard, and nothing else; whether it was accepted. */
async function signUpIn(shop, shard, name) {
  let k = 0;
  while (shardOf(emailHash(`${name}.${k}@example.com`), SHARDS) !== shard) k += 1;
  const email = `${name}.${k}@example.com`;
  const consent = { marketing: "subscribed", method: "form" };
  const accepted = await shop.event("Signed Up", { email, consent }).then(() => true, (error) => {
    assert.match(error.message, /"status":503/);
    return false;
  });
  return { email, accepted };
}

describe("storage that fails", { concurrency: 2 }, () => {
  test("a full disk: 503 for what does not fit, nothing half written, and once there is room all of it, mailed once", () =>
    withState(async (start) => {
      const resend = await startResend({ perSecond: 1_000 });
      try {
        const settings = { SHARDS: "1", EMAIL_PROVIDER: "resend", RESEND_URL: resend.url, RESEND_API_KEY: "re_test" };
        // Slow, so that some of its answers meet a disk that has become full.
        resend.fault({ delayMs: 3_000, times: Infinity });
        const shop = await start(settings, { fileBlocks: LITTLE_ROOM });
        const [accepted, refused] = [[], []];
        while (refused.length < 5) {
          const who = shop.shopper();
          const answer = await shop.orders(who, { customer: false, token: null }).then(() => 200, (error) => error.message);
          assert.ok(answer === 200 || /"status":503/.test(answer), answer);
          (answer === 200 ? accepted : refused).push(who);
          assert.ok(accepted.length < 500, "the disk never filled");
        }
        // Then little things, until these do not fit either: what an answer of the provider makes us write is no larger.
        for (let full = 0; full < 3;) {
          const look = shop.event("Product Viewed", { email: accepted[0].email, products: [{ product_id: "93", name: "Linen dress" }] });
          full += await look.then(() => 0, () => 1);
        }
        assert.ok(accepted.length > 5);
        assert.match(shop.server.log(), /"error":"shard g1-000: .*SQLITE_(IOERR|FULL)/);
        // What is due stays due: what the provider took and nobody could write down is asked for again.
        await shop.advance("10m").catch(() => undefined);
        const unanswered = () => resend.requests().filter(({ status }) => status === null).length;
        await until(SENT_LIMIT_MS, "its answers", unanswered, (count) => count === 0);
        await shop.server.kill();
        resend.clearFaults();
        const roomy = await start(settings);
        for (const who of refused) assert.equal(await roomy.orders(who, { customer: false, token: null }), "accepted");
        await roomy.advance("1h");
        const mailed = resend.mails().map((mail) => mail.to).sort();
        assert.deepEqual(mailed, [...accepted, ...refused].map((who) => who.email).sort(), "everybody once");
        const { messages } = (await roomy.status()).shards[0];
        const keys = new Set(resend.requests().map(({ headers }) => headers["idempotency-key"]));
        assert.ok(resend.requests().length > keys.size, "nothing had to be asked again");
        assert.deepEqual([...new Set(messages.map(({ state }) => state))], ["accepted"]);
      } finally {
        await resend.close();
      }
    }));

  for (const [what, spoil] of [
    ["whose every byte is wrong", (file) => writeFileSync(file, Buffer.alloc(statSync(file).size, "A"))],
    ["with a sound head and spoilt pages", (file) => {
      const [page, size, open] = [4_096, statSync(file).size, openSync(file, "r+")];
      writeSync(open, Buffer.alloc(size - page, "A"), 0, size - page, page);
      closeSync(open);
    }],
  ]) {
    test(`a shard's file ${what}: it answers 503 and is named, and the others go on`, () =>
      withState(async (start, state) => {
        const folder = path.join(state.path, "objects", "shard");
        const files = () => readdirSync(folder).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
        const shop = await start({ SHARDS: String(SHARDS) });
        assert.ok((await signUpIn(shop, 2, "first")).accepted);
        const [ofTwo, ...others] = files();
        assert.equal(others.length, 0);
        for (const shard of [0, 1, 3]) assert.ok((await signUpIn(shop, shard, "first")).accepted);
        await shop.server.stop();
        const file = path.join(folder, ofTwo);
        for (const beside of ["-wal", "-shm"]) rmSync(file + beside, { force: true });
        spoil(file);

        const again = await start({ SHARDS: String(SHARDS) });
        const people = [];
        for (const shard of [0, 1, 2, 3]) people.push(await signUpIn(again, shard, "second"));
        assert.deepEqual(people.map(({ accepted }) => accepted), [true, true, false, true]);
        // By the alarm; the development outbox would ask the broken one too.
        const sent = (status) => status.shards.flatMap(({ messages }) => messages).filter(({ state }) => state === "accepted");
        await until(SENT_LIMIT_MS, "the mails of the others", () => again.status(), (status) =>
          sent(status).reduce((sum, { count }) => sum + count, 0) >= 6);
        const { shards, unanswered } = await again.status();
        assert.deepEqual([shards.map(({ shard }) => shard), unanswered], [["g1-000", "g1-001", "g1-003"], ["g1-002"]]);
        assert.match(again.server.log(), /"error":"shard g1-002: /);
        const page = await (await again.admin("", { headers: { accept: "text/html" } })).text();
        assert.match(page, /g1-002/);
      }));
  }
});
