// `npm run fuzz`: cargo-fuzz on every entry of fuzz/entries.rs, one after the other, a minute each. `-- --seconds 600` takes longer,
// `-- --only tokens` feeds one. It needs `cargo install cargo-fuzz` and a C++ compiler; a toolchain is not chosen here.
//
// What is found stays in fuzz/artifacts/. Mended, it becomes a file among the entry's seeds, which the tests feed ever after.

import { copyFileSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Explained, root, run, runMain, step, tryRun } from "./steps.mjs";

const FUZZ = path.join(root, "fuzz");
/** libFuzzer counts on the compiler's instruments, which are not stable; nothing else of the toolchain is. */
const ENV = { RUSTC_BOOTSTRAP: "1" };
/** Safe Rust has nothing for a sanitizer to find; overflows and panics are seen without, at several times the speed. */
const BUILD = ["--sanitizer", "none"];
/** One input may not take longer, nor hold more. */
const LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=20000"];

await runMain(async (args) => {
  const { values } = parseArgs({ args, options: { seconds: { type: "string", default: "60" }, only: { type: "string" } } });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) throw new Explained(`--seconds ${values.seconds}: give a whole number of seconds`);
  const entries = readEntries().filter(({ name }) => values.only === undefined || name === values.only);
  if (entries.length === 0) throw new Explained(`--only ${values.only}: not one of ${readEntries().map(({ name }) => name).join(", ")}`);
  if ((await tryRun("cargo", ["fuzz", "--version"])).code !== 0) throw new Explained("cargo-fuzz is missing: `cargo install --locked cargo-fuzz`");
  const only = values.only === undefined ? [] : [values.only];
  await step("building the targets", () => run("cargo", ["fuzz", "build", ...BUILD, ...only], { cwd: root, env: ENV }));
  const broken = [];
  for (const entry of entries) {
    const result = await tryRun("cargo", ["fuzz", "run", ...BUILD, entry.name, "--", ...LIMITS, `-max_total_time=${seconds}`,
      corpusOf(entry)], { cwd: root, env: ENV });
    const count = /stat::number_of_executed_units: (\d+)/.exec(result.output)?.[1] ?? /Done (\d+) runs/.exec(result.output)?.[1] ?? "?";
    const covered = [...result.output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
    console.log(`${entry.name.padEnd(20)} ${count.padStart(12)} executions  ${covered.padStart(6)} edges  ${result.code === 0 ? "sound" : "BROKEN"}`);
    if (result.code !== 0) {
      broken.push(entry.name);
      console.log(result.output.split("\n").slice(-40).join("\n"));
    }
  }
  if (broken.length > 0) throw new Explained(`${broken.join(", ")}: see above, and fuzz/artifacts/`);
});

/** The folder that libFuzzer reads and fills, with the seeds in it. */
function corpusOf({ name, seeds }) {
  const folder = path.join(FUZZ, "corpus", name);
  mkdirSync(folder, { recursive: true });
  const files = seeds.flatMap((seed) => statSync(seed).isDirectory()
    ? readdirSync(seed, { recursive: true }).map((inside) => path.join(seed, inside)).filter((file) => statSync(file).isFile())
    : [seed]);
  for (const file of files) copyFileSync(file, path.join(folder, path.relative(root, file).replaceAll(path.sep, "-")));
  return folder;
}

function readEntries() {
  const text = readFileSync(path.join(FUZZ, "entries.rs"), "utf8");
  const table = text.slice(text.indexOf("pub const ENTRIES"), text.indexOf("\n];"));
  return [...table.matchAll(/entry\(\s*"(\w+)",\s*&\[([^\]]*)\]/g)].map(([, name, seeds]) => ({
    name,
    seeds: [...seeds.matchAll(/"([^"]+)"/g)].map(([, seed]) => path.join(root, seed)),
  }));
}
