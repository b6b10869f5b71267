// What a provider can do wrong, one row each: in none is a mail lost, doubled or sent without consent, and what waits says
// why. Real sockets: the Worker on a bare workerd, the providers on this machine. Single answers that are lost, late or torn
// are in delivery.test.mjs; here the provider stays as it is until it is mended.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startResend } from "./resend.mjs";
import { SENT_LIMIT_MS, addresses, arrived, keyOf, requested, tally, untilState, withResend } from "./sending.mjs";
import { documented, standIn } from "./stand_in.mjs";
import { until } from "./worker.mjs";

const ENDLESS = 9_999;
const page = "<!doctype html><title>Bad gateway</title>";

/** Reasons of what waits in the ledger, each with its count. */
const waiting = async (shop) => {
  const rows = (await tally(shop)).filter(([state, reason]) => state === "intended" && reason !== null);
  return Object.fromEntries(rows.map(([, reason, count]) => [reason, count]));
};
const untilWaiting = (shop, reason, count) =>
  until(SENT_LIMIT_MS, `${count} that wait for ${reason}`, () => waiting(shop), (held) => held[reason] === count);
const shut = async (shop) => (await shop.health()).attention.filter(({ provider }) => provider);

/** Somebody who said no, and whom nobody may write to for it. */
async function refuser(shop) {
  const who = shop.shopper("zoe");
  await shop.signsUp(who, { consent: "unsubscribed" });
  // The gate has said no before anything is held for a provider.
  await untilState(shop, "dropped");
  return who;
}

/** What is true once all is mended: everybody once, nobody who said no, nothing left behind. */
async function isWhole(shop, resend, people, zoe) {
  await arrived(resend, people.length);
  assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
  assert.ok(!addresses(resend).includes(zoe.email));
  assert.deepEqual(await waiting(shop), {});
  assert.deepEqual(await shut(shop), []);
  assert.equal((await shop.health()).ok, true);
}

/**
 * What stays wrong until it is mended, what the breaker and the ledger call it, how long the mail may have to wait after
 * that, and how many requests the provider may see in 50 minutes meanwhile.
 */
const FAULTS = [
  { what: "server errors", fault: { status: 503 }, cause: "down", reason: "provider_down", after: "20m", most: 14 },
  { what: "a gateway's pages", fault: { status: 502, body: page }, cause: "down", reason: "provider_down", after: "20m", most: 14 },
  { what: "resets after it took the request", fault: { end: "reset" }, cause: "down", reason: "provider_down", after: "20m", most: 14 },
  { what: "half an answer", fault: { end: "half" }, cause: "down", reason: "provider_down", after: "20m", most: 14 },
  { what: "a wrong key", fault: { status: 401 }, cause: "settings", reason: "provider_refuses", after: "20m", most: 8 },
  {
    what: "a domain that is not verified",
    fault: { status: 403, name: "validation_error", message: "The shop.example domain is not verified." },
    cause: "settings", reason: "provider_refuses", after: "20m", most: 8,
  },
  { what: "a suspended account", fault: { status: 403, name: "suspended_api_key" }, cause: "settings", reason: "provider_refuses", after: "20m", most: 8 },
  { what: "a used-up day", fault: { status: 429, name: "daily_quota_exceeded" }, cause: "quota", reason: "quota", after: "8h", most: 3 },
  { what: "a rest of an hour", fault: { status: 429, headers: { "retry-after": "3600" } }, cause: "quota", reason: "quota", after: "90m", most: 3 },
];

describe("a provider at fault", { concurrency: 8 }, () => {
  for (const { what, fault, cause, reason, after, most } of FAULTS) {
    test(`${what}: mail waits with its reason, /health says so, and each leaves once when it is mended`, () =>
      withResend(async (shop, resend) => {
        const zoe = await refuser(shop);
        const people = [shop.shopper("ana"), shop.shopper("bea"), shop.shopper("cleo")];
        resend.fault({ ...fault, times: ENDLESS });
        await shop.orders(people[0]);
        await requested(resend, 1);
        // An answer that is lost is asked about again; the third in a row says that nobody is there.
        await shop.advance("1m");
        const [sick] = await until(SENT_LIMIT_MS, "the breaker", () => shut(shop), (rows) => rows.length > 0);
        assert.deepEqual([sick.provider, sick.cause], ["resend", cause]);
        assert.ok(sick.problem && Date.parse(sick.since) < Date.parse(sick.next_probe), JSON.stringify(sick));
        assert.equal((await shop.health()).ok, cause === "quota");
        await shop.orders(people[1]);
        await shop.orders(people[2]);
        await shop.settle();
        const fresh = cause === "down" ? 2 : 3;
        await untilWaiting(shop, reason, fresh);
        const asked = resend.requests().length;
        await shop.advance("50m");
        assert.ok(resend.requests().length - asked <= most, `${resend.requests().length - asked} requests in 50 minutes`);
        await untilWaiting(shop, reason, fresh);
        resend.clearFaults();
        await shop.advance(after);
        await isWhole(shop, resend, people, zoe);
      }));
  }

  test("nobody listens: mail waits, and leaves once when somebody does", () =>
    withResend(async (shop, resend) => {
      const zoe = await refuser(shop);
      const people = [shop.shopper("ana"), shop.shopper("bea")];
      const port = Number(new URL(resend.url).port);
      await resend.close();
      await shop.orders(people[0]);
      await shop.advance("1m");
      await until(SENT_LIMIT_MS, "the breaker", () => shut(shop), ([row]) => row?.cause === "down");
      await shop.orders(people[1]);
      await untilWaiting(shop, "provider_down", 1);
      const back = await startResend({ port });
      try {
        await shop.advance("20m");
        await isWhole(shop, back, people, zoe);
      } finally {
        await back.close();
      }
    }));

  for (const body of ["\u0000\u0007 not JSON", "[]", page]) {
    test(`200 with ${JSON.stringify(body)}: taken, without an id, and not sent again`, () =>
      withResend(async (shop, resend) => {
        resend.fault({ body });
        const ana = shop.shopper("ana");
        await shop.orders(ana);
        await arrived(resend, 1);
        await shop.advance("2d");
        assert.equal(resend.requests().length, 1);
        assert.deepEqual(await tally(shop), [["accepted", null, 1]]);
      }));
  }

  test("a process that dies forgets no fault: one request after the restart, and a new key is tried at once", () =>
    withResend(async (shop, resend, _, restart) => {
      resend.fault({ status: 401, times: ENDLESS, when: (request) => request.headers.authorization === "Bearer re_test" });
      const people = [shop.shopper("ana"), shop.shopper("bea"), shop.shopper("cleo")];
      await shop.orders(people[0]);
      await untilWaiting(shop, "provider_refuses", 1);
      const again = await restart();
      await again.orders(people[1]);
      await untilWaiting(again, "provider_refuses", 2);
      assert.equal(resend.requests().length, 1, "nobody asks: the fault was kept");
      await again.advance("6m");
      assert.equal(resend.requests().length, 2, "one request for both");
      const mended = await restart({ RESEND_API_KEY: "re_mended" });
      await mended.orders(people[2]);
      await arrived(resend, 1);
      assert.deepEqual(addresses(resend), [people[2].email], "the new key is tried without waiting");
      await until(SENT_LIMIT_MS, "the breaker to close", () => shut(mended), ({ length }) => length === 0);
      await mended.advance("20m");
      assert.deepEqual(addresses(resend), people.map((who) => who.email).sort());
    }));
});

/** Runs `work` with a shop that has Postmark behind Resend. */
async function withBoth(work) {
  const postmark = await standIn([documented("postmark", "ok")]);
  const settings = { EMAIL_PROVIDER: "resend postmark", POSTMARK_URL: postmark.url, POSTMARK_SERVER_TOKEN: "key-1" };
  try {
    await withResend((shop, resend) => work(shop, resend, postmark), { settings });
  } finally {
    await postmark.close();
  }
}

describe("a second provider", { concurrency: true }, () => {
  for (const [what, fault] of [
    ["refuses the key", { status: 401 }],
    ["has used up its day", { status: 429, name: "daily_quota_exceeded" }],
  ]) {
    test(`carries the mail while the first ${what}, the refused one too, and gives way to it after`, () =>
      withBoth(async (shop, resend, postmark) => {
        resend.fault(fault);
        const people = [shop.shopper("ana"), shop.shopper("bea")];
        await shop.orders(people[0]);
        await until(SENT_LIMIT_MS, "Postmark's mail", () => postmark.requests, ({ length }) => length === 1);
        await shop.orders(people[1]);
        await until(SENT_LIMIT_MS, "Postmark's mail", () => postmark.requests, ({ length }) => length === 2);
        assert.deepEqual(postmark.requests.map(({ body }) => body.To), people.map((who) => who.email));
        assert.equal(resend.requests().length, 1);
        await shop.advance("8h");
        const cleo = shop.shopper("cleo");
        await shop.orders(cleo);
        await arrived(resend, 1);
        assert.deepEqual([addresses(resend), postmark.requests.length], [[cleo.email], 2]);
        await shop.settle();
        assert.ok((await tally(shop)).every(([state]) => state === "accepted"), JSON.stringify(await tally(shop)));
      }));
  }

  test("never gets a mail that the first may have, and the next mail at once", () =>
    withBoth(async (shop, resend, postmark) => {
      const ana = shop.shopper("ana");
      const hers = (request) => request.json.to?.[0] === ana.email;
      resend.fault({ end: "reset", times: ENDLESS, when: hers });
      await shop.orders(ana);
      await requested(resend, 1);
      await shop.advance("1m");
      const bea = shop.shopper("bea");
      await shop.orders(bea);
      await until(SENT_LIMIT_MS, "Postmark's mail", () => postmark.requests, ({ length }) => length === 1);
      await shop.advance("12h");
      assert.deepEqual(postmark.requests.map(({ body }) => body.To), [bea.email]);
      const keys = new Set(resend.requests().filter(hers).map(keyOf));
      assert.equal(keys.size, 1, "the same request all the time");
      resend.clearFaults();
      await shop.advance("1h");
      assert.deepEqual(addresses(resend), [ana.email]);
      assert.equal(postmark.requests.length, 1);
    }));
});
