// Measurement 2: due work. Many journeys fall due at the same moment, and then half of what was managed falls due steadily.
// Rendering is included. Run by bench/main.mjs.
//
// Nothing is moved but the time that the checkouts say: they happened an hour before the moment at which their first mail is
// due, and the object's own alarm does the rest. Lateness is what the provider sees, from that moment to the mail's arrival.

import { setTimeout as sleep } from "node:timers/promises";
import { cpuMs, median, medians, memoryBytes, quantile } from "../figures.mjs";
import { drive, fill } from "../load.mjs";
import { startProvider } from "../provider.mjs";
import { checkout } from "../shop.mjs";
import { SIDES, serving, settings } from "../sides.mjs";

const FIRST_WAIT_MS = 3_600_000;
const QUIET_MS = 60_000;
const POLL_MS = 500;
/** How much of the time that is left, by the rate so far, passes before the next count. A rate grows as V8 compiles. */
const FORESEEN = 0.5;
/** From the last checkout to the moment at which its mail is due, at least. */
const LEAD_MS = 3_000;
/** So many shoppers time the filling; nothing of theirs falls due. */
const TRIAL_COUNT = 500;
/** How much slower than the trial the filling may be. */
const SLACK = 1.8;

const toProvider = { arrived: (provider, _server, count) => provider.received(count, QUIET_MS) };
const untilCounted = (field) => ({
  async arrived(_provider, server, count) {
    // Counting reads every row of the shard, which does nothing else meanwhile: seldom, until the end is near.
    for (const startedAt = Date.now(); ; ) {
      const done = (await server.stats())[field];
      if (done >= count) return;
      const passed = Date.now() - startedAt;
      const left = (passed * (count - done)) / Math.max(done, 1);
      await sleep(Math.max(POLL_MS, Math.min(left * FORESEEN, passed)));
    }
  },
});

const RUNS = [
  { name: "wend, batches to a provider", side: SIDES.wend, ...toProvider },
  { name: "wend, embedded outbox", side: SIDES.wend, values: { ENVIRONMENT: "dev", EMAIL_PROVIDER: "outbox" }, ...untilCounted("mails") },
  { name: "wend, shadow mode (nothing rendered)", side: SIDES.wend, values: { MODE: "shadow" }, ...untilCounted("shadowed") },
  { name: "handwritten, batches to a provider", side: SIDES.handwritten, ...toProvider },
];

export async function due({ rounds, quick, due: asked, say }) {
  const count = quick ? 1_000 : asked;
  const taken = new Map(RUNS.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const run of RUNS) {
      const result = await measured(run, count, () => 0);
      taken.get(run.name).push(result);
      say(`round ${round + 1}, ${run.name}: ${result.perSecond.toFixed(0)} mails/s`);
    }
  }
  const [wend] = RUNS;
  const rate = Math.floor(median(taken.get(wend.name).map(({ perSecond }) => perSecond)) / 2);
  const steady = [];
  for (let round = 0; round < rounds; round += 1) {
    steady.push(await measured(wend, rate * (quick ? 5 : 20), (index) => (index * 1000) / rate));
    say(`round ${round + 1}, ${rate} a second: p99 ${steady.at(-1).latenessP99.toFixed(0)} ms late`);
  }
  return {
    due_at_once: count,
    rounds,
    runs: Object.fromEntries([...taken].map(([name, results]) => [name, medians(results)])),
    steady: { [`wend, ${rate} due a second`]: medians(steady) },
  };
}

/** `after(index)` is how long after the first the mail of this shopper falls due. */
async function measured({ side, values, arrived }, count, after) {
  const provider = await startProvider();
  try {
    return await serving(side, { ...settings(provider.url), ...values }, async (server) => {
      const firstDue = await filled(server, 0, count, after);
      const cpu = cpuMs(server.pid);
      await sleep(firstDue - Date.now());
      await arrived(provider, server, count);
      const elapsed = Date.now() - firstDue;
      const figures = { cpuMs: (cpuMs(server.pid) - cpu) / count, memoryMb: memoryBytes(server.pid) / 1e6 };
      if (arrived !== toProvider.arrived) return { perSecond: count / (elapsed / 1000), ...figures };
      return { ...late(provider.arrivals(), 0, count, firstDue, after), ...figures };
    });
  } finally {
    await provider.close();
  }
}

/**
 * The mails of `count` new shoppers, numbered from `from`, fall due at once at a server that is up and has nothing else to do.
 * The filling is timed by `trial` shoppers more, whose numbers follow.
 */
export async function dueAtOnce(server, provider, from, count, trial) {
  provider.reset();
  // The counts read every row of the shard, which waits meanwhile: they are taken before anything is due.
  const askedAt = Date.now();
  await server.stats();
  const firstDue = await filled(server, from, count, () => 0, { trial, leadMs: LEAD_MS + 2 * (Date.now() - askedAt) });
  const before = await server.stats();
  if (Date.now() > firstDue) throw new Error("the machine grew slower while the rows were counted; run it again");
  const cpu = cpuMs(server.pid);
  await sleep(firstDue - Date.now());
  await provider.received(count, QUIET_MS);
  const each = { cpuMs: (cpuMs(server.pid) - cpu) / count, memoryMb: memoryBytes(server.pid) / 1e6 };
  let after = await server.stats();
  for (; after.mails < before.mails + count; after = await server.stats()) await sleep(POLL_MS);
  const rowsWritten = (after.rows_written - before.rows_written) / count;
  return { ...late(provider.arrivals(), from, count, firstDue, () => 0), rowsWritten, ...each };
}

/** Fills with checkouts whose mails fall due from a moment on at which the filling is over, and returns that moment. */
async function filled(server, from, count, after, { trial = TRIAL_COUNT, leadMs = LEAD_MS } = {}) {
  const startedAt = Date.now();
  await drive(server.url, Array.from({ length: trial }, (_, index) => checkout(from + count + index)));
  const eachMs = (Date.now() - startedAt) / trial;
  const firstDue = Date.now() + leadMs + eachMs * count * SLACK;
  await fill(server.url, count, (index) => checkout(from + index, new Date(firstDue + after(index) - FIRST_WAIT_MS)));
  if (Date.now() > firstDue) throw new Error("the machine grew slower while the checkouts were posted; run it again");
  return firstDue;
}

/** Every mail once, and how late. */
function late(arrivals, from, count, firstDue, after) {
  const lateness = [];
  for (let index = 0; index < count; index += 1) {
    const times = arrivals.get(from + index) ?? [];
    if (times.length !== 1) throw new Error(`shopper ${from + index} got ${times.length} mails`);
    lateness.push(times[0] - firstDue - after(index));
  }
  const last = Math.max(...[...arrivals.values()].flat()) - firstDue;
  const [p50, p99] = [quantile(lateness, 0.5), quantile(lateness, 0.99)];
  return { perSecond: count / (last / 1000), latenessP50: p50, latenessP99: p99, p99ToBacklogByRate: p99 / last };
}
