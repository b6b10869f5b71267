// What SpamAssassin thinks of mails, by its local rules: each as a message on its way into a mailbox, all of them in one process.
//
// The message is what a provider makes of what we hand it: both parts, the usual headers, ours, links led over the Worker by tokens as
// long as real ones, and the line in which the reader's mail server says whom it got it from. No network, no learning, no settings of
// this machine: the rules that Debian's package brings, and nothing else.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import MailComposer from "nodemailer/lib/mail-composer/index.js";
import { SPAMASSASSIN, find } from "../../scripts/checkers.mjs";

const RULES = "/usr/share/spamassassin";
const PLUGINS = "/etc/spamassassin";
const AT = new Date("2026-03-21T10:05:00Z");
const SETTINGS = `
dns_available no
use_bayes 0
use_auto_whitelist 0
report_safe 0
# The reader's own server is the first that can be believed; whom it got the mail from is not.
trusted_networks 198.51.100.0/24
internal_networks 198.51.100.0/24
clear_headers
add_header all Rules _TESTSSCORES(,)_
`;
/** How long the token at the end of a link of each kind is, and how much of it names the message: that is the same in all of a mail. */
const TOKENS = { u: 53, p: 64, m: 64, confirm: 64, n: 59, g: 60 };
const OF_THE_MESSAGE = 30;
/**
 * Rules that judge something else than the mail, and in which languages. They are told, and not counted.
 *
 * MIXED_ES takes a text with more than twenty Latin `e` and between 1.4 and ten times as many that look alike for one that hides its
 * words. Every Russian mail has Cyrillic ones; the Latin ones are those of the shop's domain, of the reader's address and of the
 * random tokens at the ends of links, so the same mail is hit for one reader and not for the next. SpamAssassin gives it no points
 * of its own, so it counts as one like every rule without; its authors noted 0.01 for five languages that it hits in the same way.
 */
export const NOT_OF_THE_MAIL = { MIXED_ES: ["ru"] };

/**
 * How many points each mail gets, by which rules, and all that were told: `{ score, rules, all }` with pairs of name and points, in the
 * order of the mails.
 */
export async function judged(mails) {
  const folder = mkdtempSync(path.join(os.tmpdir(), "wend-spam-"));
  try {
    const site = path.join(folder, "site");
    cpSync(PLUGINS, site, { recursive: true, filter: (file) => file === PLUGINS || file.endsWith(".pre") });
    writeFileSync(path.join(site, "local.cf"), SETTINGS);
    const mbox = await Promise.all(mails.map(async (mail, index) => envelope(await message(mail, index))));
    const args = ["--local", "--mbox", "--nocreate-prefs", `--prefspath=${os.devNull}`, `--configpath=${RULES}`, `--siteconfigpath=${site}`];
    const told = await piped(find(SPAMASSASSIN), args, mbox.join(""), { HOME: folder });
    return verdicts(told, mails);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The message as the reader's server has it. */
async function message(mail, index) {
  const { host } = new URL(`mailto://${mail.from.address}`);
  const links = (text) => led(text, host, digest(`${mail.email} ${mail.locale}`, OF_THE_MESSAGE));
  const headers = Object.fromEntries(mail.headers.map(([name, value]) => [name, links(value)]));
  const composer = new MailComposer({
    from: mail.from,
    to: mail.to,
    replyTo: mail.reply_to,
    subject: mail.subject,
    text: links(mail.text),
    html: links(mail.html),
    headers,
    date: AT,
    messageId: `<${index}.${digest(mail.email, 20)}@${host}>`,
  });
  // From the provider's inside to its way out, and from there to the reader; addresses of IPv6 because SpamAssassin knows those of
  // IPv4 that are kept for examples, and calls them forged.
  const at = AT.toUTCString().replace("GMT", "+0000");
  const received = [
    `from out.mail.${host} (out.mail.${host} [IPv6:2001:db8::25])\r\n\tby mx.example.com (Postfix) with ESMTPS id 4F7Q2K1042\r\n\tfor <${mail.to}>; ${at}`,
    `from [10.0.12.7] (unknown [10.0.12.7])\r\n\tby out.mail.${host} (Postfix) with ESMTP id 7C2D9A0117; ${at}`,
  ].map((line) => `Received: ${line}\r\n`).join("");
  return received + (await composer.compile().build()).toString("utf8");
}

/** Every web address of the shop over the Worker, and every token as long as a real one. */
function led(text, host, message) {
  const shop = new RegExp(`https://${host.replaceAll(".", "\\.")}(?!/pictures)[^\\s"<>)]*`, "g");
  const ours = new RegExp(`(https://mail\\.${host.replaceAll(".", "\\.")}/(${Object.keys(TOKENS).join("|")})/)[\\w-]+`, "g");
  return text
    .replace(shop, (url) => `https://mail.${host}/c/${message}${Buffer.from(url.slice(8)).toString("base64url")}${digest(`=${url}`, 22)}`)
    .replace(ours, (link, way, kind) => way + message + digest(link, TOKENS[kind] - OF_THE_MESSAGE));
}

const digest = (text, length) => createHash("sha512").update(text).digest("base64url").slice(0, length);

const envelope = (raw) => `From bounces@example.com Sat Mar 21 10:05:00 2026\n${raw.replace(/\r\n/g, "\n").replace(/^>*From /gm, ">$&")}\n\n`;

function piped(command, args, input, env) {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 28 }, (error, stdout, stderr) =>
      (error ? reject(new Error(`${command}: ${error.message}\n${stderr}`)) : resolve(stdout)));
    child.stdin.end(input);
  });
}

/** It answers in an order of its own; which mail it speaks of is the head of the Message-ID. */
function verdicts(told, mails) {
  const found = new Array(mails.length);
  for (const part of told.split(/^From bounces@example\.com /m).slice(1)) {
    const head = part.slice(0, part.indexOf("\n\n")).replace(/\n[ \t]+/g, " ");
    const index = Number(/^Message-ID: <(\d+)\./im.exec(head)?.[1]);
    const said = /^X-Spam-Rules: (.*)$/m.exec(head)?.[1].replaceAll(" ", "").split(",") ?? [];
    const all = said.filter((rule) => rule.includes("=")).map((rule) => rule.split("=")).map(([name, points]) => [name, Number(points)]);
    found[index] = verdict(all, mails[index].locale);
  }
  return found;
}

/** What speaks for a mail does not make up for what speaks against it. */
function verdict(all, locale) {
  const rules = all.filter(([name, points]) => points > 0 && !NOT_OF_THE_MAIL[name]?.includes(locale)).sort(([, a], [, b]) => b - a);
  return { score: rules.reduce((sum, [, points]) => sum + points, 0), rules, all };
}

/** Which rules these are, as the table of docs/lifecycle.md names them. */
export async function spamAssassinVersion() {
  const said = await piped(find(SPAMASSASSIN), ["--version"], "", {});
  return /SpamAssassin version (\S+)/.exec(said)?.[1];
}
