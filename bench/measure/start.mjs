// Measurement 4: how large the Worker is, and how long it takes from nothing to its first answers. Run by bench/main.mjs.
//
// A start is a process of workerd that begins with the files of an installation that has been used. `listen` is what any
// Worker needs here; what Wend adds is in the first answer, and in the first webhook, whose object starts too.

import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { Client } from "undici";
import { quantile } from "../figures.mjs";
import { taken } from "../load.mjs";
import { startProvider } from "../provider.mjs";
import { order } from "../shop.mjs";
import { SIDES, settings } from "../sides.mjs";
import { serve, stateFolder } from "../../tests/e2e/workerd.mjs";

export async function start({ rounds, quick, say }) {
  const starts = Math.max(rounds, quick ? 2 : 10);
  const provider = await startProvider();
  const sides = Object.values(SIDES).map((side) => ({ side, state: stateFolder(), results: [] }));
  try {
    for (let nth = 0; nth <= starts; nth += 1) {
      for (const { side, state, results } of sides) {
        const result = await measured(side, state, provider.url, nth);
        // The first start makes the tables.
        if (nth > 0) results.push(result);
      }
    }
    say(`${starts} starts of each`);
  } finally {
    for (const { state } of sides) state.remove();
    await provider.close();
  }
  const row = (results, share) => Object.fromEntries(Object.keys(results[0]).map((field) => [field, quantile(results.map((result) => result[field]), share)]));
  return {
    starts,
    size: Object.fromEntries(sides.map(({ side }) => [side.name, size(side.worker)])),
    median_ms: Object.fromEntries(sides.map(({ side, results }) => [side.name, row(results, 0.5)])),
    best_ms: Object.fromEntries(sides.map(({ side, results }) => [side.name, row(results, 0)])),
  };
}

async function measured(side, state, providerUrl, nth) {
  const server = await serve(state, settings(providerUrl), side.worker);
  const client = new Client(server.url);
  try {
    const timed = async (work) => {
      const from = performance.now();
      await work();
      return performance.now() - from;
    };
    const first = await timed(async () => (await client.request({ method: "GET", path: side.name === "wend" ? "/" : "/stats" })).body.dump());
    const webhook = await timed(() => taken(client, order(nth)));
    const next = await timed(() => taken(client, order(1_000 + nth)));
    return { listen: server.listenMs, firstAnswer: first, firstWebhook: webhook, secondWebhook: next };
  } finally {
    await client.destroy();
    await server.close();
  }
}

function size({ folder, modules }) {
  const files = modules.map(([name]) => readFileSync(path.join(folder, name)));
  const sum = (read) => files.reduce((total, file) => total + read(file), 0);
  return { bytes: sum((file) => file.length), gzip: sum((file) => gzipSync(file, { level: 9 }).length) };
}
