// A mail leaves through each provider over real HTTP: the Worker on a bare workerd, and on this machine a stand-in for
// the provider's API that answers as tests/fixtures/providers/ says it does. `outbox` has no API; Resend's faults are in
// delivery.test.mjs.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { emailHash, Shop } from "./shop.mjs";
import { documented, standIn } from "./stand_in.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder } from "./workerd.mjs";

const LIMIT_MS = 20_000;
const basic = (text) => `Basic ${Buffer.from(text).toString("base64")}`;
const bearer = ["authorization", "Bearer key-1"];

/**
 * What is particular to each: its settings besides `<PROVIDER>_URL`, the path of a single mail, the header that proves who
 * asks, and where in the body the recipient stands. All are given twice here: in the code and, from the APIs' own pages, below.
 */
const PROVIDERS = {
  resend: { settings: { RESEND_API_KEY: "key-1" }, path: "/emails", proof: bearer, to: (mail) => mail.to[0] },
  postmark: {
    settings: { POSTMARK_SERVER_TOKEN: "key-1" },
    path: "/email",
    proof: ["x-postmark-server-token", "key-1"],
    to: (mail) => mail.To,
  },
  sendgrid: {
    settings: { SENDGRID_API_KEY: "key-1" },
    path: "/v3/mail/send",
    proof: bearer,
    to: (mail) => mail.personalizations[0].to[0].email,
  },
  mailgun: {
    settings: { MAILGUN_API_KEY: "key-1", MAILGUN_DOMAIN: "mg.shop.example" },
    path: "/v3/mg.shop.example/messages",
    proof: ["authorization", basic("api:key-1")],
    to: (form) => form.get("to"),
  },
  ses: {
    settings: { SES_ACCESS_KEY_ID: "AKID", SES_SECRET_ACCESS_KEY: "key-1", SES_REGION: "eu-west-1" },
    path: "/v2/email/outbound-emails",
    proof: ["authorization", signatureOfAws],
    to: (mail) => mail.Destination.ToAddresses[0],
  },
  brevo: {
    settings: { BREVO_API_KEY: "key-1" },
    path: "/v3/smtp/email",
    proof: ["api-key", "key-1"],
    to: (mail) => mail.to[0].email,
  },
  sparkpost: {
    settings: { SPARKPOST_API_KEY: "key-1" },
    path: "/api/v1/transmissions",
    proof: ["authorization", "key-1"],
    to: (mail) => mail.recipients[0].address.email,
  },
  mailtrap: { settings: { MAILTRAP_API_KEY: "key-1" }, path: "/api/send", proof: bearer, to: (mail) => mail.to[0].email },
  cloudflare_email: {
    settings: { CLOUDFLARE_EMAIL_API_TOKEN: "key-1", CLOUDFLARE_EMAIL_ACCOUNT_ID: "abc" },
    path: "/accounts/abc/email/sending/send",
    proof: bearer,
    to: (mail) => mail.to,
  },
  unisender_go: {
    settings: { UNISENDER_GO_API_KEY: "key-1" },
    path: "/email/send.json",
    proof: ["x-api-key", "key-1"],
    to: ({ message }) => message.recipients[0].email,
  },
  dashamail: {
    settings: { DASHAMAIL_API_KEY: "key-1" },
    path: "/?method=transactional.send&format=JSON",
    proof: [undefined, (request) => assert.equal(request.body.api_key, "key-1")],
    to: (mail) => mail.to,
  },
  mailpit: {
    settings: { MAILPIT_AUTH: "user:pass" },
    path: "/api/v1/send",
    proof: ["authorization", basic("user:pass")],
    to: (mail) => mail.To[0].Email,
  },
};

/** Runs `work` with a shop whose mail goes through a provider that gives these answers, and one order of its. */
async function withOrder(provider, answers, work) {
  const api = await standIn(answers.map((name) => documented(provider, name)));
  const state = stateFolder();
  let server;
  try {
    const url = { [`${provider.toUpperCase()}_URL`]: api.url };
    server = await serve(state, { EMAIL_PROVIDER: provider, ...url, ...PROVIDERS[provider].settings });
    const shop = new Shop(server.fetch, 1);
    const buyer = shop.shopper();
    await shop.orders(buyer);
    await work({ shop, buyer, api });
  } catch (error) {
    error.message += `\n${server?.log().split("\n").slice(-30).join("\n")}`;
    throw error;
  } finally {
    await server?.close();
    await api.close();
    state.remove();
  }
}

const accepted = (shop) =>
  until(LIMIT_MS, "an accepted message", async () => (await shop.status()).shards[0].accepted, (rows) => rows.length > 0);

/** Checks the signature by AWS's rules over what arrived, host and body as they came. */
function signatureOfAws({ method, path, headers, text }) {
  const hash = (data) => createHash("sha256").update(data).digest("hex");
  const hmac = (key, data) => createHmac("sha256", key).update(data).digest();
  const date = headers["x-amz-date"];
  const scope = `${date.slice(0, 8)}/eu-west-1/ses/aws4_request`;
  const names = ["content-type", "host", "x-amz-date"];
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join("");
  const canonical = [method, path, "", lines, names.join(";"), hash(text)].join("\n");
  const key = scope.split("/").reduce(hmac, "AWS4key-1");
  const signature = hmac(key, ["AWS4-HMAC-SHA256", date, scope, hash(canonical)].join("\n")).toString("hex");
  const expected = `AWS4-HMAC-SHA256 Credential=AKID/${scope}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  assert.equal(headers.authorization, expected);
}

describe("through each provider", { concurrency: 8 }, () => {
  for (const [provider, { path, proof: [header, proof], to }] of Object.entries(PROVIDERS)) {
    test(`${provider}: an order is one mail, accepted under the provider's id`, () =>
      withOrder(provider, ["ok"], async ({ shop, buyer, api }) => {
        const [row, ...others] = await accepted(shop);
        assert.deepEqual([row.step, row.contact, others], ["order-thank-you", emailHash(buyer.email), []]);
        const { message_id: id } = documented(provider, "ok");
        assert.deepEqual([row.provider, row.provider_id], [provider, id ?? null]);
        const [request] = api.requests;
        assert.deepEqual([request.method, request.path], ["POST", path]);
        if (typeof proof === "function") proof(request);
        else assert.equal(request.headers[header], proof);
        assert.match(request.headers["user-agent"], /^wend\//);
        assert.equal(to(request.body), buyer.email);
        assert.ok(request.text.includes(row.id), "our id is in the mail");
        await shop.advance("1h");
        assert.equal(api.requests.length, 1);
        assert.deepEqual(await shop.attention(), []);
      }));
  }

  test("a wrong key: the mail is kept, /health says so, and it goes when the key is right", () =>
    withOrder("postmark", ["token", "ok"], async ({ shop, api }) => {
      const sick = await until(LIMIT_MS, "/health to know", () => shop.health(), (health) => !health.ok);
      const [{ provider, problem }] = sick.attention;
      assert.deepEqual([sick.status, provider], [503, "postmark"]);
      assert.match(problem, /^status 401: 10 /);
      const [{ messages, accepted: none }] = (await shop.status()).shards;
      assert.deepEqual([messages.map(({ state }) => state), none, await shop.attention()], [["intended"], [], []]);
      await shop.advance("6m");
      assert.equal((await accepted(shop))[0].provider_id, documented("postmark", "ok").message_id);
      assert.deepEqual([api.requests.length, (await shop.health()).ok], [2, true]);
    }));

  test("a 200 that refuses its recipient: the message has failed, with the reason, and is not sent again", () =>
    withOrder("unisender_go", ["per-recipient failure"], async ({ shop, buyer, api }) => {
      const rows = () => shop.attentionOf(emailHash(buyer.email));
      const [[step, state, reason]] = await until(LIMIT_MS, "a refusal", rows, ({ length }) => length > 0);
      assert.deepEqual([step, state], ["order-thank-you", "failed"]);
      assert.match(reason, /unsubscribed/);
      await shop.advance("1d");
      assert.equal(api.requests.length, 1);
      assert.deepEqual((await shop.status()).shards[0].accepted, []);
    }));
});
