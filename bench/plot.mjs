// Draws docs/images/performance/*.svg from bench/results.json, one bar a side, the median of its rounds, and
// docs/images/reliability/*.svg from bench/reliability.json. Called by bench/main.mjs after each measurement and by benches/crash.mjs
// with --save, so that the pictures never say anything else than the files. By itself it draws the second again:
// `node bench/plot.mjs`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isMain } from "../scripts/steps.mjs";

const FOLDER = path.join("docs", "images", "performance");
const RELIABILITY = path.join("docs", "images", "reliability");
const FOUND = "bench/reliability.json";
const WIDTH = 720;
const LABEL = 310;
const VALUE = 90;
const BAR = 22;
const STEP = 32;
const TOP = 48;

/** What is drawn of each measurement: a group of its results, one field of it, and what the bars say; `side` where all are of one. */
const PLOTS = [
  { of: "ingest", group: "runs", field: "cpuMs", title: "CPU of a webhook, milliseconds of the whole process (less is better)" },
  { of: "ingest", group: "runs", field: "perSecond", title: "Webhooks a second, 16 connections (more is better)" },
  { of: "due", group: "runs", field: "perSecond", title: "Mails a second, all due at once (more is better)" },
  { of: "growth", group: "runs", field: "p50", title: "An order's answer by contacts in one shard, median ms (less is better)", side: "wend" },
  { of: "growth", group: "due", field: "perSecond", title: "Due mails a second by contacts in one shard (more is better)", side: "wend" },
  { of: "workflows", group: "runs", field: "checkoutsPerSecond", title: "Checkouts a second, all under one harness (more is better)" },
  { of: "workflows", group: "runs", field: "storedBytesEach", title: "Bytes stored for a waiting checkout (less is better)" },
  { of: "peers", group: "runs", field: "signupsPerSecond", title: "Signups a second, each with a wait and a mail (more is better)" },
  { of: "cost", group: "dollars_per_million_checkouts", field: "total", title: "Dollars for a million checkouts with their mails (less is better)" },
];

/** What is drawn of each run of rounds, by its name in the file. */
const ROUNDS = { answered: "webhooks answered", unanswered: "posts cut off", mails: "mails that arrived", given_up: "mails given up", faults: "faults in the books" };

/** Keeps the figures of a run of rounds under `name`, and draws. */
export function keepRounds(name, figures) {
  const found = read();
  found.rounds = { ...found.rounds, [name]: figures };
  writeFileSync(FOUND, `${JSON.stringify(found, null, 2)}\n`);
  plotReliability(found);
}

const read = () => JSON.parse(readFileSync(FOUND, "utf8"));

function plotReliability({ planted, rounds = {} }) {
  mkdirSync(RELIABILITY, { recursive: true });
  const defects = Object.entries(planted).sort(([, one], [, other]) => other - one);
  const found = bars("The first seed that finds each planted defect (on a logarithmic scale)", defects, { side: "wend", scale: Math.log10 });
  writeFileSync(path.join(RELIABILITY, "planted.svg"), found);
  const rows = Object.entries(rounds).flatMap(([name, figures]) =>
    Object.entries(ROUNDS).map(([field, what]) => [`${name}: ${what}`, figures[field]]));
  writeFileSync(path.join(RELIABILITY, "rounds.svg"), bars("A hundred processes killed under load, four times", rows, { side: "wend" }));
}

/** Draws what there are results for. */
export function plot(results) {
  mkdirSync(FOLDER, { recursive: true });
  for (const { of, group, field, title, side } of PLOTS) {
    const rows = Object.entries(results[of]?.[group] ?? {}).map(([name, row]) => [name, row[field]]);
    if (rows.length > 0) writeFileSync(path.join(FOLDER, `${of}-${field}.svg`), bars(title, rows, { side }));
  }
}

function bars(title, rows, { side, scale = (value) => value } = {}) {
  const most = Math.max(...rows.map(([, value]) => scale(value)), Number.MIN_VALUE);
  const height = TOP + rows.length * STEP + 8;
  const drawn = rows.map(([name, value], index) => bar(name, value, scale(value) / most, TOP + index * STEP, side));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">
<style>text{font:14px system-ui,sans-serif;fill:#23211d}.wend{fill:#1f4d3a}.other{fill:#a8a293}
@media(prefers-color-scheme:dark){text{fill:#e8e4da}.wend{fill:#5fb08c}.other{fill:#6f6a5e}}</style>
<text x="0" y="20" font-weight="600">${escaped(title)}</text>
${drawn.join("\n")}
</svg>
`;
}

function bar(name, value, share, y, of) {
  const length = Math.max(1, Math.round((WIDTH - LABEL - VALUE) * share));
  const side = (of ?? name).startsWith("wend") ? "wend" : "other";
  return `<text x="0" y="${y + 16}">${escaped(name)}</text>
<rect class="${side}" x="${LABEL}" y="${y}" width="${length}" height="${BAR}" rx="3"/>
<text x="${LABEL + length + 8}" y="${y + 16}">${value}</text>`;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

if (isMain(import.meta.url)) plotReliability(read());
