// What the catalog costs when a Worker starts: the code of the release build, in Node's V8.
//
// `npm run bench:load` builds the Worker with the feature `bench-load` and runs this with the path of its wasm. Each sample is
// a process of its own: V8 compiles a function when it is first called, and keeps what it compiled for as long as the process
// lives. So there are two kinds: with the code compiled before, which is what the load itself takes, and as it comes, with
// the compiling of all that the first load calls. The second hardly grows with the journeys, and workerd does the
// same.
//
// | journeys | compiled before | as it comes | later |
// |---:|---:|---:|---:|
// | 3 | 0.5 ms | 9 ms | 0.13 ms |
// | 20 | 1.0 to 1.4 ms | 11 ms | 0.5 to 0.6 ms |
//
// on two shared cores, where compiling takes several times as long when others work. The target, less than 5 ms, holds for the
// load and not for the compiling: a first load that came with it took 11 to 13 ms in workerd too, requests included, and 3 to
// 4 without.
//
// Journeys, settings and names of emails are one JSON; templates are compiled code, and a condition is read when it is first
// asked: what reading all of them would take stands in the last column.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SAMPLES = 15;
const LATER_LOADS = 100;

const [wasm, task, argument] = process.argv.slice(2);
if (task === "write") process.stdout.write(written(Number(argument)));
else if (task === "load") console.log(JSON.stringify(loaded(argument === "own" ? undefined : readFileSync(0))));
else table();

function table() {
  const given = inOwnProcess(["write", "20"]);
  const stores = [
    ["the store's own journeys", "own", undefined],
    ["20 journeys", "given", given],
  ];
  console.log(`catalog load in wasm, ms: ${SAMPLES} processes of Node ${process.version} each, median and best; target < 5\n`);
  print(["", "journeys", "first", "best", "later", "conditions", "read them all"]);
  for (const [way, flags] of [["compiled before", ["--no-wasm-lazy-compilation"]], ["compiled as it comes", []]]) {
    for (const [title, store, json] of stores) {
      const each = take(flags, store, json);
      print([`${way}, ${title}`, each.journeys, ms(each.first), ms(each.best), ms(each.later), each.conditions, ms(each.read)]);
    }
  }
}

/** Medians over the samples of one store. */
function take(flags, store, json) {
  const samples = Array.from({ length: SAMPLES }, () => JSON.parse(inOwnProcess(["load", store], json, flags)));
  const all = (name) => samples.map((sample) => sample[name]);
  const [{ journeys, conditions }] = samples;
  const [first, later, read] = ["first", "later", "read"].map((name) => median(all(name)));
  return { journeys, conditions, first, later, read, best: Math.min(...all("first")) };
}

function inOwnProcess(args, input, flags = []) {
  const here = fileURLToPath(import.meta.url);
  return execFileSync(process.execPath, [...flags, here, wasm, ...args], { input, maxBuffer: 2 ** 26 });
}

/** The JSON of a store of so many journeys. */
function written(journeys) {
  const worker = start();
  const bytes = worker.bench_write_store(journeys);
  return new Uint8Array(worker.memory.buffer, worker.bench_text_at(), bytes);
}

/** The first load of a process and those that follow: of the build's own store, or of this JSON. */
function loaded(json) {
  const worker = start();
  if (json) {
    worker.bench_make_room(json.length);
    new Uint8Array(worker.memory.buffer, worker.bench_text_at(), json.length).set(json);
  }
  const load = json ? worker.bench_load_text : worker.bench_load_own;
  const [first, journeys] = timed(load);
  const [read, conditions] = timed(worker.bench_read_conditions);
  if (journeys === 0) throw new Error("the store could not be loaded");
  const later = Array.from({ length: LATER_LOADS }, () => timed(load)[0]);
  return { first, journeys, read, conditions, later: median(later) };
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
  console.log(`${title.padEnd(48)}${cells.map((cell) => String(cell).padStart(14)).join("")}`);
}
