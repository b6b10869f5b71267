// What a developer would write instead, on Cloudflare Workflows: the abandoned-checkout journey as one instance a checkout,
// which waits for its order or for the time to pass, and sends (https://developers.cloudflare.com/workflows/).
//
// A peer of `npm run bench`. A checkout's token is the instance's id, so a repeated webhook starts no second one.

import { WorkflowEntrypoint } from "cloudflare:workers";
import type { WorkflowEvent, WorkflowStep } from "cloudflare:workers";
import { Hono } from "hono";
import { STEPS, post, readCheckout, render, verified, waits } from "../shopify";
import type { Checkout } from "../shopify";

interface Env {
  CHECKOUT: Workflow<Checkout>;
  SHOPIFY_WEBHOOK_SECRET: string;
  RESEND_URL: string;
  RESEND_API_KEY: string;
  /** The wait before each mail, in order: `1h 23h 48h`. */
  WAITS: string;
}

export class CheckoutJourney extends WorkflowEntrypoint<Env, Checkout> {
  override async run(event: Readonly<WorkflowEvent<Checkout>>, step: WorkflowStep): Promise<string> {
    const { token } = event.payload;
    for (const [index, wait] of waits(this.env.WAITS).entries()) {
      const name = STEPS[index];
      if (name === undefined) break;
      if (await bought(step, `order before ${name}`, wait)) return "bought";
      await step.do(name, async () => {
        const mail = render(name, event.payload, `https://northfold.example/u/${token}`);
        await post(this.env, "/emails", `${token}/${name}`, mail);
      });
    }
    return "done";
  }
}

/** Whether the order comes before the time is over; `waitForEvent` throws when it is. */
async function bought(step: WorkflowStep, name: string, timeout: number): Promise<boolean> {
  try {
    await step.waitForEvent(name, { type: "order", timeout });
    return true;
  } catch {
    return false;
  }
}

const app = new Hono<{ Bindings: Env }>();

app.get("/stats/:token", async (c) => c.json(await (await c.env.CHECKOUT.get(c.req.param("token"))).status()));

app.post("/hooks/shopify", async (c) => {
  const body = await c.req.arrayBuffer();
  if (!(await verified(c.env.SHOPIFY_WEBHOOK_SECRET, body, c.req.header("x-shopify-hmac-sha256")))) {
    return c.json({ error: "bad signature" }, 401);
  }
  const payload = JSON.parse(new TextDecoder().decode(body));
  switch (c.req.header("x-shopify-topic")) {
    case "checkouts/create": {
      const checkout = readCheckout(payload);
      if (!checkout?.subscribed) return c.json({ result: "ignored" });
      return c.json({ result: await start(c.env, checkout) });
    }
    case "orders/create":
      return c.json({ result: payload.checkout_token ? await end(c.env, payload.checkout_token) : "ignored" });
    default:
      return c.json({ result: "ignored" });
  }
});

async function start(env: Env, checkout: Checkout): Promise<string> {
  try {
    await env.CHECKOUT.create({ id: checkout.token, params: checkout });
    return "accepted";
  } catch (error) {
    if (String(error).includes("already exists")) return "duplicate";
    throw error;
  }
}

async function end(env: Env, token: string): Promise<string> {
  try {
    const instance = await env.CHECKOUT.get(token);
    await instance.sendEvent({ type: "order", payload: null });
    return "accepted";
  } catch {
    // No journey runs for this checkout: there is nothing to end.
    return "ignored";
  }
}

export default app;
