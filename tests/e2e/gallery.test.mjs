// `npm run preview`, as somebody looks at it: the gallery as a file and as it is served, in a real browser. The mails in it are held
// against their tools by mails.test.mjs; here it is what stands around them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, find, skipWithout } from "../../scripts/checkers.mjs";
import { tryRun } from "../../scripts/steps.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const PREVIEW = path.join("scripts", "preview.mjs");
const folder = mkdtempSync(path.join(os.tmpdir(), "wend-gallery-"));
const preview = (...args) => tryRun(process.execPath, [PREVIEW, ...args], { cwd: root });

/** Waits for what a page or a server does by itself. */
async function until(what, holds, limitMs = 60_000) {
  for (const startedAt = Date.now(); !(await holds());) {
    assert.ok(Date.now() - startedAt < limitMs, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

before(async () => {
  const { code, output } = await preview("--out", folder);
  assert.equal(code, 0, output);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("one email is printed by its name, and one that there is not is named with its nearest", async () => {
  const text = await preview("checkout-nudge", "--text", "--locale", "ru");
  assert.match(text.output, /^Subject: Вы кое-что оставили в корзине\n\nЕщё раздумываете\?/);
  const unknown = await preview("checkout-nugde");
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.output, /checkout-nudge/);
});

test("the folder holds each mail alone, in both parts, and the pages", () => {
  const { emails, pages } = JSON.parse(readFileSync(path.join(folder, "index.json"), "utf8"));
  for (const { html, text } of emails) for (const file of [html, text]) assert.ok(existsSync(path.join(folder, file)), file);
  for (const page of pages) assert.ok(existsSync(path.join(folder, page)), page);
  assert.ok(emails.some(({ html }) => html === "emails/ru/checkout-nudge.html"));
});

const [executablePath, skip] = [find(CHROMIUM), skipWithout(CHROMIUM)];

describe("in a browser", { skip }, () => {
  let [browser, page, asked, wrong] = [];
  before(async () => { browser = await chromium.launch({ executablePath, timeout: 180_000, args: ["--no-sandbox", "--disable-gpu"] }); });
  afterAll(() => browser?.close());

  /** The gallery at this address of its own; what it asks the network for, and what goes wrong in it, is written down. */
  async function opened(hash, colorScheme = "light") {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme });
    page = await context.newPage();
    [asked, wrong] = [[], []];
    page.on("request", (request) => { if (/^https?:/.test(request.url())) asked.push(request.url()); });
    page.on("pageerror", (error) => wrong.push(error.message));
    await page.goto(`${pathToFileURL(path.join(folder, "index.html"))}#${hash}`);
  }
  const choose = (name) => page.getByRole("radio", { name, exact: true }).check({ force: true });
  const card = (email) => page.locator(`article[id="${email}"]`);
  const mail = (email) => card(email).frameLocator("iframe").locator("body");

  test("every email is there by its stage, with its subject and the line of the inbox", async () => {
    await opened("");
    assert.deepEqual(await page.locator("section h2").allTextContents(), ["Awareness", "Consideration", "Decision", "Retention", "Advocacy", "Play"]);
    const { emails } = JSON.parse(readFileSync(path.join(folder, "index.json"), "utf8"));
    assert.equal(await page.locator("article").count(), new Set(emails.map(({ email }) => email)).size);
    assert.equal(await card("checkout-nudge").locator("h3").textContent(), "You left something in your cart");
    assert.equal(await card("checkout-nudge").locator(".pre").textContent(), "It is all still there, just as you left it.");
    assert.equal(await page.locator("#stage-play article").getAttribute("id"), "scratch-card");
  });

  test("the switches change what is shown, and the address keeps them", async () => {
    await opened("");
    await card("checkout-nudge").scrollIntoViewIfNeeded();
    await mail("checkout-nudge").getByText("Still thinking it over?").waitFor({ state: "attached" });
    await choose("Русский");
    await mail("checkout-nudge").getByText("Ещё раздумываете?").waitFor({ state: "attached" });
    const ground = () => mail("checkout-nudge").evaluate((body) => getComputedStyle(body).backgroundColor);
    assert.equal(await ground(), "rgb(244, 242, 238)");
    await choose("Dark");
    await until("the dark side", async () => (await ground()) === "rgb(22, 21, 19)");
    const drawn = () => mail("checkout-nudge").locator("img").first().getAttribute("src");
    assert.match(await drawn(), /^data:image\/svg/);
    await choose("No images");
    await until("no pictures", async () => (await drawn()).startsWith("data:image/gif"));
    await choose("Text");
    await mail("checkout-nudge").locator("pre").waitFor({ state: "attached" });
    assert.match(page.url(), /locale=ru&.*side=dark&part=text&images=off/);
    assert.deepEqual([asked, wrong], [[], []]);
  });

  test("one email is looked at large, on a phone and a desktop, in the light and in the dark", async () => {
    await opened("mail=order-confirmation&locale=ru");
    assert.equal(await page.locator("#panes iframe").count(), 4);
    await until("as tall as the mail is", async () => (await page.locator("#panes iframe").first().evaluate(({ offsetHeight }) => offsetHeight)) > 620);
    const subject = await page.locator("#subject").textContent();
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await page.locator("#subject").textContent(), subject);
    await page.keyboard.press("Escape");
    await until("closed", async () => !page.url().includes("mail="));
    assert.deepEqual([asked, wrong], [[], []]);
  });

  test("one email is drawn with nothing around it, for a picture", async () => {
    await opened("only=checkout-nudge&locale=ru&side=dark");
    assert.equal(await page.locator("h1").textContent(), "Ещё раздумываете?");
    assert.equal(await page.locator("header, iframe").count(), 0);
    assert.deepEqual([asked, wrong], [[], []]);
  });

  test("words find emails", async () => {
    await opened("");
    await page.getByRole("searchbox").fill("nps-que");
    assert.equal(await page.locator("article").count(), 1);
    await page.getByRole("searchbox").fill("no email says this");
    assert.equal(await page.locator("article").count(), 0);
  });

  for (const side of ["light", "dark"]) {
    test(`axe-core would mend nothing of it, ${side}`, async () => {
      await opened("", side);
      await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
      // The mails in the frames are looked at by mails.test.mjs.
      const { violations } = await page.evaluate((runOnly) => globalThis.axe.run({ exclude: [["iframe"]] }, { iframes: false, runOnly }),
        ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]);
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].target}`), []);
    });
  }
});

test("it is served on this machine, and nothing outside its folder is", async () => {
  const port = String(18_790 + (process.pid % 500));
  const child = spawn(process.execPath, [PREVIEW], { cwd: root, env: { ...process.env, PORT: port }, stdio: "ignore" });
  try {
    const get = (place) => fetch(`http://127.0.0.1:${port}${place}`).catch(() => undefined);
    await until("it answers", async () => (await get("/"))?.ok, 60_000);
    assert.match(await (await get("/")).text(), /<title>Emails<\/title>/);
    assert.equal((await get("/emails/ru/checkout-nudge.txt")).headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal((await get("/..%2f..%2fCargo.toml")).status, 404);
    assert.equal((await get("/version")).status, 200);
  } finally {
    child.kill();
  }
});
