// Medians and quantiles, and what a process used, as the kernel counts it.
//
// Used by the measurements and the report.

import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";

/** The smallest value that so much of all are not above. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))];
}

export const median = (values) => quantile(values, 0.5);

/** The median of each field over the rounds of one side. */
export function medians(rounds) {
  return Object.fromEntries(Object.keys(rounds[0]).map((field) => [field, median(rounds.map((round) => round[field]))]));
}

/** CPU time that a process has used so far, all threads, in milliseconds. Only where there is a /proc. */
export function cpuMs(pid) {
  let total = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      total += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // The thread has ended since it was listed.
    }
  }
  return total / 1e6;
}

/** Memory of a process, in bytes: what is in RAM and its own (the binary's pages are shared by all who run it). */
export function memoryBytes(pid) {
  return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/** Processes of workerd that this one has started, and those that they have. */
export function workerds(of = process.pid) {
  return family(of).slice(1).filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "workerd");
}

/** A process, those that it has started, and those that they have. */
export function family(pid) {
  return [pid, ...childrenOf(pid).flatMap((child) => family(child))];
}

function childrenOf(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`)
      .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").trim().split(" "))
      .filter(Boolean)
      .map(Number);
  } catch {
    return []; // it has ended since it was listed
  }
}

/** Bytes of the databases below a folder as the platform counts them: their pages, wherever SQLite keeps these just now. */
export function databaseBytes(folder) {
  const databases = readdirSync(folder, { recursive: true }).filter((name) => /[0-9a-f]{64}\.sqlite$/.test(name));
  return databases.reduce((sum, name) => sum + pagesOf(path.join(folder, name)), 0);
}

function pagesOf(file) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()").get().bytes;
  } finally {
    database.close();
  }
}
