// Measurement 3: growth. Another order of a contact that is known, among a thousand contacts and among many more; what a
// contact weighs. Run by bench/main.mjs.
//
// All sizes are served at the same time and measured in turn, with the same number of requests to the same number of people.

import { databaseBytes, cpuMs, medians, memoryBytes, quantile } from "../figures.mjs";
import { drive, fill } from "../load.mjs";
import { startProvider } from "../provider.mjs";
import { checkout, order } from "../shop.mjs";
import { SIDES, serving, settings, stop } from "../sides.mjs";

const ORDERS = 1_000;

export async function growth({ rounds, quick, contacts, say }) {
  const sizes = quick ? [1_000, 3_000] : contacts;
  const provider = await startProvider();
  try {
    return await withSizes(sizes, provider, say, [], async (served) => {
      const taken = new Map(served.map(({ size }) => [size, []]));
      for (let round = 0; round <= rounds; round += 1) {
        for (const { size, server } of served) {
          const result = await orders(server, size, round + 1);
          // The first round warms.
          if (round > 0) taken.get(size).push(result);
        }
        if (round > 0) say(`round ${round}: p50 ${served.map(({ size }) => `${taken.get(size).at(-1).p50.toFixed(1)} ms at ${size}`).join(", ")}`);
      }
      const [smallest, ...larger] = sizes;
      const ratio = (size) => quantile(taken.get(size).map(({ p50 }, index) => p50 / taken.get(smallest)[index].p50), 0.5);
      return {
        rounds,
        runs: Object.fromEntries(served.map(({ size, weight }) => [`${size} contacts`, { ...medians(taken.get(size)), ...weight }])),
        ratios: Object.fromEntries(larger.map((size) => [`p50 at ${size} to ${smallest} contacts`, ratio(size)])),
      };
    });
  } finally {
    await provider.close();
  }
}

/** Serves one filled installation a size, and has `work` use them all. */
function withSizes(sizes, provider, say, served, work) {
  const [size, ...rest] = sizes;
  if (size === undefined) return work(served);
  return serving(SIDES.wend, settings(provider.url), async (server) => {
    await stop(server, true);
    const before = databaseBytes(server.objects);
    await fill(server.url, size, (index) => checkout(index));
    const weight = { bytesPerContact: (databaseBytes(server.objects) - before) / size, memoryMb: memoryBytes(server.pid) / 1e6 };
    say(`${size} contacts are there`);
    return withSizes(rest, provider, say, [...served, { size, server, weight }], work);
  });
}

/** One order more of each of a thousand people, spread over all. */
async function orders(server, size, nth) {
  const number = (index) => Math.floor((index * size) / ORDERS);
  const requests = Array.from({ length: ORDERS }, (_, index) => order(number(index), nth));
  const before = { cpu: cpuMs(server.pid), ...(await server.stats()) };
  const result = await drive(server.url, requests);
  const cpu = cpuMs(server.pid) - before.cpu;
  const after = await server.stats();
  if (after.intended - before.intended !== ORDERS) throw new Error("orders were answered with 200 and started no journey");
  return { ...result, cpuMs: cpu / ORDERS, rowsWritten: (after.rows_written - before.rows_written) / ORDERS };
}
