// The table of docs/lifecycle.md: what each tool said of each mail. It is compared with what they say now; UPDATE_DOCS=1 writes it.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { spamAssassinVersion } from "./spam.mjs";

const DOC = new URL("../../docs/lifecycle.md", import.meta.url);
const [BEGIN, END] = ["<!-- what tools say: written by tests/e2e/mails.test.mjs -->", "<!-- /what tools say -->"];
const version = (name) => createRequire(import.meta.url)(`${name}/package.json`).version;

/** The table is that of these mails. Another SpamAssassin may give other points, so those are compared only with the one named. */
export async function checkTable(mails) {
  const doc = readFileSync(DOC, "utf8");
  const [before, was, after] = cut(doc);
  const named = /SpamAssassin (\S+),/.exec(was)?.[1];
  const here = await spamAssassinVersion();
  const update = Boolean(process.env.UPDATE_DOCS);
  const now = `\n\n${table(mails, update || named === here ? here : named)}\n\n`;
  if (update) return writeFileSync(DOC, before + now + after);
  const compared = (text) => (named === here ? text : text.replace(/\| [\d. /–]+ points/g, ""));
  assert.equal(compared(was), compared(now), "UPDATE_DOCS=1 writes it anew; read it after");
}

function cut(doc) {
  const [begin, end] = [doc.indexOf(BEGIN) + BEGIN.length, doc.indexOf(END)];
  assert.ok(begin >= BEGIN.length && end > begin, `docs/lifecycle.md has no place for the table: ${BEGIN} … ${END}`);
  return [doc.slice(0, begin), doc.slice(begin, end), doc.slice(end)];
}

function table(mails, spamAssassin) {
  const names = [...new Set(mails.map(({ email }) => email))];
  const rows = names.map((name) => {
    const of = mails.filter(({ email }) => email === name);
    const each = (cell) => [...new Set(of.map(cell))].join(" / ");
    return [
      name,
      of.map(({ locale }) => locale.split("-")[0]).join(" / "),
      of.map(({ html }) => Math.ceil(Buffer.byteLength(html) / 1000)).join(" / "),
      `${each(({ points }) => points.toFixed(1))} points`,
      each(({ unshown }) => unshown.length),
      each(({ partly }) => partly.length),
      each(({ mended }) => mended),
    ].join(" | ");
  });
  const all = (key) => [...new Set(mails.flatMap((mail) => mail[key]))].sort().join(", ");
  return [
    `SpamAssassin ${spamAssassin}, caniemail ${version("caniemail")}, axe-core ${version("axe-core")}. html-validate ${version("html-validate")} finds nothing in any of them.`,
    "",
    "| mail | in | KB | spam | not shown | in part | axe |",
    "|---|---|---|---|---|---|---|",
    ...rows.map((row) => `| ${row} |`),
    "",
    `Not shown by one of the programs at least, and [harmless](../tests/e2e/mail-gaps.json): ${all("unshown")}.`,
    `In part: ${all("partly")}.`,
  ].join("\n");
}
