// Webhooks as the real senders make them: signed with node:crypto and the secrets of .dev.vars, none of it Wend's code.

import { createHmac, randomUUID } from "node:crypto";

const JSON_TYPE = { "content-type": "application/json" };

const base64Hmac = (key, text) => createHmac("sha256", key).update(text).digest("base64");

/** Requests signed with `secrets`, the contents of .dev.vars. `kind` is the event that Wend should make of it. */
export function signers(secrets) {
  return {
    shopify(topic, kind, payload, { id = randomUUID(), secret = secrets.SHOPIFY_WEBHOOK_SECRET } = {}) {
      const body = JSON.stringify(payload);
      const headers = {
        ...JSON_TYPE,
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": id,
        "x-shopify-hmac-sha256": base64Hmac(secret, body),
      };
      return { path: "/hooks/shopify", kind, name: `Shopify ${topic}`, headers, body };
    },
    woocommerce(topic, kind, payload) {
      const body = JSON.stringify(payload);
      const headers = {
        ...JSON_TYPE,
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-signature": base64Hmac(secrets.WOOCOMMERCE_WEBHOOK_SECRET, body),
      };
      return { path: "/hooks/woocommerce", kind, name: `WooCommerce ${topic}`, headers, body };
    },
    /** Wend's own JSON, by the Standard Webhooks specification. */
    events(type, now, data) {
      const body = JSON.stringify({ type, timestamp: now.toISOString(), data });
      const id = `msg_${randomUUID()}`;
      const timestamp = String(Math.floor(now.getTime() / 1000));
      const key = Buffer.from(secrets.EVENTS_WEBHOOK_SECRET.replace(/^whsec_/, ""), "base64");
      const headers = {
        ...JSON_TYPE,
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": `v1,${base64Hmac(key, `${id}.${timestamp}.${body}`)}`,
      };
      return { path: "/hooks/events", kind: type, name: "own JSON", headers, body };
    },
  };
}
