// Makes the gallery: one page that holds every email of a folder that `wend preview` wrote, by stages. Read by a person, off the disk or
// from `npm run preview`; nothing in it asks the network for anything.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const STAGES = [
  ["awareness", "Awareness", "Somebody new: what they were promised, who you are, what brings them here."],
  ["consideration", "Consideration", "They look around. Proof, answers, a little teaching, a reminder of what they looked at."],
  ["decision", "Decision", "A cart that was left, and all that is to be said about an order."],
  ["retention", "Retention", "After the first order: care, the next one, days of their own, and a way back."],
  ["advocacy", "Advocacy", "How they liked it, what they would say to others, and thanks."],
  ["play", "Play", "Something to open."],
  ["other", "Sent by no journey", "Checked and previewed like the others."],
];

/** What is in the folder: its index, with the words of each mail. */
export function readPreview(folder) {
  const index = JSON.parse(readFileSync(path.join(folder, "index.json"), "utf8"));
  const read = (place) => readFileSync(path.join(folder, place), "utf8");
  const emails = index.emails.map((mail) => {
    const html = read(mail.html);
    return { ...mail, file: mail.html, textFile: mail.text, html, text: read(mail.text), preheader: preheader(html) };
  });
  return { ...index, emails };
}

/** The line that an inbox shows after the subject: the hidden one on top, without what fills it up. */
function preheader(html) {
  const hidden = /<div style="display:none[^>]*>([\s\S]*?)<\/div>/.exec(html)?.[1] ?? "";
  const named = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  const text = hidden.replace(/&#8199;|&#847;/g, "").replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) =>
    (name ? named[name] ?? whole : String.fromCodePoint(decimal ? Number(decimal) : parseInt(hex, 16))));
  return text.trim();
}

/** Something to open is play, whatever its journey's stage; else the first journey says. */
const stageOf = ({ html, journeys }) => (/"https:\/\/[^"/]+\/g\//.test(html) ? "play" : journeys[0]?.stage ?? "other");

/** The stages that have emails: first those of journeys that run, then drafts; a journey's mails in its own order. */
export function stages(emails) {
  const names = [...new Set(emails.map(({ email }) => email))];
  const mail = (name) => emails.find(({ email }) => email === name);
  const rank = (name) => {
    const { id = "", status = "draft", place = 0 } = mail(name).journeys[0] ?? {};
    return `${status === "draft" ? 1 : 0} ${id} ${String(place).padStart(4, "0")}`;
  };
  return STAGES.map(([id, title, about]) => {
    const of = names.filter((name) => stageOf(mail(name)) === id);
    return { id, title, about, emails: of.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)) };
  }).filter((stage) => stage.emails.length > 0);
}

/** Writes `index.html` into the folder, and says where it is. */
export function writeGallery(folder) {
  const { store, locale, emails } = readPreview(folder);
  const pictures = Object.fromEntries(readdirSync(path.join(here, "pictures")).map((file) => {
    const drawing = readFileSync(path.join(here, "pictures", file)).toString("base64");
    return [path.basename(file, ".svg"), `data:image/svg+xml;base64,${drawing}`];
  }));
  const data = JSON.stringify({ store, locale, mails: emails, stages: stages(emails), pictures }).replace(/</g, "\\u003c");
  const part = (name) => readFileSync(path.join(here, name), "utf8");
  const page = part("gallery.html")
    .replace("/* gallery.css */", () => part("gallery.css"))
    .replace("/* gallery.js */", () => part("gallery.js"))
    .replace('id="data">{}', () => `id="data">${data}`);
  const file = path.join(folder, "index.html");
  writeFileSync(file, page);
  return file;
}
