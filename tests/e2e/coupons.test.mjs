// `npm run coupons`: what it sends, and what it says when something is wrong. Against a small server that answers as
// /admin does; the routes themselves are tested with the Worker.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/coupons.mjs", import.meta.url));
const TOKEN = "a-token-of-the-test";
const folder = mkdtempSync(path.join(os.tmpdir(), "wend-coupons-"));
const held = new Map();
const requests = [];
let failAfter = Infinity;
let server;
let base;

before(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    requests.push({ url: request.url, count: body ? JSON.parse(body).codes.length : 0 });
    const say = (status, answer) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return say(401, { error: "not signed in", hint: "" });
    if (request.method === "GET") {
      return say(200, { pools: [...held].map(([name, codes]) => ({ name, codes: codes.size, left: codes.size })) });
    }
    if (requests.length > failAfter) return say(503, { error: "busy", hint: "try again" });
    const pool = request.url.split("/").at(-1);
    const codes = held.get(pool) ?? new Set();
    held.set(pool, codes);
    const size = codes.size;
    for (const code of JSON.parse(body).codes) codes.add(code);
    return say(200, { pool, new: codes.size - size });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${server.address().port}`;
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

let files = 0;
function file(text) {
  const name = path.join(folder, `codes-${(files += 1)}.csv`);
  writeFileSync(name, text);
  return name;
}

function coupons(...args) {
  const env = { ...process.env, ADMIN_TOKEN: "" };
  const to = args.includes("--to") ? [] : ["--to", base];
  const token = args.includes("--token") ? [] : ["--token", TOKEN];
  const child = spawn(process.execPath, [SCRIPT, ...args, ...to, ...token], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  child.stderr.on("data", (part) => (text += part));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, text: text.trim() })));
}

test("a file goes over in parts, and a second time changes nothing", async () => {
  const codes = Array.from({ length: 2_500 }, (_, index) => `C${index}`);
  const name = file(`Code,Discount\r\n${codes.map((code) => `"${code}",10`).join("\r\n")}\r\n`);
  requests.length = 0;
  assert.deepEqual(await coupons("import", "comeback", name), {
    code: 0, text: "2500 codes for the pool comeback: 2500 new, 0 there already.",
  });
  assert.deepEqual(requests.map(({ count }) => count), [1_000, 1_000, 500]);
  assert.ok(held.get("comeback").has("C2499") && !held.get("comeback").has("Code"));
  const again = await coupons("import", "comeback", name);
  assert.equal(again.text, "2500 codes for the pool comeback: 0 new, 2500 there already.");
});

test("an import that breaks off is made again", async () => {
  const name = file(Array.from({ length: 1_500 }, (_, index) => `D${index}`).join("\n"));
  requests.length = 0;
  failAfter = 1;
  const broken = await coupons("import", "spring", name);
  failAfter = Infinity;
  assert.equal(broken.code, 1);
  assert.match(broken.text, /answered 503: busy\ntry again\nRun it again/);
  const again = await coupons("import", "spring", name);
  assert.equal(again.text, "1500 codes for the pool spring: 500 new, 1000 there already.");
});

test("the pools are listed", async () => {
  held.clear();
  assert.match((await coupons("list")).text, /There are no pools yet/);
  held.set("comeback", new Set(["A", "B"]));
  assert.equal((await coupons("list")).text, "pool          codes       left\ncomeback          2          2");
});

test("what is wrong is said before anything is sent", async () => {
  const cases = [
    [["import", "comeback", file("code\n\n")], /holds no code/],
    [["import", "comeback", path.join(folder, "none.csv")], /There is no such file/],
    [["import", "Come Back", file("A1")], /is not the name of a pool/],
    [["import", "comeback"], /^Usage/],
    [["list", "--what"], /Unknown option/],
    [["list", "--to", "http://wend.example"], /write https/],
    [["list", "--to", "wend"], /is not an address/],
    [["list", "--token", ""], /Which token|Nothing answers|does not know/],
    [["list", "--token", "another"], /does not know this token/],
    [["list", "--to", "http://127.0.0.1:9"], /Nothing answers at http:\/\/127\.0\.0\.1:9 .*\nStart Wend/],
  ];
  for (const [args, expected] of cases) {
    const { code, text } = await coupons(...args);
    assert.match(text, expected, args.join(" "));
    assert.equal(code, 1, args.join(" "));
    assert.ok(!text.includes("    at "), "no stack trace");
  }
  const { text } = await coupons("import", "comeback", file("A1\nB 2\nC3\nD 4\n"));
  assert.match(text, /Nothing was sent of .*:\n {2}line 2: B 2\n {2}line 4: D 4$/);
});
