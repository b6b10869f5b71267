// Measurement 6: what a million checkouts cost, each with all three mails of its journey. Rows, requests, CPU and bytes are
// measured on every side, and turned into dollars by bench/prices.json. Run by bench/main.mjs.
//
// It is also the check that the sides do the same: who does not buy gets three mails, who does gets none.

import { readFileSync } from "node:fs";
import { UNDER_HARNESS, underHarness, used } from "../harness.mjs";
import { drive } from "../load.mjs";
import { checkout, order } from "../shop.mjs";

const MAILS = 3;
const WARM_UP = 20;
const QUIET_MS = 120_000;
/** Wend's clock is moved; the others are given shorter waits. The first leaves time to buy in. */
const SHORT_WAITS = "20s 3s 3s";
const PRICES = JSON.parse(readFileSync(new URL("../prices.json", import.meta.url), "utf8"));
const MILLION = 1_000_000;
const DAYS_A_MONTH = 30;

export async function cost({ quick, say }) {
  const [count, buyers] = quick ? [10, 3] : [100, 20];
  const each = {};
  const dollars = {};
  for (const side of Object.values(UNDER_HARNESS)) {
    each[side.name] = await journeys(side, count, buyers);
    dollars[side.name] = priced(side.name, each[side.name]);
    say(`${side.name}: ${count - buyers} × ${MAILS} mails, none to ${buyers} who bought`);
  }
  return { prices: PRICES.source, each, dollars_per_million_checkouts: dollars };
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
    const before = { ...(await used()), ...(await worker.stats()) };
    await drive(worker.url, all.map((number) => checkout(number)));
    await drive(worker.url, bought.map((number) => order(number)));
    // Wend thanks for an order too: that is a journey of its own, and its mail comes on top.
    const mails = (count - buyers) * MAILS + (clock ? buyers + WARM_UP : 0);
    // An object that nobody asks is put out of memory, and what it has counted with it.
    const asking = setInterval(() => worker.stats().catch(() => {}), 1_000);
    if (clock) await advance(worker, "4d");
    await worker.provider.received(mails, QUIET_MS).finally(() => clearInterval(asking));
    const after = { ...(await used()), ...(await worker.stats()) };
    complete(side.name, worker.provider.arrivals(), all, buyers);
    const [rows, alarms] = ["rows_written", "alarms_set"].map((field) => after[field] - before[field]);
    return {
      cpuMs: (after.cpuMs - before.cpuMs) / count,
      rowsWritten: rows / count,
      alarmsSet: alarms / count,
      storedBytes: (after.bytes - before.bytes) / count,
    };
  });
}

async function advance(worker, delay) {
  const response = await worker.fetch("/dev/clock", { method: "POST", body: JSON.stringify({ advance: delay }) });
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
function priced(side, { cpuMs, rowsWritten, storedBytes }) {
  const { usd, assumed, object_memory_gb: memory } = PRICES;
  const workflow = side === "workflows";
  const days = assumed.journey_days + (workflow ? assumed.finished_instances_kept_days : DAYS_A_MONTH);
  const seconds = (assumed.object_ms_per_event + MAILS * assumed.provider_answers_in_ms) / 1000;
  const parts = {
    // An instance of a Workflow is a request of its own; an object is called once, and woken for each mail.
    requests: workflow ? 2 * usd.million_worker_requests : usd.million_worker_requests + (1 + MAILS) * usd.million_object_requests,
    cpu: cpuMs * usd.million_worker_cpu_ms,
    duration: workflow ? 0 : seconds * memory * usd.million_object_gb_seconds,
    // Each wake sets the alarm for the next one, which is a row.
    rows: workflow ? 0 : (rowsWritten + 1 + MAILS) * usd.million_rows_written,
    storage: ((storedBytes * MILLION) / 1e9) * (days / DAYS_A_MONTH) * usd.stored_gb_month,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
