// A shard that does not answer: what others hand on to it waits in their rows, and they wait for it once, not once for each.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Shop } from "./shop.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

/** How long a shard waits for another one, twice. */
const LIMIT_MS = 20_000;

/** The shop knows no account of them. */
const GUEST = { customer: null };

test("two pieces of work for a shard that hangs wait for it once, and arrive when it answers again", async () => {
  const state = stateFolder();
  const server = await serve(state, { SHARDS: "2" }, wend("test"));
  try {
    const shop = new Shop(server.fetch, 2);
    const lines = () => server.log().split("\n");
    const shoppers = [shop.shopper("ana"), shop.shopper("ben")];
    for (const who of shoppers) assert.equal(await shop.startsCheckout(who, GUEST), "accepted");
    await server.fetch("/test/hush");
    // They buy what they left under another address, whose shard tells the first one that the checkout is closed.
    const posted = Promise.all(shoppers.map((who) => shop.orders({ ...who, email: who.otherEmail }, GUEST).catch(() => "no answer")));
    await until(LIMIT_MS, "the rest to be kept", lines, (all) => all.some((line) => line.includes("forward waits")));
    const failed = lines().filter((line) => line.includes("forward failed"));
    assert.equal(failed.length, 1, failed.join("\n"));
    assert.match(failed[0], /"error":"shard [^"]*no answer in time"/);
    await server.fetch("/test/unhush");
    await posted;
    await shop.advance("5m");
    const left = async () => (await shop.status()).shards.reduce((sum, shard) => sum + shard.forwards, 0);
    await until(LIMIT_MS, "all to arrive", left, (count) => count === 0);
  } finally {
    await server.close();
    state.remove();
  }
});
