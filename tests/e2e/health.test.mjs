// The Worker as it is deployed: it starts, answers, and has no routes that only tests may have.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { startWorker } from "./worker.mjs";

let worker;
before(async () => { worker = await startWorker(); });
after(() => worker.close());

test("GET /health names the version that was built", async () => {
  const response = await worker.fetch("/health");
  assert.equal(response.status, 200);
  const { version } = JSON.parse(readFileSync("package.json", "utf8"));
  assert.deepEqual(await response.json(), { ok: true, version, attention: [] });
});

test("an unknown route is a 404 with an error and a hint", async () => {
  const response = await worker.fetch("/nothing-here");
  assert.equal(response.status, 404);
  assert.deepEqual(Object.keys(await response.json()), ["error", "hint"]);
});

test("a release build has no route that panics", async () => {
  assert.equal((await worker.fetch("/test/panic")).status, 404);
});

test("the cron handler runs", async () => {
  assert.equal((await worker.scheduled()).outcome, "ok");
});
