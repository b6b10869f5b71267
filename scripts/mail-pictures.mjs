// Takes the pictures of mails in docs/images: the gallery as a contact sheet, and a few mails by themselves, each drawn by the gallery's
// own page. `npm run preview -- --out target/preview` first; then `node scripts/mail-pictures.mjs`, and look at each.

import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, find, skipWithout } from "./checkers.mjs";
import { Explained, root, runMain } from "./steps.mjs";

const FROM = path.join(root, "target", "preview", "index.html");
const TO = path.join(root, "docs", "images");
const SHEET_WIDTH = 2000;
/** Email, language, width of the window, and `dark` where it is. */
const MAILS = [
  ["winback-offer", "en-GB", 375],
  ["checkout-nudge", "en-GB", 700],
  ["checkout-nudge", "en-GB", 375],
  ["checkout-nudge", "ru", 375, "dark"],
  ["order-confirmation", "en-GB", 375],
  ["welcome-hello", "en-GB", 375],
  ["vip-welcome", "ru", 375],
  ["nps-question", "en-GB", 700],
  ["birthday-gift", "en-GB", 375, "dark"],
];

await runMain(async () => {
  if (!find(CHROMIUM)) throw new Explained(skipWithout(CHROMIUM));
  if (!existsSync(FROM)) throw new Explained("There is no gallery yet: npm run preview -- --out target/preview");
  mkdirSync(TO, { recursive: true });
  const browser = await chromium.launch({ executablePath: find(CHROMIUM), args: ["--no-sandbox", "--disable-gpu"] });
  const picture = async (name, width, said) => {
    const page = await browser.newPage({ viewport: { width, height: 600 } });
    await page.goto(`${pathToFileURL(FROM)}#${new URLSearchParams(said)}`);
    await page.waitForFunction(() => [...document.querySelectorAll("iframe")].every((frame) => frame.contentDocument.readyState === "complete"
      && frame.contentDocument.body?.childElementCount > 0));
    await page.screenshot({ path: path.join(TO, `${name}.png`), fullPage: true });
    await page.close();
    console.log(`▸ docs/images/${name}.png`);
  };
  try {
    await picture("gallery", SHEET_WIDTH, { sheet: 1 });
    await picture("gallery-ru-dark", SHEET_WIDTH, { sheet: 1, locale: "ru", side: "dark" });
    for (const [only, locale, width, side = "light"] of MAILS) {
      const tag = locale === "en-GB" ? "" : `-${locale}`;
      await picture(`mail-${only}${tag}-${width}${side === "dark" ? "-dark" : ""}`, width, { only, locale, side });
    }
  } finally {
    await browser.close();
  }
});
