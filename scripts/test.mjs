// `npm test`: everything that must hold before a change lands, and a count of it on the last line.
//
// `npm test -- host` runs the tests that need no Worker, `-- lint` the style checks, `-- e2e` the tests against the
// built Worker; several may be named.

import { readdirSync } from "node:fs";
import path from "node:path";
import { Explained, root, run, runMain, seconds, step, tryRun } from "./steps.mjs";
import { installCheckers } from "./checkers.mjs";
import { setUp } from "./setup.mjs";
import { buildForTests } from "./build.mjs";

const WASM = ["--target", "wasm32-unknown-unknown", "--lib"];
const DENY_WARNINGS = ["--", "-D", "warnings"];
const E2E = path.join("tests", "e2e");

const parts = {
  lint: async ({ host, wasm }, count) => {
    await check(count, "rustfmt", () => run("cargo", ["fmt", "--check"], { env: host }));
    await check(count, "clippy for this machine", () =>
      run("cargo", ["clippy", "--locked", "--all-targets", ...DENY_WARNINGS], { env: host }));
    await check(count, "clippy for the Worker", () =>
      run("cargo", ["clippy", "--locked", ...WASM, ...DENY_WARNINGS], { env: wasm }));
  },
  host: async ({ host }, count) => {
    // The same cases every time: what fails here was broken by the change. `cargo test` by itself draws others.
    const seeded = { ...host, PROPTEST_RNG_SEED: "1" };
    await suite(count, "tests on this machine", "cargo", ["test", "--locked"], seeded, readCargoTotals);
  },
  e2e: async (environments, count) => {
    const built = await check(count, "the Worker builds", async () => {
      await buildForTests(environments, { name: "release", profile: "release" });
      await buildForTests(environments, { name: "test", profile: "dev", features: ["test-panic", "test-journeys"] });
    });
    if (!built) return;
    await installCheckers();
    await step("installing the client libraries that are driven as they are", () =>
      run("npm", ["ci", "--no-audit", "--no-fund"], { env: environments.host, cwd: path.join(root, E2E, "clients") }));
    const files = readdirSync(path.join(root, E2E)).filter((name) => name.endsWith(".test.mjs"));
    const args = ["--test", "--test-reporter=spec", ...files.map((name) => path.join(E2E, name))];
    await suite(count, "end-to-end tests on the built Worker", "node", args, environments.host, readNodeTotals);
  },
};

await runMain(async (args) => {
  const unknown = args.filter((name) => !(name in parts));
  if (unknown.length > 0) throw new Explained(`${unknown.join(", ")}: not one of ${Object.keys(parts).join(", ")}`);
  const startedAt = Date.now();
  const count = { passed: 0, failed: 0, skipped: 0 };
  const environments = await setUp();
  for (const name of args.length > 0 ? args : Object.keys(parts)) await parts[name](environments, count);
  console.log(`\nin ${seconds(startedAt)}`);
  console.log(`${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`);
  return count.failed > 0 ? 1 : 0;
});

/** A check that counts as one, and whether it passed. */
async function check(count, title, work) {
  try {
    await step(title, work);
    count.passed += 1;
    return true;
  } catch (error) {
    console.error(error instanceof Explained ? error.message : error);
    count.failed += 1;
    return false;
  }
}

/** A test runner, whose own totals count. One that ends badly without a failed test, or runs none, is one failure. */
async function suite(count, title, command, args, env, readTotals) {
  const result = await step(title, () => tryRun(command, args, { env, show: true }));
  const totals = readTotals(result.output);
  const sound = totals.failed > 0 || (result.code === 0 && totals.passed > 0);
  if (!sound) {
    console.error(`${title}: ended with ${result.code ?? result.signal} after ${totals.passed} passed tests`);
    totals.failed = 1;
  }
  for (const outcome of Object.keys(count)) count[outcome] += totals[outcome];
}

function readCargoTotals(output) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const line of output.matchAll(/^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    totals.passed += Number(line[1]);
    totals.failed += Number(line[2]);
    totals.skipped += Number(line[3]);
  }
  return totals;
}

function readNodeTotals(output) {
  const total = (word) => Number(new RegExp(`^(?:ℹ|#) ${word} (\\d+)`, "m").exec(output)?.[1] ?? 0);
  return { passed: total("pass"), failed: total("fail") + total("cancelled"), skipped: total("skipped") + total("todo") };
}
