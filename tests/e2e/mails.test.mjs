// Every email, drafts too, in every language and for several readers, held against tools: html-validate for its HTML,
// caniemail.com's data for what mail programs can show, axe-core in Chromium, and what this project asks of a mail.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { caniemail } from "caniemail";
import { HtmlValidate } from "html-validate";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../..", import.meta.url));
const LOCALES = ["en", ...languages()];
/** First names; the second is nobody's, and must not become markup. */
const READERS = { nadia: "Nadia", script: "<script>alert(1)</script>", anna: "Анна-Мария О'Коннор", nobody: "" };
/** Gmail cuts a mail off at 102 KB; links grow when they are led over ours. */
const MAX_BYTES = 90_000;
/** Where a mail may lead: the shop, our own pages, the picture of a product, the support address. */
const LINKS = /^(https:\/\/northfold\.example(\/|\?|$)|https:\/\/mail\.northfold\.example\/(u|p|m|n|g|confirm)\/|mailto:help@northfold\.example$)/;
const CLIENTS = ["gmail.*", "apple-mail.*", "outlook.*", "mail-ru.*"];
/** What a mail program that we care for cannot show, and why a mail is right without it. */
const ACCEPTED = JSON.parse(readFileSync(new URL("./mail-gaps.json", import.meta.url), "utf8"));

const validator = new HtmlValidate({
  extends: ["html-validate:standard"],
  // Widths and colours stand in attributes too, because Outlook on Windows reads nothing else.
  rules: { "no-deprecated-attr": "off" },
});

const folder = mkdtempSync(path.join(os.tmpdir(), "wend-mails-"));
const mails = [];

/** The folders of translations there are. */
function languages() {
  const emails = path.join(root, "templates", "emails");
  const found = readdirSync(emails, { withFileTypes: true, recursive: true });
  const tags = found.filter((entry) => entry.isDirectory() && entry.parentPath !== emails).map((entry) => entry.name);
  return [...new Set(tags)].sort();
}

function preview(locale, name, ...more) {
  const out = path.join(folder, locale, Buffer.from(name).toString("hex") || "none");
  const args = ["run", "--locked", "--quiet", "--bin", "wend", "--", "preview", "--locale", locale, "--name", name, "--out", out, ...more];
  execFileSync("cargo", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  return path.join(out, "emails");
}

before(() => {
  for (const locale of LOCALES) {
    for (const [reader, name] of Object.entries(READERS)) {
      const emails = preview(locale, name);
      preview(locale, name, "--text");
      for (const file of readdirSync(emails).filter((file) => file.endsWith(".html"))) {
        const email = path.basename(file, ".html");
        const html = readFileSync(path.join(emails, file), "utf8");
        const text = readFileSync(path.join(emails, `${email}.txt`), "utf8");
        mails.push({ email, locale, reader, html, text, name: `${email} ${locale} ${reader}` });
      }
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What is wrong, a line a mail; the same fault of many readers once. */
function wrong(find) {
  const lines = mails.flatMap((mail) => find(mail).map((problem) => `${mail.email} ${mail.locale}: ${problem}`));
  return [...new Set(lines)];
}

const unescaped = (text) => text.replace(/&(?:amp|#38);/g, "&").replace(/&#x2F;|&#47;/g, "/");
const hrefs = (html) => [...html.matchAll(/<a\b[^>]*\shref="([^"]*)"/g)].map(([, href]) => unescaped(href));

test("there are mails to look at, in every language and for every reader", () => {
  assert.ok(mails.length >= 9 * LOCALES.length * Object.keys(READERS).length, `${mails.length}`);
});

test("the HTML of every mail is valid", async () => {
  const reports = await Promise.all(mails.map(async ({ email, locale, html }) => {
    const { results } = await validator.validateString(html);
    const messages = results.flatMap((result) => result.messages).filter(({ severity }) => severity === 2);
    return messages.map(({ ruleId, message }) => `${email} ${locale}: ${ruleId}: ${message}`);
  }));
  assert.deepEqual([...new Set(reports.flat())], []);
});

test("what Gmail, Apple Mail, Outlook and Mail.ru cannot show is known and does no harm", async () => {
  const found = new Map();
  for (const { email, html, reader } of mails.filter(({ reader }) => reader === "nadia")) {
    const { issues } = await caniemail({ clients: CLIENTS, html });
    for (const [client, features] of issues.errors) {
      for (const { title } of features) found.set(title, `${title} (${client}, ${email}, ${reader})`);
    }
  }
  assert.deepEqual([...found].filter(([title]) => !(title in ACCEPTED)).map(([, line]) => line), [], "add why to tests/e2e/mail-gaps.json, or mend it");
  assert.deepEqual(Object.keys(ACCEPTED).filter((title) => !found.has(title)), [], "accepted, and nowhere found any more");
});

test("every link leads to the shop or to a page of ours", () => {
  assert.deepEqual(wrong(({ html }) => hrefs(html).filter((href) => !LINKS.test(href))), []);
});

test("a name is text, whatever is in it", () => {
  assert.deepEqual(wrong(({ html }) => (/<script/i.test(html) ? ["a script"] : [])), []);
  const anna = mails.filter(({ reader, html }) => reader === "anna" && /Анна-Мария/.test(html));
  assert.ok(anna.length > 0);
  for (const { name, html, text } of anna) {
    assert.match(html, /Анна-Мария О(?:'|&#39;|&#x27;)Коннор/, name);
    assert.doesNotMatch(text, /&#/, `${name}: an entity in the text part`);
  }
  for (const { name, html, text } of mails.filter(({ reader }) => reader === "nobody")) {
    for (const part of [html, text]) assert.doesNotMatch(part, /Hello ,|, ,|^, |>, [^<]*<\/h1>|Some\(/m, name);
  }
});

test("each mail is small enough not to be cut off", () => {
  assert.deepEqual(wrong(({ html }) => (Buffer.byteLength(html) < MAX_BYTES ? [] : [`${Buffer.byteLength(html)} bytes`])), []);
});

test("the text part is there, readable, and says the same links", () => {
  assert.deepEqual(wrong(({ text }) => {
    const [subject, ...rest] = text.split("\n");
    const body = rest.join("\n").trim();
    const problems = [];
    if (!/^Subject: \S/.test(subject)) problems.push("no subject");
    if (body.length < 80) problems.push(`only ${body.length} characters of text`);
    if (/<\/?[a-z][^>]*>/i.test(body.replace(READERS.script, ""))) problems.push("markup in the text");
    if (/\n{4,}/.test(body)) problems.push("a hole in the text");
    return problems;
  }), []);
});

/** They are answered by a reply: two by the store's own team, one by somebody who is unhappy and wants no button. */
const ANSWERED_BY_A_REPLY = ["nps-alert", "nps-comment", "nps-critic"];

test("each mail asks for exactly one thing", () => {
  const actions = ({ html }) => html.match(/<td class="button"|<table role="presentation" class="scale"/g)?.length ?? 0;
  const asked = (mail) => (ANSWERED_BY_A_REPLY.includes(mail.email) ? 0 : 1);
  assert.deepEqual(wrong((mail) => (actions(mail) === asked(mail) ? [] : [`${actions(mail)} primary actions`])), []);
});

const PLACES = [process.env.CHROMIUM_PATH, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = PLACES.find((place) => place && existsSync(place));
const skip = executablePath ? false : "there is no Chromium or Chrome on this machine: install `chromium`, or name one by CHROMIUM_PATH";

describe("in a browser", { skip }, () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] }); });
  afterAll(() => browser?.close());

  for (const colorScheme of ["light", "dark"]) {
    test(`axe-core would mend nothing, and nothing is wider than a phone, ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport: { width: 375, height: 720 }, colorScheme });
      const page = await context.newPage();
      const found = [];
      for (const { name, html } of mails.filter(({ reader }) => reader === "nadia")) {
        await page.setContent(html, { waitUntil: "domcontentloaded" });
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values }, preload: false }), RULES);
        found.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${name}: ${id}: ${target.join(" ")}`)));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 375) found.push(`${name}: ${wide} px wide`);
      }
      assert.deepEqual(found, []);
      await context.close();
    });
  }
});
