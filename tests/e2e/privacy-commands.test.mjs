// `npm run export` and `npm run erase`: what they send, what they write, and what they say. Against a small server that answers
// as /admin does; the routes themselves are tested with the Worker.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../scripts/privacy.mjs", import.meta.url));
const TOKEN = "a-token-of-the-test";
const folder = mkdtempSync(path.join(os.tmpdir(), "wend-privacy-"));
const requests = [];
let answers = {};
let server;
let port;

before(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    requests.push([request.url, JSON.parse(body)]);
    const known = request.headers.authorization === `Bearer ${TOKEN}`;
    const answer = known ? answers[request.url] : { error: "not signed in", hint: "" };
    response.writeHead(known ? 200 : 401, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = String(server.address().port);
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function run(...args) {
  requests.length = 0;
  const child = spawn(process.execPath, [SCRIPT, ...args, "--port", port, "--token", TOKEN], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  child.stderr.on("data", (part) => (text += part));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, text: text.trim() })));
}

test("an export is printed, or written to a file that is its owner's alone", async () => {
  answers = { "/admin/export": { format: "wend-export-1", contacts: ["6e07"], held: { events: [{}, {}], orders: [{}] }, cut: [] } };
  const printed = await run("export", "anna@example.com");
  assert.deepEqual(JSON.parse(printed.text), answers["/admin/export"]);
  assert.deepEqual(requests, [["/admin/export", { email: "anna@example.com" }]]);
  const file = path.join(folder, "anna.json");
  const { code, text } = await run("export", "--contact", "6e07", "--out", file);
  assert.deepEqual([code, text], [0, `contact 6e07: 2 events, 1 orders. All of it is in ${file}`]);
  assert.deepEqual(requests, [["/admin/export", { contact_id: "6e07" }]]);
  assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), answers["/admin/export"]);
  assert.equal(statSync(file).mode & 0o077, 0);
  assert.match((await run("export", "a@example.com", "--out", path.join(folder, "no", "x"))).text, /cannot be written \(ENOENT\)/);
});

test("an erasure asks first, and says what went and what stays", async () => {
  answers = { "/admin/erase": { contacts: 1, erased: { events: 2, contact: 1 }, in_flight: 1, kept: { objections: 1 } } };
  const unsure = await run("erase", "anna@example.com");
  assert.equal(unsure.code, 1);
  assert.match(unsure.text, /erases all that is held of anna@example\.com, for good\. Say --yes/);
  assert.deepEqual(requests, []);
  const { code, text } = await run("erase", "anna@example.com", "--yes");
  assert.equal(code, 0);
  assert.match(text, /^Erased: 2 events, 1 contact\.\nKept: the keyed hash of 1 address,.*90 days.*\nA mail to them was on its way.*\nOther systems/);
  answers = { "/admin/erase": { contacts: 0, erased: {}, in_flight: 0, kept: { objections: 0 } } };
  assert.match((await run("erase", "anna@example.com", "--yes")).text, /^Nothing is held of anna@example\.com, or they were erased before\.$/);
});

test("what is wrong is said before anything is sent", async () => {
  for (const args of [["erase"], ["export"], ["forget", "a@example.com"], ["export", "a@example.com", "b@example.com"],
    ["export", "a@example.com", "--contact", "6e07"], ["erase", "--what"]]) {
    const { code, text } = await run(...args);
    assert.equal(code, 1, args.join(" "));
    assert.match(text, /Usage:\n {2}npm run export/, args.join(" "));
    assert.deepEqual(requests, []);
  }
});
