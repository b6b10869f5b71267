// Prints the timeline and the tables of the demo within the width of the terminal; colours only on a terminal.

const WIDTH = Math.min(Math.max(process.stdout.columns ?? 96, 72), 100);
const COLOURED = process.stdout.isTTY && !process.env.NO_COLOR;
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };

export const paint = Object.fromEntries(Object.entries(CODES).map(([name, code]) =>
  [name, (text) => (COLOURED ? `\u001b[${code}m${text}\u001b[0m` : text)]));

export const cut = (text, width) => (text.length > width ? `${text.slice(0, Math.max(width - 1, 0))}…` : text);

const NAME_WIDTH = 6;
const INDENT = " ".repeat(2 + 5 + 2 + NAME_WIDTH + 2);

/** `Day 3 · Thu 8 Oct 2026` */
export function day(number, date) {
  const words = date.toLocaleDateString("en-GB", {
    weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC",
  });
  console.log(`\n${paint.bold(`Day ${number}`)} ${paint.dim(`· ${words.replace(",", "")}`)}`);
}

const stamp = (at) => at.toISOString().slice(11, 16);

/** Something happened: at the left what, at the right the webhook that told of it. */
export function happening(at, who, story, note) {
  const text = cut(story, WIDTH - INDENT.length - note.length - 2);
  const gap = " ".repeat(WIDTH - INDENT.length - text.length - note.length);
  console.log(`  ${stamp(at)}  ${paint.bold(who.padEnd(NAME_WIDTH))}  ${text}${gap}${paint.dim(note)}`);
}

/** What Wend did about it. A subject is cut to the width; a reason goes on in the next line where it must. */
export function reaction(at, who, { sign, word, colour, text, subject, reason }) {
  const label = `${sign} ${word.padEnd(7)}`;
  const room = WIDTH - INDENT.length - label.length - 1 - text.length - 2;
  const beside = subject ? cut(`"${subject}"`, room) : reason;
  const fits = beside.length <= room && room > 8;
  const tail = fits ? `  ${paint.dim(beside)}` : "";
  console.log(`  ${paint.dim(stamp(at))}  ${who.padEnd(NAME_WIDTH)}  ${paint[colour](label)} ${text}${tail}`);
  if (!fits && reason) more(reason);
}

/** A line that belongs to the one above. */
export function more(text) {
  for (const line of wrap(text, WIDTH - INDENT.length - 10)) console.log(`${INDENT}${" ".repeat(10)}${paint.dim(line)}`);
}

export function title(text) {
  console.log(`\n${paint.bold(text)}`);
}

/** Two columns: a label, and words that wrap under themselves. */
export function table(rows) {
  const width = Math.max(...rows.map(([label]) => label.length));
  for (const [label, text, colour = "dim"] of rows) {
    wrap(text, WIDTH - width - 4).forEach((line, index) => {
      const left = index === 0 ? label.padEnd(width) : " ".repeat(width);
      console.log(`  ${paint[colour](left)}  ${line}`);
    });
  }
}

export function wrap(text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last && last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
}
