// Photographs pages at several widths, for docs/images and for looking at: every .html file of a folder, whole; or one
// page of a development server, as much of it as a window shows.
//
//   node scripts/screenshots.mjs <folder with .html> <folder for .png> [--widths 375,700] [--dark]
//   node scripts/screenshots.mjs http://127.0.0.1:8787/dev/outbox <folder for .png> --name outbox [--open checkout-nudge]
//
// `--open` chooses the newest mail of that step in the outbox. Needs a Chromium or Chrome, which
// CHROMIUM_PATH may name. Only the disk and this machine's own server are asked.

import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { CHROMIUM, find } from "./checkers.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    widths: { type: "string", default: "375,700" },
    dark: { type: "boolean", default: false },
    name: { type: "string" },
    open: { type: "string" },
  },
});
const [from, to] = positionals;
if (!from || !to) {
  console.error("usage: node scripts/screenshots.mjs <html folder or url> <png folder> [--widths 375,700] [--dark]");
  process.exit(2);
}
const widths = values.widths.split(",").map(Number);
const profile = mkdtempSync(join(tmpdir(), "wend-screenshots-"));
mkdirSync(to, { recursive: true });
const served = /^http:\/\/(127\.0\.0\.1|localhost)[:/]/.test(from);
const pages = served ? [await servedPage()] : readdirSync(from).filter((name) => name.endsWith(".html")).sort()
  .map((name) => ({ name: basename(name, ".html"), url: pathToFileURL(resolve(from, name)).href }));

const context = await chromium.launchPersistentContext(profile, {
  executablePath: find(CHROMIUM),
  colorScheme: values.dark ? "dark" : "light",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync",
    "--disable-component-update"],
});
try {
  await context.route(/^https?:/, (route) =>
    (served && new URL(route.request().url()).origin === new URL(from).origin ? route.continue() : route.abort()));
  const page = await context.newPage();
  for (const { name, url } of pages) {
    for (const width of widths) {
      await page.setViewportSize({ width, height: width < 500 ? 720 : 800 });
      await page.goto(url);
      // A mail or page that is wider than its window would have to be dragged about on a phone.
      const scrolled = await page.evaluate(() => document.documentElement.scrollWidth);
      if (scrolled > width) console.error(`${name}: ${scrolled} px wide in a window of ${width}`);
      const file = `${name}-${width}${values.dark ? "-dark" : ""}.png`;
      await page.screenshot({ path: join(to, file), fullPage: !served });
    }
  }
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}

/** The page asked for, with the newest mail of the step that `--open` names. */
async function servedPage() {
  const name = values.name ?? "page";
  if (!values.open) return { name, url: from };
  const mails = await (await fetch(`${from}.json`)).json();
  const mail = mails.findLast(({ step }) => step === values.open);
  if (!mail) throw new Error(`no mail of the step ${values.open} is in the outbox`);
  return { name, url: `${from}?id=${mail.id}` };
}
