// What a developer would write instead, by hand: a Worker with Hono and one Durable Object that does the abandoned-checkout
// journey. Three mails, 1, 24 and 72 hours after the checkout, until the order; a repeated webhook counts once.
//
// It is the fair comparison of `npm run bench`, so it is written to be fast: one object, one index, batches of Resend. It has
// no second journey, no consent ledger, no caps, no quiet hours, no other source or provider, and no tests.

import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";
import { STEPS, post, readCheckout, render, verified, waits } from "../shopify";
import type { Checkout, Step } from "../shopify";

interface Env {
  JOURNEY: DurableObjectNamespace<Journey>;
  SHOPIFY_WEBHOOK_SECRET: string;
  RESEND_URL: string;
  RESEND_API_KEY: string;
  /** The wait before each mail, in order: `1h 23h 48h`. */
  WAITS: string;
}

const BATCH = 100;
const BATCHES_AT_ONCE = 6;
const RETRY_MS = 30_000;

type Row = { token: string; step: number; body: string };

export class Journey extends DurableObject<Env> {
  #rowsWritten = 0;
  #alarmsSet = 0;
  readonly #waits: number[];

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#waits = waits(env.WAITS);
    state.storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS webhook (id TEXT PRIMARY KEY) WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS checkout (
        token TEXT PRIMARY KEY, email TEXT NOT NULL, body TEXT NOT NULL, updated_at INTEGER NOT NULL,
        step INTEGER NOT NULL, due_at INTEGER, closed INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS due ON checkout (due_at) WHERE due_at IS NOT NULL;
      CREATE TABLE IF NOT EXISTS mail (token TEXT, step TEXT, sent_at INTEGER, PRIMARY KEY (token, step)) WITHOUT ROWID;
    `);
  }

  async checkout(webhook: string, checkout: Checkout | undefined): Promise<string> {
    if (!this.#first(webhook)) return "duplicate";
    if (!checkout?.subscribed) return "ignored";
    const due = checkout.updatedAt + (this.#waits[0] ?? 0);
    this.#run(
      `INSERT INTO checkout (token, email, body, updated_at, step, due_at) VALUES (?1, ?2, ?3, ?4, 0, ?5)
       ON CONFLICT DO UPDATE SET body = ?3, updated_at = ?4, due_at = ?5
       WHERE updated_at < ?4 AND closed = 0 AND step = 0`,
      checkout.token, checkout.email, JSON.stringify(checkout), checkout.updatedAt, due,
    );
    await this.#wakeAt(due);
    return "accepted";
  }

  async order(webhook: string, token: string | null): Promise<string> {
    if (!this.#first(webhook)) return "duplicate";
    if (token !== null) {
      // An order may overtake its checkout: the row is then made closed.
      this.#run(
        `INSERT INTO checkout (token, email, body, updated_at, step, closed) VALUES (?, '', '{}', 0, 0, 1)
         ON CONFLICT DO UPDATE SET closed = 1, due_at = NULL`,
        token,
      );
    }
    return "accepted";
  }

  override async alarm(): Promise<void> {
    try {
      while (await this.#sendDue()) { /* until nothing is due */ }
    } catch (error) {
      console.error(String(error));
      await this.#setAlarm(Date.now() + RETRY_MS);
      return;
    }
    const next = this.ctx.storage.sql.exec<{ at: number | null }>("SELECT min(due_at) AS at FROM checkout WHERE due_at IS NOT NULL").one();
    if (next.at !== null) await this.#setAlarm(next.at);
  }

  stats() {
    const count = (table: string) => this.ctx.storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    return { events: count("webhook"), mails: count("mail"), rows_written: this.#rowsWritten, alarms_set: this.#alarmsSet };
  }

  async #sendDue(): Promise<boolean> {
    const due = this.ctx.storage.sql
      .exec<Row>("SELECT token, step, body FROM checkout WHERE due_at <= ? ORDER BY due_at LIMIT ?", Date.now(), BATCH * BATCHES_AT_ONCE)
      .toArray();
    const batches = Array.from({ length: Math.ceil(due.length / BATCH) }, (_, i) => due.slice(i * BATCH, (i + 1) * BATCH));
    await Promise.all(batches.map((batch) => this.#send(batch)));
    return due.length > 0;
  }

  /** One request for a batch; the key names its first and last member, so that a retry of the same batch sends nothing twice. */
  async #send(batch: Row[]): Promise<void> {
    const mails = batch.map(({ token, step, body }) =>
      render(STEPS[step] as Step, JSON.parse(body) as Checkout, `https://northfold.example/u/${token}`));
    const [first, last] = [batch[0] as Row, batch.at(-1) as Row];
    await post(this.env, "/emails/batch", `${first.token}/${first.step}/${last.token}/${batch.length}`, mails);
    const now = Date.now();
    for (const { token, step } of batch) {
      const name = STEPS[step] as Step;
      const wait = this.#waits[step + 1];
      this.#run("INSERT INTO mail VALUES (?, ?, ?) ON CONFLICT DO NOTHING", token, name, now);
      const next = wait === undefined ? null : now + wait;
      this.#run("UPDATE checkout SET step = ?, due_at = iif(closed, NULL, ?) WHERE token = ?", step + 1, next, token);
    }
  }

  #first(webhook: string): boolean {
    return this.#run("INSERT INTO webhook VALUES (?) ON CONFLICT DO NOTHING", webhook) > 0;
  }

  #run(statement: string, ...values: SqlStorageValue[]): number {
    const { rowsWritten } = this.ctx.storage.sql.exec(statement, ...values);
    this.#rowsWritten += rowsWritten;
    return rowsWritten;
  }

  async #wakeAt(due: number): Promise<void> {
    const at = await this.ctx.storage.getAlarm();
    if (at === null || due < at) await this.#setAlarm(due);
  }

  async #setAlarm(at: number): Promise<void> {
    this.#alarmsSet += 1;
    await this.ctx.storage.setAlarm(at);
  }
}

const app = new Hono<{ Bindings: Env }>();

app.get("/stats", async (c) => c.json(await c.env.JOURNEY.getByName("store").stats()));

app.post("/hooks/shopify", async (c) => {
  const body = await c.req.arrayBuffer();
  if (!(await verified(c.env.SHOPIFY_WEBHOOK_SECRET, body, c.req.header("x-shopify-hmac-sha256")))) {
    return c.json({ error: "bad signature" }, 401);
  }
  const id = c.req.header("x-shopify-webhook-id") ?? "";
  const payload = JSON.parse(new TextDecoder().decode(body));
  const store = c.env.JOURNEY.getByName("store");
  switch (c.req.header("x-shopify-topic")) {
    case "checkouts/create":
    case "checkouts/update":
      return c.json({ result: await store.checkout(id, readCheckout(payload)) });
    case "orders/create":
      return c.json({ result: await store.order(id, payload.checkout_token ?? null) });
    default:
      return c.json({ result: "ignored" });
  }
});

export default app;
