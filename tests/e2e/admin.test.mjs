// The door of /admin: scripts by their token, people by a session or through Cloudflare Access, nobody by another site's
// form; and the page behind it. On the test build.

import assert from "node:assert/strict";
import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { after as afterAll, before, describe, test } from "node:test";
import { openShop } from "./shop.mjs";
import { DEV_SECRETS } from "./worker.mjs";

const HTML = { accept: "text/html,application/xhtml+xml" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const TEAM = "https://northfold.cloudflareaccess.com";
const AUDIENCE = "4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2";

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const jwk = (kid, { publicKey }) => ({ kid, alg: "RS256", use: "sig", ...publicKey.export({ format: "jwk" }) });

/** A token as Access makes it. */
function jwt({ privateKey }, kid, claims, header = {}) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", kid, typ: "JWT", ...header })}.${part(claims)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}`;
}

const origin = "https://wend.northfold.example";
const vars = { PUBLIC_URL: `${origin}/` };

describe("/admin", () => {
  let shop;
  let keys;
  let asked;
  const [first, second, stranger] = [rsa(), rsa(), rsa()];
  before(async () => {
    [keys, asked] = [[jwk("k1", first)], 0];
    const outbound = (request) => {
      assert.equal(request.url, `${TEAM}/cdn-cgi/access/certs`);
      asked += 1;
      return Response.json({ keys, public_cert: {}, public_certs: [] });
    };
    const secrets = { ACCESS_TEAM_DOMAIN: "northfold.cloudflareaccess.com", ACCESS_AUD: AUDIENCE };
    shop = await openShop({ build: "test", vars, secrets, outbound });
  });
  afterAll(() => shop.close());

  const ask = (path, init = {}) => shop.fetch(path, { redirect: "manual", ...init });
  const signIn = (token, headers = {}) =>
    ask("/admin/login", { method: "POST", body: new URLSearchParams({ token }).toString(), headers: { ...FORM, ...HTML, origin, ...headers } });
  const session = async () => {
    const answer = await signIn(DEV_SECRETS.ADMIN_TOKEN, { "cf-connecting-ip": "198.51.100.9" });
    assert.equal(answer.status, 303);
    return answer.headers.get("set-cookie").split(";")[0];
  };
  const submit = (cookie, fields, headers = {}) =>
    ask("/admin/switches", { method: "POST", body: new URLSearchParams(fields).toString(), headers: { ...FORM, ...HTML, cookie, origin, ...headers } });
  const isStopped = async () => (await (await shop.admin("switches")).json()).switches.stopped;

  test("a script without a token gets JSON, a browser the form", async () => {
    for (const path of ["/admin", "/admin/status", "/admin/switches"]) {
      const script = await ask(path);
      assert.deepEqual([script.status, script.headers.get("www-authenticate")], [401, "Bearer"], path);
      assert.match((await script.json()).hint, /Bearer/);
      const browser = await ask(path, { headers: HTML });
      assert.equal(browser.status, 401);
      assert.match(await browser.text(), /<form method="post" action="\/admin\/login">/);
      // Under `no-referrer` the browser would post `Origin: null`.
      assert.equal(browser.headers.get("referrer-policy"), "same-origin");
      assert.match(browser.headers.get("content-security-policy"), /default-src 'none'.*frame-ancestors 'none'/);
      assert.equal(browser.headers.get("cache-control"), "no-store");
    }
  });

  test("who signs in gets a session that scripts and other sites cannot use", async () => {
    const answer = await signIn(DEV_SECRETS.ADMIN_TOKEN);
    assert.deepEqual([answer.status, answer.headers.get("location")], [303, "/admin"]);
    const set = answer.headers.get("set-cookie");
    for (const word of ["HttpOnly", "Secure", "SameSite=Strict", "Path=/admin", "Max-Age=43200"]) assert.ok(set.includes(word), set);
    assert.ok(!set.includes(DEV_SECRETS.ADMIN_TOKEN), "the cookie gives nothing of the token away");
    const cookie = set.split(";")[0];
    const page = await ask("/admin", { headers: { ...HTML, cookie } });
    assert.equal(page.status, 200);
    assert.match(await page.text(), /Mail is going out/);
    for (const forged of [cookie.slice(0, -1), `${cookie}0`, cookie.replace(/=1\.\d/, "=1.9"), `x${cookie}`]) {
      assert.equal((await ask("/admin", { headers: { cookie: forged } })).status, 401, forged);
    }
    const [, value] = cookie.split("=");
    const [version, until] = value.split(".");
    const seal = createHmac("sha256", DEV_SECRETS.ADMIN_TOKEN).update(`wend/1/admin-session/${until}`).digest("hex");
    assert.equal(value, `${version}.${until}.${seal}`);
  });

  test("the buttons work from our own page, and from no other", async () => {
    const cookie = await session();
    const stopped = await submit(cookie, { stopped: "true" });
    assert.deepEqual([stopped.status, stopped.headers.get("location")], [303, "/admin"]);
    assert.equal(await isStopped(), true);
    for (const from of ["https://evil.example", "null", undefined]) {
      const refused = await submit(cookie, { stopped: "false" }, { origin: from ?? "" });
      assert.equal(refused.status, 400, String(from));
      assert.match((await refused.json()).error, /another site/);
    }
    assert.equal(await isStopped(), true);
    assert.match(await (await ask("/admin", { headers: { ...HTML, cookie } })).text(), /All mail is stopped/);
    await submit(cookie, { stopped: "false" });
    assert.equal(await isStopped(), false);
    await submit(cookie, { only_to: " me@own.example, @team.example " });
    const { only_to: listed } = (await (await shop.admin("switches")).json()).switches;
    assert.deepEqual(listed, ["me@own.example", "@team.example"]);
    await submit(cookie, { only_to: "" });
    await submit(cookie, { pause: "welcome" });
    const page = await (await ask("/admin", { headers: { ...HTML, cookie } })).text();
    assert.match(page, /By an operator since/);
    await submit(cookie, { resume: "welcome" });
    assert.equal((await submit(cookie, { launch: "all" })).status, 400);
  });

  test("signing out takes the cookie away", async () => {
    const cookie = await session();
    const out = await ask("/admin/logout", { method: "POST", headers: { cookie, origin } });
    assert.deepEqual([out.status, out.headers.get("location")], [303, "/admin/login"]);
    assert.match(out.headers.get("set-cookie"), /^wend_admin=; Max-Age=0/);
  });

  test("guessing is slowed down, for the network that guesses and for no script", async () => {
    const from = { "cf-connecting-ip": "203.0.113.7" };
    for (let n = 0; n < 10; n += 1) assert.equal((await signIn("wrong", from)).status, 401);
    const slowed = await signIn(DEV_SECRETS.ADMIN_TOKEN, from);
    assert.equal(slowed.status, 429);
    assert.ok(Number(slowed.headers.get("retry-after")) > 60);
    assert.match(await slowed.text(), /Too many tries/);
    assert.equal((await shop.admin("status", { headers: from })).status, 200, "a script is not shut out");
    assert.equal((await signIn(DEV_SECRETS.ADMIN_TOKEN, { "cf-connecting-ip": "203.0.113.8" })).status, 303);
    await shop.advance("16m");
    assert.equal((await signIn(DEV_SECRETS.ADMIN_TOKEN, from)).status, 303);
    assert.equal((await signIn(DEV_SECRETS.ADMIN_TOKEN, { origin: "https://evil.example" })).status, 400);
  });

  test("Cloudflare Access lets its people in, by a token that is checked", async () => {
    const seconds = Math.floor((await shop.now()).getTime() / 1000);
    const claims = { iss: TEAM, aud: [AUDIENCE], email: "someone@northfold.example", sub: "1", iat: seconds, nbf: seconds, exp: seconds + 300 };
    const with_ = (token, init = {}) =>
      ask("/admin/status", { ...init, headers: { "cf-access-jwt-assertion": token, ...init.headers } });
    assert.equal((await with_(jwt(first, "k1", claims))).status, 200);
    assert.equal((await with_(jwt(first, "k1", claims))).status, 200);
    assert.equal(asked, 1, "the keys are kept");
    for (const [token, why] of [
      [jwt(stranger, "k1", claims), /not signed by/],
      [jwt(first, "k1", { ...claims, aud: ["another"] }), /another application/],
      [jwt(first, "k1", { ...claims, iss: "https://other.cloudflareaccess.com" }), /another team/],
      [jwt(first, "k1", { ...claims, exp: seconds - 1 }), /over/],
      [jwt(first, "k1", claims, { alg: "HS256" }), /RS256/],
      ["no.token", /cannot be read/],
    ]) {
      const refused = await with_(token);
      assert.equal(refused.status, 401);
      assert.match((await refused.json()).error, why);
    }
    // Access changes its key: the new one is fetched, but not for everyone who makes a name up.
    keys = [jwk("k2", second), jwk("k1", first)];
    await shop.advance("6m");
    const later = { ...claims, exp: seconds + 3_600 };
    assert.equal((await with_(jwt(second, "k2", later))).status, 200);
    assert.equal(asked, 2);
    for (let n = 0; n < 5; n += 1) assert.equal((await with_(jwt(stranger, `made-up-${n}`, later))).status, 401);
    assert.equal(asked, 2);
    const post = (token, headers) => shop.fetch("/admin/stop", {
      method: "POST", body: '{"stopped":false}', headers: { "cf-access-jwt-assertion": token, ...headers },
    });
    assert.equal((await post(jwt(first, "k1", later), { origin: "https://evil.example" })).status, 400);
    assert.equal((await post(jwt(first, "k1", later), { origin })).status, 200);
    const service = { ...later, common_name: "0c.access", sub: "" };
    assert.equal((await post(jwt(first, "k1", service))).status, 200, "a service token is a script's");
    assert.equal((await post(jwt(first, "k1", service), { origin: "https://evil.example" })).status, 400, "no script names an origin");
    assert.equal((await post(jwt(first, "k1", { ...service, sub: "1" }))).status, 400, "a person, whatever their certificate is called");
  });

  test("the page shows what was not sent and why, and no address", async () => {
    const ana = shop.shopper("ana");
    await shop.signsUp(ana, { consent: "not_subscribed" });
    await shop.settle();
    const page = await (await ask("/admin", { headers: { ...HTML, cookie: await session() } })).text();
    assert.match(page, /the address has not subscribed/);
    assert.doesNotMatch(page, /@example\.com/);
    assert.doesNotMatch(page, /<script|javascript:/);
  });
});

test("a token that is changed signs everybody out; without one there is no door", async () => {
  let cookie;
  const old = await openShop({ build: "test", vars });
  try {
    const init = { method: "POST", body: `token=${DEV_SECRETS.ADMIN_TOKEN}`, headers: { ...FORM, origin }, redirect: "manual" };
    cookie = (await old.fetch("/admin/login", init)).headers.get("set-cookie").split(";")[0];
    assert.equal((await old.fetch("/admin/status", { headers: { cookie } })).status, 200);
  } finally {
    await old.close();
  }
  for (const [token, expected] of [["another-admin-token", 401], [`another-admin-token ${DEV_SECRETS.ADMIN_TOKEN}`, 200], ["", 401]]) {
    const shop = await openShop({ build: "test", secrets: { ADMIN_TOKEN: token } });
    try {
      assert.equal((await shop.fetch("/admin/status", { headers: { cookie } })).status, expected, token);
      if (token) continue;
      assert.equal((await shop.fetch("/admin/status", { headers: { authorization: "Bearer " } })).status, 401);
      assert.match(await (await shop.fetch("/admin/login")).text(), /wrangler secret put ADMIN_TOKEN/);
    } finally {
      await shop.close();
    }
  }
});
