// `npm run coupons -- import <pool> <file>` and `npm run coupons -- list`: codes for the `coupon` steps of journeys.
// Options: `--to <address>` (else the development server), `--token <ADMIN_TOKEN>`. Codes that a pool has already are left
// as they are, so an import that broke off is simply made again.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Explained, isMain, root, runMain } from "./steps.mjs";

const LOCAL = "http://127.0.0.1:8787";
/** Codes in one request; the Worker takes 5,000 at most. */
const AT_ONCE = 1_000;
const MAX_CODE_BYTES = 64;
/** Most lines named in one complaint. */
const NAMED = 5;
const USAGE = `Usage:
  npm run coupons -- import <pool> <file> [--to ${LOCAL}] [--token <ADMIN_TOKEN>]
  npm run coupons -- list [--to ${LOCAL}] [--token <ADMIN_TOKEN>]`;

async function main(args) {
  const { values, positionals } = read(args);
  const [command, ...rest] = positionals;
  const base = addressOf(values.to);
  if (command === "list" && rest.length === 0) return list(base, tokenFor(base, values.token));
  if (command === "import" && rest.length === 2) {
    const [pool, file] = rest;
    if (!/^[a-z][a-z0-9-]*$/.test(pool)) {
      throw new Explained(`\`${pool}\` is not the name of a pool: use lower-case letters, digits and \`-\`, starting with a letter.`);
    }
    return send(base, tokenFor(base, values.token), pool, codesOf(file));
  }
  throw new Explained(USAGE);
}

function read(args) {
  const options = { to: { type: "string", default: LOCAL }, token: { type: "string" } };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Explained(`${error.message}\n${USAGE}`);
  }
}

function addressOf(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  if (!isWeb) throw new Explained(`\`${text}\` is not an address; write it as https://wend.example.workers.dev`);
  if (url.protocol === "http:" && !isLoopback(url)) {
    throw new Explained(`${url.origin} would be told the admin token in the open; write https://`);
  }
  return url.origin;
}

const isLoopback = (url) => ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);

/** The token that was given; for this machine that of .dev.vars; else that of the environment. */
function tokenFor(base, given) {
  const file = path.join(root, ".dev.vars");
  const local = isLoopback(new URL(base)) && existsSync(file) ? readFileSync(file, "utf8") : "";
  const [, quoted, plain] = /^\s*ADMIN_TOKEN\s*=\s*(?:["']([^"']*)["']|(\S+))/m.exec(local) ?? [];
  // Several tokens are separated by a space; any of them is good.
  const token = (given ?? quoted ?? plain ?? process.env.ADMIN_TOKEN ?? "").trim().split(/\s+/)[0];
  if (token) return token;
  const start = isLoopback(new URL(base)) ? " For the server on this machine, `npm start` makes a .dev.vars that has one." : "";
  throw new Explained(`Which token? Say --token, or set the variable ADMIN_TOKEN.${start}`);
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

async function send(base, token, pool, codes) {
  let fresh = 0;
  for (let done = 0; done < codes.length; done += AT_ONCE) {
    const part = codes.slice(done, done + AT_ONCE);
    const sent = `Sent ${done} of ${codes.length} codes`;
    const answer = await ask(base, token, `/admin/coupons/${pool}`, { codes: part })
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

async function list(base, token) {
  const { pools } = await ask(base, token, "/admin/coupons");
  if (pools.length === 0) console.log("There are no pools yet. Import codes: npm run coupons -- import <pool> <file>");
  const width = Math.max(4, ...pools.map(({ name }) => name.length));
  if (pools.length > 0) console.log(`${"pool".padEnd(width)}  ${"codes".padStart(9)}  ${"left".padStart(9)}`);
  for (const { name, codes, left } of pools) {
    console.log(`${name.padEnd(width)}  ${String(codes).padStart(9)}  ${String(left).padStart(9)}`);
  }
  return 0;
}

async function ask(base, token, route, body) {
  const init = { headers: { authorization: `Bearer ${token}` }, redirect: "manual" };
  if (body) Object.assign(init, { method: "POST", body: JSON.stringify(body) });
  const response = await fetch(base + route, init).catch((error) => {
    const start = isLoopback(new URL(base)) ? "\nStart Wend in another terminal with `npm start`, or name its address: --to" : "";
    throw new Explained(`Nothing answers at ${base} (${error.cause?.code ?? error.message}).${start}`);
  });
  const answer = await response.json().catch(() => undefined);
  if (response.status === 401) {
    throw new Explained(`${base} does not know this token. Say --token with a value of its ADMIN_TOKEN.`);
  }
  if (!response.ok || !answer) {
    const said = answer?.error ? `: ${answer.error}\n${answer.hint ?? ""}` : ". Is it Wend that answers there?";
    throw new Explained(`${base}${route} answered ${response.status}${said}`.trimEnd());
  }
  return answer;
}

if (isMain(import.meta.url)) await runMain(main);
