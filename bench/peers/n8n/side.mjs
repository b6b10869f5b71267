// n8n as a side of `npm run bench -- peers`: the workflow of workflow.json (webhook, wait, HTTP request) on SQLite, its default.
//
// Used by bench/measure/peers.mjs. Settings are n8n's own, but that it asks nobody outside for news, and those that a run names.

import { execFile, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { until } from "../../../tests/e2e/worker.mjs";
import { family } from "../../figures.mjs";

const HERE = import.meta.dirname;
const PROGRAM = path.join(HERE, "node_modules", "n8n", "bin", "n8n");
const START_LIMIT_MS = 180_000;
const ID = JSON.parse(readFileSync(path.join(HERE, "workflow.json"), "utf8")).id;
const run = promisify(execFile);

export const n8n = {
  name: "n8n",
  version: () => JSON.parse(readFileSync(path.join(HERE, "node_modules", "n8n", "package.json"), "utf8")).version,
  missing: () => (existsSync(PROGRAM) ? undefined : "n8n is not installed: bench/peers/n8n/README.md says how"),
  prepare,
  start,
  /** Its webhook asks for a token; the mail's wait is told by the event. */
  request: (event) => ({
    method: "POST",
    path: "/webhook/signup",
    headers: { "content-type": "application/json", "x-hook-token": "test-hook-token" },
    body: Buffer.from(JSON.stringify(event)),
  }),
};

/** An installation with the workflow published; each start gets a copy of it, `fresh()`. */
async function prepare(providerUrl) {
  const template = mkdtempSync(path.join(tmpdir(), "wend-bench-n8n-"));
  const workflow = path.join(template, "workflow.json");
  writeFileSync(workflow, readFileSync(path.join(HERE, "workflow.json"), "utf8").replaceAll("PROVIDER_URL", providerUrl));
  const commands = [
    ["import:credentials", `--input=${path.join(HERE, "credentials.json")}`],
    ["import:workflow", `--input=${workflow}`],
    ["publish:workflow", `--id=${ID}`],
  ];
  for (const command of commands) await run(process.execPath, [PROGRAM, ...command], { env: environment(template) });
  return {
    fresh() {
      const state = mkdtempSync(path.join(tmpdir(), "wend-bench-n8n-"));
      cpSync(template, state, { recursive: true });
      return { path: state, remove: () => rmSync(state, { recursive: true, force: true }) };
    },
    remove: () => rmSync(template, { recursive: true, force: true }),
  };
}

/** With `values` for its environment. */
async function start(state, values = {}) {
  const [port, broker] = [await freePort(), await freePort()];
  const ports = { N8N_PORT: String(port), N8N_RUNNERS_BROKER_PORT: String(broker) };
  const server = spawn(process.execPath, [PROGRAM, "start"], { env: { ...environment(state.path), ...ports, ...values }, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text) => { log += text; });
  const ended = new Promise((resolve) => server.once("exit", resolve));
  const url = `http://127.0.0.1:${port}`;
  // Who has no token is sent away by the published webhook; before that there is none.
  const probe = async () => {
    if (server.exitCode !== null) throw new Error(`n8n ended with ${server.exitCode}:\n${log}`);
    return (await fetch(`${url}/webhook/signup`, { method: "POST" }).catch(() => ({ status: 0 }))).status;
  };
  await until(START_LIMIT_MS, "n8n's webhook to answer", probe, (status) => status === 403);
  return {
    url,
    pid: server.pid,
    /** A SIGKILL to it and to its task runner. */
    async close() {
      for (const pid of family(server.pid)) kill(pid);
      await ended;
    },
  };
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

const environment = (folder) => ({
  PATH: process.env.PATH,
  HOME: folder,
  NODE_ENV: "production",
  N8N_USER_FOLDER: folder,
  N8N_LISTEN_ADDRESS: "127.0.0.1",
  N8N_HOST: "127.0.0.1",
  N8N_DIAGNOSTICS_ENABLED: "false",
  N8N_VERSION_NOTIFICATIONS_ENABLED: "false",
  N8N_TEMPLATES_ENABLED: "false",
  N8N_PERSONALIZATION_ENABLED: "false",
  N8N_COMMUNITY_PACKAGES_ENABLED: "false",
  N8N_DISABLED_MODULES: "mcp-registry",
});

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
