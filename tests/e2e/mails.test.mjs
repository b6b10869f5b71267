// Every email, drafts too, in every language and for several readers, held against tools: html-validate for its HTML,
// caniemail.com's data for what mail programs can show, axe-core in Chromium, SpamAssassin's local rules, and what this project
// asks of a mail. What the tools said is the table of docs/lifecycle.md.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { caniemail } from "caniemail";
import { HtmlValidate } from "html-validate";
import { chromium } from "playwright-core";
import { CHROMIUM, SPAMASSASSIN, find, skipWithout } from "../../scripts/checkers.mjs";
import { readPreview } from "../../scripts/preview/gallery.mjs";
import { checkTable } from "./mail-table.mjs";
import { NOT_OF_THE_MAIL, judged } from "./spam.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** First names; the second is nobody's, and must not become markup. With a `/` in it, it would be no name at all. */
const READERS = { nadia: "Nadia", script: "<script>", anna: "Анна-Мария О'Коннор", nobody: "" };
/** Gmail cuts a mail off at 102 KB; links grow when they are led over ours. */
const MAX_BYTES = 90_000;
/** SpamAssassin calls a mail spam from 5 points on. */
const MAX_POINTS = 1;
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

before(() => {
  for (const [reader, name] of Object.entries(READERS)) {
    const out = path.join(folder, reader);
    const args = ["run", "--locked", "--quiet", "--bin", "wend", "--", "preview", "--name", name, "--out", out];
    execFileSync("cargo", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    for (const mail of readPreview(out).emails) mails.push({ ...mail, reader, name: `${mail.email} ${mail.locale} ${reader}` });
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What is wrong, a line a mail; the same fault of many readers once. */
function wrong(find) {
  const lines = mails.flatMap((mail) => find(mail).map((problem) => `${mail.email} ${mail.locale}: ${problem}`));
  return [...new Set(lines)];
}

const unescaped = (text) => text.replace(/&(?:amp|#38);/g, "&").replace(/&#x2F;|&#47;/g, "/");
/** One reader's are enough where a name changes nothing. */
const ofNadia = () => mails.filter(({ reader }) => reader === "nadia");
const hrefs = (html) => [...html.matchAll(/<a\b[^>]*\shref="([^"]*)"/g)].map(([, href]) => unescaped(href));

test("there are mails to look at, in their languages and for every reader", () => {
  assert.ok(mails.length >= 120 * Object.keys(READERS).length, `${mails.length}`);
  assert.ok(ofNadia().filter(({ locale }) => locale === "ru").length >= 55);
});

test("each mail has a line for the inbox besides its subject", () => {
  assert.deepEqual(wrong(({ preheader, subject }) => {
    if (preheader.length < 15 || preheader.length > 110) return [`${preheader.length} characters: ${preheader}`];
    return preheader === subject ? ["it only repeats the subject"] : [];
  }), []);
});

test("the HTML of every mail is valid", async () => {
  const reports = await Promise.all(mails.map(async ({ email, locale, html }) => {
    const { results } = await validator.validateString(html);
    const messages = results.flatMap((result) => result.messages).filter(({ severity }) => severity === 2);
    return messages.map(({ ruleId, message }) => `${email} ${locale}: ${ruleId}: ${message}`);
  }));
  assert.deepEqual([...new Set(reports.flat())], []);
});

const titles = (issues) => [...new Set([...issues.values()].flatMap((features) => features.map(({ title }) => title)))].sort();

test("what Gmail, Apple Mail, Outlook and Mail.ru cannot show is known and does no harm", async () => {
  const found = new Map();
  for (const mail of ofNadia()) {
    const { issues } = await caniemail({ clients: CLIENTS, html: mail.html });
    for (const [client, features] of issues.errors) {
      for (const { title } of features) found.set(title, `${title} (${client}, ${mail.email})`);
    }
    mail.unshown = titles(issues.errors);
    mail.partly = titles(issues.warnings);
  }
  assert.deepEqual([...found].filter(([title]) => !(title in ACCEPTED)).map(([, line]) => line), [], "add why to tests/e2e/mail-gaps.json, or mend it");
  assert.deepEqual(Object.keys(ACCEPTED).filter((title) => !found.has(title)), [], "accepted, and nowhere found any more");
});

test("every link leads to the shop or to a page of ours", () => {
  assert.deepEqual(wrong(({ html }) => hrefs(html).filter((href) => !LINKS.test(href))), []);
});

test("a name is text, whatever is in it", () => {
  assert.deepEqual(wrong(({ html }) => (/<script/i.test(html) ? ["a script"] : [])), []);
  assert.ok(mails.some(({ reader, html }) => reader === "script" && html.includes("&#60;script&#62;")), "the name is in no mail");
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

test("the text part is there, readable, and leads where the HTML does", () => {
  // The logo comes first and leads to the shop; a product's page hangs on its picture and name.
  const told = (html) => hrefs(html).slice(1).filter((href) => href.startsWith("https:") && !href.includes("/products/"));
  assert.deepEqual(wrong(({ html, text }) => {
    const body = text.trim();
    const words = body.split(/\s+/);
    const problems = told(html).filter((href) => !words.includes(href)).map((href) => `not in the text: ${href}`);
    if (body.length < 80) problems.push(`only ${body.length} characters of text`);
    if (/<\/?[a-z][^>]*>/i.test(body.replaceAll(READERS.script, ""))) problems.push("markup in the text");
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

test("SpamAssassin gives each mail less than a point", { skip: skipWithout(SPAMASSASSIN) }, async () => {
  const verdicts = await judged(ofNadia());
  ofNadia().forEach((mail, index) => { mail.points = verdicts[index].score; });
  const told = ({ score, rules }) => `${score.toFixed(1)} points: ${rules.map(([name, points]) => `${name} ${points}`).join(", ")}`;
  const lines = ofNadia().map(({ email, locale }, index) => ({ verdict: verdicts[index], line: `${email} ${locale}: ${told(verdicts[index])}` }));
  // A set-up in which no rule ran would find nothing wrong with anything.
  assert.deepEqual(lines.filter(({ verdict }) => !verdict.all.some(([name]) => name === "HTML_MESSAGE")), []);
  const found = new Set(verdicts.flatMap(({ all }) => all.map(([name]) => name)));
  assert.deepEqual(Object.keys(NOT_OF_THE_MAIL).filter((name) => !found.has(name)), [], "not counted, and nowhere found any more");
  assert.deepEqual(lines.filter(({ verdict }) => verdict.score >= MAX_POINTS).map(({ line }) => line), []);
});

test("SpamAssassin would say so if a mail were spam", { skip: skipWithout(SPAMASSASSIN) }, async () => {
  const [{ html, text, ...mail }] = ofNadia();
  const spam = { ...mail, html, subject: "MAKE MONEY FAST!!! 100% FREE VIAGRA", text: `${text}\nDear friend, click here to claim your prize` };
  const [{ score, rules }] = await judged([spam]);
  assert.ok(score >= MAX_POINTS, JSON.stringify(rules));
});

const [executablePath, skip] = [find(CHROMIUM), skipWithout(CHROMIUM)];

describe("in a browser", { skip }, () => {
  const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
  let browser;
  before(async () => { browser = await chromium.launch({ executablePath, timeout: 180_000, args: ["--no-sandbox", "--disable-gpu"] }); });
  afterAll(() => browser?.close());

  for (const colorScheme of ["light", "dark"]) {
    test(`axe-core would mend nothing, and nothing is wider than a phone, ${colorScheme}`, async () => {
      const context = await browser.newContext({ viewport: { width: 375, height: 720 }, colorScheme });
      const page = await context.newPage();
      const found = [];
      for (const mail of ofNadia()) {
        const { name, html } = mail;
        await page.setContent(html, { waitUntil: "domcontentloaded" });
        await page.evaluate(AXE);
        const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: "tag", values }, preload: false }), RULES);
        mail.mended = (mail.mended ?? 0) + violations.length;
        found.push(...violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${name}: ${id}: ${target.join(" ")}`)));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > 375) found.push(`${name}: ${wide} px wide`);
      }
      assert.deepEqual(found, []);
      await context.close();
    });
  }
});

test("docs/lifecycle.md says what the tools said", { skip: skip || skipWithout(SPAMASSASSIN) }, async () => {
  await checkTable(ofNadia());
});
