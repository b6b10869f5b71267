// `npm run coupons -- import <pool> <file>` and `npm run coupons -- list`: codes for the `coupon` steps of journeys.
// Options: `--to <address>` (else the development server), `--token <ADMIN_TOKEN>`. Codes that a pool has already are left
// as they are, so an import that broke off is simply made again.

import { readFileSync } from "node:fs";
import { LOCAL, adminOf, readArgs } from "./admin.mjs";
import { Explained, isMain, runMain } from "./steps.mjs";

/** Codes in one request; the Worker takes 5,000 at most. */
const AT_ONCE = 1_000;
const MAX_CODE_BYTES = 64;
/** Most lines named in one complaint. */
const NAMED = 5;
const USAGE = `Usage:
  npm run coupons -- import <pool> <file> [--to ${LOCAL}] [--token <ADMIN_TOKEN>]
  npm run coupons -- list [--to ${LOCAL}] [--token <ADMIN_TOKEN>]`;

async function main(args) {
  const { values, positionals } = readArgs(args, USAGE);
  const [command, ...rest] = positionals;
  if (command === "list" && rest.length === 0) return list(adminOf(values));
  if (command === "import" && rest.length === 2) {
    const [pool, file] = rest;
    if (!/^[a-z][a-z0-9-]*$/.test(pool)) {
      throw new Explained(`\`${pool}\` is not the name of a pool: use lower-case letters, digits and \`-\`, starting with a letter.`);
    }
    return send(adminOf(values), pool, codesOf(file));
  }
  throw new Explained(USAGE);
}

/** The codes of a file: one a line, or the first column of a CSV. */
export function codesOf(file) {
  let text;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const why = error.code === "ENOENT" ? "There is no such file" : `It cannot be read (${error.code})`;
    throw new Explained(`${why}: ${file}`);
  }
  const rows = text.replace(/^\uFEFF/, "").split(/\r?\n|\r/).map((line, index) => ({ line: index + 1, code: firstColumn(line) }));
  const said = rows.filter(({ code }) => code !== "");
  if (said[0]?.code.toLowerCase() === "code") said.shift();
  if (said.length === 0) throw new Explained(`${file} holds no code.`);
  const wrong = said.filter(({ code }) => /\s/.test(code) || Buffer.byteLength(code) > MAX_CODE_BYTES);
  if (wrong.length > 0) {
    const named = wrong.slice(0, NAMED).map(({ line, code }) => `  line ${line}: ${code.slice(0, 80)}`);
    const more = wrong.length > NAMED ? `\n  and ${wrong.length - NAMED} more` : "";
    throw new Explained(
      `A code has at most ${MAX_CODE_BYTES} characters and no blanks. Nothing was sent of ${file}:\n${named.join("\n")}${more}`);
  }
  return [...new Set(said.map(({ code }) => code))];
}

function firstColumn(line) {
  const quoted = /^\s*"((?:[^"]|"")*)"/.exec(line);
  if (quoted) return quoted[1].replaceAll('""', '"').trim();
  return line.split(/[,;\t]/)[0].trim();
}

async function send(ask, pool, codes) {
  let fresh = 0;
  for (let done = 0; done < codes.length; done += AT_ONCE) {
    const part = codes.slice(done, done + AT_ONCE);
    const sent = `Sent ${done} of ${codes.length} codes`;
    const answer = await ask(`/admin/coupons/${pool}`, { codes: part })
      .catch((error) => {
        if (done > 0) progress(`${sent}.\n`);
        const again = done > 0 ? "\nRun it again: what is there already is left as it is." : "";
        throw error instanceof Explained ? new Explained(error.message + again) : error;
      });
    fresh += answer.new;
    progress(`Sent ${done + part.length} of ${codes.length} codes`);
  }
  progress("");
  const known = codes.length - fresh;
  console.log(`${codes.length} codes for the pool ${pool}: ${fresh} new, ${known} there already.`);
  return 0;
}

/** One line that is written over; where the output is no terminal, nothing. */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${text}`);
}

async function list(ask) {
  const { pools } = await ask("/admin/coupons");
  if (pools.length === 0) console.log("There are no pools yet. Import codes: npm run coupons -- import <pool> <file>");
  const width = Math.max(4, ...pools.map(({ name }) => name.length));
  if (pools.length > 0) console.log(`${"pool".padEnd(width)}  ${"codes".padStart(9)}  ${"left".padStart(9)}`);
  for (const { name, codes, left } of pools) {
    console.log(`${name.padEnd(width)}  ${String(codes).padStart(9)}  ${String(left).padStart(9)}`);
  }
  return 0;
}

if (isMain(import.meta.url)) await runMain(main);
