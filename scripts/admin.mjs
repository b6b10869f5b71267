// How scripts talk to `/admin` of a Worker: which address, which token, and what to say when it does not answer.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Explained, root } from "./steps.mjs";

export const LOCAL = "http://127.0.0.1:8787";

/** The words of a command and its options, those of every such command among them. */
export function readArgs(args, usage, own = {}) {
  const options = { to: { type: "string" }, port: { type: "string" }, token: { type: "string" }, ...own };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new Explained(`${error.message}\n${usage}`);
  }
}

/** The Worker that is meant, as `ask(route, body)`. */
export function adminOf({ to, port, token }) {
  const base = addressOf(to ?? (port === undefined ? LOCAL : `http://127.0.0.1:${port}`));
  const bearer = tokenFor(base, token);
  return (route, body) => ask(base, bearer, route, body);
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
    const error = new Explained(`${base}${route} answered ${response.status}${said}`.trimEnd());
    throw Object.assign(error, { status: response.status });
  }
  return answer;
}
