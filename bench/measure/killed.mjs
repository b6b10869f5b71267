// Measurement 8: what a kill costs while people wait: each has the 200 of their signup, the server gets a SIGKILL, and is started
// again on the same files. Run by bench/main.mjs.
//
// How many mails then come, come twice or never come is the result; Wend's own hundred rounds of it are `npm run test:crash`.

import { drive } from "../load.mjs";
import { arrived, mails, signups, withPeers } from "../peers/flow.mjs";

const SIGNUPS = 40;
/** Longer than the slowest takes to answer them all. */
const LEAST_WAIT_MS = 20_000;

export function killed({ say }) {
  return withPeers(say, async (runs, provider, versions) => {
    const results = {};
    for (const run of runs.filter(({ values }) => !values)) {
      const state = run.fresh();
      try {
        results[run.name] = await measured(run, state, provider);
      } finally {
        state.remove();
      }
      say(`${run.name}: ${results[run.name].lost} of ${SIGNUPS} lost`);
    }
    return { versions, runs: results };
  });
}

async function measured({ side, waitMs }, state, provider) {
  provider.reset();
  const longer = Math.max(waitMs, LEAST_WAIT_MS);
  const sentAt = new Float64Array(SIGNUPS);
  const first = await side.start(state);
  try {
    await drive(first.url, signups(side, longer, 0, sentAt));
  } finally {
    await first.close();
  }
  const before = provider.mails();
  const second = await side.start(state);
  try {
    await arrived(provider, SIGNUPS, longer);
    const { lost, doubled } = mails(provider.arrivals(), { from: 0, sentAt, waitMs: longer, firstDue: sentAt[0] + longer });
    return { signups: SIGNUPS, waitSeconds: longer / 1000, mailsBeforeTheKill: before, lost, doubled };
  } finally {
    await second.close();
  }
}
