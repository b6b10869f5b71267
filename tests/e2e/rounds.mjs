// Rounds on the real runtime: a storefront posts, a provider answers badly now and then, and each round ends as `ends` says,
// at a moment drawn from the seed. At the end all is let settle, and the books are balanced from outside (books.mjs).
// `npm run test:crash` and crash.test.mjs play them.

import { balance, claimedBy } from "./books.mjs";
import { chance } from "./chance.mjs";
import { startPostmark } from "./postmark.mjs";
import { startResend } from "./resend.mjs";
import { Shop } from "./shop.mjs";
import { Storefront } from "./storefront.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

const ROUND_MS = [50, 1_500];
const FAULTY = 0.06;
const PANIC_LIMIT_MS = 60_000;
/** How often such an end waits until the provider has a request to answer, and lets it wait, so that it meets somebody at work. */
const MEETS_WORK = { deploy: 0.5, panic: 1 };
/** Longer than a process that is told to stop gets for what it is doing, or than an alarm that panics takes to come. */
const HELD_MS = 10_000;
const WORK_LIMIT_MS = 60_000;
const SETTLED_LIMIT_MS = 60_000;
/** Longer than every wait for a mail that the books expect and every pause of a retry, shorter than a provider's key lives. */
const SETTLING = "13h";

/** What a provider does wrong in a round. */
const FAULTS = [
  { end: "silence" },
  { end: "silence", accept: false },
  { end: "reset" },
  { end: "half" },
  { status: 503 },
  { delayMs: 300 },
];

/** One provider remembers keys, the other takes whatever comes. */
export const PROVIDERS = {
  resend: {
    keyless: false,
    start: () => startResend({ perSecond: 1_000 }),
    settings: (url) => ({ EMAIL_PROVIDER: "resend", RESEND_URL: url, RESEND_API_KEY: "re_test" }),
  },
  postmark: {
    keyless: true,
    start: () => startPostmark(),
    settings: (url) => ({ EMAIL_PROVIDER: "postmark", POSTMARK_URL: url, POSTMARK_SERVER_TOKEN: "pm_test" }),
  },
};

/** How a round ends. Each returns what serves the next one: none where it has to be started. */
export const ENDS = {
  /** Nobody dies: what goes wrong is the provider's doing alone. What it left without an answer it breaks off. */
  rest: async (server, provider) => {
    provider.clearFaults();
    provider.hangUp();
    return server;
  },
  kill: async (server) => void (await server.kill()),
  /** As Cloudflare replaces a Worker: running calls are ended, another build is started on the same objects. */
  deploy: async (server) => void (await server.stop()),
  /** A panic in an alarm ends the wasm instance, with all that it was working on. The process lives. */
  panic: async (server) => {
    const runs = () => server.fetch("/test/shard/runs").then((response) => response.json()).catch(() => 0);
    // What it tells of runs is true of this alarm only when it was set.
    const arm = () => server.fetch("/test/shard/arm").then(({ ok }) => ok, () => false);
    await until(PANIC_LIMIT_MS, "the alarm to be set", arm, (set) => set);
    await until(PANIC_LIMIT_MS, "an alarm that panics", runs, (count) => count >= 1);
    return server;
  },
};

/**
 * Plays `rounds` of them, and more (up to five times as many) until so many as `cutAtLeast` ended while a request was open.
 * `builds` are taken in turn, a restart each; `ends` names how rounds end: they are dealt at random, each once before any comes
 * again; `provider` is one of `PROVIDERS`, and gets so much of its requests wrong as `faulty` says. Returns the figures, with the
 * faults of the books.
 */
export async function play({
  rounds, seed, shards = 1, perSecond = 40, ends = ["kill"], builds = ["release"], provider: name = "resend", cutAtLeast = 0, faulty = FAULTY,
  say = () => {},
}) {
  const draw = chance(seed);
  const { keyless, start, settings } = PROVIDERS[name];
  const provider = await start();
  const state = stateFolder();
  const storefront = new Storefront(draw, shards);
  const values = { SHARDS: String(shards), ...settings(provider.url) };
  const tally = { rest: 0, kill: 0, deploy: 0, panic: 0, cut: 0, deaths: [] };
  const over = new Map();
  let deck = [];
  const deal = () => {
    if (deck.length === 0) deck = [...ends];
    const end = draw.pick(deck);
    deck.splice(deck.indexOf(end), 1);
    return end;
  };
  let server;
  const next = async (build) => {
    const death = tally.deaths.at(-1);
    if (keyless && !server && death) {
      // One without a key of its own does no work, and tells what was on its way.
      const idle = await serve(state, { ...values, LINK_KEY: "" });
      death.claimed = await claimedBy(new Shop(idle.fetch, shards), storefront, over).finally(() => idle.kill());
    }
    server ??= await serve(state, values, wend(build));
  };
  try {
    for (let round = 0; round < rounds || (tally.cut < cutAtLeast && round < 5 * rounds); round += 1) {
      await next(builds[round % builds.length]);
      server = await oneRound({ draw, provider, storefront, tally, deal, perSecond, faulty, server });
      say(`round ${round + 1}: ${storefront.posts} posts, ${provider.mails().length} mails`);
    }
    provider.clearFaults();
    // To a provider that is still at its first request every repeat is one too many, and the hours that pass now are seconds to it.
    provider.hangUp();
    await next(builds[0]);
    const shop = new Shop(server.fetch, shards);
    await storefront.settle(server.url);
    const open = await settle(shop);
    const { faults: found, ...books } = await balance(shop, storefront, provider, { keyless, deaths: tally.deaths, shards });
    const faults = [...storefront.strange.map((answer) => `an answer was ${answer}`), ...open, ...found];
    const told = rowsOf(await shop.status());
    if (told !== books.rows) faults.push(`/admin/status tells of ${told} mails, and the exports of ${books.rows}`);
    return { ...figures({ storefront, provider, tally }), ...books, faults };
  } catch (error) {
    error.message += `\n${server?.log().split("\n").slice(-20).join("\n")}`;
    throw error;
  } finally {
    await server?.close();
    await provider.close();
    state.remove();
  }
}

async function oneRound({ draw, provider, storefront, tally, deal, perSecond, faulty, server }) {
  const shop = new Shop(server.fetch, storefront.paper.shards);
  const offset = (await shop.now()).getTime() - Date.now();
  const before = provider.requests().length;
  const stop = storefront.open(server.url, () => new Date(Date.now() + offset), perSecond);
  provider.clearFaults();
  provider.fault({ times: Infinity, when: () => draw.of(faulty), ...draw.pick(FAULTS) });
  // Time passes, so that leases run out and carts fall due; half of the rounds end while it does.
  const passing = draw.of(0.5) ? shop.advance(`${draw.between(1, 12)}m`).catch(() => undefined) : undefined;
  try {
    await new Promise((over) => setTimeout(over, draw.between(...ROUND_MS)));
    const end = deal();
    tally[end] += 1;
    const atWork = () => provider.requests().slice(before).filter((request) => request.open);
    if (MEETS_WORK[end] && draw.of(MEETS_WORK[end])) {
      provider.clearFaults();
      provider.fault({ times: Infinity, delayMs: HELD_MS });
      await until(WORK_LIMIT_MS, "a request to the provider", atWork, ({ length }) => length > 0);
    }
    const open = atWork();
    if (end !== "rest") tally.deaths.push({});
    const next = await ENDS[end](server, provider);
    // What was answered before it came met nobody's end.
    if (open.some(({ answered_at: at }) => at === null)) tally.cut += 1;
    return next;
  } finally {
    await Promise.all([stop(), passing]);
  }
}

const rowsOf = ({ shards }) => shards.flatMap(({ messages }) => messages).reduce((sum, { count }) => sum + count, 0);

/** Lets everything fall due and be answered; says what is not settled then. */
async function settle(shop) {
  await shop.advance(SETTLING);
  const open = ({ shards }) => shards.flatMap((shard) => [
    ...shard.messages.filter(({ state }) => ["intended", "unknown"].includes(state)).map(({ state, reason, count }) => `${count} ${state} ${reason ?? ""}`),
    ...(shard.in_flight > 0 ? [`${shard.in_flight} requests in flight`] : []),
    ...(shard.forwards > 0 ? [`${shard.forwards} forwards`] : []),
    ...(shard.dead_letters.length > 0 ? [`dead letters: ${JSON.stringify(shard.dead_letters)}`] : []),
  ]);
  const last = await until(SETTLED_LIMIT_MS, "all to be settled", () => shop.status(), (status) => open(status).length === 0)
    .catch(() => shop.status());
  return open(last).map((what) => `not settled: ${what}`);
}

function figures({ storefront, provider, tally: { deaths, ...ends } }) {
  const requests = provider.requests();
  const asked = new Set();
  const again = requests.filter(({ messages }) => {
    const known = messages.some((message) => asked.has(message));
    messages.forEach((message) => asked.add(message));
    return known;
  });
  const arrived = new Set(provider.mails().map(({ message }) => message));
  const answered = storefront.deliveries.filter((delivery) => delivery.answered.length > 0).length;
  return {
    ends,
    posts: storefront.posts,
    webhooks: storefront.deliveries.length,
    answered,
    repeated: storefront.repeats,
    unanswered: storefront.unanswered,
    refused: storefront.refused,
    requests: requests.length,
    asked_again: again.length,
    mails: arrived.size,
    twice: provider.mails().length - arrived.size,
  };
}
