// `npm run deploy`: refuses settings that must not reach production, makes the release build, and hands over to
// `wrangler deploy`. Options go to wrangler: `npm run deploy -- --dry-run` shows what would be sent.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Explained, root, runMain } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildWorker } from "./build.mjs";

await runMain(async (args) => {
  refuseDevEnvironment(args);
  const environments = await setUp();
  await buildWorker(environments, { profile: "release" });
  // With the terminal: wrangler may have to ask which account is meant.
  const env = { ...process.env, ...environments.host };
  return spawnSync("wrangler", ["deploy", ...args], { cwd: root, env, stdio: "inherit" }).status ?? 1;
});

/** With `dev`, anyone could read every mail and move the clock. */
function refuseDevEnvironment(args) {
  const settings = readFileSync(path.join(root, "wrangler.toml"), "utf8");
  const inFile = /^\s*(?:[^#\n]*[.{,\s])?ENVIRONMENT\s*=\s*["']dev["']/m.test(settings);
  const inArgs = args.some((arg) => /\bENVIRONMENT:dev$/.test(arg));
  if (inFile || inArgs) {
    throw new Explained('ENVIRONMENT is "dev", which opens /dev/outbox and /dev/clock to everybody. Deploy with "production".');
  }
}
