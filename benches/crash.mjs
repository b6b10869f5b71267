// `npm run test:crash` builds the Worker and runs this: rounds under load on bare workerd, each ended by a SIGKILL at a random
// moment, and the books balanced from outside at the end (tests/e2e/rounds.mjs). `-- --rounds 100` is how many, `--shards 4` on
// how many shards, `--provider postmark` by one that knows no keys. `--seed 7` draws the same moments and the same shoppers
// again; what the machine does between is its own. `--save` keeps the figures in bench/reliability.json, for the pictures of the guide.

import { parseArgs } from "node:util";
import { keepRounds } from "../bench/plot.mjs";
import { play, PROVIDERS } from "../tests/e2e/rounds.mjs";

const OPTIONS = {
  rounds: { type: "string", default: "20" },
  shards: { type: "string", default: "1" },
  provider: { type: "string", default: "resend" },
  save: { type: "boolean", default: false },
  seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
};
const { values } = parseArgs({ options: OPTIONS });
const rounds = wholeNumber("rounds");
const shards = wholeNumber("shards");
const seed = wholeNumber("seed");
const { provider } = values;
if (!Object.hasOwn(PROVIDERS, provider)) {
  console.error(`--provider ${provider}: give one of ${Object.keys(PROVIDERS).join(", ")}`);
  process.exit(1);
}
const { keyless } = PROVIDERS[provider];
const startedAt = Date.now();
const { faults, ends, ...figures } = await play({ rounds, shards, seed, provider, say: (line) => process.stdout.write(`\r${line}   `) });
const rows = {
  "processes killed": ends.kill,
  "  while a request to the provider was open": ends.cut,
  "webhooks written": figures.webhooks,
  "  posted": figures.posts,
  "  answered with 200": figures.answered,
  "  answered, and posted again": figures.repeated,
  "  cut off by the kill": figures.unanswered,
  "  refused with 503": figures.refused,
  people: figures.people,
  "rows of the ledger": figures.rows,
  "requests to the provider": figures.requests,
  "  for what was asked for before": figures.asked_again,
  "mails that arrived": figures.mails,
  ...(keyless && { "  order mails that arrived twice": figures.twice, "mails given up, as their fate is unknown": figures.given_up, "  of which no request came": figures.unasked }),
  "faults in the books": faults.length,
};
const seconds = Math.round((Date.now() - startedAt) / 1000);
console.log(`\n\nseed ${seed}, ${provider}, ${shards} shard${shards > 1 ? "s" : ""}, ${seconds} s`);
for (const [what, count] of Object.entries(rows)) console.log(`${what.padEnd(44)}${String(count).padStart(7)}`);
for (const fault of faults) console.log(`  ${fault}`);
if (faults.length > 0) process.exitCode = 1;
if (values.save) {
  const name = `${shards} shard${shards > 1 ? "s" : ""}${keyless ? ", no keys" : ""}`;
  keepRounds(name, { seed, seconds, ...ends, ...figures, faults: faults.length });
}

function wholeNumber(name) {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number > 0) return number;
  console.error(`--${name} ${values[name]}: give a whole number, as in \`npm run test:crash -- --${name} 100\``);
  return process.exit(1);
}
