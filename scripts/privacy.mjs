// `npm run export -- <address>` tells everything that is held of a person; `npm run erase -- <address>` takes it away.
// `npm run export -- everything` tells it of everybody, as JSON lines (docs/import.md). The others also take `--contact <id>`, an id that /admin/status shows. What an export holds and an erasure keeps: docs/privacy.md.

import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { LOCAL, adminOf, readArgs } from "./admin.mjs";
import { Explained, isMain, runMain } from "./steps.mjs";

const USAGE = `Usage:
  npm run export -- <address> [--out <file.json>] [--to ${LOCAL} | --port <n>] [--token <ADMIN_TOKEN>]
  npm run export -- everything [--out <file.jsonl>] [--to ${LOCAL} | --port <n>] [--token <ADMIN_TOKEN>]
  npm run erase -- <address> [--yes] [--to ${LOCAL} | --port <n>] [--token <ADMIN_TOKEN>]
With --contact <id> in place of the address, the person is named by the id that /admin/status shows.`;

async function main(args) {
  const own = { contact: { type: "string" }, out: { type: "string" }, yes: { type: "boolean", default: false },
    all: { type: "boolean", default: false } };
  const { values, positionals } = readArgs(args, USAGE, own);
  const [command, address, ...more] = positionals;
  const everything = values.all ? address === undefined : address === "everything";
  if (command === "export" && everything && more.length === 0 && values.contact === undefined) {
    return tellEverything(adminOf(values), values.out);
  }
  if (values.all || more.length > 0 || (address === undefined) === (values.contact === undefined)) throw new Explained(USAGE);
  const who = address === undefined ? { contact_id: values.contact } : { email: address };
  if (command === "export") return tell(adminOf(values), who, values.out);
  if (command === "erase") return erase(adminOf(values), who, values.yes);
  throw new Explained(USAGE);
}

const nameOf = ({ email, contact_id }) => email ?? `contact ${contact_id}`;

async function tell(ask, who, out) {
  const answer = await ask("/admin/export", who);
  const text = `${JSON.stringify(answer, null, 2)}\n`;
  if (out === undefined) {
    process.stdout.write(text);
    return 0;
  }
  try {
    // Nobody else on this machine needs to read it.
    writeFileSync(out, text, { mode: 0o600 });
  } catch (error) {
    throw new Explained(`${out} cannot be written (${error.code}). Name another file: --out`);
  }
  const rows = Object.entries(answer.held).map(([table, list]) => `${list.length} ${table}`);
  console.log(rows.length > 0 ? `${nameOf(who)}: ${rows.join(", ")}. All of it is in ${out}` : `Nothing is held of ${nameOf(who)}; ${out} says so.`);
  for (const table of answer.cut) console.log(`There are more ${table} than an export holds; docs/privacy.md says what to do.`);
  return 0;
}

/** Page by page, each row a line. The first line says the form of the file. */
async function tellEverything(ask, out) {
  let file = 1;
  try {
    if (out !== undefined) file = openSync(out, "w", 0o600);
  } catch (error) {
    throw new Explained(`${out} cannot be written (${error.code}). Name another file: --out`);
  }
  const counts = {};
  const write = (row) => writeSync(file, `${JSON.stringify(row)}\n`);
  write({ format: "wend-everything-1" });
  let after;
  do {
    const { table, rows, next } = await ask("/admin/export/everything", after ? { after } : {});
    for (const row of rows) write({ table, ...row });
    counts[table] = (counts[table] ?? 0) + rows.length;
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    if (out !== undefined && process.stdout.isTTY) process.stdout.write(`\r\x1b[K${total} rows`);
    after = next;
  } while (after);
  if (out === undefined) return 0;
  closeSync(file);
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  const told = Object.entries(counts).map(([table, count]) => `${count} ${table}`);
  console.log(`Everything is in ${out}: ${told.join(", ")} rows.`);
  return 0;
}

async function erase(ask, who, yes) {
  if (!yes) await confirm(who);
  const { contacts, erased, in_flight: inFlight, kept } = await ask("/admin/erase", who);
  const rows = Object.entries(erased).map(([table, count]) => `${count} ${table}`);
  if (rows.length === 0) {
    console.log(`Nothing is held of ${nameOf(who)}, or they were erased before.`);
    return 0;
  }
  console.log(`Erased: ${rows.join(", ")}.`);
  if (contacts > 1) console.log(`${contacts} contacts were meant.`);
  if (kept.objections > 0) {
    console.log(`Kept: the keyed hash of ${kept.objections} address${kept.objections > 1 ? "es" : ""}, so that no import brings marketing back; ` +
      "and a mark of the erasure for 90 days, so that what is late is not taken in.");
  }
  if (inFlight > 0) console.log("A mail to them was on its way to the provider and cannot be recalled.");
  console.log("Other systems have their own copies: the shop, the email provider, webhooks you notify (docs/privacy.md#who-else-has-data).");
  return 0;
}

async function confirm(who) {
  if (!process.stdin.isTTY) throw new Explained(`This erases all that is held of ${nameOf(who)}, for good. Say --yes.`);
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Erase all that is held of ${nameOf(who)}? It cannot be undone. [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Explained("Nothing was erased.");
}

if (isMain(import.meta.url)) await runMain(main);
