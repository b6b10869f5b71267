// Compiles the Worker: Rust to wasm and JavaScript, in the folder that src/edge/entry.mjs imports from.
//
// `npm run build` makes the release build in build/; `npm run build -- --dev` the quick one that `npm start` serves.

import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { isMain, root, run, runMain, step } from "./steps.mjs";
import { setUp } from "./setup.mjs";

/** The package that is nothing but the wasm module. */
const MODULE = path.join("src", "edge", "module");

/**
 * Compiles into `folder`. The dev profile takes seconds after an edit where release takes a quarter of a minute
 * or more; what it makes is larger and slower, and behaves the same.
 */
export async function buildWorker(environments, { profile, features = [], folder = "build" }) {
  const withFeatures = features.length > 0 ? ["--features", features.join(",")] : [];
  const args = [`--${profile}`, "--out-dir", path.relative(MODULE, folder), MODULE, ...withFeatures];
  const title = [`building the Worker (${profile})`, ...features.map((name) => `with ${name}`)].join(" ");
  await step(title, () => run("worker-build", args, { env: environments.wasm }));
  if (profile === "release") await orderAndStripNames(environments, path.join(folder, "index_bg.wasm"));
}

/**
 * Function names would be a tenth of what every cold start reads. A panic tells its file and line without them. Before
 * they go they order the functions: of one generic function's many copies each compresses to little beside the others.
 * That makes the download 3 % smaller.
 */
async function orderAndStripNames(environments, wasm) {
  await run("wasm-opt", ["--reorder-functions-by-name", "--strip-debug", wasm, "-o", wasm], { env: environments.wasm });
}

/**
 * Compiles and bundles a Worker of its own under dist/, away from the build/ that a running `npm start` serves,
 * for the test harness. The entry is copied beside the build that it imports, and wrangler.toml too: the harness reads the
 * secrets of a .dev.vars beside the configuration, and a developer's own are none of a test's.
 */
export async function buildForTests(environments, { name, profile, features }) {
  const base = path.join("dist", name);
  const entries = path.join("src", "edge");
  rmSync(path.join(root, base), { recursive: true, force: true });
  await buildWorker(environments, { profile, features, folder: path.join(base, "build") });
  mkdirSync(path.join(root, base, entries), { recursive: true });
  for (const file of readdirSync(path.join(root, entries)).filter((file) => file.endsWith(".mjs"))) {
    cpSync(path.join(root, entries, file), path.join(root, base, entries, file));
  }
  cpSync(path.join(root, "wrangler.toml"), path.join(root, base, "wrangler.toml"));
  const bundle = ["deploy", path.join(base, entries, "entry.mjs"), "--dry-run", "--outdir", path.join(base, "worker")];
  await run("wrangler", bundle, { env: environments.host });
}

if (isMain(import.meta.url)) {
  await runMain(async (args) => {
    await buildWorker(await setUp(), { profile: args.includes("--dev") ? "dev" : "release" });
  });
}
