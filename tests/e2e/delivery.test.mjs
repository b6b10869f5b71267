// A mail leaves through Resend exactly once, whatever the network and Resend do. Real sockets: the Worker on a bare
// workerd, Resend on this machine (resend.mjs). The tests run side by side, since some wait for a real time-out.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  SENT_LIMIT_MS, addresses, arrived, inFlight, keyOf, requested, sameRequest, states, tally, untilState, untilUnknown, withResend,
} from "./sending.mjs";
import { emailHash } from "./shop.mjs";
import { until } from "./worker.mjs";

/** The Worker gives up on an answer after 30 s. */
const TIMEOUT_LIMIT_MS = 60_000;

describe("through Resend", { concurrency: 8 }, () => {
  test("a mail is one request, with its key, headers and tags", () => withResend(async (shop, resend) => {
    const ana = shop.shopper();
    await shop.signsUp(ana);
    await arrived(resend, 1);
    const [request] = resend.requests();
    assert.deepEqual([request.path, request.headers.authorization], ["/emails", "Bearer re_test"]);
    assert.match(request.headers["user-agent"], /^wend\//);
    const mail = request.json;
    assert.deepEqual(mail.to, [ana.email]);
    assert.match(mail.headers["List-Unsubscribe"], /^<http.*\/u\/.+>$/);
    assert.equal(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    const tags = Object.fromEntries(mail.tags.map(({ name, value }) => [name, value]));
    assert.deepEqual([tags.journey, tags.step, tags.message], ["welcome", "welcome-hello", keyOf(request)]);
    await untilState(shop, "accepted");
    await shop.advance("6d");
    assert.deepEqual(resend.mails().map((sent) => sent.email.tags[1].value), ["welcome-hello", "welcome-story", "welcome-favourites"]);
    assert.deepEqual(await states(shop), [["accepted", 3]]);
    const link = new URL(/<([^>]+)>/.exec(mail.headers["List-Unsubscribe"])[1]);
    assert.equal((await shop.fetch(link.pathname)).status, 200, "the link in the mail works");
  }));

  test("a backlog leaves in batches, everybody once", () => withResend(async (shop, resend) => {
    const people = Array.from({ length: 30 }, () => shop.shopper());
    await shop.stop(true);
    await Promise.all(people.map((who) => shop.orders(who)));
    await shop.stop(false);
    await arrived(resend, people.length);
    assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
    const batches = resend.requests().filter((request) => request.path === "/emails/batch");
    assert.ok(batches.length > 0 && resend.requests().length < people.length / 2, `${resend.requests().length} requests`);
    for (const batch of batches) {
      assert.match(keyOf(batch), /^batch-/);
      assert.equal(batch.headers["x-batch-validation"], "strict");
      assert.ok(batch.json.every((mail) => mail.to.length === 1));
    }
    await shop.advance("1h");
    assert.equal(resend.mails().length, people.length);
    assert.deepEqual(await states(shop), [["accepted", people.length]]);
  }));

  test("orders leave before carts, and carts before the rest", () => withResend(async (shop, resend) => {
    const people = Array.from({ length: 6 }, () => shop.shopper());
    await Promise.all(people.map((who) => shop.startsCheckout(who)));
    await shop.stop(true);
    await shop.advance("61m");
    await Promise.all(people.map((who) => shop.signsUp({ ...who, email: who.otherEmail, customerId: who.customerId + 1 })));
    await Promise.all(people.map((_, n) => shop.orders({ ...shop.shopper(), orderId: 5000 + n })));
    await shop.stop(false);
    await arrived(resend, 18);
    const order = resend.mails().map((mail) => mail.email.tags[0].value);
    const groups = order.filter((journey, n) => journey !== order[n - 1]);
    assert.deepEqual(groups, ["post-purchase", "abandoned-checkout", "welcome"]);
  }));

  test("429: it waits as long as Resend asks", () => withResend(async (shop, resend) => {
    resend.fault({ status: 429, headers: { "retry-after": "290" } });
    await shop.orders(shop.shopper());
    await requested(resend, 1);
    await untilState(shop, "intended");
    await shop.advance("90s");
    assert.equal(resend.requests().length, 1);
    await shop.advance("6m");
    const [one, two, ...others] = resend.requests();
    assert.equal(others.length, 0);
    assert.equal(keyOf(two), keyOf(one));
    assert.equal(resend.mails().length, 1);
    assert.deepEqual(await states(shop), [["accepted", 1]]);
  }));

  test("the day's quota is used up: all wait, nothing is lost", () => withResend(async (shop, resend) => {
    resend.fault({ status: 429, name: "daily_quota_exceeded" });
    const people = Array.from({ length: 5 }, () => shop.shopper());
    await shop.orders(people[0]);
    await requested(resend, 1);
    for (const who of people.slice(1)) await shop.orders(who);
    await shop.advance("4m");
    assert.equal(resend.requests().length, 1, "nobody asks meanwhile");
    await shop.advance("8h");
    assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
    assert.deepEqual(await shop.attention(), []);
  }));

  test("500, then success: the same key and the same bytes", () => withResend(async (shop, resend, server) => {
    resend.fault({ status: 500, times: 2 });
    await shop.orders(shop.shopper());
    await untilUnknown(server);
    await shop.advance("5m");
    const [one, two, three, ...others] = resend.requests();
    assert.equal(others.length, 0);
    sameRequest(one, two);
    sameRequest(one, three);
    assert.equal(resend.mails().length, 1);
    assert.deepEqual(await states(shop), [["accepted", 1]]);
  }));

  for (const [what, fault, limit] of [
    ["a time-out after Resend took it", { end: "silence" }, TIMEOUT_LIMIT_MS],
    ["a time-out, and Resend did not take it", { end: "silence", accept: false }, TIMEOUT_LIMIT_MS],
    ["a reset after Resend took it", { end: "reset" }],
    ["half an answer", { end: "half" }],
    ["a 500 after Resend took it", { status: 500, accept: true }],
    ["a gateway's page", { status: 502, body: "<html>Bad gateway</html>" }],
  ]) {
    test(`${what}: one mail`, () => withResend(async (shop, resend, server) => {
      resend.fault(fault);
      const ana = shop.shopper();
      await shop.orders(ana);
      await untilUnknown(server, limit);
      await shop.advance("2m");
      const [one, two, ...others] = resend.requests();
      assert.equal(others.length, 0);
      sameRequest(one, two);
      assert.deepEqual(addresses(resend), [ana.email]);
      await shop.advance("3d");
      assert.equal(resend.mails().length, 1);
      assert.deepEqual(await states(shop), [["accepted", 1]]);
    }));
  }

  test("an unknown fate is listed until it is known", () => withResend(async (shop, resend, server) => {
    resend.fault({ status: 500, accept: true, delayMs: 5_000 });
    const ana = shop.shopper();
    await shop.orders(ana);
    await requested(resend, 1);
    await shop.stop(true);
    await untilUnknown(server);
    const [[step, state], ...others] = await shop.attentionOf(emailHash(ana.email));
    assert.deepEqual([step, state, others], ["order-thank-you", "unknown", []]);
    await shop.stop(false);
    await shop.advance("2m");
    assert.deepEqual(await shop.attention(), []);
    assert.deepEqual([resend.requests().length, resend.mails().length], [2, 1]);
  }));

  test("409 for other bytes after the first attempt means that the first was taken", () => withResend(async (shop, resend, server) => {
    resend.fault({ status: 500, accept: true });
    resend.fault({ status: 409, name: "invalid_idempotent_request" });
    await shop.orders(shop.shopper());
    await untilUnknown(server);
    await shop.advance("1h");
    assert.equal(resend.requests().length, 2);
    assert.deepEqual(await states(shop), [["accepted", 1]]);
  }));

  test("409 for other bytes at the first attempt is a failure, and shown", () => withResend(async (shop, resend) => {
    resend.fault({ status: 409, name: "invalid_idempotent_request" });
    await shop.orders(shop.shopper());
    await untilState(shop, "failed");
    await shop.advance("1h");
    assert.equal(resend.requests().length, 1);
    assert.match((await shop.attention())[0].reason, /idempotency key/);
  }));

  test("one address that Resend refuses does not keep its batch back", () => withResend(async (shop, resend) => {
    const people = Array.from({ length: 12 }, () => shop.shopper());
    const bad = people[5];
    const refuses = ({ json }) => [json].flat().some((mail) => mail.to[0] === bad.email);
    resend.fault({ status: 422, times: 99, when: refuses });
    await shop.stop(true);
    for (const who of people) await shop.orders(who);
    await shop.stop(false);
    await arrived(resend, people.length - 1);
    await untilState(shop, "failed");
    await shop.advance("1h");
    assert.deepEqual(addresses(resend), people.filter((who) => who !== bad).map((who) => who.email).sort());
    const [[step, state, reason], ...others] = await shop.attentionOf(emailHash(bad.email));
    assert.deepEqual([step, state, others], ["order-thank-you", "failed", []]);
    assert.match(reason, /`to`/);
  }));

  for (const [status, name] of [[401, "missing_api_key"], [403, "invalid_api_key"]]) {
    test(`${status}: mail is kept, the provider rests, /health says so, and all goes when it is right again`, () =>
      withResend(async (shop, resend) => {
        resend.fault({ status, name });
        const people = [shop.shopper("ana"), shop.shopper("bea"), shop.shopper("cleo")];
        await shop.orders(people[0]);
        await requested(resend, 1);
        await untilState(shop, "intended");
        const sick = await until(SENT_LIMIT_MS, "/health to know", () => shop.health(), (health) => !health.ok);
        assert.equal(sick.status, 503);
        const [{ provider, problem }] = sick.attention;
        assert.equal(provider, "resend");
        assert.match(problem, new RegExp(name));
        await shop.orders(people[1]);
        await shop.orders(people[2]);
        await shop.advance("2m");
        assert.equal(resend.requests().length, 1, "nobody asks while it rests");
        await shop.advance("4m");
        assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
        assert.deepEqual([(await shop.health()).ok, await shop.attention()], [true, []]);
      }));
  }

  test("health is well again also when the answers tell no rate", () => withResend(async (shop, resend) => {
    const silent = { "ratelimit-limit": "", "ratelimit-remaining": "", "ratelimit-reset": "" };
    resend.fault({ status: 403, headers: silent });
    resend.fault({ headers: silent });
    await shop.orders(shop.shopper());
    await until(SENT_LIMIT_MS, "/health to know", () => shop.health(), (health) => !health.ok);
    await shop.advance("10m");
    assert.equal(resend.mails().length, 1);
    assert.equal((await shop.health()).ok, true);
  }));

  test("a fate that stays unknown for a day: an order's mail is sent once more, marketing is given up", () =>
    withResend(async (shop, resend) => {
      const first = (request) => !/-2$/.test(keyOf(request));
      resend.fault({ status: 500, times: 999, when: first });
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      await shop.orders(ana);
      await shop.signsUp(bea);
      await requested(resend, 2);
      await shop.advance("20h");
      assert.deepEqual((await shop.attention()).map(({ state }) => state), ["unknown", "unknown"]);
      assert.equal(resend.mails().length, 0);
      await shop.advance("6h");
      assert.deepEqual(resend.mails().map((mail) => mail.to), [ana.email]);
      const again = resend.requests().filter((request) => !first(request));
      assert.equal(again.length, 1);
      assert.equal(keyOf(again[0]).replace(/-2$/, ""), keyOf(resend.requests().find((request) => request.json.to[0] === ana.email)));
      await shop.advance("1d");
      assert.equal(resend.mails().length, 1, "once more, and not again");
      const rows = await tally(shop);
      assert.ok(rows.some(([state, reason]) => state === "accepted" && /once more/.test(reason)), JSON.stringify(rows));
      assert.ok(rows.some(([state]) => state === "givenup" || state === "given_up"), JSON.stringify(rows));
      const [[step]] = await shop.attentionOf(emailHash(bea.email));
      assert.equal(step, "welcome-hello");
      // The journey goes on behind the mail that was given up.
      resend.clearFaults();
      await shop.advance("3d");
      assert.ok(resend.mails().some((mail) => mail.to === bea.email && mail.email.tags[1].value === "welcome-story"));
    }));

  test("the second and last try is given up too when its fate stays unknown", () => withResend(async (shop, resend) => {
    resend.fault({ status: 500, times: 9999 });
    const ana = shop.shopper();
    await shop.orders(ana);
    await requested(resend, 1);
    await shop.advance("3d");
    const [[step, state]] = await shop.attentionOf(emailHash(ana.email));
    assert.deepEqual([step, state.replace("_", "")], ["order-thank-you", "givenup"]);
    const asked = resend.requests().length;
    await shop.advance("10d");
    assert.equal(resend.requests().length, asked);
  }));

  for (const [what, withdraw] of [
    ["consent is withdrawn", (shop, ana) => shop.event("Unsubscribed", { email: ana.email })],
    ["the cart is bought", (shop, ana) => shop.orders(ana)],
    ["the cart is bought under another address", (shop, ana) =>
      shop.orders(ana, { email: ana.otherEmail, customer: false })],
  ]) {
    for (const SHARDS of ["1", "4"]) {
      test(`${what} while a mail's fate is unknown, ${SHARDS} shards: it is never sent again`, () =>
        withResend(async (shop, resend) => {
          const ana = shop.shopper();
          await shop.startsCheckout(ana, { customer: false });
          await shop.event("Contact Updated", { email: ana.email, consent: { marketing: "subscribed" } });
          const nudge = (request) => request.json.tags?.[1].value === "checkout-nudge";
          resend.fault({ status: 500, times: 999, when: nudge });
          await shop.advance("1h");
          await untilState(shop, "unknown");
          await withdraw(shop, ana);
          // Counted once the withdrawal has committed and the run that was under way has ended: a repeat may have left
          // meanwhile.
          await shop.settle();
          const asked = resend.requests().filter(nudge).length;
          await shop.advance("3d");
          const nudges = resend.requests().filter(nudge);
          assert.equal(nudges.length, asked, "no request after it was known");
          assert.deepEqual(resend.mails().filter((mail) => mail.to === ana.email).map((mail) => mail.email.tags[1].value)
            .filter((step) => step.startsWith("checkout")), []);
        }, { settings: { SHARDS } }));
    }
  }

  test("the stop switch ends a backlog in the middle: no request starts after it is acknowledged", () =>
    withResend(async (shop, resend) => {
      const people = Array.from({ length: 60 }, () => shop.shopper());
      await shop.stop(true);
      await Promise.all(people.map((who) => shop.orders(who)));
      // The first round is two requests of twenty mails: what comes after them waits for their answers.
      resend.fault({ delayMs: 5_000, times: 2 });
      await shop.stop(false);
      await requested(resend, 1);
      await shop.stop(true);
      // What was claimed before it arrives and is answered; nothing follows.
      await until(TIMEOUT_LIMIT_MS, "the last answers", () => inFlight(shop), (count) => count === 0);
      const started = resend.requests().length;
      assert.ok(resend.mails().length < people.length, `${resend.mails().length} mails: it was not in the middle`);
      await shop.quiet();
      await shop.advance("2m");
      assert.equal(resend.requests().length, started);
      await shop.stop(false);
      await shop.advance("2m");
      await arrived(resend, people.length);
      assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
    }));
});
