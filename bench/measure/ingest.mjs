// Measurement 1: a signed webhook becomes durable. The 11 KB order of a new shopper against the limit, and both webhooks
// against the same work by hand. Run by bench/main.mjs.
//
// Every side starts on empty storage, is warmed, and gets the same bytes. Wend's mails are held by its stop switch while only
// the webhook is measured; a second row lets them go out beside it.

import { Client } from "undici";
import { cpuMs, medians, quantile } from "../figures.mjs";
import { drive, taken } from "../load.mjs";
import { startProvider } from "../provider.mjs";
import { checkout, order } from "../shop.mjs";
import { SIDES, serving, settings, stop } from "../sides.mjs";

const WARM_UP = 500;
const ALONE = 300;

const RUNS = [
  { name: "limit, order", side: SIDES.limit, make: order },
  { name: "wend, order", side: SIDES.wend, make: order, held: true },
  { name: "wend, order and its mail", side: SIDES.wend, make: order },
  { name: "handwritten, order", side: SIDES.handwritten, make: order },
  { name: "wend, checkout", side: SIDES.wend, make: checkout, held: true },
  { name: "handwritten, checkout", side: SIDES.handwritten, make: checkout },
];

export async function ingest({ rounds, quick, say }) {
  const count = quick ? 1_000 : 5_000;
  const taken = new Map(RUNS.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const run of RUNS) {
      const result = await measured(run, count);
      taken.get(run.name).push(result);
      say(`round ${round + 1}, ${run.name}: ${result.perSecond.toFixed(0)}/s`);
    }
  }
  const table = Object.fromEntries([...taken].map(([name, results]) => [name, medians(results)]));
  const ratio = (one, other, field = "perSecond") => {
    const pairs = taken.get(one).map((result, index) => result[field] / taken.get(other)[index][field]);
    return quantile(pairs, 0.5);
  };
  return {
    requests: count,
    rounds,
    runs: table,
    ratios: {
      "order, wend to limit": ratio("wend, order", "limit, order"),
      "order with its mail, wend to limit": ratio("wend, order and its mail", "limit, order"),
      "order, wend to handwritten": ratio("wend, order", "handwritten, order"),
      "checkout, wend to handwritten": ratio("wend, checkout", "handwritten, checkout"),
      "CPU of an order, wend to limit": ratio("wend, order", "limit, order", "cpuMs"),
    },
  };
}

async function measured({ side, make, held }, count) {
  const provider = await startProvider();
  try {
    return await serving(side, settings(provider.url), async (server) => {
      if (held) await stop(server, true);
      const requests = (from, size) => Array.from({ length: size }, (_, index) => make(from + index));
      await drive(server.url, requests(0, WARM_UP));
      const load = requests(WARM_UP, count);
      const before = { cpu: cpuMs(server.pid), ...(await server.stats()) };
      const result = await drive(server.url, load);
      const cpu = cpuMs(server.pid) - before.cpu;
      const after = await server.stats();
      stored(side.name, after, before, count);
      return {
        ...result,
        cpuMs: cpu / count,
        rowsWritten: (after.rows_written - before.rows_written) / count,
        ...(await alone(server, requests(WARM_UP + count, ALONE))),
      };
    });
  } finally {
    await provider.close();
  }
}

/** A 200 that stored nothing is no result. */
function stored(side, after, before, count) {
  const field = side === "wend" ? "contacts" : "events";
  if (after[field] - before[field] !== count) {
    throw new Error(`${side} answered ${count} webhooks with 200 and stored ${after[field] - before[field]}`);
  }
}

/** What one webhook takes with nobody else there: time, and CPU of the whole process. */
async function alone(server, requests) {
  const client = new Client(server.url);
  const [times, cpus] = [[], []];
  for (const request of requests) {
    const [cpu, at] = [cpuMs(server.pid), performance.now()];
    await taken(client, request);
    times.push(performance.now() - at);
    cpus.push(cpuMs(server.pid) - cpu);
  }
  await client.destroy();
  return { aloneP50: quantile(times, 0.5), aloneCpuP50: quantile(cpus, 0.5), aloneCpuP99: quantile(cpus, 0.99) };
}
