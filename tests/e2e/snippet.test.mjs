// The storefront snippet in a real browser, in a page of another origin than the Worker's. Needs Chromium or Chrome
// (CHROMIUM_PATH); without one only its size is measured.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { after as afterAll, before, describe, test } from "node:test";
import { transform } from "esbuild";
import { chromium } from "playwright-core";
import { CHROMIUM, find, skipWithout } from "../../scripts/checkers.mjs";
import { Shop } from "./shop.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

const SNIPPET = readFileSync(new URL("../../docs/snippet.js", import.meta.url), "utf8");
const MOST_BYTES = 2_048;
const [executablePath, skip] = [find(CHROMIUM), skipWithout(CHROMIUM)];
const [WRITE_KEY, PUBLIC_KEY] = ["test-write-key-of-the-server", "test-public-key-of-pages"];
const ARRIVE_LIMIT_MS = 10_000;

test("the snippet takes 2 KB at most", async () => {
  const { code } = await transform(SNIPPET, { minify: true });
  assert.ok(code.length <= MOST_BYTES, `${code.length} bytes`);
  assert.ok(code.length > 500, "it is all there");
});

describe("in a page", { skip }, () => {
  let [browser, server, state, shop, page, storefront] = [];

  /** A page of the store: a product, its button, and a form that carries the visitor's id to the store's server. */
  const html = (consent) => `<!doctype html><title>Linen dress</title>
    <main data-wend-viewed='{"product_id":"93","name":"Linen dress","price":57.05,"currency":"GBP"}'>
    <button data-wend-added='{"product_id":"93","price":57.05,"currency":"GBP","quantity":1}'><b>Add to cart</b></button>
    <form><input data-wend-id name="visitor"></form></main>
    <script defer src="/snippet.js" data-host="${server.url}" data-key="${PUBLIC_KEY}" ${consent}></script>`;

  before(async () => {
    storefront = createServer((request, response) => {
      const isSnippet = request.url === "/snippet.js";
      response.setHeader("content-type", isSnippet ? "text/javascript" : "text/html");
      response.end(isSnippet ? SNIPPET : html(request.url === "/agreed" ? 'data-consent="granted"' : ""));
    }).listen(0, "127.0.0.1");
    await once(storefront, "listening");
    page = `http://127.0.0.1:${storefront.address().port}`;
    state = stateFolder();
    server = await serve(state, { SEGMENT_WRITE_KEY: WRITE_KEY, SEGMENT_PUBLIC_KEY: PUBLIC_KEY, STORE_ORIGINS: page }, wend("test"));
    shop = new Shop(server.fetch, 1);
    browser = await chromium.launch({ executablePath, timeout: 180_000, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    storefront?.close();
    await server?.close();
    state?.remove();
  });

  /** A tab, and what the Worker answered in it. */
  const visit = async (context, path) => {
    const tab = await context.newPage();
    const answers = [];
    // Nobody reads the body of a request that outlives its page, so a status is all that the browser tells.
    tab.on("response", (response) => {
      if (response.url().startsWith(server.url)) answers.push([response.request().postDataJSON().event, response.status()]);
    });
    await tab.goto(`${page}${path}`);
    return { tab, answers, arrived: (count) => until(ARRIVE_LIMIT_MS, `${count} answers`, async () => answers, ({ length }) => length >= count) };
  };
  /** The store's server says whose the visitor is, as it would at a signup. */
  const identify = async (visitor, email) => {
    const headers = { authorization: `Basic ${Buffer.from(`${WRITE_KEY}:`).toString("base64")}` };
    const answer = await shop.post("/v1/identify", JSON.stringify({ userId: email, anonymousId: visitor, traits: { email } }), headers);
    assert.deepEqual([answer.status, answer.success], [200, true]);
  };

  test("without consent nothing is kept and nothing is sent; with it, what waited goes out", async () => {
    const context = await browser.newContext();
    const { tab, answers, arrived } = await visit(context, "/");
    await tab.getByRole("button").click();
    await tab.waitForTimeout(300);
    assert.deepEqual(answers, []);
    assert.equal(await tab.evaluate(() => localStorage.length + document.cookie.length), 0);
    assert.equal(await tab.locator("[data-wend-id]").inputValue(), "");
    await tab.evaluate(() => globalThis.wend.consent(true));
    await arrived(2);
    assert.deepEqual(answers.toSorted(), [["Product Added", 200], ["Product Viewed", 200]]);
    assert.match(await tab.locator("[data-wend-id]").inputValue(), /^[0-9a-f]{32}$/);
    await tab.evaluate(() => globalThis.wend.consent(false));
    assert.equal(await tab.evaluate(() => localStorage.length), 0);
    assert.deepEqual(await context.cookies(), []);
    await context.close();
  });

  test("who looked at a product and went is written to, who put it into the cart is not", async () => {
    const shoppers = [shop.shopper("ana"), shop.shopper("ben")];
    for (const [n, who] of shoppers.entries()) {
      const context = await browser.newContext();
      const { tab, arrived } = await visit(context, "/agreed");
      await arrived(1);
      await identify(await tab.locator("[data-wend-id]").inputValue(), who.email);
      // The view that came before goes to its person, by an alarm or what is due.
      await shop.settle();
      if (n === 1) {
        await tab.getByRole("button").click();
        await arrived(2);
      }
      await context.close();
    }
    await shop.advance("5h");
    assert.deepEqual(await shop.sentTo(shoppers[0]), ["browsed"]);
    assert.deepEqual(await shop.sentTo(shoppers[1]), []);
  });

  test("a page of another origin is not heard", async () => {
    const context = await browser.newContext();
    const tab = await context.newPage();
    const blocked = [];
    tab.on("requestfailed", (request) => { if (request.url().startsWith(server.url)) blocked.push(request.url()); });
    const rows = await shop.rowsOf(async () => {
      await tab.goto(`${page.replace("127.0.0.1", "localhost")}/agreed`);
      await until(ARRIVE_LIMIT_MS, "the browser to block the answer", async () => blocked, ({ length }) => length > 0);
    });
    assert.deepEqual([rows.written, rows.alarms], [0, 0]);
    await context.close();
  });
});
