// The stand-in for Resend behaves as Resend does, shown over real HTTP.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { startResend } from "./resend.mjs";
import { until } from "./worker.mjs";

const HOUR_MS = 60 * 60 * 1000;
const ARRIVAL_LIMIT_MS = 10_000;
let clock;
let resend;

beforeEach(async () => {
  clock = Date.parse("2026-03-01T10:00:00Z");
  resend = await startResend({ now: () => clock });
});
afterEach(() => resend.close());

const email = (to, subject = "Hello") => ({
  from: '"Lane, Ltd." <hello@shop.example>',
  to: [to],
  subject,
  html: "<p>Hi</p>",
  text: "Hi",
  tags: [{ name: "message", value: "ab12" }],
});

function post(body, { key, path = "/emails", token = "re_test", signal } = {}) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  if (key !== undefined) headers["idempotency-key"] = key;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return fetch(resend.url + path, { method: "POST", headers, body: text, signal });
}

const name = async (answer) => [answer.status, (await answer.json()).name];

test("a single email gets an id, and the exact bytes are recorded", async () => {
  const body = `{ "from": "a@b.cd", "to": "x@y.zz", "subject": "ж", "text": "t" }`;
  const answer = await post(body, { key: "k-1" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("ratelimit-limit"), "10");
  const { id } = await answer.json();
  const [request] = resend.requests();
  assert.equal(request.body.toString("utf8"), body);
  assert.equal(request.method, "POST");
  assert.equal(request.path, "/emails");
  assert.equal(request.headers["idempotency-key"], "k-1");
  assert.equal(request.at, clock);
  assert.equal(request.status, 200);
  const [mail] = resend.mails();
  assert.deepEqual([mail.id, mail.to, mail.key, mail.at], [id, "x@y.zz", "k-1", clock]);
});

test("a batch gets its ids in order, or is refused whole", async () => {
  const batch = [email("a@example.com"), email("b@example.com")];
  const { data } = await (await post(batch, { path: "/emails/batch", key: "b" })).json();
  assert.deepEqual(data.map(({ id }) => id), resend.mails().map(({ id }) => id));
  assert.deepEqual(resend.mails().map(({ to }) => to), ["a@example.com", "b@example.com"]);

  const bad = await post([email("c@example.com"), email("иван@example.com")], { path: "/emails/batch" });
  assert.deepEqual(await name(bad), [422, "validation_error"]);
  const crowd = Array.from({ length: 101 }, () => email("a@example.com"));
  assert.equal((await post(crowd, { path: "/emails/batch" })).status, 422);
  assert.equal(resend.mails().length, 2);
});

test("the same key and bytes give the same ids, and no second mail, for 24 hours", async () => {
  const send = async () => (await post(email("a@example.com"), { key: "k" })).json();
  const first = await send();
  clock += 24 * HOUR_MS - 1;
  assert.deepEqual(await send(), first);
  assert.equal(resend.mails().length, 1);
  clock += 1;
  assert.notDeepEqual(await send(), first);
  assert.equal(resend.mails().length, 2);
});

test("the same key with other bytes is a 409, and after 24 hours another mail", async () => {
  await post(email("a@example.com"), { key: "k" });
  const other = () => post(email("a@example.com", "Other"), { key: "k" });
  assert.deepEqual(await name(await other()), [409, "invalid_idempotent_request"]);
  assert.equal(resend.mails().length, 1);
  clock += 24 * HOUR_MS;
  assert.equal((await other()).status, 200);
});

test("a key in flight is a 409, and the first request still succeeds", async () => {
  resend.fault({ delayMs: 2_000 });
  const first = post(email("a@example.com"), { key: "k" });
  while (resend.requests().length === 0) await new Promise((again) => setTimeout(again, 5));
  assert.deepEqual(await name(await post(email("a@example.com"), { key: "k" })), [
    409,
    "concurrent_idempotent_requests",
  ]);
  const { id } = await (await first).json();
  assert.equal((await (await post(email("a@example.com"), { key: "k" })).json()).id, id);
  assert.equal(resend.mails().length, 1);
});

test("without a key every request is another mail", async () => {
  await post(email("a@example.com"));
  await post(email("a@example.com"));
  assert.equal(resend.mails().length, 2);
});

test("scripted refusals take nothing and leave the key free", async () => {
  resend.fault({ status: 429, headers: { "retry-after": "2" } });
  resend.fault({ status: 429, name: "daily_quota_exceeded" });
  resend.fault({ status: 500, times: 2 });
  resend.fault({ status: 403 });
  resend.fault({ status: 422 });
  resend.fault({ status: 502, body: "<html>Bad gateway</html>" });
  const send = () => post(email("a@example.com"), { key: "k" });
  const limited = await send();
  assert.equal(limited.headers.get("retry-after"), "2");
  assert.deepEqual(await name(limited), [429, "rate_limit_exceeded"]);
  assert.deepEqual(await name(await send()), [429, "daily_quota_exceeded"]);
  assert.deepEqual(await name(await send()), [500, "internal_server_error"]);
  assert.equal((await send()).status, 500);
  assert.deepEqual(await name(await send()), [403, "invalid_api_key"]);
  assert.deepEqual(await name(await send()), [422, "validation_error"]);
  const page = await send();
  assert.equal(page.headers.get("content-type"), "text/html");
  assert.match(await page.text(), /Bad gateway/);
  assert.equal(resend.mails().length, 0);
  assert.equal((await send()).status, 200);
  assert.equal(resend.mails().length, 1);
});

test("a 500 after the mail was taken is answered with its id when repeated", async () => {
  resend.fault({ status: 500, accept: true });
  const send = () => post(email("a@example.com"), { key: "k" });
  assert.equal((await send()).status, 500);
  assert.equal(resend.mails().length, 1);
  assert.equal((await (await send()).json()).id, resend.mails()[0].id);
  assert.equal(resend.mails().length, 1);
});

test("silence and resets come after the body was read, with the mail taken or not", async () => {
  const send = (key, signal) => post(email("a@example.com"), { key, signal });
  /** Silence has no end of its own: given up once the request has arrived. */
  const lost = async (key, { end }) => {
    const patience = new AbortController();
    const rejected = assert.rejects(send(key, patience.signal), key);
    await until(ARRIVAL_LIMIT_MS, "the request", () => resend.requests(), (requests) => requests.length > 0);
    if (end === "silence") patience.abort();
    await rejected;
  };
  for (const [key, fault, taken] of [
    ["s1", { end: "silence" }, 1],
    ["s2", { end: "silence", accept: false }, 0],
    ["r1", { end: "reset" }, 1],
    ["r2", { end: "reset", accept: false }, 0],
  ]) {
    resend.reset();
    resend.fault(fault);
    await lost(key, fault);
    assert.equal(resend.requests().at(-1).body.length, JSON.stringify(email("a@example.com")).length);
    assert.equal(resend.requests().at(-1).status, null);
    assert.equal(resend.mails().length, taken, key);
    assert.equal((await send(key)).status, 200, key);
    assert.equal(resend.mails().length, 1, key);
  }
});

test("half an answer breaks off after the status", async () => {
  resend.fault({ end: "half" });
  const answer = await post(email("a@example.com"), { key: "k" });
  assert.equal(answer.status, 200);
  await assert.rejects(answer.text());
  assert.equal(resend.mails().length, 1);
});

test("faults can wait for a certain request", async () => {
  resend.fault({ status: 500, when: ({ json }) => json?.to?.[0] === "b@example.com" });
  assert.equal((await post(email("a@example.com"))).status, 200);
  assert.equal((await post(email("b@example.com"))).status, 500);
});

test("wrong routes, methods, keys and bodies are refused as Resend refuses them", async () => {
  assert.equal((await post(email("a@example.com"), { path: "/email" })).status, 404);
  assert.equal((await fetch(`${resend.url}/emails`, { headers: { authorization: "Bearer x" } })).status, 405);
  const open = await fetch(`${resend.url}/emails`, { method: "POST", body: "{}" });
  assert.deepEqual(await name(open), [401, "missing_api_key"]);
  assert.equal((await post("{", {})).status, 422);
  assert.equal((await post({ ...email("a@example.com"), from: "nobody" })).status, 422);
  assert.equal((await post({ ...email("a@example.com"), tags: [{ name: "a b", value: "c" }] })).status, 422);
  const long = await post(email("a@example.com"), { key: "k".repeat(257) });
  assert.deepEqual(await name(long), [400, "invalid_idempotency_key"]);

  const guarded = await startResend({ apiKey: "re_right" });
  const wrong = await fetch(`${guarded.url}/emails`, { method: "POST", headers: { authorization: "Bearer re_wrong" } });
  assert.deepEqual(await name(wrong), [403, "invalid_api_key"]);
  await guarded.close();
});
