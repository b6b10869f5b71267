// What the two TypeScript peers share, because a developer would write it once: Shopify's signature, the fields of a
// checkout that the journey reads, and its three mails.

export interface Item { title: string; quantity: number; price: string }

export interface Checkout {
  token: string;
  email: string;
  name: string;
  total: string;
  currency: string;
  url: string;
  items: Item[];
  subscribed: boolean;
  updatedAt: number;
}

export interface Mail { from: string; to: string[]; subject: string; html: string; text: string; headers: Record<string, string> }

/** The journey: what is sent, and how long after the step before it. */
export const STEPS = ["checkout-nudge", "checkout-reminder", "checkout-last-call"] as const;
export type Step = (typeof STEPS)[number];

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `1h 23h 48h`: the wait before each step, in milliseconds. */
export function waits(text: string): number[] {
  return text.split(" ").map((wait) => Number.parseFloat(wait) * (UNITS[wait.at(-1) ?? ""] ?? Number.NaN));
}

const encoder = new TextEncoder();
let imported: Promise<CryptoKey> | undefined;

/** https://shopify.dev/docs/apps/build/webhooks/verify-deliveries: HMAC-SHA256 of the raw body, in base64. */
export async function verified(secret: string, body: ArrayBuffer, header: string | undefined): Promise<boolean> {
  imported ??= crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  try {
    const signature = Uint8Array.from(atob(header ?? ""), (char) => char.charCodeAt(0));
    return await crypto.subtle.verify("HMAC", await imported, signature, body);
  } catch {
    return false;
  }
}

interface ShopifyCheckout {
  token: string;
  email?: string;
  total_price: string;
  currency: string;
  updated_at: string;
  abandoned_checkout_url?: string;
  buyer_accepts_marketing?: boolean;
  customer?: { first_name?: string };
  line_items?: { title: string; quantity: number; price: string }[];
}

/** None when there is nobody to write to, or nothing in the cart. */
export function readCheckout(payload: ShopifyCheckout): Checkout | undefined {
  if (!payload.email || !payload.line_items?.length) return undefined;
  return {
    token: payload.token,
    email: payload.email.toLowerCase(),
    name: payload.customer?.first_name ?? "there",
    total: payload.total_price,
    currency: payload.currency,
    url: payload.abandoned_checkout_url ?? "https://northfold.example",
    items: payload.line_items.map(({ title, quantity, price }) => ({ title, quantity, price })),
    subscribed: payload.buyer_accepts_marketing === true,
    updatedAt: Date.parse(payload.updated_at),
  };
}

const TEXTS: Record<Step, { subject: string; opening: string }> = {
  "checkout-nudge": { subject: "You left something in your cart", opening: "You began an order and did not finish it." },
  "checkout-reminder": { subject: "Your cart is still here", opening: "We have kept your cart for you." },
  "checkout-last-call": { subject: "Last call for your cart", opening: "This is the last time that we write about this cart." },
};

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => ESCAPES[char] ?? char);

/** The mail of a step, HTML and plain text, with the headers of one-click unsubscribe (RFC 8058). */
export function render(step: Step, checkout: Checkout, unsubscribe: string): Mail {
  const { subject, opening } = TEXTS[step];
  const rows = checkout.items
    .map(({ title, quantity, price }) => `<tr><td>${quantity} × ${escaped(title)}</td><td align="right">${escaped(price)}</td></tr>`)
    .join("");
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head>
<body style="margin:0;background:#f4f2ee;font-family:Georgia,serif;color:#23211d;"><table role="presentation" width="100%"><tr><td align="center">
<table role="presentation" width="560" style="background:#fff;padding:32px;"><tr><td>
<h1 style="font-size:24px;">${escaped(subject)}</h1><p>Hello ${escaped(checkout.name)},</p><p>${opening}</p>
<table role="presentation" width="100%">${rows}<tr><td><b>Total</b></td><td align="right"><b>${escaped(checkout.total)} ${escaped(checkout.currency)}</b></td></tr></table>
<p><a href="${escaped(checkout.url)}" style="background:#1f4d3a;color:#fff;padding:12px 24px;">Return to your cart</a></p>
<p>Warm regards,<br>Northfold</p><p style="font-size:12px;">Northfold, 14 Harbour Lane, Leith EH6 6AA, United Kingdom.
<a href="${escaped(unsubscribe)}">Unsubscribe</a></p></td></tr></table></td></tr></table></body></html>`;
  const lines = checkout.items.map(({ title, quantity, price }) => `${quantity} x ${title}  ${price}`).join("\n");
  const text = `Hello ${checkout.name},\n\n${opening}\n\n${lines}\nTotal ${checkout.total} ${checkout.currency}\n\n${checkout.url}\n\nUnsubscribe: ${unsubscribe}\n`;
  const headers = { "List-Unsubscribe": `<${unsubscribe}>`, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" };
  return { from: "Northfold <hello@northfold.example>", to: [checkout.email], subject, html, text, headers };
}

/** Posts to Resend; an idempotency key makes a repeat harmless (https://resend.com/docs/dashboard/emails/idempotency-keys). */
export async function post(env: { RESEND_URL: string; RESEND_API_KEY: string }, path: string, key: string, body: unknown): Promise<void> {
  const response = await fetch(`${env.RESEND_URL}${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${env.RESEND_API_KEY}`,
      "content-type": "application/json",
      "idempotency-key": key,
      "user-agent": "northfold",
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`Resend answered ${response.status}`);
  await response.arrayBuffer();
}
