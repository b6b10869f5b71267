// Measures what `npm run bench` asks for (scripts/bench.mjs): merges each measurement into bench/results.json as soon as it is
// there, and prints its tables. It measures and never judges: targets, and what falls short, are in docs/performance.md.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { parseArgs } from "node:util";
import workerd from "workerd/package.json" with { type: "json" };
import { Explained, root, runMain, seconds } from "../scripts/steps.mjs";
import { cost } from "./measure/cost.mjs";
import { due } from "./measure/due.mjs";
import { growth } from "./measure/growth.mjs";
import { ingest } from "./measure/ingest.mjs";
import { killed } from "./measure/killed.mjs";
import { peers } from "./measure/peers.mjs";
import { start } from "./measure/start.mjs";
import { workflows } from "./measure/workflows.mjs";
import { plot } from "./plot.mjs";
import { print } from "./report.mjs";
import { buildPeers } from "./sides.mjs";

const RESULTS = "bench/results.json";

/** How many runs fall due at once, unless `--due` says it: the size whose entry the pictures show. */
const DUE = "10000";

/**
 * Each is asked for `{ rounds, quick, say }` and returns what is written down, or nothing where nothing could be measured.
 * It is written under its name, or where `entry` says.
 */
const MEASUREMENTS = {
  ingest: { title: "a signed webhook becomes durable, against the limit and a Worker written by hand", measure: ingest },
  due: { title: "many journeys fall due at once, and steadily; how late their mails are", measure: due, entry: dueEntry },
  growth: { title: "a webhook and due mails among few contacts and among many; what a contact weighs", measure: growth },
  start: { title: "the Worker's size, and the time from nothing to its first answers", measure: start },
  workflows: { title: "the same journey on Cloudflare Workflows and by hand, under one harness", measure: workflows },
  cost: { title: "rows, requests and CPU of whole journeys, in dollars; and that all sides send the same mails", measure: cost },
  peers: { title: "signup, wait, mail beside other servers that do the job, if they are installed (bench/peers)", measure: peers },
  killed: { title: "the same servers, killed while people wait: mails lost and doubled", measure: killed },
};

const list = Object.entries(MEASUREMENTS).map(([name, { title }]) => `  ${name.padEnd(12)}${title}`).join("\n");
const HELP = `npm run bench [-- <measurement>…] [--quick] [--rounds N] [--contacts N,N] [--due N] [--built]

${list}

  --quick         small numbers: shows that a measurement runs, and little else
  --rounds N      interleaved rounds, of which the median counts (5)
  --contacts N,N  the sizes that growth compares (1000,100000)
  --due N         how many runs fall due at once (${DUE})
  --built         measures dist/release as it is, without building first`;

await runMain(async (args) => {
  const asked = read(args);
  if (asked.help) return void console.log(HELP);
  process.chdir(root);
  await buildPeers();
  for (const name of asked.names) await measure(name, asked);
});

function read(args) {
  const text = (value) => ({ type: "string", default: value });
  const flag = { type: "boolean", default: false };
  const options = { quick: flag, help: flag, rounds: text("5"), contacts: text("1000,100000"), due: text(DUE) };
  let parsed;
  try {
    parsed = parseArgs({ args, allowPositionals: true, options });
  } catch (error) {
    throw new Explained(`${error.message}\n\n${HELP}`);
  }
  const { values, positionals } = parsed;
  const unknown = positionals.filter((name) => !(name in MEASUREMENTS));
  if (unknown.length > 0) throw new Explained(`${unknown.join(", ")}: no measurement\n\n${HELP}`);
  return {
    ...values,
    names: positionals.length > 0 ? positionals : Object.keys(MEASUREMENTS),
    rounds: count("--rounds", values.rounds),
    due: count("--due", values.due),
    contacts: values.contacts.split(",").map((size) => count("--contacts", size)),
  };
}

function count(option, text) {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Explained(`${option} takes whole numbers above 0, not ${text}`);
}

async function measure(name, asked) {
  const { title, measure, entry: place = () => name } = MEASUREMENTS[name];
  const startedAt = Date.now();
  console.log(`\n▸ ${name}: ${title}`);
  const loadBefore = loadavg()[0];
  const result = await measure({ ...asked, say: (text) => console.log(`  ${seconds(startedAt)}  ${text}`) });
  if (!result) return;
  const entry = {
    measured_on: {
      date: new Date(startedAt).toISOString().slice(0, 10),
      cores: availableParallelism(),
      node: process.version,
      workerd: workerd.version,
      quick: asked.quick,
      // Above the number of cores when others work too: what then counts is the ratio of interleaved rounds.
      load_before: Math.round(loadBefore * 10) / 10,
    },
    ...result,
  };
  const before = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
  const results = { ...before, [place(asked)]: rounded(entry) };
  writeFileSync(RESULTS, `${JSON.stringify(results, null, 2)}\n`);
  plot(results);
  print(rounded(entry));
}

/** Another number of runs at once is kept beside the usual one, and does not replace it. */
function dueEntry({ due: count }) {
  return String(count) === DUE ? "due" : `due at ${count}`;
}

/** Four significant digits: more is noise. */
function rounded(value) {
  if (typeof value === "number") return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (Array.isArray(value)) return value.map(rounded);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, rounded(inner)]));
}
