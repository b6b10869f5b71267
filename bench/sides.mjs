// The sides of a comparison: how each is built, served and asked what it has stored.
//
// Used by the measurements. All are served by the same workerd, with the same settings, and get the same bytes.

import { build } from "esbuild";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { DEV_SECRETS } from "../tests/e2e/worker.mjs";
import { serve, stateFolder, wend } from "../tests/e2e/workerd.mjs";

const BUILT = path.join("dist", "bench");

const peer = (name, source, className) => ({
  name,
  source: path.join("bench", name, source),
  worker: { folder: path.join(BUILT, name), modules: [["worker.js", "esModule"]], classes: [className] },
  stats: async (server) => (await server.fetch("/stats")).json(),
});

export const SIDES = {
  limit: peer("limit", "worker.js", "Limit"),
  handwritten: peer("handwritten", "worker.ts", "Journey"),
  wend: { name: "wend", worker: wend(), stats: wendStats },
};

/** As in production; mails go to the null provider at `providerUrl`. */
export const settings = (providerUrl) => ({
  ENVIRONMENT: "production",
  EMAIL_PROVIDER: "resend",
  RESEND_URL: providerUrl,
  RESEND_API_KEY: "re_bench",
  WAITS: "1h 23h 48h",
});

/** Bundles the peers. Wend's own build is the one that the end-to-end tests run. */
export async function buildPeers() {
  for (const { name, source } of Object.values(SIDES).filter((side) => side.source)) {
    mkdirSync(path.join(BUILT, name), { recursive: true });
    await build({
      entryPoints: [source],
      outfile: path.join(BUILT, name, "worker.js"),
      bundle: true,
      minify: true,
      format: "esm",
      target: "es2024",
      external: ["cloudflare:workers"],
    });
  }
}

/** Serves a side on empty storage, has `work` use it, and takes everything away again. */
export async function serving(side, values, work) {
  const state = stateFolder();
  try {
    const server = await serve(state, values, side.worker);
    try {
      return await work(Object.assign(server, { objects: path.join(state.path, "objects"), stats: () => side.stats(server) }));
    } finally {
      await server.close();
    }
  } finally {
    state.remove();
  }
}

async function wendStats(server) {
  const { shards } = await admin(server, "status");
  const sum = (read) => shards.reduce((total, shard) => total + read(shard), 0);
  const tally = (state) => sum(({ messages }) => messages.filter((row) => row.state === state).reduce((n, row) => n + row.count, 0));
  return {
    contacts: sum((shard) => shard.contacts),
    intended: tally("intended"),
    mails: tally("accepted"),
    shadowed: tally("shadowed"),
    rows_written: sum((shard) => shard.rows_written),
    alarms_set: sum((shard) => shard.alarms_set),
  };
}

/** Wend's stop switch. */
export const stop = (server, stopped) => admin(server, "stop", { method: "POST", body: JSON.stringify({ stopped }) });

/** Wend's import. Of what was there already it would be silent: it must all be new. */
export async function imported(server, records) {
  const { taken } = await admin(server, "import", { method: "POST", body: JSON.stringify({ records }) });
  if (taken !== records.length) throw new Error(`of ${records.length} records ${taken} were new`);
}

async function admin(server, what, init = {}) {
  const response = await server.fetch(`/admin/${what}`, { ...init, headers: { authorization: `Bearer ${DEV_SECRETS.ADMIN_TOKEN}` } });
  if (!response.ok) throw new Error(`/admin/${what} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
