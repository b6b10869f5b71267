// Deliveries that the senders' own libraries sign, as they are: `standardwebhooks`, `svix` and `stripe`, and the subscriber
// that docs/sources.md gives to Medusa. The rest of the tests signs with node:crypto; this shows that both mean the same.

import assert from "node:assert/strict";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { SENDERS } from "./senders.mjs";
import { emailHash, openShop, randomId } from "./shop.mjs";
import { DEV_SECRETS, until } from "./worker.mjs";
import { stateFolder } from "./workerd.mjs";

const library = createRequire(new URL("clients/package.json", import.meta.url));
const { Webhook: StandardWebhook } = library("standardwebhooks");
const { Webhook: SvixWebhook } = library("svix");
const Stripe = library("stripe");

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const fixture = (name) => read(`fixtures/sources/${name}.json`);
const secrets = {
  STRIPE_WEBHOOK_SECRET: "whsec_test_of_the_library",
  MEDUSA_WEBHOOK_SECRET: `whsec_${Buffer.from("a-secret-of-medusa-of-32-bytes-!").toString("base64")}`,
  ...SENDERS.resend.settings,
};
const LIMIT_MS = 10_000;
const NOTHING = { written: 0, alarms: 0, store: 0 };
const seconds = (date) => Math.floor(date.getTime() / 1000);
const overTheNetwork = globalThis.fetch;

/** The headers of Standard Webhooks, or under Svix's names, with the signature that the library makes. */
const headersOf = (webhook, body, now, { id = `msg_${randomId()}`, family = "webhook" } = {}) => ({
  "content-type": "application/json",
  [`${family}-id`]: id,
  [`${family}-timestamp`]: String(seconds(now)),
  [`${family}-signature`]: webhook.sign(id, now, body),
});

/** The subscriber as docs/sources.md prints it, with the library where it looks for it. */
async function documentedSubscriber() {
  const [, printed] = read("../docs/sources.md").match(/```ts\n(\/\/ src\/subscribers\/wend\.ts\n.*?)```/s);
  const folder = stateFolder();
  try {
    symlinkSync(fileURLToPath(new URL("clients/node_modules", import.meta.url)), path.join(folder.path, "node_modules"));
    const file = path.join(folder.path, "wend.mjs");
    writeFileSync(file, printed);
    const { default: forward, config } = await import(pathToFileURL(file));
    return { forward, events: config.event };
  } finally {
    folder.remove();
  }
}

for (const shards of [1, 4]) {
  describe(`signed by their own libraries, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards, secrets, outbound: (request) => overTheNetwork(request) }); });
    afterAll(() => shop.close());

    const taken = async (route, body, headers) => {
      const answer = await shop.post(route, body, headers);
      assert.equal(answer.status, 200, JSON.stringify(answer));
      return answer.result;
    };
    const refused = async (route, body, headers) => {
      let answer;
      const rows = await shop.rowsOf(async () => { answer = await shop.post(route, body, headers); });
      assert.deepEqual([answer.status, rows], [401, NOTHING], JSON.stringify(answer));
    };
    const thanked = async (who) => {
      await shop.settle();
      assert.deepEqual(await shop.sentTo(who), ["order-thank-you"]);
      return (await shop.mailsTo(who))[0];
    };
    const bought = async (who, product = "Linen dress") => JSON.stringify({
      type: "Order Completed",
      timestamp: (await shop.now()).toISOString(),
      data: { email: who.email, order_id: randomId(), value: "57.05", currency: "EUR", products: [{ name: product, price: "57.05" }] },
    });

    for (const [name, Webhook, family] of [["standardwebhooks", StandardWebhook, "webhook"], ["svix", SvixWebhook, "svix"]]) {
      test(`${name}: an order of one's own is taken, once, and a changed one is not`, async () => {
        const who = shop.shopper(name);
        const webhook = new Webhook(DEV_SECRETS.EVENTS_WEBHOOK_SECRET);
        // Its size in bytes is not its size in characters: what is signed is bytes.
        const body = await bought(who, "Платье из льна");
        const headers = headersOf(webhook, body, await shop.now(), { family });
        await refused("/hooks/events", body.replace("57.05", "0.05"), headers);
        await refused("/hooks/events", `${body}\n`, headers);
        const stranger = new Webhook(`whsec_${Buffer.from("of somebody else").toString("base64")}`);
        await refused("/hooks/events", body, headersOf(stranger, body, await shop.now(), { family }));
        assert.equal(await taken("/hooks/events", body, headers), "accepted");
        assert.equal(await taken("/hooks/events", body, headers), "duplicate");
        assert.match((await thanked(who)).text, /Платье из льна/);
      });
    }

    test("standardwebhooks: the subscriber of the documentation forwards an order of Medusa", async () => {
      const who = shop.shopper("medusa");
      const { forward, events } = await documentedSubscriber();
      const { name, metadata, data, order } = JSON.parse(fixture("medusa/order_placed_forwarded"));
      assert.ok(events.includes(name), `it does not subscribe to ${name}`);
      Object.assign(order, { id: `order_${who.orderId}`, email: who.email, created_at: (await shop.now()).toISOString() });
      const graph = async ({ entity, filters }) => ({ data: [{ order }[entity]].filter(({ id }) => id === filters.id) });
      const run = () => forward({ event: { name, metadata, data: { ...data, id: order.id } }, container: { resolve: () => ({ graph }) } });
      try {
        Object.assign(process.env, { WEND_URL: shop.worker.url, WEND_SECRET: DEV_SECRETS.EVENTS_WEBHOOK_SECRET });
        await assert.rejects(run, /Wend answered 401/);
        process.env.WEND_SECRET = secrets.MEDUSA_WEBHOOK_SECRET;
        await run();
        await run();
      } finally {
        delete process.env.WEND_URL;
        delete process.env.WEND_SECRET;
      }
      assert.match((await thanked(who)).text, /Wax Print Shirt/);
    });

    test("svix: Resend's word that an address is dead is taken, and that of a changed body is not", async () => {
      const who = shop.shopper("resend");
      const webhook = new SvixWebhook(secrets.RESEND_WEBHOOK_SECRET);
      const events = new StandardWebhook(DEV_SECRETS.EVENTS_WEBHOOK_SECRET);
      const order = await bought(who);
      await taken("/hooks/events", order, headersOf(events, order, await shop.now()));
      const { id: message } = await thanked(who);
      await shop.advance("1m");

      const now = await shop.now();
      const bounced = SENDERS.resend.body("bounced", { message, email: who.email, at: now });
      const headers = headersOf(webhook, bounced, now, { family: "svix" });
      await refused("/delivery/resend", bounced.replace("Permanent", "Transient"), headers);
      const heard = async () => (await shop.post("/delivery/resend", bounced, headers)).heard;
      assert.equal((await heard()).new, 1);
      assert.equal((await heard()).repeated, 1);

      const again = await bought(who);
      await taken("/hooks/events", again, headersOf(events, again, await shop.now()));
      await shop.settle();
      const contact = emailHash(who.email);
      const dropped = await until(LIMIT_MS, "the drop", () => shop.attentionOf(contact), (rows) => rows.length > 0);
      assert.deepEqual(dropped, [["order-thank-you", "dropped", "suppressed"]]);
    });

    test("stripe: a session as its documentation shows it is taken byte for byte, and a paid one is thanked for", async () => {
      const who = shop.shopper("stripe");
      const signature = (payload, now, secret = secrets.STRIPE_WEBHOOK_SECRET) =>
        ({ "stripe-signature": Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: seconds(now) }) });
      const shown = fixture("stripe/checkout_session_completed");
      const now = await shop.now();
      await refused("/hooks/stripe", shown.replace("4500", "1"), signature(shown, now));
      await refused("/hooks/stripe", shown, signature(shown, now, "whsec_of_somebody_else"));
      await refused("/hooks/stripe", shown, signature(shown, new Date(now.getTime() - 600_000)));
      assert.equal(await taken("/hooks/stripe", shown, signature(shown, now)), "accepted");
      assert.equal(await taken("/hooks/stripe", shown, signature(shown, now)), "duplicate");

      const event = JSON.parse(shown);
      Object.assign(event, { id: `evt_${randomId()}`, created: seconds(now), livemode: true });
      const session = { id: `cs_${who.orderId}`, payment_intent: `pi_${who.orderId}`, customer: `cus_${who.orderId}`, livemode: true };
      Object.assign(event.data.object, session);
      event.data.object.customer_details.email = who.email;
      const paid = JSON.stringify(event);
      assert.equal(await taken("/hooks/stripe", paid, signature(paid, now)), "accepted");
      await thanked(who);
    });
  });
}
