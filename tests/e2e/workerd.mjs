// The built Worker on a bare `workerd serve`, for what the harness cannot show: a process that is killed and started
// again on the same files, and requests that really go over a socket. It takes 0.2 s to start, so a test has its own.
//
// scripts/test.mjs builds dist/release and dist/test, whose modules are served as they are. There is no cron here.

import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import workerd from "workerd";
import { DEV_SECRETS, within } from "./worker.mjs";

/** A build of Wend under dist/ as something to serve: its modules, the entry first, and its classes of objects. */
export const wend = (build = "release") => ({
  folder: path.join("dist", build),
  modules: [
    ["src/edge/entry.mjs", "esModule"],
    ["build/index.js", "esModule"],
    ["build/index_bg.wasm", "wasm"],
  ],
  classes: ["Shard", "Store"],
});
const START_LIMIT_MS = 180_000;
const GRACE_MS = 1_000;

/** A folder for the objects' files; removed by `remove()`. */
export function stateFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "wend-e2e-"));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Serves `worker` with its objects in `state.path`. `settings` override DEV_SECRETS and wrangler.toml.
 * `kill()` is a SIGKILL: workerd is one process, which dies without a word. With `fileBlocks` no file may grow beyond so many
 * blocks of 512 bytes: a disk that is full, as far as SQLite can tell.
 */
export async function serve(state, settings = {}, worker = wend(), { fileBlocks } = {}) {
  const config = writeConfig(state.path, worker, { SHARDS: "1", MODE: "live", ...DEV_SECRETS, ...settings });
  const command = [workerd.default, "serve", "--control-fd=3", config];
  const limited = ["sh", "-c", `trap '' XFSZ; ulimit -f ${fileBlocks}; exec "$0" "$@"`, ...command];
  const [program, ...args] = fileBlocks ? limited : command;
  const startedAt = performance.now();
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
  let log = "";
  for (const stream of [server.stdout, server.stderr]) stream.setEncoding("utf8").on("data", (text) => { log += text; });
  const ended = new Promise((resolve) => server.once("close", resolve));
  const listening = new Promise((resolve, reject) => {
    let told = "";
    server.stdio[3].setEncoding("utf8").on("data", (text) => {
      told += text;
      const port = /"event":"listen","socket":"http","port":(\d+)/.exec(told)?.[1];
      if (port) resolve(Number(port));
    });
    ended.then((code) => reject(new Error(`workerd ended with ${code}:\n${log}`)));
  });
  const port = await within(START_LIMIT_MS, "workerd to listen", listening);
  const listenMs = performance.now() - startedAt;
  const end = (signal) => {
    server.kill(signal);
    return ended;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    pid: server.pid,
    listenMs,
    fetch: (target, init) => fetch(`http://127.0.0.1:${port}${target}`, init),
    kill: () => end("SIGKILL"),
    /** A SIGTERM: what runs may end, within a moment; a call that waits for somebody is cut off then. */
    stop: () => {
      const limit = setTimeout(() => server.kill("SIGKILL"), GRACE_MS);
      return end("SIGTERM").finally(() => clearTimeout(limit));
    },
    close: () => end("SIGKILL"),
    log: () => log,
  };
}

function writeConfig(folder, worker, settings) {
  for (const [name] of worker.modules) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    copyFileSync(path.join(worker.folder, name), path.join(folder, name));
  }
  const objects = path.join(folder, "objects");
  mkdirSync(objects, { recursive: true });
  const wrangler = readFileSync("wrangler.toml", "utf8");
  const date = /^compatibility_date = "([^"]+)"/m.exec(wrangler)[1];
  const flags = /^compatibility_flags = (\[.*\])/m.exec(wrangler)[1];
  const text = JSON.stringify; // Cap'n Proto's texts are written as JSON's
  const modules = worker.modules.map(([name, kind]) => `(name = ${text(name)}, ${kind} = embed ${text(name)})`);
  const bindings = Object.entries(settings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  const classes = worker.classes.map((name) => ({ name, binding: name.toUpperCase(), key: name.toLowerCase() }));
  const file = path.join(folder, "config.capnp");
  writeFileSync(file, `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "wend", worker = (
      modules = [${modules.join(", ")}],
      compatibilityDate = ${text(date)},
      compatibilityFlags = ${flags},
      bindings = [
        ${classes.map(({ name, binding }) => `(name = ${text(binding)}, durableObjectNamespace = ${text(name)})`).join(", ")},
        ${bindings.join(", ")}
      ],
      durableObjectNamespaces = [
        ${classes.map(({ name, key }) => `(className = ${text(name)}, uniqueKey = ${text(key)}, enableSql = true)`).join(", ")}
      ],
      durableObjectStorage = (localDisk = "objects"),
      globalOutbound = "loopback"
    )),
    (name = "objects", disk = (path = ${text(objects)}, writable = true)),
    (name = "loopback", network = (allow = ["local"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "wend")]
);
`);
  return file;
}
