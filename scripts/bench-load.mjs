// `npm run bench:load`: how long the Worker needs for its catalog at a cold start. Makes the release build with the
// exports of src/edge/load_bench.rs, under dist/load/, and has benches/load.mjs measure it.

import { mkdirSync } from "node:fs";
import path from "node:path";
import { run, runMain } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildWorker } from "./build.mjs";

const FOLDER = path.join("dist", "load");

await runMain(async () => {
  const environments = await setUp();
  mkdirSync(FOLDER, { recursive: true });
  await buildWorker(environments, { profile: "release", features: ["bench-load"], folder: FOLDER });
  const args = [path.join("benches", "load.mjs"), path.join(FOLDER, "index_bg.wasm")];
  console.log(`\n${await run("node", args, { env: environments.host })}`);
});
