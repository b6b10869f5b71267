// `npm start`: sets up what is missing, builds, and serves the Worker on this machine until Ctrl-C.
// Options: `-- --port N`. State is kept in .wrangler/ and survives a restart.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { parseArgs } from "node:util";
import { Explained, root, runMain } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildWorker } from "./build.mjs";

const HOST = "127.0.0.1";
const ANSWER_LIMIT_MS = 60_000;
const POLL_MS = 100;
const PARENT_CHECK_MS = 500;
const CRON_EVERY_MS = 5 * 60_000;

await runMain(async (args) => {
  const port = readPort(args);
  await requireFree(port);
  const environments = await setUp();
  await buildWorker(environments, { profile: "dev" });
  return serve(environments, port);
});

function readPort(args) {
  const { values } = parseArgs({ args, options: { port: { type: "string", default: "8787" } } });
  const port = Number(values.port);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new Explained(`--port takes a number from 1 to 65535, not ${values.port}`);
}

function requireFree(port) {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", () => reject(new Explained(`Port ${port} is taken; choose another: npm start -- --port N`)));
    probe.listen(port, HOST, () => probe.close(resolve));
  });
}

/** Runs `wrangler dev` until it ends, and returns the exit code: 0 when it was asked to end. */
async function serve(environments, port) {
  const args = ["dev", "--ip", HOST, "--port", String(port), "--show-interactive-dev-session=false"];
  const server = spawn("wrangler", args, { cwd: root, stdio: "inherit", env: { ...process.env, ...environments.host } });
  let asked = false;
  const stop = () => {
    asked = true;
    server.kill("SIGTERM");
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, stop);
  // npm ends at once when it is told to, without telling us.
  const parent = process.ppid;
  const parentWatch = setInterval(() => { if (process.ppid !== parent) stop(); }, PARENT_CHECK_MS);
  const ended = new Promise((resolve) => {
    server.on("error", (error) => { console.error(error.message); resolve(1); });
    server.on("close", (code) => resolve(asked ? 0 : (code ?? 1)));
  });
  const address = `http://${HOST}:${port}`;
  announce(address, ended);
  const cron = setInterval(() => runCron(address), CRON_EVERY_MS);
  ended.then(() => [cron, parentWatch].forEach(clearInterval));
  return ended;
}

async function announce(address, ended) {
  let over = false;
  ended.then(() => { over = true; });
  const startedAt = Date.now();
  while (!over && Date.now() - startedAt < ANSWER_LIMIT_MS) {
    if (await answers(`${address}/health`)) {
      console.log(`\nWend answers at ${address}\nMails it has sent are shown at ${address}/dev/outbox\nCtrl-C ends it.\n`);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  if (!over) console.error(`\nNo answer from ${address}/health within ${ANSWER_LIMIT_MS / 1000} s.`);
}

/** `wrangler dev` leaves the cron triggers of wrangler.toml to whoever calls this address. */
function runCron(address) {
  return answers(`${address}/cdn-cgi/local/scheduled`);
}

async function answers(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}
