// Somebody whose every text is hostile, and who gets a mail about a cart.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const EVIL = `"><img src=x onerror=alert(1)><script>alert(1)</script>{{1307*1311}}`;
/** What stands in a mail or page whose template ran that. */
export const RUN = String(1307 * 1311);
const CHECKOUT = JSON.parse(readFileSync(new URL("../fixtures/sources/shopify/checkouts_create.json", import.meta.url), "utf8"));

/** Somebody with a mail about a cart, whose every text is hostile. */
export async function eviction(shop, name, changes = {}) {
  const who = shop.shopper(name);
  const at = `${(await shop.now()).toISOString().slice(0, 19)}Z`;
  const checkout = structuredClone(CHECKOUT);
  Object.assign(checkout, { token: who.token, cart_token: who.cartToken, email: who.email, created_at: at, updated_at: at });
  Object.assign(checkout.customer, { id: who.customerId, email: who.email, first_name: EVIL, last_name: EVIL });
  checkout.customer.email_marketing_consent = { state: "subscribed", opt_in_level: "single_opt_in", consent_updated_at: at };
  checkout.abandoned_checkout_url = "javascript:alert(1)";
  checkout.line_items[0].title = EVIL;
  checkout.line_items[0].presentment_title = EVIL;
  changes.edit?.(checkout);
  assert.equal(await shop.shopify("checkouts/create", checkout), "accepted");
  await shop.advance("2h");
  const [mail] = await shop.mailsTo(who);
  assert.ok(mail, "the mail about the cart");
  return { who, mail };
}
