// `npm run import -- contacts <file.csv>` and `npm run import -- orders <file.csv>`: people and their orders out of another
// program's export. `wend import` reads the file, this posts what it reads. What the Worker has it leaves as it is, so an
// import that broke off is simply made again. docs/import.md says what is taken of which program.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { LOCAL, adminOf, readArgs } from "./admin.mjs";
import { Explained, isMain, root, runMain } from "./steps.mjs";

const USAGE = `Usage:
  npm run import -- contacts <file.csv> [--dry-run] [--to ${LOCAL} | --port <n>] [--token <ADMIN_TOKEN>]
  npm run import -- orders <file.csv> [--dry-run] [--to ${LOCAL} | --port <n>] [--token <ADMIN_TOKEN>]
Options for lists that do not say all: --map 'Their column=email' (may be said several times),
  --state subscribed|unsubscribed|suppressed|unknown, --method double_opt_in`;

/** How often a batch that the Worker could not take is sent again, and after how many milliseconds first. */
const TRIES = 4;
const PAUSE_MS = 1_000;
/** Records that the Worker may refuse by themselves; where there are more, it is the Worker that fails. */
const MOST_FAILED = 10;
const BAR = 24;

async function main(args) {
  const own = { "dry-run": { type: "boolean", default: false }, map: { type: "string", multiple: true, default: [] },
    state: { type: "string" }, method: { type: "string" } };
  const { values, positionals } = readArgs(args, USAGE, own);
  const [what, file, ...more] = positionals;
  if (!["contacts", "orders"].includes(what) || file === undefined || more.length > 0) throw new Explained(USAGE);
  const reading = ["import", what, path.resolve(file), ...values.map.flatMap((map) => ["--map", map])];
  for (const name of ["state", "method"]) if (values[name] !== undefined) reading.push(`--${name}`, values[name]);
  if (values["dry-run"]) return dryRun([...reading, "--dry-run"]);
  return send(what, reading, adminOf(values));
}

/** The host command: what `npm run lint` runs, with other words. */
function wend(args, stdout) {
  const child = spawn("cargo", ["run", "--locked", "--quiet", "--bin", "wend", "--", ...args],
    { cwd: root, stdio: ["ignore", stdout, "inherit"] });
  const ended = new Promise((resolve, reject) => {
    child.on("error", (error) => reject(new Explained(`cargo cannot be run (${error.code}). Install Rust: https://rustup.rs`)));
    child.on("close", resolve);
  });
  // Whoever reads the output first waits for that, and hears of a failure afterwards.
  ended.catch(() => {});
  return { child, ended };
}

async function dryRun(args) {
  return wend(args, "inherit").ended;
}

async function send(what, args, ask) {
  const { child, ended } = wend(args, "pipe");
  const sum = { taken: 0, known: 0, erased: 0, failed: [] };
  let report;
  try {
    for await (const text of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
      const told = JSON.parse(text);
      if (told.report) {
        report = told.report;
        continue;
      }
      await post(ask, told.records, sum);
      progress(told.line, told.of);
    }
  } catch (error) {
    child.kill();
    progress();
    const again = sum.taken + sum.known > 0 ? "\nRun it again: what is there already is left as it is." : "";
    throw error instanceof Explained ? new Explained(error.message + again) : error;
  }
  progress();
  const code = await ended;
  if (code !== 0 || !report) throw new Explained("The file could not be read; nothing more was sent.");
  return tell(what, report, sum);
}

/**
 * Sends a batch until it is taken; one that is not taken, or is too large for one request, is halved until it is known which
 * record it is.
 */
async function post(ask, records, sum, tries = TRIES) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await ask("/admin/import", { records });
      for (const kind of ["taken", "known", "erased"]) sum[kind] += answer[kind];
      return;
    } catch (error) {
      if (!(error instanceof Explained) || ![503, 413].includes(error.status)) throw error;
      if (error.status === 503 && attempt < tries) {
        await sleep(PAUSE_MS * 2 ** (attempt - 1));
        continue;
      }
      if (records.length === 1) {
        sum.failed.push(nameOf(records[0]));
        if (sum.failed.length > MOST_FAILED) throw error;
        return;
      }
      const half = Math.ceil(records.length / 2);
      // It was waited for already.
      await post(ask, records.slice(0, half), sum, 1);
      return post(ask, records.slice(half), sum, 1);
    }
  }
}

const nameOf = ({ contact, order }) => (order ? `order ${order.id}` : contact.email ?? "a contact without an address");

function tell(what, report, sum) {
  const count = (number, word) => (number > 0 ? [`${number} ${word}`] : []);
  const told = [`${sum.taken} new`, ...count(sum.known, "there already"), ...count(sum.erased, "of people who were erased, who stay so")];
  console.log(`${report.form}: ${told.join(", ")}.`);
  const kinds = Object.entries(report.kinds).map(([kind, number]) => `${number} ${kind}`);
  if (kinds.length > 0) console.log(`${what === "contacts" ? "Consent" : "Orders"} in the file: ${kinds.join(", ")}.`);
  if (report.repeated > 0) console.log(`${report.repeated} lines are about an address that came before in the file.`);
  if (report.rejected > 0) console.log(`${report.rejected} lines were rejected; they are in ${report.rejected_file}, with their reasons.`);
  for (const name of sum.failed) console.log(`The Worker could not take ${name}; its log says why.`);
  return sum.failed.length > 0 ? 1 : 0;
}

/** A bar that is written over; where the output is no terminal, nothing. */
function progress(line, of) {
  if (!process.stdout.isTTY) return;
  if (line === undefined) {
    process.stdout.write("\r\x1b[K");
    return;
  }
  const part = of > 0 ? Math.min(1, line / of) : 1;
  const done = Math.round(part * BAR);
  process.stdout.write(`\r\x1b[K${"█".repeat(done)}${"░".repeat(BAR - done)} ${Math.round(part * 100)} %, line ${line} of ${of}`);
}

if (isMain(import.meta.url)) await runMain(main);
