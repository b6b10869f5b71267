// A shop whose mail leaves through a Resend on this machine: what the tests of delivery and of faults share.

import assert from "node:assert/strict";
import { startResend } from "./resend.mjs";
import { Shop } from "./shop.mjs";
import { until } from "./worker.mjs";
import { serve, stateFolder } from "./workerd.mjs";

export const SENT_LIMIT_MS = 20_000;

/** Runs `work` with a shop whose mail goes to a Resend of its own. */
export async function withResend(work, { settings = {}, resend: options } = {}) {
  const resend = await startResend(options);
  const state = stateFolder();
  const account = { EMAIL_PROVIDER: "resend", RESEND_URL: resend.url, RESEND_API_KEY: "re_test" };
  const start = (others = {}) => serve(state, { ...account, ...settings, ...others });
  let server;
  try {
    server = await start();
    /** The same shop after its process died, with other settings where they are given. */
    const restart = async (others) => {
      await server.kill();
      server = await start(others);
      return new Shop(server.fetch, Number(settings.SHARDS ?? 1));
    };
    await work(new Shop(server.fetch, Number(settings.SHARDS ?? 1)), resend, server, restart);
  } catch (error) {
    error.message += `\n${server?.log().split("\n").slice(-30).join("\n")}`;
    throw error;
  } finally {
    await server?.close();
    await resend.close();
    state.remove();
  }
}

export const requested = (resend, count, limitMs = SENT_LIMIT_MS) =>
  until(limitMs, `${count} requests`, () => resend.requests(), (requests) => requests.length >= count);
export const arrived = (resend, count, limitMs = SENT_LIMIT_MS) =>
  until(limitMs, `${count} mails`, () => resend.mails(), (mails) => mails.length >= count);
export const addresses = (resend) => resend.mails().map((mail) => mail.to).sort();
export const keyOf = (request) => request.headers["idempotency-key"];

/** `[state, reason, count]` of all messages. */
export const tally = async (shop) =>
  (await shop.status()).shards.flatMap(({ messages }) => messages.map(({ state, reason, count }) => [state, reason, count]));
/** Requests whose answer is not written yet. */
export const inFlight = async (shop) => (await shop.status()).shards.reduce((sum, shard) => sum + shard.in_flight, 0);
export const states = async (shop) => (await tally(shop)).map(([state, , count]) => [state, count]);
export const untilState = (shop, state, limitMs = SENT_LIMIT_MS) =>
  until(limitMs, `a message that is ${state}`, () => tally(shop), (rows) => rows.some(([held]) => held === state));

/** Waits until a request's fate was written as unknown. The log keeps what the next attempt, seconds later, overwrites. */
export const untilUnknown = (server, limitMs = SENT_LIMIT_MS) =>
  until(limitMs, "an unknown fate", () => server.log(), (log) => /"event":"sent","outcomes":\["unknown"/.test(log));

export const sameRequest = (one, two) => {
  assert.equal(keyOf(two), keyOf(one));
  assert.deepEqual(two.body, one.body);
};
