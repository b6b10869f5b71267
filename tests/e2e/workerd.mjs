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

const MODULES = [
  ["src/edge/entry.mjs", "esModule"],
  ["build/index.js", "esModule"],
  ["build/index_bg.wasm", "wasm"],
];
const START_LIMIT_MS = 30_000;

/** A folder for the objects' files; removed by `remove()`. */
export function stateFolder() {
  const folder = mkdtempSync(path.join(tmpdir(), "wend-e2e-"));
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/**
 * Serves dist/release, or another build, with its objects in `state.path`. `settings` override DEV_SECRETS and wrangler.toml.
 * `kill()` is a SIGKILL: workerd is one process, which dies without a word.
 */
export async function serve(state, settings = {}, build = "release") {
  const config = writeConfig(state.path, build, { SHARDS: "1", MODE: "live", ...DEV_SECRETS, ...settings });
  const server = spawn(workerd.default, ["serve", "--control-fd=3", config], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
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
  const end = (signal) => {
    server.kill(signal);
    return ended;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    fetch: (target, init) => fetch(`http://127.0.0.1:${port}${target}`, init),
    kill: () => end("SIGKILL"),
    close: () => end("SIGKILL"),
    log: () => log,
  };
}

function writeConfig(folder, build, settings) {
  for (const [name] of MODULES) {
    mkdirSync(path.join(folder, path.dirname(name)), { recursive: true });
    copyFileSync(path.join("dist", build, name), path.join(folder, name));
  }
  const objects = path.join(folder, "objects");
  mkdirSync(objects, { recursive: true });
  const wrangler = readFileSync("wrangler.toml", "utf8");
  const date = /^compatibility_date = "([^"]+)"/m.exec(wrangler)[1];
  const flags = /^compatibility_flags = (\[.*\])/m.exec(wrangler)[1];
  const text = JSON.stringify; // Cap'n Proto's texts are written as JSON's
  const modules = MODULES.map(([name, kind]) => `(name = ${text(name)}, ${kind} = embed ${text(name)})`);
  const bindings = Object.entries(settings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
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
        (name = "SHARD", durableObjectNamespace = "Shard"),
        (name = "STORE", durableObjectNamespace = "Store"),
        ${bindings.join(", ")}
      ],
      durableObjectNamespaces = [
        (className = "Shard", uniqueKey = "shard", enableSql = true),
        (className = "Store", uniqueKey = "store", enableSql = true)
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
