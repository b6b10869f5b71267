// The path that Wend exists for: signed webhooks become the right mails at the right times, at one shard and at four.
//
// At four shards a shopper's address, customer id, checkout and order all lie in different ones (see `shopper`).

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { after, emailHash, hashOf, openShop, shardOf, targetsOf } from "./shop.mjs";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NUDGES = ["checkout-nudge", "checkout-reminder", "checkout-last-call"];

/** Hours from `start` to each mail, to the minute. */
const hoursFrom = (start, mails) =>
  mails.map((mail) => Math.round((Date.parse(mail.sent_at) - start.getTime()) / MINUTE) / 60);

const only = (steps, journeySteps) => steps.filter((step) => journeySteps.includes(step));

for (const shards of [1, 4]) {
  describe(`with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    before(async () => { shop = await openShop({ shards }); });
    afterAll(() => shop.close());

    const nudgesTo = async (who) => only(await shop.sentTo(who), NUDGES);
    /** Three days pass, and nobody is reminded of anything. */
    const expectNoNudges = async (who, already = []) => {
      await shop.advance("4d");
      assert.deepEqual(await nudgesTo(who), already);
    };

    test("a shopper's identifiers lie where the test says", { skip: shards === 1 }, () => {
      const ana = shop.shopper();
      const hashes = [
        emailHash(ana.email),
        hashOf("customer", "shopify", String(ana.customerId)),
        hashOf("checkout", "shopify", ana.token),
        hashOf("order", "shopify", String(ana.orderId)),
      ];
      assert.deepEqual(hashes.map((hash) => shardOf(hash, shards)), [0, 1, 2, 3]);
    });

    test("a signup is greeted at once, after two days and after five", async () => {
      const ana = shop.shopper();
      const start = await shop.now();
      await shop.signsUp(ana);
      assert.deepEqual(await shop.untilSentTo(ana, 1), ["welcome-hello"]);
      await shop.advance("2d");
      await shop.advance("3d");
      await shop.advance("30d");
      const mails = await shop.mailsTo(ana);
      assert.deepEqual(mails.map((mail) => mail.step), ["welcome-hello", "welcome-story", "welcome-favourites"]);
      assert.deepEqual(hoursFrom(start, mails), [0, 48, 120]);
      assert.deepEqual([...new Set(mails.map((mail) => `${mail.to} ${mail.stream}`))], [`${ana.email} marketing`]);
    });

    test("the welcome stops with the first order", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana);
      await shop.settle();
      await shop.orders(ana, { token: null });
      await shop.advance("10d");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "order-thank-you"]);
    });

    test("a checkout left alone is remembered after 1, 24 and 72 hours", async () => {
      const ana = shop.shopper();
      const start = await shop.now();
      await shop.startsCheckout(ana, { at: start });
      await shop.advance("10d");
      const mails = await shop.mailsTo(ana);
      assert.deepEqual(mails.map((mail) => mail.step), NUDGES);
      assert.deepEqual(hoursFrom(start, mails), [1, 24, 72]);
      assert.match(mails[0].html, /Merino Beanie/);
      assert.ok(targetsOf(mails[0]).some((target) => /checkouts\/ac\//.test(target)), "the way back to the cart");
    });

    test("an order ends the reminders: matched by its checkout alone", async () => {
      const ana = shop.shopper();
      await shop.startsCheckout(ana, { customer: false });
      await shop.advance("61m");
      await shop.orders(ana, { email: ana.otherEmail, customer: false });
      await expectNoNudges(ana, ["checkout-nudge"]);
      assert.deepEqual((await shop.mailsTo(ana.otherEmail)).map((mail) => mail.step), ["order-thank-you"]);
    });

    test("an order ends the reminders: matched by the customer alone", async () => {
      const ana = shop.shopper();
      await shop.startsCheckout(ana);
      await shop.orders(ana, { email: ana.otherEmail, customer: { email: null }, token: null });
      await expectNoNudges(ana);
    });

    test("an order ends the reminders: matched by the address alone", async () => {
      const ana = shop.shopper();
      await shop.startsCheckout(ana, { customer: false });
      await shop.orders(ana, { customer: false, token: null });
      await expectNoNudges(ana);
    });

    test("the order comes before the webhook of its checkout", async () => {
      const ana = shop.shopper();
      const placed = await shop.now();
      await shop.orders(ana, { at: placed });
      await shop.startsCheckout(ana, { at: after(placed, -5 * MINUTE) });
      await shop.updatesCheckout(ana, { at: after(placed, MINUTE) });
      await expectNoNudges(ana);
    });

    test("the order, under another address, comes before the webhook of its checkout", async () => {
      const ana = shop.shopper();
      const placed = await shop.now();
      await shop.orders(ana, { at: placed, email: ana.otherEmail, customer: false });
      await shop.startsCheckout(ana, { at: after(placed, -5 * MINUTE), customer: false });
      await shop.updatesCheckout(ana, { at: after(placed, MINUTE), customer: false });
      await expectNoNudges(ana);
    });

    test("a late update cannot reopen a checkout that was bought", async () => {
      const ana = shop.shopper();
      await shop.startsCheckout(ana);
      await shop.advance("10m");
      await shop.orders(ana);
      await shop.advance("1m");
      await shop.updatesCheckout(ana);
      await expectNoNudges(ana);
    });

    test("an update restarts the wait, and an older one after it changes nothing", async () => {
      const ana = shop.shopper();
      const start = await shop.now();
      const line = (title) => [{ title, quantity: 1, price: "28.00" }];
      await shop.startsCheckout(ana, { at: start });
      await shop.advance("30m");
      await shop.updatesCheckout(ana, { at: after(start, 20 * MINUTE), items: line("The newer hat") });
      await shop.updatesCheckout(ana, { at: after(start, 10 * MINUTE), items: line("The older hat") });
      await shop.advance("3h");
      const [nudge, ...others] = await shop.mailsTo(ana);
      assert.equal(others.length, 0);
      assert.deepEqual(hoursFrom(after(start, 20 * MINUTE), [nudge]), [1]);
      assert.match(nudge.html, /The newer hat/);
      assert.doesNotMatch(nudge.html, /The older hat/);
    });

    test("an emptied cart is left alone, and an older update does not fill it again", async () => {
      const ana = shop.shopper();
      const start = await shop.now();
      await shop.startsCheckout(ana, { at: start });
      await shop.updatesCheckout(ana, { at: after(start, 3 * MINUTE), items: [] });
      await shop.updatesCheckout(ana, { at: after(start, 2 * MINUTE) });
      await expectNoNudges(ana);
    });

    test("a customer known under two addresses is one person: an order under one ends the reminders of the other", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana);
      // The order ends the welcome, so the first mail must be out before it.
      await shop.untilSentTo(ana, 1);
      await shop.startsCheckout(ana, { email: ana.otherEmail });
      const before = (await shop.status()).shards.reduce((sum, shard) => sum + shard.contacts, 0);
      // Neither the checkout nor its cart is named: only the customer and the two addresses tie them together.
      await shop.orders(ana, { email: ana.otherEmail, token: null });
      await shop.settle();
      const contacts = (await shop.status()).shards.reduce((sum, shard) => sum + shard.contacts, 0);
      assert.equal(contacts, before - 1, "two contacts became one");
      await expectNoNudges(ana);
      const steps = await shop.sentTo(ana);
      assert.deepEqual(steps.filter((step) => step.startsWith("welcome")), ["welcome-hello"], "and it ended the welcome");
      assert.equal(steps.filter((step) => step === "order-thank-you").length, 1);
    });

    test("what a merged contact was waiting for goes on under the other", async () => {
      const ana = shop.shopper();
      await shop.signsUp(ana);
      await shop.startsCheckout(ana, { email: ana.otherEmail });
      await shop.advance("10m");
      // An update of the customer's own checkout names both addresses, so the two are one from here on.
      await shop.event("Contact Updated", { email: ana.email, user_id: `u-${ana.customerId}` });
      await shop.event("Contact Updated", { email: ana.otherEmail, user_id: `u-${ana.customerId}` });
      await shop.advance("3d");
      const steps = await shop.sentTo(ana);
      assert.deepEqual(only(steps, NUDGES).slice(0, 1), ["checkout-nudge"]);
      assert.ok(steps.includes("welcome-story"));
      assert.equal(new Set(steps).size, steps.length, "nothing twice");
    });

    test("an order is thanked for at once, and a review asked for 14 days after it was fulfilled", async () => {
      const ana = shop.shopper();
      const placed = await shop.now();
      await shop.orders(ana, { at: placed });
      assert.deepEqual(await shop.untilSentTo(ana, 1), ["order-thank-you"]);
      await shop.advance("3d");
      const fulfilled = await shop.now();
      await shop.fulfils(ana, { at: fulfilled });
      await shop.advance("13d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
      await shop.advance("10d");
      const [thanks, review, ...others] = await shop.mailsTo(ana);
      assert.equal(others.length, 0);
      assert.deepEqual([thanks.stream, review.step, review.stream], ["transactional", "review-request", "marketing"]);
      assert.deepEqual(hoursFrom(fulfilled, [review]), [14 * 24]);
    });

    test("webhooks in the wrong order: fulfilled before placed still leads to a review, cancelled before placed to nothing", async () => {
      const [ana, bea] = [shop.shopper("ana"), shop.shopper("bea")];
      const placed = await shop.now();
      await shop.fulfils(ana, { at: after(placed, 2 * MINUTE) });
      await shop.orders(ana, { at: placed });
      await shop.cancels(bea, { at: after(placed, 2 * MINUTE) });
      await shop.orders(bea, { at: placed });
      await shop.advance("20d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you", "review-request"]);
      assert.deepEqual(await shop.sentTo(bea), []);
    });

    test("a person-less order closes its checkout although nobody is known for it yet", async () => {
      const ana = shop.shopper();
      assert.equal(await shop.orders(ana, { email: "", customer: false }), "parked");
      assert.equal(await shop.orders(ana, { email: "", customer: false }), "parked");
      await shop.startsCheckout(ana, { customer: false });
      await expectNoNudges(ana);
      // The order found its person by the checkout.
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
      await shop.fulfils(ana, { email: "", customer: false, token: null });
      await shop.advance("20d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you", "review-request"]);
    });

    test("orders/create and orders/paid of one order are one order", async () => {
      const ana = shop.shopper();
      assert.equal(await shop.orders(ana), "accepted");
      assert.equal(await shop.orders(ana, { topic: "orders/paid" }), "duplicate");
      await shop.settle();
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });

    test("a cancelled order is not asked for a review", async () => {
      const ana = shop.shopper();
      await shop.orders(ana);
      await shop.advance("1d");
      await shop.fulfils(ana);
      await shop.advance("1d");
      await shop.cancels(ana);
      await shop.advance("30d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });

    test("WooCommerce: an unpaid order is a checkout, and the paid one closes it", async () => {
      const ana = shop.shopper();
      const bea = shop.shopper("bea");
      for (const who of [ana, bea]) {
        // WooCommerce tells no consent: it comes from the shop's own form.
        await shop.event("Contact Updated", { email: who.email, consent: { marketing: "subscribed", method: "form" } });
        await shop.wooOrder(who, "pending", { topic: "order.created" });
      }
      await shop.advance("61m");
      assert.deepEqual(await shop.sentTo(ana), ["checkout-nudge"]);
      assert.match((await shop.mailsTo(ana))[0].html, /Lniana sukienka/);
      await shop.wooOrder(ana, "processing");
      await shop.advance("4d");
      assert.deepEqual(await shop.sentTo(ana), ["checkout-nudge", "order-thank-you"]);
      assert.deepEqual(await shop.sentTo(bea), NUDGES);
    });

    test("our own events: signup, checkout and order of any other shop", async () => {
      const ana = shop.shopper();
      const consent = { marketing: "subscribed", method: "checkout-box", text: "2026-01" };
      const products = [{ product_id: "93", name: "Linen dress", price: "57.05", quantity: 1 }];
      const cart = { email: ana.email, checkout_id: ana.token, value: "57.05", currency: "EUR", products };
      await shop.event("Signed Up", { email: ana.email, first_name: "Ana", consent });
      await shop.event("Checkout Started", cart);
      await shop.advance("61m");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "checkout-nudge"]);
      await shop.event("Order Completed", { ...cart, order_id: String(ana.orderId) });
      await shop.settle();
      await shop.event("Order Fulfilled", { email: ana.email, order_id: String(ana.orderId) });
      await shop.advance("20d");
      assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "checkout-nudge", "order-thank-you", "review-request"]);
    });

    test("an event that names only its order waits until the person is known", async () => {
      const ana = shop.shopper();
      const order = { order_id: String(ana.orderId), value: "10.00", currency: "GBP" };
      const placed = await shop.now();
      assert.equal(await shop.event("Order Fulfilled", order, { at: after(placed, MINUTE) }), "parked");
      assert.equal(await shop.event("Order Completed", { ...order, email: ana.email }, { at: placed }), "accepted");
      await shop.event("Contact Updated", { email: ana.email, consent: { marketing: "subscribed" } });
      await shop.advance("20d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you", "review-request"]);
    });

    test("an order that names only its cart joins the person of the cart and ends the reminders", async () => {
      const ana = shop.shopper();
      assert.equal(await shop.event("Order Completed", { order_id: `o-${ana.token}`, checkout_id: ana.token }), "parked");
      const cart = { email: ana.email, checkout_id: ana.token, value: "57.05", currency: "EUR" };
      await shop.event("Checkout Started", { ...cart, products: [{ name: "Dress" }], consent: { marketing: "subscribed" } });
      await shop.advance("4d");
      assert.deepEqual(await shop.sentTo(ana), ["order-thank-you"]);
    });
  });
}
