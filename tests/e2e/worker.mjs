// Starts the built Worker for an end-to-end test, with the test's own settings, and takes the place of the
// internet for it: every outgoing request goes to the test's `outbound`, and without one it is refused.
//
// scripts/test.mjs builds what is started here: dist/release, and dist/test with routes that panic and with the journeys
// of tests/e2e/project.

import { createTestHarness } from "wrangler";

export const DEV_SECRETS = {
  ENVIRONMENT: "dev",
  EMAIL_PROVIDER: "outbox",
  SHOPIFY_WEBHOOK_SECRET: "test-shopify-secret",
  WOOCOMMERCE_WEBHOOK_SECRET: "test-woocommerce-secret",
  EVENTS_WEBHOOK_SECRET: "whsec_dGVzdC1ldmVudHMtc2VjcmV0LTMyLWJ5dGVzLS0tLS0=",
  HASH_KEY: "test-hash-key-of-32-bytes-0123456789",
  LINK_KEY: "test-link-key-of-32-bytes-0123456789",
  HOOK_TOKEN: "test-hook-token",
  ADMIN_TOKEN: "test-admin-token",
};

const LISTEN_LIMIT_MS = 180_000;
/** Limits are for what hangs: a machine that is busy with everything else is given so much longer. */
const PATIENCE = 4;
const realFetch = globalThis.fetch;

/**
 * Starts dist/<build>, or the Worker of another `configPath`, which is bundled first. `vars` and `secrets` override
 * wrangler.toml and DEV_SECRETS; `outbound(request)` answers what the Worker fetches. Storage is empty. One Worker at a
 * time: outgoing requests have one place to go.
 */
export async function startWorker({ build = "release", configPath, vars = {}, secrets = {}, outbound = refuse } = {}) {
  globalThis.fetch = async (input, init) => outbound(new Request(input, init));
  const harness = createTestHarness({
    workers: [{
      ...(configPath ? { configPath } : { configPath: `dist/${build}/wrangler.toml`, prebuiltWorkerDir: `dist/${build}/worker` }),
      vars,
      secrets: { ...DEV_SECRETS, ...secrets },
    }],
  });
  const { url } = await within(LISTEN_LIMIT_MS, "the Worker to listen", harness.listen());
  const handle = () => harness.getWorker();
  return {
    url: url.origin,
    fetch: (path, init) => harness.fetch(path, init),
    /** Runs the cron handler, as at `at`. */
    scheduled: (at = new Date(), cron = "*/5 * * * *") => handle().scheduled({ cron, scheduledTime: at }),
    /** Drops an object from memory; what it stored stays. */
    evict: (objectClass, name) => handle().evictDurableObject(objectClass, { name }),
    /** Runs SQL inside an object. */
    sql: async (objectClass, name, statement, ...values) => {
      const storage = await handle().getDurableObjectStorage(objectClass, { name });
      return storage.exec(statement, ...values);
    },
    objectIds: (objectClass) => handle().listDurableObjectIds(objectClass),
    logs: () => harness.getLogs(),
    close: async () => {
      await harness.close();
      globalThis.fetch = realFetch;
    },
  };
}

function refuse(request) {
  throw new TypeError(`no outgoing request was expected, and ${request.method} ${request.url} came`);
}

/** The result of `promise`, or a failure that says what took too long. */
export function within(limitMs, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${limitMs} ms for ${what}`)), limitMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks `probe` until its answer satisfies `enough`, and returns that answer; `limitMs` is for a machine with nothing else to do. */
export async function until(limitMs, what, probe, enough) {
  const startedAt = Date.now();
  for (;;) {
    const answer = await probe();
    if (enough(answer)) return answer;
    if (Date.now() - startedAt > PATIENCE * limitMs) throw new Error(`waited ${PATIENCE * limitMs} ms for ${what}; last answer: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
