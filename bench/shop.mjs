// The shop of the measurements: numbered shoppers, their signed Shopify webhooks, and the same bytes for every side.
//
// Used by the measurements. Nothing here is shared with the code under test.

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { DEV_SECRETS } from "../tests/e2e/worker.mjs";

const fixture = (name) => JSON.parse(readFileSync(new URL(`../tests/fixtures/sources/shopify/${name}.json`, import.meta.url), "utf8"));
const CHECKOUT = fixture("checkouts_create");
const ORDER = fixture("orders_create");
/** A third line brings the order to the 11 KB that Shopify's usually have. */
ORDER.line_items.push({ ...ORDER.line_items[0], id: ORDER.line_items[0].id + 1 });

/** What the shopper of this number is called by; no two share anything. */
export function shopper(number) {
  return { email: `shopper.${number}@example.com`, customer: 7_000_000_000 + number, token: `token-${number}`, cart: `cart-${number}` };
}

/** The number in a mail's address. */
export const numberOf = (address) => Number(/shopper\.(\d+)@/.exec(address)?.[1]);

function customerOf(base, who, time) {
  const consent = { state: "subscribed", opt_in_level: "single_opt_in", consent_updated_at: time };
  return { ...base, id: who.customer, email: who.email, created_at: time, updated_at: time, email_marketing_consent: consent };
}

/** A checkout begun by shopper `number` at `at`. */
export function checkout(number, at = new Date()) {
  const [who, time] = [shopper(number), at.toISOString()];
  const customer = customerOf(ORDER.customer, who, time);
  const own = { id: 38_000_000_000 + number, token: who.token, cart_token: who.cart, email: who.email, created_at: time, updated_at: time };
  return signed("checkouts/create", { ...CHECKOUT, ...own, buyer_accepts_marketing: true, customer }, `checkout-${number}`);
}

/** An order of shopper `number`; `nth` tells the orders of one shopper apart. */
export function order(number, nth = 0, at = new Date()) {
  const [who, time, id] = [shopper(number), at.toISOString(), 6_000_000_000_000 + nth * 10_000_000 + number];
  const again = nth > 0 ? `-${nth}` : "";
  const own = {
    id, name: `#${id}`, email: who.email, contact_email: who.email,
    checkout_token: `${who.token}${again}`, cart_token: `${who.cart}${again}`,
    created_at: time, processed_at: time, updated_at: time,
  };
  return signed("orders/create", { ...ORDER, ...own, customer: customerOf(ORDER.customer, who, time) }, `order-${number}-${nth}`);
}

/** Shopper `number` as another program's list has them: subscribed, with an order of `at`. Two records of an import. */
export function listed(number, at) {
  const [who, time] = [shopper(number), at.getTime()];
  const contact = {
    list: "shopify", email: who.email, customers: [["shopify", String(who.customer)]], since: time, profile: { first_name: "Ana" },
    consent: { state: "subscribed", at: time, method: "checkout-box", text: "2026-01" },
  };
  const order = {
    source: "shopify", id: String(6_000_000_000_000 + number), number: `#${number}`, email: who.email, customer: String(who.customer),
    placed_at: time, total: { amount: "57.05", currency: "GBP" },
    items: [{ title: "Linen dress", variant: "M", quantity: 1, price: { amount: "57.05", currency: "GBP" }, product_id: "93" }],
  };
  return [{ contact }, { order }];
}

/** Somebody new leaves an address at a checkout: the event that the peers get, which tells how long to wait before the mail. */
export function signup(number, at, waitMs) {
  const who = shopper(number);
  return {
    type: "Checkout Started",
    timestamp: at.toISOString(),
    data: {
      email: who.email,
      first_name: "Ana",
      checkout_id: who.token,
      value: "57.05",
      currency: "GBP",
      url: `https://northfold.example/checkouts/${who.token}`,
      products: [{ product_id: "93", name: "Linen dress", variant: "M", price: "57.05", quantity: 1 }],
      consent: { marketing: "subscribed", method: "checkout-box", text: "2026-01" },
      wait_seconds: waitMs / 1000,
    },
  };
}

function signed(topic, payload, id) {
  const body = Buffer.from(JSON.stringify(payload));
  return {
    method: "POST",
    path: "/hooks/shopify",
    headers: {
      "content-type": "application/json",
      "x-shopify-topic": topic,
      "x-shopify-webhook-id": id,
      "x-shopify-shop-domain": "northfold.myshopify.com",
      "x-shopify-hmac-sha256": createHmac("sha256", DEV_SECRETS.SHOPIFY_WEBHOOK_SECRET).update(body).digest("base64"),
    },
    body,
  };
}
