// The load generator: so many requests over so many connections that are kept open, each connection with one request at a
// time. It says how busy it was itself: figures of a generator without a moment to spare are its own.
//
// Used by the measurements. An answer that is not the expected one ends the measurement: a fast refusal is no result.

import { Client } from "undici";
import { quantile } from "./figures.mjs";

export const CONNECTIONS = 16;

/**
 * Sends `requests` (as of shop.mjs, or functions that make one when its turn comes) and returns `{ perSecond, p50, p99, generatorBusy }`, times in milliseconds.
 * `expected` is the `result` that every answer must have.
 */
export async function drive(url, requests, { connections = CONNECTIONS, expected = "accepted" } = {}) {
  const latencies = new Float64Array(requests.length);
  const clients = Array.from({ length: connections }, () => new Client(url, { pipelining: 1 }));
  let next = 0;
  const work = async (client) => {
    while (next < requests.length) {
      const index = next++;
      const request = typeof requests[index] === "function" ? requests[index]() : requests[index];
      const sentAt = performance.now();
      await taken(client, request, expected);
      latencies[index] = performance.now() - sentAt;
    }
  };
  const before = process.cpuUsage();
  const startedAt = performance.now();
  try {
    await Promise.all(clients.map(work));
  } finally {
    await Promise.all(clients.map((client) => client.destroy()));
  }
  const elapsed = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: requests.length / (elapsed / 1000),
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    generatorBusy: (user + system) / 1000 / elapsed,
  };
}

/** One request, and its answer checked. */
export async function taken(client, request, expected = "accepted") {
  const { statusCode, body } = await client.request(request);
  const text = await body.text();
  if (statusCode !== 200 || !text.includes(`"result":"${expected}"`)) {
    throw new Error(`${request.headers["x-shopify-webhook-id"] ?? request.path}: answered ${statusCode} ${text.slice(0, 200)}, not "${expected}"`);
  }
}

/** Drives `count` requests in parts: all their bodies at once would fill the memory. `make(index)` makes one. */
export async function fill(url, count, make, { part = 2_000, onPart } = {}) {
  for (let from = 0; from < count; from += part) {
    const size = Math.min(part, count - from);
    await drive(url, Array.from({ length: size }, (_, index) => make(from + index)));
    onPart?.(from + size);
  }
}
