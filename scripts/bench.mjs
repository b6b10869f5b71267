// `npm run bench`: the measured comparisons of docs/performance.md. Installs what they need beside the usual (bench/package.json),
// makes the release build, and has bench/main.mjs measure. `-- --help` says what can be chosen.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Explained, root, run, runMain, step, tryRun } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildForTests } from "./build.mjs";

const BENCH = path.join(root, "bench");

await runMain(async (args) => {
  const environments = await setUp();
  await installPeers();
  const built = args.includes("--built");
  if (built && !existsSync(path.join(root, "dist", "release", "build"))) {
    throw new Explained("There is no dist/release to measure: run this without --built.");
  }
  if (!built && !args.includes("--help")) await buildForTests(environments, { name: "release", profile: "release" });
  const given = args.filter((arg) => arg !== "--built");
  const result = await tryRun("node", [path.join("bench", "main.mjs"), ...given], { env: environments.host, show: true });
  return result.code ?? 1;
});

async function installPeers() {
  const lock = createHash("sha256").update(readFileSync(path.join(BENCH, "package-lock.json"))).digest("hex");
  const stamp = path.join(BENCH, "node_modules", ".installed-lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  await step("installing what the peers need", () => run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: BENCH }));
  writeFileSync(stamp, lock);
}
