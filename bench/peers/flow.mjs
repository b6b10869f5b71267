// The flow that Wend and its peers are compared by: a webhook signs somebody up, a wait, one mail. Who takes part, and what of it
// arrived.
//
// Used by the measurements `peers` and `killed`. Nothing is measured here, and lost or doubled mails end nothing: they are counted.

import { setTimeout as sleep } from "node:timers/promises";
import { quantile } from "../figures.mjs";
import { startProvider } from "../provider.mjs";
import { signup } from "../shop.mjs";
import { n8n } from "./n8n/side.mjs";
import { wend } from "./wend.mjs";

/**
 * n8n keeps waits below 65 s in memory, and in its database from there on: it is measured on both sides of that. Its expressions
 * run in an isolate of their own unless it is told otherwise, which is much of its CPU: so without that, too. Each gets as many
 * signups in a round as keep it busy for a while.
 */
export const RUNS = [
  { name: "wend", side: wend, signups: 600, waitMs: 2_000 },
  { name: "n8n, waits in memory", side: n8n, signups: 80, waitMs: 2_000 },
  { name: "n8n, the same, expressions not isolated", side: n8n, signups: 80, waitMs: 2_000, values: { N8N_EXPRESSION_ENGINE: "legacy" } },
  { name: "n8n, waits in its database", side: n8n, signups: 80, waitMs: 70_000 },
];

/** So long after the last is due without a mail, and no more are expected. */
const QUIET_MS = 20_000;

/**
 * Has `work(runs, provider, versions)` use the sides that are installed, each run with a `fresh()` that makes an empty installation
 * of it; without a peer there is nothing to do, which `say` tells.
 */
export async function withPeers(say, work) {
  const absent = [...new Set(RUNS.map(({ side }) => side.missing()))].filter(Boolean);
  for (const word of absent) say(`left out: ${word}`);
  const there = RUNS.filter(({ side }) => !side.missing());
  // Alone, Wend would be compared with nobody.
  if (there.length < 2) return undefined;
  const provider = await startProvider();
  const prepared = new Map();
  try {
    for (const { side } of there) if (!prepared.has(side)) prepared.set(side, await side.prepare(provider.url));
    const versions = Object.fromEntries([...prepared.keys()].map((side) => [side.name, side.version()]));
    return await work(there.map((run) => ({ ...run, fresh: prepared.get(run.side).fresh })), provider, versions);
  } finally {
    for (const each of prepared.values()) each.remove();
    await provider.close();
  }
}

/** Signups that are made when they are sent, which is written down in `sentAt`: the wait counts from then. */
export function signups(side, waitMs, from, sentAt) {
  return Array.from(sentAt, (_, index) => () => {
    sentAt[index] = Date.now();
    return side.request(signup(from + index, new Date(sentAt[index]), waitMs));
  });
}

/** Until all mails came, or none for so long that the rest is lost; a moment more shows those that come twice. */
export async function arrived(provider, count, waitMs) {
  await provider.received(count, waitMs + QUIET_MS).catch(() => {});
  await sleep(1_000);
}

/** What came of signups that were sent at `sentAt`, the first of which had its mail due at `firstDue`. */
export function mails(arrivals, { from, sentAt, waitMs, firstDue }) {
  const late = [];
  let [lost, doubled, last] = [0, 0, firstDue];
  for (const [index, sent] of sentAt.entries()) {
    const times = arrivals.get(from + index) ?? [];
    if (times.length === 0) lost += 1;
    doubled += Math.max(0, times.length - 1);
    for (const at of times) {
      late.push(at - sent - waitMs);
      last = Math.max(last, at);
    }
  }
  const perSecond = late.length / ((last - firstDue) / 1000);
  return { mailsPerSecond: perSecond, lateP50: quantile(late, 0.5), lateP99: quantile(late, 0.99), lost, doubled };
}
