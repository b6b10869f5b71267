// What was fixed at install and may not change after it: where the contacts are depends on it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Shop, shopifyHeaders } from "./shop.mjs";
import { serve, stateFolder } from "./workerd.mjs";

/** Serves one state under one setting after another. */
async function reinstalled(installs, work) {
  const state = stateFolder();
  try {
    for (const [n, settings] of installs.entries()) {
      const server = await serve(state, settings);
      try {
        await work[n](new Shop(server.fetch, Number(settings.SHARDS ?? 1)));
      } finally {
        await server.close();
      }
    }
  } finally {
    state.remove();
  }
}

const refuses = (error, hint) => async (shop) => {
  const body = JSON.stringify({ id: 77, email: "bea@example.com" });
  for (const topic of ["customers/create", "orders/create"]) {
    const answer = await shop.post("/hooks/shopify", body, shopifyHeaders(topic, body));
    assert.equal(answer.status, 503, "the sender tries again until it is set right");
    assert.match(answer.error, error);
    assert.match(answer.hint, hint);
  }
  const health = await shop.health();
  assert.deepEqual([health.status, health.ok], [503, false]);
  assert.match(health.attention.map(({ setting, problem }) => `${setting}: ${problem}`).join(), error);
  assert.deepEqual(health.attention.map(({ setting }) => setting), [error.source.split(" ")[0]]);
};

const installs = async (shop) => {
  const ana = { ...shop.shopper(), email: "ana@example.com" };
  await shop.orders(ana);
  await shop.untilSentTo(ana, 1);
};

const goesOn = async (shop) => {
  const cleo = { ...shop.shopper(), email: "cleo@example.com", orderId: 99 };
  await shop.orders(cleo, { token: null, customer: false });
  await shop.settle();
  assert.deepEqual((await shop.outbox()).map((mail) => mail.to), ["ana@example.com", "cleo@example.com"]);
  assert.equal((await shop.health()).ok, true);
};

describe("after the install", { concurrency: true }, () => {
  test("another number of shards is refused, and the first one still works", () =>
    reinstalled([{ SHARDS: "1" }, { SHARDS: "4" }, { SHARDS: "1" }], [
      installs,
      refuses(/SHARDS is 4, but this store was installed with 1/, /SHARDS = "1"/),
      goesOn,
    ]));

  test("fewer shards are refused too", () =>
    reinstalled([{ SHARDS: "4" }, { SHARDS: "1" }, { SHARDS: "4" }], [
      installs,
      refuses(/SHARDS is 1, but this store was installed with 4/, /SHARDS = "4"/),
      goesOn,
    ]));

  test("a number that is no power of two is never installed", () =>
    reinstalled([{ SHARDS: "3" }, { SHARDS: "2" }], [
      async (shop) => {
        const health = await shop.health();
        assert.deepEqual([health.status, health.attention[0].setting], [503, "SHARDS"]);
        assert.equal((await shop.post("/hooks/shopify", "{}", {})).status, 503);
      },
      installs,
    ]));

  test("another jurisdiction is refused", () =>
    reinstalled([{ JURISDICTION: "eu" }, { JURISDICTION: "fedramp" }, {}, { JURISDICTION: "eu" }], [
      installs,
      refuses(/JURISDICTION is fedramp, but this store was installed with eu/, /set it back/),
      refuses(/JURISDICTION is none, but this store was installed with eu/, /set it back/),
      goesOn,
    ]));

  test("another HASH_KEY is refused: under it nobody would be known", () =>
    reinstalled([{ SHARDS: "4" }, { SHARDS: "4", HASH_KEY: "another-hash-key-of-32-bytes-012345678" }, { SHARDS: "4" }], [
      installs,
      refuses(/HASH_KEY is another one than this store was installed with/, /set the old one again/),
      goesOn,
    ]));
});
