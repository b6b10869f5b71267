// A new sending domain on the real runtime: what its day lets out, and what a provider's refusal gives back. The test build's
// domain was new on a day long past (tests/e2e/project/store.yaml), so that no other test meets it; here the clock is put there.

import assert from "node:assert/strict";
import { test } from "node:test";
import { openShop } from "./shop.mjs";

/** Ten in the morning of the first day, by the store's clock. */
const FIRST_DAY = Date.parse("2025-01-06T15:00:00Z");
const LIMIT = 3;

/** A shop at the beginning of its warm-up. */
async function newDomain(options = {}) {
  const shop = await openShop({ build: "test", ...options });
  await shop.worker.sql("Store", "store", "INSERT OR REPLACE INTO setting (key, value) VALUES ('clock_offset', ?)", String(FIRST_DAY - Date.now()));
  assert.equal((await shop.now()).toISOString().slice(0, 10), "2025-01-06");
  return shop;
}

async function signUp(shop, count) {
  const people = Array.from({ length: count }, (_, n) => shop.shopper(`p${n}`));
  for (const who of people) await shop.signsUp(who);
  await shop.settle();
  return people;
}

const day = async (shop) => (await shop.status()).store.warm_up;
const waiting = async (shop) =>
  (await shop.status()).shards.flatMap(({ messages }) => messages)
    .filter(({ state, reason }) => state === "intended" && reason !== null)
    .map(({ reason, count }) => [reason, count]);

test("a day lets out so many marketing mails and every order's, and the next day more", async () => {
  const shop = await newDomain();
  try {
    const people = await signUp(shop, LIMIT + 2);
    const greeted = async () => (await shop.outbox()).filter(({ step }) => step === "welcome-hello").length;
    assert.equal(await greeted(), LIMIT);
    assert.deepEqual(await day(shop), { day: "2025-01-06", taken: LIMIT, limit: LIMIT });
    assert.deepEqual(await waiting(shop), [["warm_up", 2]]);
    await shop.orders(people[0]);
    await shop.settle();
    assert.ok((await shop.sentTo(people[0])).includes("order-thank-you"), "an order's mail never waits");
    assert.equal((await day(shop)).taken, LIMIT, "nor does it count");
    // The next day begins at midnight, and its marketing when the night's quiet hours are over.
    await shop.advance("23h");
    assert.equal(await greeted(), LIMIT + 2);
    assert.deepEqual(await day(shop), { day: "2025-01-07", taken: 2, limit: LIMIT + 1 });
  } finally {
    await shop.close();
  }
});

test("what a provider refuses gives its place back", async () => {
  let refuses = true;
  let taken = 0;
  const outbound = async (request) => {
    const mails = [await request.json()].flat().length;
    if (refuses) return Response.json({ statusCode: 401, name: "missing_api_key", message: "no such key" }, { status: 401 });
    taken += mails;
    const ids = Array.from({ length: mails }, () => ({ id: crypto.randomUUID() }));
    return Response.json(request.url.endsWith("/batch") ? { data: ids } : ids[0]);
  };
  const vars = { EMAIL_PROVIDER: "resend", RESEND_URL: "http://127.0.0.1:9" };
  const shop = await newDomain({ vars, secrets: { RESEND_API_KEY: "re_test", EMAIL_PROVIDER: "resend" }, outbound });
  try {
    // One after another: four at once may find the day's places all held, and the fourth then waits for the warm-up instead.
    for (const who of Array.from({ length: LIMIT + 1 }, (_, n) => shop.shopper(`p${n}`))) {
      await shop.signsUp(who);
      await shop.settle();
      assert.equal((await day(shop)).taken, 0, "nothing has left");
    }
    assert.deepEqual(await waiting(shop), [["provider_refuses", LIMIT + 1]]);
    refuses = false;
    await shop.advance("20m");
    assert.equal(taken, LIMIT);
    assert.deepEqual(await day(shop), { day: "2025-01-06", taken: LIMIT, limit: LIMIT });
    assert.deepEqual(await waiting(shop), [["warm_up", 1]]);
  } finally {
    await shop.close();
  }
});
