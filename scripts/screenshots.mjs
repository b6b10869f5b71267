// Photographs every .html file of a folder at several widths, whole page, for docs/images and for looking at.
//
//   node scripts/screenshots.mjs <folder with .html> <folder for .png> [--widths 375,700] [--dark]
//
// Needs `npm install --no-save playwright-core` and a Chromium or Chrome: CHROMIUM_PATH, or /usr/bin/chromium.
// Nothing is fetched: pages are opened from disk, and requests for anything else are refused.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    widths: { type: "string", default: "375,700" },
    dark: { type: "boolean", default: false },
  },
});
const [from, to] = positionals;
if (!from || !to) {
  console.error("usage: node scripts/screenshots.mjs <html folder> <png folder> [--widths 375,700] [--dark]");
  process.exit(2);
}
const widths = values.widths.split(",").map(Number);
const profile = mkdtempSync(join(tmpdir(), "wend-screenshots-"));
mkdirSync(to, { recursive: true });

const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  colorScheme: values.dark ? "dark" : "light",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update"],
});
try {
  await context.route(/^https?:/, (route) => route.abort());
  const page = await context.newPage();
  for (const file of readdirSync(from).filter((name) => name.endsWith(".html")).sort()) {
    for (const width of widths) {
      await page.setViewportSize({ width, height: width < 500 ? 720 : 800 });
      await page.goto(pathToFileURL(resolve(from, file)).href);
      // A mail or page that is wider than its window would have to be dragged about on a phone.
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      if (scrolled > width) console.error(`${file}: ${scrolled} px wide in a window of ${width}`);
      const name = `${basename(file, ".html")}-${width}${values.dark ? "-dark" : ""}.png`;
      await page.screenshot({ path: join(to, name), fullPage: true });
    }
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
