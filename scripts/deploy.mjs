// `npm run deploy`: refuses settings that must not reach production or under which mail would wait for ever, makes the release
// build, and hands over to `wrangler deploy`. Options go to wrangler: `npm run deploy -- --dry-run` shows what would be sent.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Explained, isMain, root, runMain, tryRun } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildWorker } from "./build.mjs";

if (isMain(import.meta.url)) {
  await runMain(deploy);
}

async function deploy(args) {
  const settings = readFileSync(path.join(root, "wrangler.toml"), "utf8");
  refuseDevEnvironment(settings, args);
  const environments = await setUp();
  await refuseStrandedMarketing(settings, args, environments);
  await buildWorker(environments, { profile: "release" });
  // With the terminal: wrangler may have to ask which account is meant.
  const env = { ...process.env, ...environments.host };
  return spawnSync("wrangler", ["deploy", ...args], { cwd: root, env, stdio: "inherit" }).status ?? 1;
}

/** With `dev`, anyone could read every mail and move the clock. */
function refuseDevEnvironment(settings, args) {
  const inFile = /^\s*(?:[^#\n]*[.{,\s])?ENVIRONMENT\s*=\s*["']dev["']/m.test(settings);
  const inArgs = args.some((arg) => /\bENVIRONMENT:dev$/.test(arg));
  if (inFile || inArgs) {
    throw new Explained('ENVIRONMENT is "dev", which opens /dev/outbox and /dev/clock to everybody. Deploy with "production".');
  }
}

/** Marketing that none of the named providers may carry is kept, and never leaves. */
async function refuseStrandedMarketing(settings, args, environments) {
  for (const providers of namedProviders(settings, args)) {
    const lint = ["run", "--quiet", "--locked", "--bin", "wend", "--", "lint", "--providers", providers];
    const { code, output } = await tryRun("cargo", lint, { env: environments.host });
    if (code !== 0) throw new Explained(output.trim());
  }
}

/** Every value of EMAIL_PROVIDER that this deploy may take: of the command line, else of the file, in each environment. */
export function namedProviders(settings, args) {
  const given = args.map((arg) => /\bEMAIL_PROVIDER:(.*)$/.exec(arg)?.[1]).filter((value) => value !== undefined);
  if (given.length > 0) return given.slice(-1);
  const inFile = settings.matchAll(/^\s*(?:[^#\n]*[.{,\s])?EMAIL_PROVIDER\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')/gm);
  return [...new Set([...inFile].map(([, double, single]) => double ?? single))];
}
