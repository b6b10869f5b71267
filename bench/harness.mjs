// The same sides under Wrangler's harness (miniflare), the only place where Workflows run on one's own machine. All sides
// that are compared with them run here too: it has a proxy of its own, which takes most of the time.
//
// Used by the measurements `workflows` and `cost`.

import { readdirSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { startWorker } from "../tests/e2e/worker.mjs";
import { databaseBytes, cpuMs, memoryBytes, workerds } from "./figures.mjs";
import { startProvider } from "./provider.mjs";
import { SIDES, settings } from "./sides.mjs";

const SETTLE_MS = 1_000;
const realFetch = globalThis.fetch;

export const UNDER_HARNESS = {
  wend: { name: "wend", stats: SIDES.wend.stats },
  handwritten: { name: "handwritten", configPath: "bench/handwritten/wrangler.toml", stats: SIDES.handwritten.stats },
  // A Workflow is asked instance by instance.
  workflows: { name: "workflows", configPath: "bench/workflows/wrangler.toml", stats: async () => ({ rows_written: 0, alarms_set: 0 }) },
};

/** Starts a side on empty storage with a null provider, has `work` use it, and ends it. */
export async function underHarness({ configPath, stats }, values, work) {
  const provider = await startProvider();
  try {
    const { WAITS, ENVIRONMENT, EMAIL_PROVIDER, ...secrets } = { ...settings(provider.url), ...values };
    const outbound = (request) => realFetch(request);
    const worker = await startWorker({ configPath, vars: { WAITS }, secrets: { ...secrets, ENVIRONMENT, EMAIL_PROVIDER }, outbound });
    try {
      return await work(Object.assign(worker, { stats: () => stats(worker), provider }));
    } finally {
      await worker.close();
    }
  } finally {
    await provider.close();
  }
}

/** What all processes of the runtime have used and hold by now. */
export async function used() {
  await sleep(SETTLE_MS);
  const pids = workerds();
  const sum = (read) => pids.reduce((total, pid) => total + read(pid), 0);
  const bytes = storageOf(pids).reduce((total, folder) => total + databaseBytes(folder), 0);
  return { cpuMs: sum(cpuMs), memory: sum(memoryBytes), bytes };
}

/** The folders of objects and of instances, by the files that the runtime has open; the harness's own are others. */
function storageOf(pids) {
  const open = pids.flatMap((pid) => readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)));
  const folders = open.map((file) => /^.*\/miniflare-[0-9a-f]+\/(?:do|workflows)(?=\/)/.exec(file)?.[0]);
  return [...new Set(folders.filter(Boolean))];
}

function linkOf(link) {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
