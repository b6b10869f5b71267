// `npm run import` and `npm run export -- everything`: what they send, when they send it again, and what they say. Against a
// small server that answers as /admin does; the routes themselves are tested with the Worker.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const at = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const TOKEN = "a-token-of-the-test";
const folder = mkdtempSync(path.join(os.tmpdir(), "wend-import-"));
/** What was posted, and what the server has by then. */
const requests = [];
const held = new Set();
let refuses = () => false;
let pages = [];
let server;
let port;

before(async () => {
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const asked = JSON.parse(body);
    requests.push([request.url, asked]);
    const say = (status, answer) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    if (request.headers.authorization !== `Bearer ${TOKEN}`) return say(401, { error: "not signed in", hint: "" });
    if (request.url === "/admin/export/everything") return say(200, pages[asked.after ?? 0]);
    if (refuses(asked.records)) return say(503, { error: "busy", hint: "send it again" });
    const told = { taken: 0, known: 0, erased: 0 };
    for (const record of asked.records.map((one) => JSON.stringify(one))) {
      told[record.includes("erased@") ? "erased" : held.has(record) ? "known" : "taken"] += 1;
      held.add(record);
    }
    return say(200, told);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = String(server.address().port);
});

beforeEach(() => {
  requests.length = 0;
  held.clear();
  refuses = () => false;
});

after(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function run(script, ...args) {
  const child = spawn(process.execPath, [at(`scripts/${script}`), ...args, "--port", port, "--token", TOKEN],
    { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  child.stdout.on("data", (part) => (text += part));
  child.stderr.on("data", (part) => (text += part));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, text: text.trim() })));
}

const importing = (...args) => run("import.mjs", ...args);

function fixture(name) {
  const file = path.join(folder, name);
  copyFileSync(at(`tests/fixtures/imports/${name}`), file);
  return file;
}

function list(name, lines) {
  const file = path.join(folder, name);
  writeFileSync(file, `email,consent,consent_at\n${lines.join("\n")}\n`);
  return file;
}

const people = (count) => Array.from({ length: count }, (_, n) => `n${n}@example.com,subscribed,2025-01-01`);
const sent = () => requests.map(([, { records }]) => records.length);

test("a dry run says what would be taken, writes down what would not, and sends nothing", async () => {
  const { code, text } = await importing("contacts", fixture("klaviyo.csv"), "--dry-run");
  assert.equal(code, 0, text);
  assert.match(text, /klaviyo\.csv: Klaviyo's list, UTF-8\nwould take +6\n/);
  assert.match(text, / 2 subscribed\n +1 suppressed\n +1 unknown\n +2 unsubscribed\n +1 of them for an address that came before\n/);
  assert.match(text, /rejects +2\n +line 8: .*\n +line 9: email marketing consent: `MAYBE`/);
  assert.match(text, /Nothing was sent\.$/);
  assert.deepEqual(requests, []);
  const rejected = readFileSync(path.join(folder, "klaviyo.rejected.csv"), "utf8").split("\n");
  assert.match(rejected[0], /^line,reason,Email,Klaviyo ID,/);
  assert.match(rejected[1], /^8,`no-at-sign\.example\.com`: the address is not of the form name@domain,no-at-sign\.example\.com,01H8Z5,/);
});

test("a list is sent in batches, and made again it is known already", async () => {
  const file = list("many.csv", [...people(450), "erased@example.com,,", "nobody,,"]);
  const first = await importing("contacts", file);
  assert.equal(first.code, 0, first.text);
  assert.match(first.text, /own form: 450 new, 1 of people who were erased, who stay so\.\nConsent in the file: 450 subscribed, 1 unknown\.\n1 lines were rejected/);
  assert.deepEqual(sent(), [200, 200, 51]);
  assert.ok(requests.every(([url]) => url === "/admin/import"));
  const again = await importing("contacts", file);
  assert.match(again.text, /0 new, 450 there already, 1 of people who were erased/);
  // What is mended has no more to be rejected.
  writeFileSync(file, "email\na@example.com\n");
  assert.equal((await importing("contacts", file)).code, 0);
  assert.ok(!existsSync(path.join(folder, "many.rejected.csv")));
});

test("rejected lines stand in their file as they were, formulas and numbers of phones too", async () => {
  const file = path.join(folder, "formulas.csv");
  const line = 'nobody,"=HYPERLINK(""https://evil.example"")",+15551234';
  writeFileSync(file, `email,first_name,phone\n${line}\n`);
  const { code, text } = await importing("contacts", file, "--dry-run");
  assert.equal(code, 0, text);
  const [, rejected] = readFileSync(path.join(folder, "formulas.rejected.csv"), "utf8").split("\n");
  assert.ok(rejected.endsWith(`,${line}`), rejected);
});

test("what the Worker cannot take now is sent again", async () => {
  let busy = 2;
  refuses = () => (busy -= 1) >= 0;
  const { code, text } = await importing("contacts", list("busy.csv", people(202)));
  assert.equal(code, 0, text);
  assert.match(text, /: 202 new\./);
  assert.deepEqual(sent(), [200, 200, 200, 2]);
});

test("one record that the Worker never takes costs no other", async () => {
  refuses = (records) => records.some((record) => record.contact.email === "n201@example.com");
  const { code, text } = await importing("contacts", list("poison.csv", people(202)));
  assert.equal(code, 1, text);
  assert.match(text, /: 201 new\.\n[^]*The Worker could not take n201@example\.com; its log says why\.$/);
  // Four times the two of them, then each by itself: it was waited for already.
  assert.deepEqual(sent(), [200, 2, 2, 2, 2, 1, 1]);
});

test("nor does the very first one", async () => {
  refuses = (records) => records.some((record) => record.contact.email === "n0@example.com");
  const { code, text } = await importing("contacts", list("poison-first.csv", people(3)));
  assert.equal(code, 1, text);
  assert.match(text, /: 2 new\./);
  assert.deepEqual(sent(), [3, 3, 3, 3, 2, 1, 1, 1]);
});

test("orders are taken with all their lines, and what is no list says what is accepted", async () => {
  const { code, text } = await importing("orders", fixture("shopify-orders.csv"));
  assert.equal(code, 0, text);
  assert.match(text, /^Shopify's orders: 2 new\.\nOrders in the file: 1 cancelled, 1 fulfilled\.\n2 lines were rejected/);
  assert.equal(requests[0][1].records[0].order.items.length, 2);
  const wrong = await importing("contacts", fixture("own-orders.csv"));
  assert.equal(wrong.code, 1);
  assert.match(wrong.text, /the columns `.*order_id.*` are not known\. Accepted are\n {2}Klaviyo's list/);
  const mapped = path.join(folder, "mapped.csv");
  writeFileSync(mapped, "E-Mail;Vorname\nzoe@example.com;Zoë\n");
  assert.equal((await importing("contacts", mapped, "--map", "E-Mail=email", "--map", "Vorname=first_name")).code, 0);
  assert.equal(requests.at(-1)[1].records[0].contact.profile.first_name, "Zoë");
  for (const args of [[], ["people", mapped], ["contacts"], ["contacts", mapped, "more"]]) {
    assert.match((await importing(...args)).text, /Usage:\n {2}npm run import -- contacts/);
  }
});

test("everything comes page by page, a row a line, in a file that is its owner's alone", async () => {
  pages = [{ table: "contact", rows: [{ contact_id: "6e07" }, { contact_id: "6e08" }], next: 1 }, { table: "event", rows: [{ kind: "Signed Up" }], next: null }];
  const lines = ['{"format":"wend-everything-1"}', '{"table":"contact","contact_id":"6e07"}', '{"table":"contact","contact_id":"6e08"}',
    '{"table":"event","kind":"Signed Up"}'];
  assert.deepEqual((await run("privacy.mjs", "export", "everything")).text.split("\n"), lines);
  assert.deepEqual(requests, [["/admin/export/everything", {}], ["/admin/export/everything", { after: 1 }]]);
  const file = path.join(folder, "all.jsonl");
  const { code, text } = await run("privacy.mjs", "export", "--all", "--out", file);
  assert.deepEqual([code, text], [0, `Everything is in ${file}: 2 contact, 1 event rows.`]);
  assert.equal(readFileSync(file, "utf8"), `${lines.join("\n")}\n`);
  assert.equal(statSync(file).mode & 0o077, 0);
});
