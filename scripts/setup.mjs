// Installs what a fresh clone lacks and says where it is: npm packages, .dev.vars, a tool chain for wasm, and
// the two cargo tools that turn Rust into a Worker. What is already there is not touched.
//
// This file runs under the system's Node, as long as `npm ci` has not brought the newer one; it and what it
// imports use nothing newer than Node 20, and no packages.

import { createHash } from "node:crypto";
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Explained, root, run, step, tryRun } from "./steps.mjs";
import { wasmEnvironment } from "./toolchain.mjs";

const inRoot = (...parts) => path.join(root, ...parts);
const npmBin = inRoot("node_modules", ".bin");
const toolsRoot = inRoot(".tools");

const WORKER_BUILD_VERSION = "0.8.7";

/**
 * Prepares everything, and returns the environments to run commands in: `host` for cargo on this machine and for
 * Node tools, `wasm` for cargo and worker-build when they compile for the Worker.
 */
export async function setUp() {
  await installNpmPackages();
  copyDevVars();
  const toolchain = await wasmEnvironment();
  await installCargoTools([
    ["worker-build", WORKER_BUILD_VERSION],
    ["wasm-bindgen-cli", lockedVersion("wasm-bindgen")],
  ]);
  return { host: toolEnvironment(), wasm: { ...toolEnvironment(), ...toolchain } };
}

async function installNpmPackages() {
  const lock = createHash("sha256").update(readFileSync(inRoot("package-lock.json"))).digest("hex");
  const stamp = inRoot("node_modules", ".installed-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  await step("installing npm packages", () => run("npm", ["ci", "--no-audit", "--no-fund"]));
  const node = await tryRun(path.join(npmBin, "node"), ["--version"]);
  if (node.code !== 0) {
    throw new Explained("npm did not run the install script of the package `node`; allow it, and run this again.");
  }
  writeFileSync(stamp, lock);
}

function copyDevVars() {
  if (existsSync(inRoot(".dev.vars"))) return;
  copyFileSync(inRoot(".dev.vars.example"), inRoot(".dev.vars"));
  console.log("▸ copied .dev.vars.example to .dev.vars");
}

function lockedVersion(crate) {
  const found = new RegExp(`name = "${crate}"\nversion = "([^"]+)"`).exec(readFileSync(inRoot("Cargo.lock"), "utf8"));
  if (!found) throw new Explained(`Cargo.lock does not name ${crate}.`);
  return found[1];
}

async function installCargoTools(tools) {
  // cargo keeps this list itself.
  const list = path.join(toolsRoot, ".crates.toml");
  const installed = existsSync(list) ? readFileSync(list, "utf8") : "";
  const missing = tools.filter(([crate, version]) => !installed.includes(`"${crate} ${version} `));
  if (missing.length === 0) return;
  // The two share most of what they compile; afterwards nobody needs it.
  const target = path.join(toolsRoot, "target");
  for (const [crate, version] of missing) {
    await step(`installing ${crate} ${version} (once)`, () => installCargoTool(crate, version, target));
  }
  rmSync(target, { recursive: true, force: true });
}

async function installCargoTool(crate, version, target) {
  const install = (...extra) =>
    tryRun("cargo", ["install", "--debug", ...extra, "--root", toolsRoot, `${crate}@${version}`], {
      // Optimised, these take twice as long to compile, and make each build of ours one second shorter.
      env: { CARGO_PROFILE_DEV_DEBUG: "0", CARGO_TARGET_DIR: target },
    });
  // A tool's own lock can name a version that a copy of the registry does not have yet.
  let result = await install("--locked");
  if (result.code !== 0) result = await install();
  if (result.code === 0) return;
  process.stdout.write(result.output);
  throw new Explained(`cargo could not install ${crate} ${version}.`);
}

function toolEnvironment() {
  return {
    // The npm package `node` first: wrangler and wasm-opt need a newer Node than the system may have.
    PATH: [npmBin, path.join(toolsRoot, "bin"), process.env.PATH].join(path.delimiter),
    // Without these worker-build downloads its own copies.
    WASM_BINDGEN_BIN: path.join(toolsRoot, "bin", "wasm-bindgen"),
    WASM_OPT_BIN: path.join(npmBin, "wasm-opt"),
    ESBUILD_BIN: path.join(npmBin, "esbuild"),
    // Nothing here asks the network for anything.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_HIDE_BANNER: "true",
  };
}
