// `npm run demo`: ninety days of a small shop, from signed sample webhooks, against a running `npm start`.
// Options: `-- --port N`. It moves the server's development clock forward, and may be run again and again: every run
// has shoppers and ids of its own.

import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Explained, root, runMain, seconds } from "./steps.mjs";
import { connect } from "./demo/server.mjs";
import { openShop } from "./demo/shop.mjs";
import { tell } from "./demo/story.mjs";
import { signers } from "./demo/webhooks.mjs";
import * as paper from "./demo/paper.mjs";

const DAYS = 90;
const DAY_MS = 86_400_000;

await runMain(async (args) => {
  const { values } = parseArgs({ args, options: { port: { type: "string", default: "8787" } } });
  const startedAt = Date.now();
  const secrets = readSecrets();
  const server = await connect(`http://127.0.0.1:${values.port}`, secrets.ADMIN_TOKEN);
  const run = Math.floor(Date.now() / 1000).toString(36);
  const shop = openShop(run);
  const scenes = tell(shop, signers(secrets));
  console.log(`${DAYS} days of a small shop, told by signed webhooks. Times are UTC.`);
  console.log(`The shoppers' addresses end in .${run}@example.com.`);
  const ledger = await live(server, run, scenes);
  const good = summary(ledger);
  console.log(`\n${DAYS} days in ${seconds(startedAt)}. Read the mails at ${server.base}/dev/outbox`);
  return good ? 0 : 1;
});

function readSecrets() {
  const file = path.join(root, ".dev.vars");
  if (!existsSync(file)) throw new Explained("There is no .dev.vars yet. `npm start` makes it; start Wend first.");
  const lines = readFileSync(file, "utf8").matchAll(/^\s*([A-Z_]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S*))/gm);
  return Object.fromEntries([...lines].map(([, name, ...values]) => [name, values.find((value) => value !== undefined)]));
}

/** Plays the scenes in order, moving the clock between them, and prints what comes of each. */
async function live(server, run, scenes) {
  const ledger = {
    mails: [], held: [], left: [], rows: new Map(), allRows: 0, webhooks: 0,
    refused: [], repeats: [], unsubscribed: new Map(), bought: new Map(),
  };
  const seen = new Set();
  const start = await midnight(server);
  const rowsBefore = await server.rowsWritten();
  let shownDay = 0;
  const showDay = (at) => {
    const number = Math.floor((at - start) / DAY_MS) + 1;
    if (number !== shownDay) paper.day(number, at);
    shownDay = number;
  };
  const catchUp = async () => {
    for (const news of await whatIsNew(server, run, seen, ledger)) {
      showDay(news.at);
      paper.reaction(news.at, nameOf(news.to), news);
    }
  };
  const moveTo = async (target) => {
    await server.advance(Math.max(target - (await server.now()), 0));
    await catchUp();
  };
  for (const scene of scenes) {
    await moveTo(new Date(start.getTime() + scene.offsetMs));
    const now = await server.now();
    showDay(now);
    // What is due at once, such as a thank-you, is seen with the next move of the clock, under its own time.
    await play(server, ledger, scene, now);
  }
  await moveTo(new Date(start.getTime() + DAYS * DAY_MS - 1));
  ledger.allRows = (await server.rowsWritten()) - rowsBefore;
  return ledger;
}

/** The next midnight of the development clock, which is moved there: the story has times of day. */
async function midnight(server) {
  const now = await server.now();
  const start = new Date(Math.ceil(now.getTime() / DAY_MS) * DAY_MS);
  await server.advance(start - now);
  return start;
}

async function play(server, ledger, scene, now) {
  if (scene.unsubscribe) {
    const mail = ledger.mails.findLast((sent) => sent.to === scene.unsubscribe);
    if (!mail) throw new Explained(`${scene.who} has got no mail to unsubscribe by.`);
    const { status } = await server.unsubscribe(mail);
    if (status !== 200) throw new Explained(`The unsubscribe link answered ${status}.`);
    ledger.unsubscribed.set(scene.unsubscribe, now);
    paper.happening(now, scene.who, scene.text, "POST /u/…");
    return;
  }
  const webhooks = scene.post(now);
  const before = await server.rowsWritten();
  const answers = await Promise.all(webhooks.map((webhook) => server.deliver(webhook)));
  const rows = (await server.rowsWritten()) - before;
  const [{ kind, name }] = webhooks;
  paper.happening(now, scene.who, scene.text, name);
  ledger.webhooks += webhooks.length;
  const words = answers.map(({ status, word }) => (status === 200 ? word : String(status)));
  if (words.some((word) => word !== "accepted")) paper.more(`answered ${words.join(", ")}${rows === 0 ? ", wrote nothing" : ""}`);
  if (kind === "Order Completed") ledger.bought.set(scene.who, now);
  if (kind === "forged") {
    ledger.refused.push({ rows, status: answers[0].status });
    return;
  }
  const failed = answers.find(({ status }) => status !== 200);
  if (failed) throw new Explained(`A webhook was refused: ${failed.status} ${failed.word}.\nIs .dev.vars the one the server reads?`);
  if (webhooks.length > 1) ledger.repeats.push(words);
  else ledger.rows.set(kind, [...(ledger.rows.get(kind) ?? []), rows]);
}

/** Mails, drops and early ends since the last look, in the order in which they happened. */
async function whatIsNew(server, run, seen, ledger) {
  const [mails, { held, left }] = await Promise.all([server.mails(), server.reasons()]);
  const fresh = (list, key) => list.filter((row) => {
    const known = seen.has(key(row)) || !row.to?.endsWith(`.${run}@example.com`);
    seen.add(key(row));
    return !known;
  });
  const newMails = fresh(mails, ({ id }) => id);
  const newHeld = fresh(held, ({ to, step, at, fate }) => `${fate} ${to} ${step} ${at}`);
  const newLeft = fresh(left, ({ to, journey, at }) => `left ${to} ${journey} ${at}`);
  ledger.mails.push(...newMails);
  ledger.held.push(...newHeld.filter(({ fate }) => fate === "dropped"));
  ledger.left.push(...newLeft);
  const place = ({ journey, step }) => `${journey} / ${step}`;
  const news = [
    ...newLeft.map((row) => ({ ...row, sign: "←", word: "left", colour: "cyan", text: place(row) })),
    ...newHeld.map((row) => ({ ...row, sign: "×", word: row.fate, colour: "yellow", text: place(row) })),
    ...newMails.map((mail) => ({ ...mail, at: mail.sent_at, sign: "→", word: "sent", colour: "green", text: place(mail) })),
  ];
  return news.map((each) => ({ ...each, at: new Date(each.at) })).sort((one, two) => one.at - two.at);
}

/** `sam.work.t2x4@example.com` is Sam. */
function nameOf(address) {
  return address[0].toUpperCase() + address.slice(1, address.indexOf("."));
}

/** Each word with its count, the most frequent first. */
function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, two]) => two - one);
}

function summary({ mails, held, left, rows, allRows, webhooks, refused, repeats, unsubscribed, bought }) {
  paper.title(`Sent: ${mails.length}`);
  const journeys = counted(mails.map((mail) => mail.journey));
  paper.table(journeys.map(([journey, count]) => [`${String(count).padStart(2)} ${journey}`,
    counted(mails.filter((mail) => mail.journey === journey).map((mail) => mail.step))
      .map(([step, times]) => `${step} ${times}`).join(", ")]));
  paper.title(`Not sent: ${held.length}`);
  paper.table(counted(held.map((row) => row.reason)).map(([reason, count]) => [String(count).padStart(2), reason]));
  paper.title(`Left a journey early: ${left.length}`);
  paper.table(counted(left.map((row) => `${row.journey}: ${row.reason}`))
    .map(([reason, count]) => [String(count).padStart(2), reason]));
  // The least of each kind: where a mail goes out at once, its rows may already be counted with the event's.
  paper.title("Rows written, which Cloudflare bills at $1 a million");
  paper.table([
    ["an event", [...rows].map(([kind, list]) => `${kind} ${Math.min(...list)}`).join(", ")],
    ["in all", `${allRows}, for ${webhooks} webhooks, ${mails.length} mails and ${held.length} drops`],
  ]);
  paper.title("Checked");
  const checks = [
    ["no mail went out twice", new Set(mails.map(({ to, step }) => `${to} ${step}`)).size === mails.length],
    ["nobody was mailed about a cart after buying it", !mails.some(({ to, journey, sent_at: at }) =>
      journey === "abandoned-checkout" && new Date(at) > (bought.get(nameOf(to)) ?? Infinity))],
    ["no marketing after an unsubscribe", !mails.some(({ to, stream, sent_at: at }) =>
      stream === "marketing" && unsubscribed.has(to) && new Date(at) > unsubscribed.get(to))],
    ["a repeated webhook counted once", repeats.every((words) => words.filter((word) => word === "accepted").length === 1)],
    ["a forged webhook was refused, and wrote nothing", refused.every(({ status, rows: wrote }) => status === 401 && wrote === 0)],
  ];
  paper.table(checks.map(([text, good]) => [good ? "yes" : "NO", text, good ? "green" : "red"]));
  return checks.every(([, good]) => good);
}
