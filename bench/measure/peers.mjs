// Measurement 7: beside other servers that do the same job: a webhook signs somebody up, a wait, one mail to the same provider.
// Run by bench/main.mjs.
//
// All get the same event, Wend signed and the peer with a token. All servers stay up over the rounds, since some take half a
// minute to start; only one of them has anything to do at a time.

import { cpuMs, family, medians, memoryBytes } from "../figures.mjs";
import { drive } from "../load.mjs";
import { arrived, mails, signups, withPeers } from "../peers/flow.mjs";

const WARM_UP = 50;
/** Numbers of shoppers in one round; the first one warms, and does not count. */
const ROUND = 10_000;
const QUICK = 20;
const SAMPLE_MS = 250;

export function peers({ rounds, quick, say }) {
  return withPeers(say, async (runs, provider, versions) => {
    const taken = new Map(runs.map(({ name }) => [name, []]));
    const up = [];
    try {
      for (const run of runs) up.push(await started(run));
      for (const { run, server } of up) {
        await flow({ ...run, signups: WARM_UP, waitMs: 0 }, server, provider, 0);
        say(`${run.name} is up and warm`);
      }
      for (let round = 1; round <= rounds; round += 1) {
        for (const { run, server } of up) {
          const result = await flow(quick ? { ...run, signups: QUICK } : run, server, provider, round * ROUND);
          taken.get(run.name).push(result);
          say(`round ${round}, ${run.name}: ${result.signupsPerSecond.toFixed(1)} signups/s, ${result.mailsPerSecond.toFixed(1)} mails/s`);
        }
      }
    } finally {
      for (const { server, state } of up) {
        await server.close();
        state.remove();
      }
    }
    return { rounds, versions, runs: Object.fromEntries([...taken].map(([name, results]) => [name, summed(results)])) };
  });
}

async function started(run) {
  const state = run.fresh();
  try {
    return { run, state, server: await run.side.start(state, run.values) };
  } catch (error) {
    state.remove();
    throw error;
  }
}

/** Medians of all but what must not happen at all: that is added up. */
function summed(results) {
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  return { ...medians(results), lost: sum("lost"), doubled: sum("doubled") };
}

async function flow({ side, signups: count, waitMs }, server, provider, from) {
  provider.reset();
  const idle = memory(server.pid);
  const before = cpu(server.pid);
  const peak = watched(server.pid);
  try {
    const sentAt = new Float64Array(count);
    const firstDue = Date.now() + waitMs;
    const driven = await drive(server.url, signups(side, waitMs, from, sentAt));
    await arrived(provider, count, waitMs);
    return {
      signups: count,
      signupsPerSecond: driven.perSecond,
      answerP50: driven.p50,
      answerP99: driven.p99,
      ...mails(provider.arrivals(), { from, sentAt, waitMs, firstDue }),
      cpuMs: (cpu(server.pid) - before) / count,
      idleMb: idle / 1e6,
      peakMb: peak() / 1e6,
      generatorBusy: driven.generatorBusy,
    };
  } finally {
    peak();
  }
}

const memory = (pid) => family(pid).reduce((sum, each) => sum + tried(() => memoryBytes(each)), 0);
const cpu = (pid) => family(pid).reduce((sum, each) => sum + tried(() => cpuMs(each)), 0);

/** Watches the memory of a process and of those that it has started; what is returned ends that and gives the most there was. */
function watched(pid) {
  let most = memory(pid);
  const look = () => {
    most = Math.max(most, memory(pid));
  };
  const timer = setInterval(look, SAMPLE_MS);
  return () => {
    look();
    clearInterval(timer);
    return most;
  };
}

function tried(read) {
  try {
    return read();
  } catch {
    return 0; // ended since it was listed
  }
}
