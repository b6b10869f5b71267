// A process that dies, at moments that matter and at random ones: what was answered with 200 is sent after a restart, once.
// `npm run test:crash` plays more of the rounds; docs/reliability.md has the figures of a hundred.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { balance, claimedBy } from "./books.mjs";
import { startResend } from "./resend.mjs";
import { play } from "./rounds.mjs";
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
          await second.advance("5s");
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

describe("rounds under load, with the books balanced from outside", { concurrency: 2 }, () => {
  /** Plays, and holds that nothing was lost or doubled; a round in which nothing happened would show nothing. */
  const holds = async (options) => {
    const dies = !options.ends?.includes("rest");
    const { faults, ...figures } = await play({ seed: 1, ...options, cutAtLeast: dies ? 2 : 0 });
    const told = JSON.stringify(figures);
    assert.deepEqual(faults, [], told);
    assert.ok(figures.answered > options.rounds && figures.mails > 0, told);
    assert.ok(figures.asked_again + figures.given_up > 0, told);
    // At these moments a post is always on its way; a deploy or a panic under less load may meet none.
    if (!options.ends) assert.ok(figures.unanswered + figures.refused > 0, told);
    return figures;
  };
  for (const shards of [1, 4]) {
    test(`ten processes are killed at random moments, ${shards === 1 ? "1 shard" : `${shards} shards`}`, () => holds({ rounds: 10, shards }));
  }
  test("ten processes are killed at random moments, and the provider knows no keys", async () => {
    const figures = await holds({ rounds: 10, provider: "postmark" });
    assert.ok(figures.given_up + figures.twice > 0, `nothing was ever in doubt: ${JSON.stringify(figures)}`);
  });
  test("a provider that knows no keys answers badly, and nobody dies: nothing is given up that it was never asked for", async () => {
    const figures = await holds({ rounds: 6, provider: "postmark", ends: ["rest"], faulty: 0.4 });
    assert.ok(figures.given_up + figures.twice > 0, `nothing was ever in doubt: ${JSON.stringify(figures)}`);
    assert.equal(figures.unasked, 0);
  });
  test("a deploy under load, back and forth between two builds with other journeys", async () => {
    const { ends } = await holds({ rounds: 4, perSecond: 15, ends: ["deploy"], builds: ["release", "test"] });
    assert.ok(ends.deploy >= 4 && ends.cut >= 2, JSON.stringify(ends));
  });
  test("alarms that panic under load, and a kill now and then", async () => {
    const { ends } = await holds({ rounds: 4, perSecond: 8, ends: ["panic", "panic", "kill"], builds: ["test"] });
    assert.ok(ends.panic >= 2 && ends.kill >= 1 && ends.cut >= 2, JSON.stringify(ends));
  });
});

describe("the books", () => {
  const ana = { email: "ana@example.com" };
  const order = { who: ana, kind: "order", answered: [1_000] };
  const cart = { who: ana, kind: "cart", answered: [500] };
  const row = { message_id: "a1", step: "order-thank-you", stream: "transactional", state: "accepted", provider_id: "m1" };
  const nudge = { message_id: "a2", step: "checkout-nudge", stream: "marketing", state: "accepted", provider_id: "m2" };
  const mail = { id: "m1", message: "a1", to: ana.email, at: 2_000 };
  const completed = { kind: "Order Completed" };
  /** One that was answered with 200 at 2,000. */
  const request = (key, changes) => ({
    headers: { "idempotency-key": key }, body: Buffer.from("a"), messages: ["a1"], status: 200, answered_at: 2_000, ...changes,
  });
  const unheard = request("k", { status: null, answered_at: null });
  const sound = { deliveries: [order], events: [completed], messages: [row], mails: [mail], requests: [request("k")] };
  const faultsOf = async (changes) => {
    const { deliveries, events, messages, mails, requests, rules, checkouts } = { ...sound, ...changes };
    const held = { held: { events, messages, closed_checkouts: checkouts } };
    const shop = { admin: async () => ({ status: 200, json: async () => held }) };
    return (await balance(shop, { deliveries }, { mails: () => mails, requests: () => requests }, rules)).faults.join("; ");
  };

  const given = { ...row, state: "given_up", provider_id: null };
  const twice = [mail, { ...mail, id: "m3" }];
  const keyless = { keyless: true };
  const died = { keyless: true, deaths: [{ claimed: new Set(["a1"]) }] };
  const diedOfOthers = { keyless: true, deaths: [{ claimed: new Set(["a2"]) }] };

  test("find nothing where nothing is wrong", async () => assert.equal(await faultsOf({}), ""));
  for (const [what, changes] of [
    ["order mail that was asked for once more, as an answer was lost", { mails: twice, requests: [unheard, request()], rules: keyless }],
    ["a mail given up whose answer was lost, and that arrived", { messages: [given], requests: [unheard], rules: keyless }],
    ["one that did not", { messages: [given], mails: [], requests: [unheard], rules: keyless }],
    ["order mail that was asked for once more, as the process died before it had written down the answer", { mails: twice, rules: died }],
    ["a mail given up that was claimed, and not asked for yet, when the process died", { messages: [given], mails: [], requests: [], rules: died }],
  ]) {
    test(`find nothing in ${what}; but with a provider that knows keys`, async () => {
      assert.equal(await faultsOf(changes), "");
      assert.notEqual(await faultsOf({ ...changes, rules: { ...changes.rules, keyless: false } }), "");
    });
  }
  describe("when a process died had claimed", () => {
    const at = (ms) => new Date(ms).toISOString();
    const waiting = { ...row, state: "intended", provider_id: null, due_at: at(1_000) };
    const out = [{ first_at: at(2_400) }];
    for (const [what, { messages = [waiting], requests = out, over = new Map() }, claimed] of [
      ["a mail in an open request", {}, ["a1"]],
      ["none that only waited", { requests: [] }, []],
      ["none that was not due when the request was made", { messages: [{ ...waiting, due_at: at(2_500) }] }, []],
      ["none whose fate was known", { messages: [{ ...row, due_at: at(1_000) }, { ...nudge, ...given, due_at: at(1_000) }] }, []],
      ["none of somebody who has had all", { over: new Map([[ana.email, 1]]) }, []],
    ]) {
      test(what, async () => {
        const held = { held: { messages, events: [completed], open_requests: requests } };
        const shop = { admin: async () => ({ status: 200, json: async () => held }) };
        assert.deepEqual([...await claimedBy(shop, { deliveries: [order] }, over)], claimed);
      });
    }
  });

  /** An order that was never answered, of which nothing is there. */
  const half = { deliveries: [cart, { ...order, answered: [] }], events: [{ kind: "Checkout Started" }], messages: [], mails: [], requests: [] };
  test("find nothing in a cart that was closed by an order which nobody told again, among several shards", async () => {
    assert.equal(await faultsOf({ ...half, checkouts: [{ kind: "checkout" }], rules: { shards: 4 } }), "");
    assert.match(await faultsOf({ ...half, rules: { shards: 4 } }), /no row/, "it was not closed");
  });
  for (const [what, changes, told] of [
    ["an event that was answered and is gone", { events: [] }, /answered with 200 and is lost/],
    ["an event that counted twice", { events: [completed, completed] }, /counted 2 times/],
    ["a mail that nobody wrote down", { messages: [] }, /the ledger knows nothing/],
    ["a mail that is said to be sent and never arrived", { mails: [] }, /0 of it arrived/],
    ["a mail that arrived twice", { mails: [mail, mail] }, /took order-thank-you 2 times/],
    ["two mails for one order", { messages: [row, { ...row, message_id: "a3", provider_id: "m3" }], mails: [mail, { ...mail, id: "m3", message: "a3" }] }, /2 rows/],
    ["a mail that waits for ever", { messages: [{ ...row, state: "unknown", provider_id: null }], mails: [] }, /is unknown/],
    ["an acceptance under another id", { mails: [{ ...mail, id: "m9" }] }, /accepted, and 0 of it arrived/],
    ["marketing twice, whoever took it", {
      deliveries: [cart], events: [{ kind: "Checkout Started" }], messages: [nudge], rules: keyless,
      requests: [1, 2].map(() => ({ ...unheard, messages: ["a2"] })),
      mails: [2, 3].map((n) => ({ id: `m${n}`, message: "a2", to: ana.email, at: 9_000 })),
    }, /took checkout-nudge 2 times/],
    ["order mail three times", { mails: [...twice, { ...mail, id: "m4" }], requests: [unheard], rules: keyless }, /took order-thank-you 3 times/],
    ["order mail twice though its answer was heard", { mails: twice, rules: keyless }, /took order-thank-you 2 times/],
    ["the same, where the process that died had written it down", { mails: twice, rules: diedOfOthers }, /took order-thank-you 2 times/],
    ["a mail given up though its answer was heard", { messages: [given], rules: keyless }, /is given_up, and arrived/],
    ["a mail given up that nobody asked for, where no process died", { messages: [given], mails: [], requests: [], rules: keyless }, /is given_up/],
    ["the same, where one died that had claimed others", { messages: [given], mails: [], requests: [], rules: diedOfOthers }, /is given_up/],
    ["other bytes under the same key", { requests: [request("k"), request("k", { body: Buffer.from("b") })] }, /other bytes/],
    ["a request without a key, where keys are known", { requests: [request()] }, /without a key/],
    ["a cart without its mail, whose order was posted and never counted", half, /no row for checkout-nudge/],
    ["a mail to somebody unknown", { mails: [mail, { id: "m9", message: "a9", to: "x@example.com", at: 1 }] }, /who did nothing/],
    [
      "a mail about a cart that was bought",
      {
        deliveries: [cart, order], events: [completed, { kind: "Checkout Started" }], messages: [row, nudge],
        mails: [mail, { id: "m2", message: "a2", to: ana.email, at: 9_000 }],
      },
      /about a cart 8000 ms after/,
    ],
  ]) {
    test(`find ${what}`, async () => assert.match(await faultsOf(changes), told));
  }
});
