// A null provider: takes Resend's requests, counts their mails, answers at once, and keeps nothing but who got how many and
// when. A key that comes twice is the same mail.
//
// Used by the measurements as RESEND_URL. tests/e2e/resend.mjs is the one that is strict; this one is quick.

import { createServer } from "node:http";
import { numberOf } from "./shop.mjs";

/** Told in the header that Wend learns its pace from: more than anyone here reaches. */
const PER_SECOND = "100000";

export async function startProvider() {
  const state = { mails: 0, requests: 0, arrivals: new Map(), keys: new Set(), waiting: [] };
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    try {
      for await (const chunk of incoming) chunks.push(chunk);
    } catch {
      return; // its sender was killed: the side's turn is over
    }
    const answer = take(state, incoming.headers["idempotency-key"], JSON.parse(Buffer.concat(chunks)));
    outgoing.writeHead(200, {
      "content-type": "application/json",
      "ratelimit-limit": PER_SECOND,
      "ratelimit-remaining": PER_SECOND,
      "ratelimit-reset": "1",
    });
    outgoing.end(JSON.stringify(answer));
    state.waiting = state.waiting.filter(({ count, resolve }) => state.mails < count || resolve());
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    mails: () => state.mails,
    requests: () => state.requests,
    /** When the mails of each shopper arrived, by number, in milliseconds since the epoch. */
    arrivals: () => state.arrivals,
    /** Resolves when so many mails have come, and fails when none comes for `quietMs`. */
    received: (count, quietMs) => received(state, count, quietMs),
    reset() {
      state.mails = state.requests = 0;
      state.arrivals.clear();
      state.keys.clear();
    },
    close() {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

function take(state, key, body) {
  const emails = Array.isArray(body) ? body : [body];
  const ids = emails.map((_, index) => ({ id: `${key}.${index}` }));
  state.requests += 1;
  if (!state.keys.has(key)) {
    state.keys.add(key);
    const now = Date.now();
    for (const { to } of emails) {
      const number = numberOf(String(to));
      state.arrivals.set(number, [...(state.arrivals.get(number) ?? []), now]);
    }
    state.mails += emails.length;
  }
  return Array.isArray(body) ? { data: ids } : ids[0];
}

async function received(state, count, quietMs) {
  if (state.mails >= count) return;
  return new Promise((resolve, reject) => {
    let seen = state.mails;
    const watch = setInterval(() => {
      if (state.mails === seen) {
        clearInterval(watch);
        reject(new Error(`${seen} of ${count} mails came, and then none for ${quietMs} ms`));
      }
      seen = state.mails;
    }, quietMs);
    const done = () => {
      clearInterval(watch);
      resolve();
    };
    state.waiting.push({ count, resolve: done });
  });
}
