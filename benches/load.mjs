// What the catalog costs when a Worker starts: the code of the release build, in Node's V8.
//
// `npm run bench:load` builds the Worker with the feature `bench-load` and runs this with the path of its wasm. Each cold
// sample is a process of its own: V8 compiles a function when it is first called, and keeps what it compiled for as long as
// the process lives. Journeys, settings and names of emails are one JSON; templates are compiled code, and a condition is read
// when it is first asked: what reading all of them would cost stands in the last column.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const COLD_SAMPLES = 15;
const WARM_SAMPLES = 100;
const TARGET_MS = 5;

const [wasm, task, argument] = process.argv.slice(2);
if (task === "write") process.stdout.write(written(Number(argument)));
else if (task === "load") console.log(JSON.stringify(loaded(argument === "own" ? undefined : readFileSync(0))));
else process.exitCode = table();

function table() {
  const rows = [
    ["the store's own journeys", take("own")],
    ["20 journeys", take("given", inOwnProcess(["write", "20"]))],
  ];
  console.log(`catalog load in wasm, in ms: ${COLD_SAMPLES} fresh processes of Node ${process.version}; target: cold < ${TARGET_MS}\n`);
  print(["", "journeys", "cold", "cold, worst", "warm", "conditions", "all read, cold"]);
  for (const [title, each] of rows) {
    print([title, each.journeys, ms(each.cold), ms(each.worst), ms(each.warm), each.conditions, ms(each.read)]);
  }
  return rows.every(([, each]) => each.cold < TARGET_MS) ? 0 : 1;
}

/** Medians over cold samples of one store. */
function take(store, json) {
  const samples = Array.from({ length: COLD_SAMPLES }, () => JSON.parse(inOwnProcess(["load", store], json)));
  const all = (name) => samples.map((sample) => sample[name]);
  const [{ journeys, conditions }] = samples;
  return {
    journeys, conditions,
    cold: median(all("cold")), worst: Math.max(...all("cold")), warm: median(all("warm")), read: median(all("read")),
  };
}

function inOwnProcess(args, input) {
  return execFileSync(process.execPath, [fileURLToPath(import.meta.url), wasm, ...args], { input, maxBuffer: 2 ** 26 });
}

/** The JSON of a store of so many journeys. */
function written(journeys) {
  const worker = start();
  const bytes = worker.bench_write_store(journeys);
  return new Uint8Array(worker.memory.buffer, worker.bench_text_at(), bytes);
}

/** One cold sample and the warm ones that follow: of the build's own store, or of this JSON. */
function loaded(json) {
  const worker = start();
  if (json) {
    worker.bench_make_room(json.length);
    new Uint8Array(worker.memory.buffer, worker.bench_text_at(), json.length).set(json);
  }
  const load = json ? worker.bench_load_text : worker.bench_load_own;
  const [cold, journeys] = timed(load);
  const [read, conditions] = timed(worker.bench_read_conditions);
  if (journeys === 0) throw new Error("the store could not be loaded");
  const warm = Array.from({ length: WARM_SAMPLES }, () => timed(load)[0]);
  return { cold, journeys, read, conditions, warm: median(warm) };
}

/** The Worker without its glue: what is measured calls nothing outside. */
function start() {
  const module = new WebAssembly.Module(readFileSync(wasm));
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = kind === "tag"
      ? new WebAssembly.Tag({ parameters: ["externref"] })
      : () => { throw new Error(`${name} was called`); };
  }
  return new WebAssembly.Instance(module, imports).exports;
}

function timed(work) {
  const from = performance.now();
  const result = work();
  return [performance.now() - from, result];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function ms(value) {
  return value.toFixed(2);
}

function print([title, ...cells]) {
  console.log(`${title.padEnd(26)}${cells.map((cell) => String(cell).padStart(16)).join("")}`);
}
