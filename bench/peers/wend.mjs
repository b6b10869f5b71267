// Wend as a side of `npm run bench -- peers`: the release build on bare workerd, on the store's own journeys.
//
// Used by bench/measure/peers.mjs. Nothing is built for it: `journeys/abandoned-checkout.yaml` is an event, a wait of an hour and
// a mail. The wait counts from the event's own time, so an event that says it is almost an hour old waits for the rest.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { DEV_SECRETS } from "../../tests/e2e/worker.mjs";
import { serve, stateFolder } from "../../tests/e2e/workerd.mjs";
import { settings } from "../sides.mjs";

const FIRST_WAIT_MS = 3_600_000;
const KEY = Buffer.from(DEV_SECRETS.EVENTS_WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");

export const wend = {
  name: "wend",
  version: () => JSON.parse(readFileSync("package.json", "utf8")).version,
  missing: () => undefined,
  prepare: async (providerUrl) => ({ fresh: () => Object.assign(stateFolder(), { values: settings(providerUrl) }), remove() {} }),
  start: (state) => serve(state, state.values),
  /** Signed as Standard Webhooks are. */
  request(event) {
    const waitMs = event.data.wait_seconds * 1000;
    const at = new Date(Date.parse(event.timestamp) - FIRST_WAIT_MS + waitMs);
    const body = JSON.stringify({ ...event, timestamp: at.toISOString() });
    const [id, time] = [`msg_${event.data.checkout_id}`, String(Math.floor(Date.now() / 1000))];
    return {
      method: "POST",
      path: "/hooks/events",
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": time,
        "webhook-signature": `v1,${createHmac("sha256", KEY).update(`${id}.${time}.${body}`).digest("base64")}`,
      },
      body: Buffer.from(body),
    };
  },
};
