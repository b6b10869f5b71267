// Measurement 6: what a million checkouts cost, each with the mails of its journey or the order that ends it. Rows, mails, CPU
// and bytes are measured on every side; requests follow from how each side is made. bench/prices.json turns them into dollars.
// Run by bench/main.mjs.
//
// It is also the check that the sides do the same: who does not buy gets three mails, who does gets none.

import { readFileSync } from "node:fs";
import { medians } from "../figures.mjs";
import { UNDER_HARNESS, underHarness, used } from "../harness.mjs";
import { drive } from "../load.mjs";
import { checkout, order } from "../shop.mjs";

const MAILS = 3;
const WARM_UP = 20;
const QUIET_MS = 120_000;
/** Wend's clock is moved; the others are given shorter waits. The first leaves time to buy in. */
const SHORT_WAITS = "20s 3s 3s";
/** Longer than a whole journey. */
const ADVANCE_DAYS = 4;
const DAY_MS = 86_400_000;
const PRICES = JSON.parse(readFileSync(new URL("../prices.json", import.meta.url), "utf8"));
const MILLION = 1_000_000;
const DAYS_A_MONTH = 30;

export async function cost({ rounds, quick, say }) {
  const [count, buyers] = quick ? [10, 3] : [100, 20];
  const sides = Object.values(UNDER_HARNESS);
  const taken = new Map(sides.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const side of sides) {
      taken.get(side.name).push(await journeys(side, count, buyers));
      say(`round ${round}, ${side.name}: ${count - buyers} × ${MAILS} mails, none to ${buyers} who bought`);
    }
  }
  const each = Object.fromEntries([...taken].map(([name, results]) => [name, medians(results)]));
  const dollars = Object.fromEntries(Object.entries(each).map(([name, used]) => [name, priced(name, used)]));
  const perEvents = (events) => Object.fromEntries(Object.entries(dollars).map(([name, { total }]) => [name, total * events / each[name].events]));
  return {
    prices: PRICES.source,
    rounds,
    each,
    dollars_per_million_checkouts: dollars,
    dollars_per_million_events: perEvents(1),
    dollars_per_million_contact_months: perEvents(PRICES.assumed.events_a_contact_month),
  };
}

/** Runs whole journeys and returns what each one used. */
function journeys(side, count, buyers) {
  const clock = side.name === "wend";
  const values = clock ? { ENVIRONMENT: "dev" } : { WAITS: SHORT_WAITS };
  return underHarness(side, values, async (worker) => {
    const all = Array.from({ length: count }, (_, index) => index);
    const bought = all.slice(0, buyers);
    // Tables and code are there before anything is counted.
    await drive(worker.url, Array.from({ length: WARM_UP }, (_, index) => checkout(count + index)));
    await drive(worker.url, Array.from({ length: WARM_UP }, (_, index) => order(count + index)));
    // Wend thanks for an order too: that is a journey of its own, and its mail comes on top.
    if (clock) {
      await advance(worker);
      await worker.provider.received(WARM_UP, QUIET_MS);
    }
    const before = { ...(await used()), ...(await worker.stats()) };
    const at = new Date(Date.now() + (clock ? ADVANCE_DAYS * DAY_MS : 0));
    await drive(worker.url, all.map((number) => checkout(number, at)));
    await drive(worker.url, bought.map((number) => order(number, 0, at)));
    const mails = (count - buyers) * MAILS + (clock ? buyers : 0);
    // An object that nobody asks is put out of memory, and what it has counted with it.
    const asking = setInterval(() => worker.stats().catch(() => {}), 1_000);
    if (clock) await advance(worker);
    await worker.provider.received(mails + (clock ? WARM_UP : 0), QUIET_MS).finally(() => clearInterval(asking));
    const after = { ...(await used()), ...(await worker.stats()) };
    complete(side.name, worker.provider.arrivals(), all, buyers);
    const [rows, alarms] = ["rows_written", "alarms_set"].map((field) => after[field] - before[field]);
    return {
      events: (count + buyers) / count,
      mails: mails / count,
      cpuMs: (after.cpuMs - before.cpuMs) / count,
      rowsWritten: rows / count,
      alarmsSet: alarms / count,
      storedBytes: (after.bytes - before.bytes) / count,
    };
  });
}

async function advance(worker) {
  const response = await worker.fetch("/dev/clock", { method: "POST", body: JSON.stringify({ advance: `${ADVANCE_DAYS}d` }) });
  if (!response.ok) throw new Error(`the clock answered ${response.status}`);
}

/** Three mails each, and none to who bought; Wend's thank-you for the order is another journey's. */
function complete(side, arrivals, all, buyers) {
  for (const number of all) {
    const expected = number >= buyers ? MAILS : side === "wend" ? 1 : 0;
    const got = arrivals.get(number)?.length ?? 0;
    if (got !== expected) throw new Error(`${side}: shopper ${number} got ${got} mails, not ${expected}`);
  }
}

/** Dollars for a million journeys, by what each one used. */
function priced(side, { events, mails, cpuMs, rowsWritten, storedBytes }) {
  const { usd, assumed, object_memory_gb: memory } = PRICES;
  const workflow = side === "workflows";
  const days = assumed.journey_days + (workflow ? assumed.finished_instances_kept_days : DAYS_A_MONTH);
  const seconds = (events * assumed.object_ms_per_event + mails * assumed.provider_answers_in_ms) / 1000;
  // An object is called for each event and woken for each mail; Wend's asks its Store for leave before each mail.
  const calls = events + (side === "wend" ? 2 : 1) * mails;
  // A shopper alone sets an alarm for each mail, a row each. In this measurement all are due at once and share theirs.
  const alarms = mails;
  const parts = {
    // An instance of a Workflow is a request of its own, and so is the event that ends it.
    requests: workflow ? 2 * events * usd.million_worker_requests : events * usd.million_worker_requests + calls * usd.million_object_requests,
    cpu: cpuMs * usd.million_worker_cpu_ms,
    duration: workflow ? 0 : seconds * memory * usd.million_object_gb_seconds,
    rows: workflow ? 0 : (rowsWritten + alarms) * usd.million_rows_written,
    storage: ((storedBytes * MILLION) / 1e9) * (days / DAYS_A_MONTH) * usd.stored_gb_month,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
