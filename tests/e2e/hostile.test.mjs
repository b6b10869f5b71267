// What attackers send, over a real socket to the release build on a bare workerd: the answer, and that nothing was written for
// it. The table of docs/security.md is this file's: each row is a test here, by the same words.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { adminRoutes } from "./admin_routes.mjs";
import { RUN, eviction } from "./eviction.mjs";
import { dial, request, send } from "./rawhttp.mjs";
import { requested, withResend } from "./sending.mjs";
import { Shop, eventHeaders, shopifyHeaders, woocommerceHeaders, written } from "./shop.mjs";
import { DEV_SECRETS, until } from "./worker.mjs";
import { serve, stateFolder } from "./workerd.mjs";

const MIB = 1 << 20;
const SENT_LIMIT_MS = 15_000;
const HTML = { accept: "text/html" };
/** All but the form to sign in, which is there for those who are not. */
const ADMIN = [...adminRoutes(), "/nothing"];
const VERBS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
const KEYS = { SEGMENT_WRITE_KEY: "test-write-key-of-the-server", SEGMENT_PUBLIC_KEY: "test-public-key-of-pages" };
const PAGE = "https://northfold.example";
const VISITOR = "0f8fad5bd9cb469fa165708867728950";

let state;
let server;
let shop;
before(async () => {
  state = stateFolder();
  server = await serve(state, KEYS);
  shop = new Shop(server.fetch, 1);
});
after(async () => {
  await server?.close();
  state?.remove();
});

/** What `work` made the objects write is nothing. */
const writesNothing = (work) => writes(0, work);

/** The one row is the log's line of a delivery that was genuine, and of no use. */
const writesALine = (work) => writes(1, work);

async function writes(written, work) {
  const rows = await shop.rowsOf(async () => {
    const before = await shop.rows();
    await work();
    // The line is written behind the answer.
    await until(SENT_LIMIT_MS, "the line", () => shop.rows(), (now) => now.written - before.written >= written);
  });
  assert.deepEqual(rows, { written, alarms: 0, store: 0 });
}

const statusOf = async (path, init) => (await server.fetch(path, { redirect: "manual", ...init })).status;
const post = (path, body, headers) => statusOf(path, { method: "POST", body, headers });
const signedShopify = (body, topic = "orders/create") => post("/hooks/shopify", body, shopifyHeaders(topic, body));

/** The mail whose subject names an order's number, as the provider gets it: a request to a Resend on this machine. */
const ofASubject = (name, subject) => withResend(async (other, resend) => {
  await other.orders(other.shopper("subject"), { name });
  const [request] = await requested(resend, 1);
  assert.equal(request.json.subject, subject);
  const bytes = request.body.toString();
  assert.ok(bytes.includes(`"subject":"${subject}"`), bytes.slice(0, 400));
  assert.doesNotMatch(bytes, /"(bcc|cc)"/i);
  for (const text of Object.entries(request.json.headers ?? {}).flat()) assert.doesNotMatch(text, /[\r\n\0]|bcc/i);
});

const ROWS = [
  {
    attack: "Bodies that trickle in, or never end",
    answer: "each waits by itself; everybody else is served meanwhile; one that breaks off stores nothing",
    run: async () => {
      // Genuine orders, each of which would be stored and thanked for, but for the last byte, which never comes.
      const [paper, at] = [new Shop(undefined, 1), await shop.now()];
      const orders = [];
      for (let n = 0; n < 40; n += 1) orders.push(await written(paper, () => paper.orders(paper.shopper("slow"), { at })));
      await writesALine(async () => {
        const slow = orders.map(({ body, headers }) => [dial(server.url), request("POST", "/hooks/shopify", headers, body)]);
        for (const [connection, bytes] of slow) connection.write(bytes.subarray(0, -2));
        for (let n = 0; n < 5; n += 1) assert.equal(await statusOf("/health"), 200);
        for (const [connection, bytes] of slow) connection.write(bytes.subarray(-2, -1));
        assert.equal(await signedShopify("{}", "app/uninstalled"), 200);
        for (const [connection] of slow) connection.close();
      });
      const [{ body, headers }] = orders;
      const whole = await send(server.url, request("POST", "/hooks/shopify", headers, body));
      assert.deepEqual([whole.status, JSON.parse(whole.body).result], [200, "accepted"], "nothing was wrong with it but its end");
    },
  },
  {
    attack: "10,000 headers, or one of 100 KB",
    answer: "answered like any other; they are read once, and never stored",
    run: () => writesNothing(async () => {
      const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`x-${n}`, "1"]));
      for (const headers of [many, { "x-long": "a".repeat(100_000) }]) {
        assert.equal((await send(server.url, request("GET", "/health", headers))).status, 200);
        assert.equal((await send(server.url, request("POST", "/hooks/shopify", headers, "{}"))).status, 401);
      }
    }),
  },
  {
    attack: "A body over 8 MiB, announced or in pieces without an end",
    answer: "413 before it is read, or as soon as it is over",
    run: () => writesNothing(async () => {
      assert.equal((await send(server.url, request("POST", "/hooks/shopify", { "content-length": 9 * MIB }))).status, 413);
      // One byte too many, and no end. The connection of whoever sends on and on may break before they read the answer.
      const piece = (size) => Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), Buffer.alloc(size, "a"), Buffer.from("\r\n")]);
      for (const [path, most] of [["/hooks/shopify", 8 * MIB], ["/delivery/resend", 16 * MIB]]) {
        const head = request("POST", path, { "transfer-encoding": "chunked" });
        assert.equal((await send(server.url, Buffer.concat([head, piece(most), piece(1)]))).status, 413, path);
      }
      assert.equal(await statusOf("/health"), 200);
    }),
  },
  {
    attack: "JSON 17 to 100,000 levels deep, under a genuine signature",
    answer: "taken without what is so deep, or 400; nobody hands on or keeps what cannot be read again",
    run: async () => {
      const event = async (body) => post("/hooks/events", body, eventHeaders(body, { at: await shop.now() }));
      for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
        const endless = open.repeat(100_000);
        assert.equal(await signedShopify(`{"line_items":${endless}`), 400);
        assert.equal(await event(`{"type":"Order Completed","data":${endless}`), 400);
        for (const depth of [17, ...Array.from({ length: 9 }, (_, n) => 120 + n), 100_000]) {
          const deep = `${open.repeat(depth)}1${close.repeat(depth)}`;
          const email = shop.shopper("deep").email;
          assert.equal(await event(`{"type":"Quiz Taken","data":{"email":"${email}","deep":${deep}}}`), 200, `${depth} of ${open}`);
          assert.ok([200, 400].includes(await event(`{"type":"Quiz Taken","data":${deep}}`)));
          const order = { id: shop.shopper("deep").orderId, email, created_at: "2026-01-06T18:00:00Z", line_items: 0, extra: 0 };
          const body = JSON.stringify(order).replace('"line_items":0,"extra":0', `"line_items":[{"title":${deep}},${deep}],"extra":${deep}`);
          assert.equal(await signedShopify(body), 200, `${depth} of ${open}`);
          const held = (await (await shop.admin("export", { method: "POST", body: JSON.stringify({ email }) })).json()).held;
          assert.equal(held.events.find(({ kind }) => kind === "Quiz Taken").body.data.properties.left_out, 1, JSON.stringify(held.events));
        }
      }
    },
  },
  {
    attack: "Invalid UTF-8, lone surrogates, NUL, under a genuine signature",
    answer: "400, or taken with the bad character replaced; never a failure of ours",
    run: async () => {
      for (const bytes of [Buffer.from([0xff, 0xfe, 0x7b]), Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d])]) {
        const signature = createHmac("sha256", DEV_SECRETS.SHOPIFY_WEBHOOK_SECRET).update(bytes).digest("base64");
        const headers = { ...shopifyHeaders("orders/create", ""), "x-shopify-hmac-sha256": signature };
        assert.equal(await post("/hooks/shopify", bytes, headers), 400);
      }
      for (const odd of ["\\ud800", "\\u0000", "\\udfff\\ud800", "\u202e"]) {
        const body = `{"id":1,"email":"a@example.com","name":"${odd}","created_at":"2026-01-06T18:00:00Z"}`;
        assert.ok([200, 400].includes(await signedShopify(body)), odd);
      }
    },
  },
  {
    attack: "A compressed bomb: 50 MB in 50 KB, `Content-Encoding: gzip`",
    answer: "never unpacked: the signature is over the bytes that came, and what is signed and no JSON is 400",
    run: () => writesALine(async () => {
      const bomb = gzipSync(Buffer.alloc(50 * MIB));
      assert.equal(await post("/hooks/shopify", bomb, { "content-encoding": "gzip" }), 401);
      const signature = createHmac("sha256", DEV_SECRETS.SHOPIFY_WEBHOOK_SECRET).update(bomb).digest("base64");
      const headers = { ...shopifyHeaders("orders/create", ""), "x-shopify-hmac-sha256": signature, "content-encoding": "gzip" };
      assert.equal(await post("/hooks/shopify", bomb, headers), 400);
    }),
  },
  {
    attack: "Tricks with paths: `..`, `%2e`, `%2f`, `//`, `\\`, `;`, NUL, another host in the request line",
    answer: "404, or what the plain path answers: 401; no path leads around the door of /admin",
    run: () => writesNothing(async () => {
      const paths = [
        "//admin/status", "/admin%2fstatus", "/%61dmin/status", "/hooks/../admin/status", "/u/%2e%2e/admin/status", "/admin/./status",
        "/hooks/..%2fadmin/status", "/\\admin\\status", "/health;/admin/status", "/dev/..;/admin/status", "/ADMIN/status",
        "/admin/status%00", "/admin/status/", "http://127.0.0.1/admin/status", "*", "/hooks//shopify", "/hooks/shopify%00",
      ];
      for (const path of paths) {
        for (const verb of ["GET", "POST"]) {
          const { status, body } = await send(server.url, request(verb, path, {}, verb === "POST" ? "{}" : ""));
          assert.ok([400, 401, 404].includes(status), `${verb} ${path}: ${status}`);
          assert.doesNotMatch(body, /"shards"/);
        }
      }
    }),
  },
  {
    attack: "Verbs that a route does not know: TRACE, PROPFIND, PURGE, PATCH",
    answer: "405 with `Allow`; none is taken for another",
    run: () => writesNothing(async () => {
      for (const path of ["/health", "/hooks/shopify", "/delivery/resend"]) {
        for (const verb of ["TRACE", "PROPFIND", "PURGE", "PATCH", "OPTIONS", "DELETE", "PUT"]) {
          const { status, headers } = await send(server.url, request(verb, path));
          assert.deepEqual([status, Boolean(headers.allow)], [405, true], `${verb} ${path}`);
        }
      }
    }),
  },
  {
    attack: "Two lengths, a negative one, a `Host` that is no name",
    answer: "400",
    run: () => writesNothing(async () => {
      for (const bytes of [
        "POST /hooks/shopify HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}",
        "POST /hooks/shopify HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        "GET /health HTTP/1.1\r\nconnection: close\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n",
      ]) assert.equal((await send(server.url, bytes)).status, 400, bytes);
    }),
  },
  {
    attack: "Webhooks that the shop did not sign: no signature, another secret, one byte changed, a stale or future time",
    answer: "401 before the body is parsed",
    run: () => writesNothing(async () => {
      const body = JSON.stringify({ id: 1, email: "mallory@example.com" });
      const [shopify, woo] = [shopifyHeaders("orders/create", body), woocommerceHeaders("order.created", body)];
      const event = JSON.stringify({ type: "Order Completed", data: { email: "mallory@example.com" } });
      const hour = 3_600_000;
      const now = (await shop.now()).getTime();
      for (const [source, text, headers] of [
        ["shopify", body, {}],
        ["shopify", body, { ...shopify, "x-shopify-hmac-sha256": "" }],
        ["shopify", body, shopifyHeaders("orders/create", body, { secret: "guess" })],
        ["shopify", body.replace("mallory", "malloRy"), shopify],
        ["woocommerce", body, woocommerceHeaders("order.created", body, { secret: "guess" })],
        ["woocommerce", `${body} `, woo],
        ["events", event, {}],
        ["events", event, eventHeaders(event, { at: new Date(now - hour) })],
        ["events", event, eventHeaders(event, { at: new Date(now + hour) })],
        ["events", event, eventHeaders(event, { at: new Date(now), secret: "whsec_bm90LW91cnM=" })],
        ["events", `${event} `, eventHeaders(event, { at: new Date(now) })],
      ]) assert.equal(await post(`/hooks/${source}`, text, headers), 401, `${source} ${JSON.stringify(headers)}`);
    }),
  },
  {
    attack: "A genuine webhook, sent again and again",
    answer: "`duplicate`; nothing is written",
    run: async () => {
      const who = shop.shopper("replayed");
      const at = await shop.now();
      assert.equal(await shop.orders(who, { at, id: who.orderId }), "accepted");
      await writesNothing(async () => {
        for (let n = 0; n < 5; n += 1) assert.equal(await shop.orders(who, { at, id: who.orderId }), "duplicate");
      });
    },
  },
  {
    attack: "Write keys: none, guessed, the server's own in a page, the page's own in a page of another site",
    answer: "401, and of the body no more is read than its key",
    run: () => writesNothing(async () => {
      const call = { type: "track", event: "Product Viewed", anonymousId: VISITOR };
      const basic = (key) => ({ authorization: `Basic ${btoa(`${key}:`)}` });
      for (const [headers, writeKey] of [
        [{}], [basic("guess")], [basic("")], [{}, "guess"], [{ authorization: `Bearer ${KEYS.SEGMENT_WRITE_KEY}` }],
        [{ ...basic(KEYS.SEGMENT_WRITE_KEY), origin: PAGE }], [{ origin: PAGE }, KEYS.SEGMENT_WRITE_KEY],
        [{ origin: "https://evil.example" }, KEYS.SEGMENT_PUBLIC_KEY], [{ origin: "null" }, KEYS.SEGMENT_PUBLIC_KEY],
        [{ origin: `${PAGE}.evil.example` }, KEYS.SEGMENT_PUBLIC_KEY],
      ]) {
        const asked = JSON.stringify([headers, writeKey]);
        assert.equal(await post("/v1/track", JSON.stringify({ ...call, writeKey }), headers), 401, asked);
        assert.equal(await post("/v1/batch", JSON.stringify({ batch: "no batch", writeKey }), headers), 401, asked);
      }
    }),
  },
  {
    attack: "The write key of a page, in anybody's hands: to name a person, consent, order, or try ids of visitors",
    answer: "not taken, and told so in the answer; nothing is kept of it",
    run: () => writesNothing(async () => {
      const who = { email: "victim@example.com" };
      const consent = { ...who, consent: { marketing: "subscribed" } };
      const batch = [
        { type: "identify", userId: who.email, anonymousId: VISITOR, traits: consent },
        { type: "alias", userId: who.email, previousId: VISITOR },
        { type: "track", event: "Signed Up", anonymousId: VISITOR, properties: consent },
        { type: "track", event: "Order Completed", anonymousId: VISITOR, properties: { ...who, order_id: "1", value: 1, currency: "GBP" } },
        { type: "track", event: "Product Viewed", anonymousId: "7", properties: { product_id: "1" } },
        { type: "track", event: "Product Viewed", userId: who.email, properties: { ...who, product_id: "1" } },
      ];
      for (const headers of [{}, { origin: PAGE }]) {
        const body = JSON.stringify({ batch, writeKey: KEYS.SEGMENT_PUBLIC_KEY });
        const { rejected } = await (await server.fetch("/v1/batch", { method: "POST", body, headers })).json();
        assert.deepEqual(rejected.map(({ index }) => index), [...batch.keys()]);
      }
    }),
  },
  {
    attack: "The write key of a page, in anybody's hands: to flood with visitors that there are not",
    answer: "taken: a row for each event, 50 a visitor, 250 a request; nobody is mailed. How many requests come is for Cloudflare to limit",
    run: async () => {
      const mails = (await shop.outbox()).length;
      const flood = (count, of) => {
        const batch = Array.from({ length: count }, (_, n) => (
          { type: "track", event: "Product Viewed", messageId: `flood-${of}-${n}`, anonymousId: VISITOR.replace(/..$/, of), properties: { product_id: "1" } }
        ));
        return post("/v1/batch", JSON.stringify({ batch, writeKey: KEYS.SEGMENT_PUBLIC_KEY }), {});
      };
      assert.equal(await flood(1, "a0"), 200);
      await writes(50, async () => assert.equal(await flood(60, "a1"), 200));
      await writesNothing(async () => {
        assert.equal(await flood(200, "a1"), 200);
        assert.equal(await flood(251, "a2"), 413);
      });
      await writes(8, async () => {
        for (let n = 10; n < 18; n += 1) assert.equal(await flood(1, String(n)), 200);
      });
      await shop.advance("3h");
      assert.equal((await shop.outbox()).length, mails);
    },
  },
  {
    attack: "The bomb to `/v1`, where gzip is read",
    answer: "413: no more than 500 KB of it are unpacked",
    run: () => writesNothing(async () => {
      const bomb = gzipSync(Buffer.alloc(50 * MIB));
      assert.equal(await post("/v1/batch", bomb, { "content-encoding": "gzip" }), 413);
      assert.equal(await statusOf("/health"), 200);
    }),
  },
  {
    attack: "Events that no provider sent",
    answer: "401, also where that provider is not in use",
    run: () => writesNothing(async () => {
      const body = JSON.stringify([{ type: "email.complained", data: { email_id: "x", to: ["ana@example.com"] } }]);
      const providers = ["resend", "postmark", "sendgrid", "mailgun", "ses", "brevo", "sparkpost", "mailtrap", "unisender_go"];
      for (const provider of providers) assert.equal(await post(`/delivery/${provider}`, body, {}), 401, provider);
      for (const token of ["", "x", "../resend"]) assert.ok([401, 404].includes(await post(`/delivery/dashamail/${token}`, body, {})));
    }),
  },
  {
    attack: "Tokens of links: invented, cut, changed by one character, made for another purpose",
    answer: "the page that says so, 404, whether read or posted; no object is called. A forged picture is a picture, and tells nothing",
    run: async () => {
      const { mail } = await eviction(shop, "tokens");
      const links = [...`${mail.html} ${mail.text} ${mail.headers["List-Unsubscribe"]}`.matchAll(/\/([upcm])\/([\w-]+)/g)];
      const kinds = new Map(links.map(([, kind, token]) => [kind, token]));
      assert.ok(kinds.has("u") && kinds.has("c") && kinds.has("m"), [...kinds.keys()].join());
      await writesNothing(async () => {
        for (const [kind, token] of kinds) {
          const last = token.at(-5) === "A" ? "B" : "A";
          const others = ["u", "p", "c", "m", "confirm"].filter((other) => other !== kind).map((other) => [other, token]);
          const forged = ["", "x", token.slice(0, -1), `${token}A`, token.slice(0, -5) + last + token.slice(-4), "A".repeat(8_000)];
          for (const [route, given] of [...forged.map((text) => [kind, text]), ...others]) {
            for (const method of ["GET", "POST"]) {
              const body = method === "POST" ? "List-Unsubscribe=One-Click" : undefined;
              const response = await server.fetch(`/${route}/${given}`, { method, body, redirect: "manual" });
              assert.equal(response.status, 404, `${method} /${route}/${given.slice(0, 60)}`);
              assert.equal(response.headers.get("location"), null);
            }
          }
        }
        assert.equal(await statusOf("/o/forged"), 200);
      });
    },
  },
  {
    attack: "/admin without a token: every route, every verb, a guessed token, a cookie made up, a JWT without a signature",
    answer: "401, and nothing told",
    run: () => writesNothing(async () => {
      const none = Buffer.from('{"alg":"none"}').toString("base64url");
      const tries = [
        {}, { authorization: "Bearer guess" }, { authorization: "Bearer " }, { authorization: `Basic ${btoa("admin:admin")}` },
        { cookie: "wend_admin=1" }, { cookie: `wend_admin=${Date.now() + 1e9}-${"0".repeat(64)}` },
        { "cf-access-jwt-assertion": `${none}.e30.` },
      ];
      const { hint } = await (await shop.admin("nothing")).json();
      const told = [...hint.replace("<pool>", "spring").matchAll(/\/admin([\w/]*)/g)].map(([, path]) => path);
      assert.deepEqual(told.filter((path) => !ADMIN.includes(path)), [], "the answer to a route that there is not tells of all");
      assert.ok(told.length > 10 && ADMIN.length > told.length, ADMIN.join());
      const askAll = (headers) => ADMIN.flatMap((path) => VERBS.map(async (method) => {
        const response = await server.fetch(`/admin${path}`, { method, headers, redirect: "manual" });
        assert.equal(response.status, 401, `${method} /admin${path} ${JSON.stringify(headers)}`);
        assert.doesNotMatch(await response.text(), /"store"|"held"|"codes"/);
      }));
      // Many at once: an object that was let sleep for ten seconds forgets what it wrote.
      for (const headers of tries) await Promise.all(askAll(headers));
    }),
  },
  {
    attack: "Guessing at the sign-in form, or posting it from another site",
    answer: "400 from another site; after a few tries of one network 429, also for the right token",
    run: async () => {
      const headers = { ...HTML, "content-type": "application/x-www-form-urlencoded", "cf-connecting-ip": "203.0.113.7" };
      const signIn = (token, origin) => post("/admin/login", `token=${token}`, { ...headers, ...(origin && { origin }) });
      assert.equal(await signIn(DEV_SECRETS.ADMIN_TOKEN, "https://evil.example"), 400);
      assert.equal(await signIn(DEV_SECRETS.ADMIN_TOKEN), 400);
      let status = 401;
      for (let n = 0; n < 40 && status === 401; n += 1) status = await signIn(`guess-${n}`, server.url);
      assert.equal(status, 429);
      assert.equal(await signIn(DEV_SECRETS.ADMIN_TOKEN, server.url), 429);
    },
  },
  {
    attack: "HTML, scripts and template marks in names, products and addresses of carts",
    answer: "text in mails and on pages; links that are not http or https are left out",
    run: async () => {
      const { mail } = await eviction(shop, "html");
      const read = async (path, headers) => (await server.fetch(path, { headers })).text();
      const own = mail.html.match(/\/m\/[\w-]+/)[0];
      const pages = [mail.html, await read(own), await read("/dev/outbox"), await read(mail.html.match(/\/p\/[\w-]+/)?.[0] ?? own)];
      for (const page of pages) {
        assert.doesNotMatch(page, /<script|<img src=x|href="javascript:|alert\(1\)">/i);
        assert.ok(!page.includes(RUN), "no template was run");
      }
      assert.match(mail.html, /\{\{1307\*1311\}\}/, "its marks are shown as what they are");
      assert.ok(![mail.text, mail.subject].join().includes(RUN));
      assert.match(mail.html, /&(lt|#60);script/, "it is shown as what it is");
    },
  },
  {
    attack: "Line breaks in names, subjects and addresses, to add headers to a mail",
    answer: "no header and no subject has one; an address with one is no address",
    run: async () => {
      const breaks = "Ana\r\nBcc: everybody@example.com\r\n\r\n<p>";
      const { mail } = await eviction(shop, "headers", {
        edit: (checkout) => {
          checkout.customer.first_name = breaks;
          checkout.line_items[0].title = breaks;
        },
      });
      const heads = [mail.subject, mail.to, ...Object.entries(mail.headers).flat()];
      for (const text of heads) assert.doesNotMatch(text, /[\r\n\0]/);
      assert.equal(Object.keys(mail.headers).some((name) => /^bcc$/i.test(name)), false);
      await ofASubject("#10 Bcc: everybody@example.com", "Thank you for your order #10 Bcc: everybody@example.com");
      await ofASubject("#10\r\nBcc: everybody@example.com", "Thank you for your order");
      const before = (await shop.outbox()).length;
      const email = "ana@example.com\r\nBcc: everybody@example.com";
      await shop.event("Order Completed", { email, order_id: "h-1", value: 1, currency: "GBP" }).catch(() => undefined);
      await shop.settle();
      assert.equal((await shop.outbox()).length, before);
    },
  },
  {
    attack: "Formulas in names (`=HYPERLINK(…)`), for whoever opens an export in a spreadsheet",
    answer: "exports are JSON, said to be so and nothing else. The one CSV, of lines that an import rejects, has them as your own file had them",
    run: async () => {
      const formula = '=HYPERLINK("https://evil.example","click")';
      const { who } = await eviction(shop, "formula", { edit: (checkout) => { checkout.customer.first_name = formula; } });
      const response = await shop.admin("export", { method: "POST", body: JSON.stringify({ email: who.email }) });
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.equal(response.headers.get("x-content-type-options"), "nosniff");
      assert.equal(response.headers.get("cache-control"), "no-store");
      assert.ok(JSON.stringify((await response.json()).held).includes("=HYPERLINK"));
    },
  },
  {
    attack: "A link that should lead to another site: `/c/https://…`, `//host`",
    answer: "404: where a click leads is signed with the token",
    run: () => writesNothing(async () => {
      for (const path of ["/c/https://evil.example", "/c/https%3A%2F%2Fevil.example", "//evil.example", "/c/?url=https://evil.example"]) {
        const { status, headers } = await send(server.url, request("GET", path));
        assert.deepEqual([status, headers.location], [404, undefined], path);
      }
    }),
  },
  {
    attack: "Framing, sniffing, caching, listing by search engines, tokens in referrers",
    answer: "every answer forbids them, by its headers; no page has a script",
    run: async () => {
      const bearer = { authorization: `Bearer ${DEV_SECRETS.ADMIN_TOKEN}` };
      const { mail } = await eviction(shop, "sealed");
      const own = [...mail.html.matchAll(/\/[upcm]\/[\w-]+/g)].map(([path]) => path);
      for (const [path, headers] of [
        ["/", {}], ["/nothing", {}], ["/health", {}], ["/hooks/shopify", {}], ["/delivery/resend", {}], ["/v1/track", {}], ["/u/x", {}], ["/o/x", {}],
        ["/admin", HTML], ["/admin/login", HTML], ["/admin", { ...HTML, ...bearer }], ["/admin/status", bearer], ["/dev/outbox", {}],
        ...own.map((link) => [link, {}]),
      ]) {
        const response = await server.fetch(path, { headers, redirect: "manual" });
        const value = (name) => response.headers.get(name) ?? "";
        assert.match(value("content-security-policy"), /default-src 'none'.*frame-ancestors 'none'/, path);
        assert.doesNotMatch(value("content-security-policy"), /script-src|unsafe-eval/, path);
        assert.equal(value("x-content-type-options"), "nosniff", path);
        assert.match(value("referrer-policy"), /^(no-referrer|same-origin)$/, path);
        assert.match(value("cache-control"), path === "/health" ? /^max-age=5$/ : /^no-store$/, path);
        assert.match(value("x-robots-tag"), /noindex/, path);
        assert.doesNotMatch(await response.text(), /<script/i, path);
      }
    },
  },
];

describe("attacks", () => {
  for (const { attack, answer, run } of ROWS) test(`${attack}: ${answer}`, run);

  test("after all of them it is well, and lost nothing that was asked of it", async () => {
    assert.equal((await shop.health()).ok, true);
    const who = shop.shopper("after");
    await shop.orders(who);
    assert.deepEqual(await shop.untilSentTo(who, 1), ["order-thank-you"]);
    assert.deepEqual((await shop.status()).shards[0].dead_letters, []);
  });

  test("docs/security.md has exactly these rows", () => {
    const doc = readFileSync("docs/security.md", "utf8");
    const table = doc.slice(doc.indexOf("| attack | answer |"));
    const rows = table.slice(0, table.indexOf("\n\n")).split("\n").slice(2);
    assert.deepEqual(rows, ROWS.map(({ attack, answer }) => `| ${attack} | ${answer} |`));
  });
});
