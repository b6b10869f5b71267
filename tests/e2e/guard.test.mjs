// What a panic costs: the requests that were running get an error at once, and nothing else is lost.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startWorker, until, within } from "./worker.mjs";

// Half of what a slow request takes: who is not answered by then waits for something else than the guard.
const ERROR_LIMIT_MS = 5_000;
// The next call starts a new wasm instance, which on a busy machine takes a moment.
const RECOVERY_LIMIT_MS = 15_000;
// The runtime runs a failed alarm again after two seconds and a bit.
const ALARM_RETRY_LIMIT_MS = 15_000;

let worker;
before(async () => {
  worker = await startWorker({ build: "test" });
  await worker.fetch("/health"); // starts the wasm, which the limits below do not allow for
});
after(() => worker.close());

const expectError = async (path) => {
  const response = await within(ERROR_LIMIT_MS, `an answer from ${path}`, worker.fetch(path));
  assert.equal(response.status, 503);
  const other = await worker.fetch("/nothing");
  for (const name of ["cache-control", "content-security-policy", "referrer-policy", "x-content-type-options", "x-robots-tag"]) {
    assert.ok(other.headers.get(name), name);
    assert.equal(response.headers.get(name), other.headers.get(name), name);
  }
  assert.equal(typeof (await response.json()).error, "string");
};

const expectHealthy = async () => {
  const response = await within(RECOVERY_LIMIT_MS, "an answer from /health", worker.fetch("/health"));
  assert.equal(response.status, 200);
};

test("a panic in the Worker is answered, and the next request is served", async () => {
  await expectError("/test/panic");
  await expectHealthy();
});

test("a panic in a Durable Object is answered, and the object serves again", async () => {
  await expectError("/test/shard/panic");
  await expectHealthy();
  assert.equal((await worker.fetch("/test/shard/arm")).status, 200);
  // Its alarm panics, and takes whatever runs beside it along: not what the next test begins.
  const runs = async () => (await worker.fetch("/test/shard/runs")).json();
  await until(ALARM_RETRY_LIMIT_MS, "its alarm to be over", runs, (count) => count >= 2);
});

test("requests that were in flight beside a panic are answered too", async () => {
  const slow = [1, 2, 3].map(() => worker.fetch("/test/slow"));
  const running = async () => (await worker.fetch("/test/running")).json();
  await until(RECOVERY_LIMIT_MS, "the slow requests to arrive", running, (count) => count === slow.length);
  await expectError("/test/panic");
  const answers = await within(ERROR_LIMIT_MS, "the slow requests", Promise.all(slow));
  assert.deepEqual(answers.map((answer) => answer.status), [503, 503, 503]);
  await expectHealthy();
});

test("an alarm that panics is run again", async () => {
  assert.equal((await worker.fetch("/test/shard/arm")).status, 200);
  const runs = async () => (await worker.fetch("/test/shard/runs")).json();
  assert.equal(await until(ALARM_RETRY_LIMIT_MS, "the second run of the alarm", runs, (count) => count >= 2), 2);
});
