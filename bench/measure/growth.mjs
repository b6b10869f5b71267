// Measurement 3: growth. Another order of a contact that is known, and mails that fall due at once, among a thousand contacts
// and among many more; what a contact weighs. Run by bench/main.mjs.
//
// All sizes are served at the same time, each with a provider of its own, and measured in turn, with the same number of
// requests to the same number of people. Everybody is imported, with consent and an order of ten days ago: nothing of the
// filling falls due while the rest is measured.

import { databaseBytes, cpuMs, medians, memoryBytes, quantile } from "../figures.mjs";
import { drive } from "../load.mjs";
import { startProvider } from "../provider.mjs";
import { listed, order } from "../shop.mjs";
import { SIDES, imported, serving, settings, stop } from "../sides.mjs";
import { dueAtOnce } from "./due.mjs";

const ORDERS = 1_000;
/** Whose mails fall due is new each time: a contact of before has had its marketing mail of the week. */
const DUE = { from: 5_000_000, count: 1_000, trial: 250 };
const ORDERED_BEFORE_MS = 10 * 86_400_000;
const QUIET_MS = 60_000;
/** People in a request of the import, each of two records, and requests at once. */
const PART = 100;
const AT_ONCE = 4;

export function growth({ rounds, quick, contacts, say }) {
  const sizes = quick ? [1_000, 3_000] : contacts;
  return withSizes(sizes, say, [], async (served) => {
    const ordered = await inTurn(served, rounds, orders);
    tell(say, "orders, p50 in ms", ordered, ({ p50 }) => p50);
    for (const { server, provider } of served) {
      await stop(server, false);
      await provider.received((rounds + 1) * ORDERS, QUIET_MS);
    }
    const due = await inTurn(served, rounds, fallDue);
    tell(say, "mails/s, due at once", due, ({ perSecond }) => perSecond);
    const named = (read) => Object.fromEntries(served.map((one) => [`${one.size} contacts`, read(one)]));
    const [smallest, ...larger] = sizes;
    return {
      rounds,
      runs: named(({ size, weight }) => ({ ...medians(ordered.get(size)), ...weight })),
      due: named(({ size }) => medians(due.get(size))),
      ratios: Object.fromEntries(larger.flatMap((size) => [
        [`order p50 at ${size} to ${smallest} contacts`, ratio(ordered, size, smallest, ({ p50 }) => p50)],
        [`due mails/s at ${size} to ${smallest} contacts`, ratio(due, size, smallest, ({ perSecond }) => perSecond)],
      ])),
    };
  });
}

/** Serves one filled installation a size, and has `work` use them all. No mail leaves yet. */
async function withSizes(sizes, say, served, work) {
  const [size, ...rest] = sizes;
  if (size === undefined) return work(served);
  const provider = await startProvider();
  try {
    return await serving(SIDES.wend, settings(provider.url), async (server) => {
      await stop(server, true);
      const before = databaseBytes(server.objects);
      await importAll(server, size);
      const weight = { bytesPerContact: (databaseBytes(server.objects) - before) / size, memoryMb: memoryBytes(server.pid) / 1e6 };
      say(`${size} contacts are there`);
      return withSizes(rest, say, [...served, { size, server, provider, weight }], work);
    });
  } finally {
    await provider.close();
  }
}

async function importAll(server, size) {
  const at = new Date(Date.now() - ORDERED_BEFORE_MS);
  let next = 0;
  const work = async () => {
    while (next < size) {
      const from = next;
      next += PART;
      const people = Array.from({ length: Math.min(PART, size - from) }, (_, index) => listed(from + index, at));
      await imported(server, people.flat());
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** One result a round of each size, which take turns; the first round warms. */
async function inTurn(served, rounds, work) {
  const taken = new Map(served.map(({ size }) => [size, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const one of served) {
      const result = await work(one, round);
      if (round > 0) taken.get(one.size).push(result);
    }
  }
  return taken;
}

function tell(say, what, taken, read) {
  for (const [size, results] of taken) say(`${what}, ${size} contacts: ${results.map((result) => read(result).toFixed(1)).join(", ")}`);
}

/** The median of the ratios of each round. */
function ratio(taken, size, smallest, read) {
  return quantile(taken.get(size).map((result, index) => read(result) / read(taken.get(smallest)[index])), 0.5);
}

/** One order more of each of a thousand people, spread over all. */
async function orders({ server, size }, round) {
  const number = (index) => Math.floor((index * size) / ORDERS);
  const requests = Array.from({ length: ORDERS }, (_, index) => order(number(index), round + 1));
  const before = await server.stats();
  const cpu = cpuMs(server.pid);
  const result = await drive(server.url, requests);
  const cpuEach = (cpuMs(server.pid) - cpu) / ORDERS;
  const after = await server.stats();
  if (after.intended - before.intended !== ORDERS) throw new Error("orders were answered with 200 and started no journey");
  return { ...result, cpuMs: cpuEach, rowsWritten: (after.rows_written - before.rows_written) / ORDERS };
}

/** Mails of a thousand people more. */
function fallDue({ server, provider }, round) {
  return dueAtOnce(server, provider, DUE.from + round * (DUE.count + DUE.trial), DUE.count, DUE.trial);
}
