// Measurement 5: the abandoned-checkout journey on Cloudflare Workflows, by hand, and in Wend, all under the same harness.
// Checkouts that begin it, orders that end it, and what one that waits costs in memory. Run by bench/main.mjs.

import { medians, quantile } from "../figures.mjs";
import { UNDER_HARNESS, underHarness, used } from "../harness.mjs";
import { drive } from "../load.mjs";
import { checkout, order } from "../shop.mjs";

const WARM_UP = 20;
/** Instances whose state is looked at: each is a request. */
const LOOKED_AT = 5;

export async function workflows({ rounds, quick, say }) {
  const count = quick ? 40 : 300;
  const sides = Object.values(UNDER_HARNESS);
  const taken = new Map(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const side of sides) {
      const result = await measured(side, count);
      taken.get(side.name).push(result);
      say(`round ${round + 1}, ${side.name}: ${result.checkoutsPerSecond.toFixed(0)} checkouts/s, ${result.ordersPerSecond.toFixed(0)} orders/s`);
    }
  }
  const ratio = (field) => {
    const pairs = taken.get("wend").map((result, index) => result[field] / taken.get("workflows")[index][field]);
    return quantile(pairs, 0.5);
  };
  return {
    checkouts: count,
    rounds,
    runs: Object.fromEntries([...taken].map(([name, results]) => [name, medians(results)])),
    ratios: {
      "checkouts a second, wend to workflows": ratio("checkoutsPerSecond"),
      "orders a second, wend to workflows": ratio("ordersPerSecond"),
      "CPU of a checkout, wend to workflows": ratio("checkoutCpuMs"),
      "memory of a waiting checkout, wend to workflows": ratio("memoryKbEach"),
      "bytes stored of a waiting checkout, wend to workflows": ratio("storedBytesEach"),
    },
  };
}

function measured(side, count) {
  return underHarness(side, {}, async (worker) => {
    await drive(worker.url, Array.from({ length: WARM_UP }, (_, index) => checkout(index)));
    const before = await used();
    const begun = await drive(worker.url, Array.from({ length: count }, (_, index) => checkout(WARM_UP + index)));
    const waiting = await used();
    await checkEach(side, worker, "begun", WARM_UP + count);
    const ended = await drive(worker.url, Array.from({ length: count }, (_, index) => order(WARM_UP + index)));
    await checkEach(side, worker, "bought", WARM_UP + count);
    return {
      checkoutsPerSecond: begun.perSecond,
      checkoutP50: begun.p50,
      checkoutP99: begun.p99,
      checkoutCpuMs: (waiting.cpuMs - before.cpuMs) / count,
      ordersPerSecond: ended.perSecond,
      // Of one process; a heap that has just been collected can have less than before.
      memoryKbEach: Math.max(0, waiting.memory - before.memory) / 1024 / count,
      storedBytesEach: (waiting.bytes - before.bytes) / count,
    };
  });
}

/** That the checkouts are there, and later that the orders have ended them. */
async function checkEach(side, worker, state, people) {
  if (side.name !== "workflows") {
    const { contacts, events } = await worker.stats();
    const expected = side.name === "handwritten" && state === "bought" ? 2 * people - WARM_UP : people;
    if ((contacts ?? events) !== expected) throw new Error(`${side.name}: ${contacts ?? events} stored, not ${expected}`);
    return;
  }
  for (let look = 0; look < LOOKED_AT; look += 1) {
    const token = `token-${WARM_UP + Math.floor((look * (people - WARM_UP)) / LOOKED_AT)}`;
    const { status, output } = await (await worker.fetch(`/stats/${token}`)).json();
    const is = state === "bought" ? output === "bought" : status === "waiting" || status === "running";
    if (!is) throw new Error(`${side.name}: ${token} is ${status}, ${output}, not ${state}`);
  }
}
