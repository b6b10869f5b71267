// A process that dies: what was answered with 200 is sent after a restart, once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startResend } from "./resend.mjs";
import { Shop } from "./shop.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder } from "./workerd.mjs";

const SENT_LIMIT_MS = 15_000;

/** Runs `work` with a state folder, and `start(settings)` to serve it; what was started is ended. */
async function withState(settings, work) {
  const state = stateFolder();
  const started = [];
  const start = async () => {
    const server = await serve(state, settings);
    started.push(server);
    return Object.assign(new Shop(server.fetch, Number(settings.SHARDS ?? 1)), { server, kill: server.kill });
  };
  try {
    await work(start);
  } finally {
    for (const server of started) await server.close();
    state.remove();
  }
}

describe("killed with SIGKILL", { concurrency: true }, () => {
  for (const shards of ["1", "4"]) {
    test(`between the 200 and the send, ${shards} shards: the mail goes out once after the restart`, async () => {
      await withState({ SHARDS: shards }, async (start) => {
        const first = await start();
        const [ana, bea] = [first.shopper("ana"), first.shopper("bea")];
        await first.signsUp(bea);
        await first.untilSentTo(bea, 1);
        // The alarm is 50 ms away when the answer comes.
        await first.orders(ana);
        await first.kill();
        const second = await start();
        assert.deepEqual(await second.untilSentTo(ana, 1, SENT_LIMIT_MS), ["order-thank-you"], "by the alarm alone");
        await second.advance("1h");
        assert.deepEqual(await second.sentTo(ana), ["order-thank-you"]);
        assert.deepEqual(await second.sentTo(bea), ["welcome-hello"]);
      });
    });
  }

  test("again and again, while webhooks come in: everything accepted is sent, once", async () => {
    await withState({}, async (start) => {
      const accepted = [];
      for (let round = 0; round < 4; round += 1) {
        const shop = await start();
        const people = Array.from({ length: 12 }, (_, n) => ({ ...shop.shopper(`r${round}n${n}`), orderId: 1000 * round + n + 1 }));
        const enough = accepted.length + 2 * round + 1;
        const posting = people.map((who) =>
          shop.orders(who, { customer: false, token: null }).then(() => accepted.push(who), () => undefined));
        await until(SENT_LIMIT_MS, "some to be accepted", () => accepted.length, (count) => count >= enough);
        await shop.kill();
        await Promise.all(posting);
      }
      const shop = await start();
      await shop.settle();
      await until(SENT_LIMIT_MS, "all mails", () => shop.outbox(), (mails) => mails.length >= accepted.length);
      await shop.advance("1h");
      const mails = await shop.outbox();
      assert.equal(new Set(mails.map((mail) => mail.to)).size, mails.length, "nobody got two");
      for (const who of accepted) assert.ok(mails.some((mail) => mail.to === who.email), `${who.email} was accepted`);
    });
  });

  for (const [what, fault] of [
    ["that was taken", { end: "silence" }],
    ["that was not taken", { end: "silence", accept: false }],
  ]) {
    test(`during a request to Resend ${what}: the same bytes again, one mail`, async () => {
      const resend = await startResend();
      try {
        const settings = { EMAIL_PROVIDER: "resend", RESEND_URL: resend.url, RESEND_API_KEY: "re_test" };
        await withState(settings, async (start) => {
          const first = await start();
          const ana = first.shopper();
          resend.fault(fault);
          await first.orders(ana);
          await until(SENT_LIMIT_MS, "the request", () => resend.requests(), (requests) => requests.length === 1);
          await first.kill();
          const second = await start();
          await second.advance("30s");
          assert.equal(resend.requests().length, 1, "its lease still runs");
          await second.advance("2m");
          const [one, two, ...others] = resend.requests();
          assert.equal(others.length, 0);
          assert.equal(two.headers["idempotency-key"], one.headers["idempotency-key"]);
          assert.deepEqual(two.body, one.body);
          assert.deepEqual(resend.mails().map((mail) => mail.to), [ana.email]);
          await second.advance("2d");
          assert.equal(resend.mails().length, 1);
          const { shards } = await second.status();
          assert.deepEqual(shards[0].messages.map(({ state, count }) => [state, count]), [["accepted", 1]]);
        });
      } finally {
        await resend.close();
      }
    });
  }
});
