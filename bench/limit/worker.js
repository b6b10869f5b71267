// The limit of `npm run bench`: the least that anyone can do with a signed webhook on this platform. Verify the HMAC, parse,
// one durable insert in one Durable Object, 200. What Wend does beyond it is what Wend costs.
//
// Nothing is left out that a webhook needs, and nothing is in it that a store would want.

import { DurableObject } from "cloudflare:workers";

const encoder = new TextEncoder();
let imported;

/** The key of Shopify's HMAC-SHA256 (https://shopify.dev/docs/apps/build/webhooks/verify-deliveries), imported once. */
function key(secret) {
  const usage = { name: "HMAC", hash: "SHA-256" };
  imported ??= crypto.subtle.importKey("raw", encoder.encode(secret), usage, false, ["verify"]);
  return imported;
}

async function verified(request, body, secret) {
  const signature = Uint8Array.from(atob(request.headers.get("x-shopify-hmac-sha256") ?? ""), (char) => char.charCodeAt(0));
  return crypto.subtle.verify("HMAC", await key(secret), signature, body);
}

export class Limit extends DurableObject {
  #rowsWritten = 0;

  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, topic TEXT, email TEXT, number INTEGER, total TEXT) WITHOUT ROWID",
    );
  }

  insert(id, topic, email, number, total) {
    const { sql } = this.ctx.storage;
    const cursor = sql.exec("INSERT INTO event VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", id, topic, email, number, total);
    this.#rowsWritten += cursor.rowsWritten;
    return cursor.rowsWritten > 0 ? "accepted" : "duplicate";
  }

  stats() {
    const { events } = this.ctx.storage.sql.exec("SELECT count(*) AS events FROM event").one();
    return { events, rows_written: this.#rowsWritten, alarms_set: 0 };
  }
}

export default {
  async fetch(request, env) {
    const store = env.LIMIT.getByName("store");
    if (request.method === "GET") return Response.json(await store.stats());
    const body = await request.arrayBuffer();
    if (!(await verified(request, body, env.SHOPIFY_WEBHOOK_SECRET))) return Response.json({ error: "bad signature" }, { status: 401 });
    const { email, id, total_price: total } = JSON.parse(new TextDecoder().decode(body));
    const { headers } = request;
    const result = await store.insert(headers.get("x-shopify-webhook-id"), headers.get("x-shopify-topic"), email, id, total);
    return Response.json({ result });
  },
};
