// `npm run deploy`: refuses settings that must not reach production or under which mail would wait for ever, makes the release
// build, and hands over to `wrangler deploy`. Options go to wrangler: `npm run deploy -- --dry-run` shows what would be sent.

import { spawnSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { Explained, isMain, root, runMain, tryRun } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildWorker } from "./build.mjs";

if (isMain(import.meta.url)) {
  await runMain(deploy);
}

async function deploy(args) {
  const environments = await setUp();
  const vars = await deployedVars(args, { ...process.env, ...environments.host });
  refuseDevEnvironment(vars);
  await refuseStrandedMarketing(vars, environments);
  await buildWorker(environments, { profile: "release" });
  // With the terminal: wrangler may have to ask which account is meant.
  const env = { ...process.env, ...environments.host };
  return spawnSync("wrangler", ["deploy", ...args], { cwd: root, env, stdio: "inherit" }).status ?? 1;
}

/**
 * The vars that this deploy will have, by wrangler's own reading of the file it would take: `--config`, `--env` and `--var` count
 * as they do there.
 */
export async function deployedVars(args, env = process.env) {
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const options = {
    config: { type: "string", short: "c" }, env: { type: "string", short: "e" }, var: { type: "string", multiple: true },
  };
  // wrangler's other options are its own business, and `--var` takes all that stand behind it.
  const { values, positionals } = parseArgs({ args, options, strict: false, allowPositionals: true });
  const file = path.resolve(root, values.config ?? "wrangler.toml");
  let vars;
  try {
    ({ vars = {} } = readConfig({ config: file, env: values.env ?? env.CLOUDFLARE_ENV }, { hideWarnings: true }));
  } catch (error) {
    throw new Explained(`${file} cannot be read: ${error.message}`);
  }
  const given = [...(values.var ?? []), ...positionals].map((text) => /^(\w+):(.*)$/s.exec(text)).filter(Boolean);
  return { ...vars, ...Object.fromEntries(given.map(([, name, value]) => [name, value])) };
}

/** With `dev`, anyone could read every mail and move the clock. */
export function refuseDevEnvironment({ ENVIRONMENT: environment }) {
  if (environment === "dev") {
    throw new Explained('ENVIRONMENT is "dev", which opens /dev/outbox and /dev/clock to everybody. Deploy with "production".');
  }
}

/** Marketing that none of the named providers may carry is kept, and never leaves. */
async function refuseStrandedMarketing({ EMAIL_PROVIDER: providers }, environments) {
  if (providers === undefined) return;
  const lint = ["run", "--quiet", "--locked", "--bin", "wend", "--", "lint", "--providers", String(providers)];
  const { code, output } = await tryRun("cargo", lint, { env: environments.host });
  if (code !== 0) throw new Explained(output.trim());
}
