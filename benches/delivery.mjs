// Ten thousand mails through a provider that fails now and then: how many arrive, how often, and how long it takes.
//
// `npm run bench:delivery` builds the Worker and runs this. Real parts: bare workerd with the release build, and a Resend on
// this machine (tests/e2e/resend.mjs) that knows keys as Resend does. Of its answers 5 % are a 429 with a second to wait, 2 % a
// 500, and 1 % of the connections are reset after it took the request. The faults come from a seed: `-- --seed 2` draws others,
// `-- --mails 500` is a shorter run. A real run's output is in docs/delivery.md.

import { parseArgs } from "node:util";
import { startResend } from "../tests/e2e/resend.mjs";
import { Shop } from "../tests/e2e/shop.mjs";
import { serve, stateFolder } from "../tests/e2e/workerd.mjs";

const OPTIONS = { mails: { type: "string", default: "10000" }, seed: { type: "string", default: "1" } };
const POSTS_AT_ONCE = 16;
/** What the provider's headers say it takes in a second. */
const REQUESTS_PER_SECOND = 50;
const LIMIT_MS = 30 * 60_000;
/** Shares of the requests, one after the other. */
const FAULTS = [
  ["429, a second to wait", 0.05, { status: 429, headers: { "retry-after": "1" } }],
  ["500, not taken", 0.02, { status: 500 }],
  ["reset after it was taken", 0.01, { end: "reset" }],
];

const { values } = parseArgs({ options: OPTIONS });
const count = Number(values.mails);
const resend = await startResend({ perSecond: REQUESTS_PER_SECOND });
const drawn = faults(resend, Number(values.seed));
const state = stateFolder();
const server = await serve(state, { EMAIL_PROVIDER: "resend", RESEND_URL: resend.url, RESEND_API_KEY: "re_bench" });
try {
  process.exitCode = await run(new Shop(server.fetch, 1));
} finally {
  await server.close();
  await resend.close();
  state.remove();
}

async function run(shop) {
  const people = Array.from({ length: count }, () => shop.shopper());
  const startedAt = performance.now();
  const at = await shop.now();
  let next = 0;
  const post = async () => {
    while (next < people.length) await shop.orders(people[next++], { at });
  };
  await Promise.all(Array.from({ length: POSTS_AT_ONCE }, post));
  const takenAt = performance.now();
  await settled(shop);
  const endedAt = performance.now();
  return report(people, await states(shop), { taken: takenAt - startedAt, whole: endedAt - startedAt });
}

/** Waits until nothing is left to be sent or to be known. */
async function settled(shop) {
  for (const limit = Date.now() + LIMIT_MS; Date.now() < limit;) {
    if (resend.mails().length >= count) {
      const rows = await states(shop);
      if (Object.keys(rows).every((name) => name === "accepted") && rows.accepted === count) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function states(shop) {
  const rows = {};
  for (const { messages } of (await shop.status()).shards) {
    for (const { state: name, count: number } of messages) rows[name] = (rows[name] ?? 0) + number;
  }
  return rows;
}

function report(people, ledger, { taken, whole }) {
  const copies = new Map();
  for (const { to } of resend.mails()) copies.set(to, (copies.get(to) ?? 0) + 1);
  const requests = resend.requests();
  const keys = requests.map(({ headers }) => headers["idempotency-key"]);
  const lost = people.filter(({ email }) => !copies.has(email)).length;
  const doubled = [...copies.values()].filter((number) => number > 1).length;
  const conflicts = requests.filter(({ status }) => status === 409).length;
  const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
  const lines = [
    ["mails", people.length],
    ["requests", requests.length],
    ...FAULTS.map(([what], at) => [`  ${what}`, drawn[at]]),
    ["retried: requests under a key that was used before", keys.length - new Set(keys).size],
    ["409, a key with other bytes", conflicts],
    ["sent, by the ledger", ledger.accepted ?? 0],
    ["arrived", copies.size],
    ["doubled", doubled],
    ["lost", lost],
    ["time for the webhooks", seconds(taken)],
    ["time until all is known", seconds(whole)],
  ];
  console.log(`seed ${values.seed}, ${REQUESTS_PER_SECOND} requests a second, Node ${process.version}\n`);
  for (const [what, number] of lines) console.log(`${what.padEnd(54)}${String(number).padStart(10)}`);
  return doubled + lost + conflicts === 0 && ledger.accepted === people.length ? 0 : 1;
}

/** Lets each request have its fault by lot; how often each was drawn. */
function faults({ fault }, seed) {
  const random = mulberry32(seed);
  const times = FAULTS.map(() => 0);
  let from = 0;
  FAULTS.forEach(([, share, what], at) => {
    const [low, high] = [from, from + share];
    from = high;
    const when = (request) => {
      request.lot ??= random();
      const drawn = request.lot >= low && request.lot < high;
      if (drawn) times[at] += 1;
      return drawn;
    };
    fault({ ...what, when, times: Infinity });
  });
  return times;
}

/** A small generator of well-mixed numbers from 0 to 1, the same ones for a seed: mulberry32, in the public domain. */
function mulberry32(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
