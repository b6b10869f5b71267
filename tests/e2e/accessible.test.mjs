// The pages that links in mails lead to, in a real browser at the width of a phone: axe-core finds nothing to mend, and
// all of it works with scripts turned off. Needs Chromium or Chrome (CHROMIUM_PATH); without one it is skipped.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after as afterAll, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { CHROMIUM, find, skipWithout } from "../../scripts/checkers.mjs";
import { Shop } from "./shop.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

const [executablePath, skip] = [find(CHROMIUM), skipWithout(CHROMIUM)];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

describe("pages of links", { skip }, () => {
  let browser;
  let server;
  let state;
  let shop;
  let links;
  before(async () => {
    state = stateFolder();
    server = await serve(state, {}, wend("test"));
    shop = new Shop(server.fetch, 1);
    await shop.toNoon();
    browser = await chromium.launch({ executablePath, timeout: 180_000, args: ["--no-sandbox", "--disable-gpu"] });
    const ana = shop.shopper();
    await shop.signsUp(ana);
    await shop.event("Confirm Wanted", { email: ana.email });
    await shop.settle();
    const text = (await shop.mailsTo(ana)).map((mail) => mail.text).join("\n");
    links = Object.fromEntries(["u", "p", "confirm"].map((page) => [page, new RegExp(`/${page}/[A-Za-z0-9_-]+`).exec(text)[0]]));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    state?.remove();
  });

  const opened = async (target, options = {}) => {
    const context = await browser.newContext({ viewport: { width: 375, height: 720 }, ...options });
    const page = await context.newPage();
    await page.goto(`${server.url}${target}`);
    return page;
  };

  /** What axe finds, in a line each. */
  const findings = async (page) => {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values }, preload: false }), RULES);
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(" ")}`));
  };

  for (const colorScheme of ["light", "dark"]) {
    for (const name of ["u", "p", "confirm", "forged"]) {
      test(`/${name} has nothing that axe-core would mend, ${colorScheme}`, async () => {
        const page = await opened(links[name] ?? "/u/forged", { colorScheme });
        assert.deepEqual(await findings(page), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.equal(wide, 375, "nothing has to be dragged sideways");
        await page.context().close();
      });
    }
  }

  test("what is chosen is saved without a script, by the keyboard alone", async () => {
    const page = await opened(links.p, { javaScriptEnabled: false });
    await page.getByLabel("Your cart").focus();
    await page.keyboard.press("Space");
    await page.getByLabel("Less often").check();
    await page.getByRole("button", { name: "Save" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("status").waitFor();
    assert.equal(await page.getByLabel("Your cart").isChecked(), false);
    assert.equal(await page.getByLabel("News and offers").isChecked(), true);
    assert.equal(await page.getByLabel("Less often").isChecked(), true);
    await page.context().close();
    const again = await opened(links.p);
    assert.equal(await again.getByLabel("Your cart").isChecked(), false);
    assert.deepEqual(await findings(again), []);
    await again.getByRole("button", { name: "Unsubscribe from everything" }).click();
    await again.getByRole("button", { name: "Subscribe me again" }).waitFor();
    assert.deepEqual(await findings(again), []);
    await again.context().close();
  });
});
