// A provider's API that stays on this machine: a real HTTP server that records requests and plays scripted faults, one for
// each request. It never sends anything.
//
// Used by the fakes of providers (resend.mjs, postmark.mjs), each of which says what its API takes and answers.

import { createServer } from "node:http";

/**
 * @typedef {object} Fault What happens to one request. Without `status` or `end` it is answered as usual.
 * @property {number} [status] Answer this; the mail is not accepted unless `accept` is true.
 * @property {string} [name] Error name in the body; a usual one for the status if absent.
 * @property {string} [message]
 * @property {Record<string, string>} [headers] Added to the answer, for example `retry-after`.
 * @property {string} [body] This text instead of JSON, for example a gateway's HTML page.
 * @property {boolean} [accept] Whether the mail arrives all the same. Default: true for `end` and `delayMs` only.
 * @property {"silence" | "reset" | "half"} [end] After the whole body was read: never answer, reset the
 *   connection, or answer half a body and break off.
 * @property {number} [delayMs] Answer so much later; until then the request is in flight.
 * @property {number} [times] For how many requests; default 1.
 * @property {(request: RecordedRequest) => boolean} [when] Only for requests that match.
 */

/**
 * @typedef {object} RecordedRequest
 * @property {string} method
 * @property {string} path
 * @property {Record<string, string>} headers Names in lower case.
 * @property {Buffer} body The exact bytes.
 * @property {unknown} json The body parsed, or undefined.
 * @property {string[]} messages Our own ids of the messages in it; none of a request that is refused for what it is.
 * @property {number} at Milliseconds since the epoch, by the server's clock.
 * @property {number | null} status What was answered; null when nothing was.
 * @property {number | null} answered_at When all of the answer had left, by this machine's clock.
 * @property {boolean} open Whoever asked still waits for an answer.
 */

/**
 * @typedef {object} Dialect How one provider's API speaks. An answer is `{ status, json }` or `{ status, text }`, with `headers`.
 * @property {(status: number, name?: string, message?: string) => object} error
 * @property {(request: RecordedRequest) => object | undefined} refused The answer to what it does not take.
 * @property {(request: RecordedRequest) => object[]} emails Those of a request that is not refused.
 * @property {(email: object) => string | undefined} message Our id of an email's message.
 * @property {(email: object) => string} to Whom it is for.
 * @property {(request: RecordedRequest, keep: (email: object) => string, now: number) => { answer: object, settle?: () => void }} take
 *   `keep` lets an email arrive and returns its id; `settle` is called when the answer leaves.
 * @property {Record<string, string>} headers Of every answer.
 */

/**
 * @param {Dialect} dialect
 * @param {{ port?: number, now?: () => number }} options `port`: any free one by default.
 */
export async function startApi(dialect, { port = 0, now = Date.now } = {}) {
  const state = { requests: [], mails: [], faults: [], held: new Map(), silent: new Set(), count: 0 };
  const context = { dialect, state, now };
  const server = createServer((incoming, outgoing) => {
    serve(context, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise((ready, failed) => {
    server.once("error", failed);
    server.listen(port, "127.0.0.1", ready);
  });
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** @returns {RecordedRequest[]} All requests so far, oldest first. */
    requests: () => [...state.requests],
    /** What would have arrived, in order: `{ id, message, key, at, to, email }`; once for each time that it was taken. */
    mails: () => [...state.mails],
    /** @param {Fault} fault Faults are used in the order in which they were given. */
    fault: (fault) => void state.faults.push({ times: 1, ...fault }),
    clearFaults: () => void (state.faults.length = 0),
    /** Lets go of what faults hold: breaks off the connections that they left without an answer, and answers what is to be late now. */
    hangUp() {
      for (const socket of state.silent) socket.destroy();
      state.silent.clear();
      for (const [timer, resume] of state.held) {
        clearTimeout(timer);
        resume();
      }
      state.held.clear();
    },
    /** Forgets all but what the dialect itself remembers. */
    reset: () => void (state.requests.length = state.mails.length = state.faults.length = 0),
    async close() {
      for (const timer of state.held.keys()) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function serve(context, incoming, outgoing) {
  const { dialect, state, now } = context;
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const request = {
    method: incoming.method,
    path: incoming.url,
    headers: { ...incoming.headers },
    body,
    json: parsed(body),
    messages: [],
    at: now(),
    status: null,
    answered_at: null,
    open: true,
  };
  outgoing.once("close", () => void (request.open = false));
  state.requests.push(request);

  const fault = takeFault(state, request);
  const refusal = dialect.refused(request);
  if (!refusal) request.messages = dialect.emails(request).map(dialect.message);
  await play(context, { incoming, outgoing, request, fault, ...decide(context, request, refusal, fault) });
}

/** The answer to give, and what to do when it leaves. */
function decide({ dialect, state, now }, request, refusal, fault) {
  const accepts = fault?.accept ?? fault?.status === undefined;
  const scripted = fault?.status === undefined ? undefined : dialect.error(fault.status, fault.name, fault.message);
  if (scripted && !accepts) return { answer: scripted };
  if (refusal) return { answer: refusal };
  if (!accepts) return { answer: dialect.error(500) };
  const keep = (email) => {
    const id = `00000000-0000-4000-8000-${String(++state.count).padStart(12, "0")}`;
    const key = request.headers["idempotency-key"] ?? null;
    state.mails.push({ id, message: dialect.message(email), key, at: now(), to: dialect.to(email), email });
    return id;
  };
  const { answer, settle } = dialect.take(request, keep, now());
  return { answer: scripted ?? answer, settle };
}

async function play({ dialect, state }, { incoming, outgoing, request, fault, answer, settle }) {
  if (fault?.delayMs) await pause(state, fault.delayMs);
  settle?.();
  if (fault?.end === "silence") return void state.silent.add(incoming.socket); // the client's time-out, hangUp() or close() ends it
  if (fault?.end === "reset") return void incoming.socket.resetAndDestroy();

  const text = fault?.body ?? answer.text ?? JSON.stringify(answer.json);
  const headers = {
    "content-type": fault?.body === undefined ? "application/json" : "text/html",
    ...dialect.headers,
    ...answer.headers,
    ...fault?.headers,
  };
  if (fault?.end === "half") {
    outgoing.writeHead(answer.status, { ...headers, "content-length": Buffer.byteLength(text) });
    const half = text.slice(0, Math.floor(text.length / 2));
    return void outgoing.write(half, () => incoming.socket.destroy());
  }
  request.status = answer.status;
  outgoing.once("finish", () => void (request.answered_at = Date.now()));
  outgoing.writeHead(answer.status, headers);
  outgoing.end(text);
}

function takeFault(state, request) {
  const index = state.faults.findIndex((fault) => !fault.when || fault.when(request));
  if (index < 0) return undefined;
  const fault = state.faults[index];
  fault.times -= 1;
  if (fault.times <= 0) state.faults.splice(index, 1);
  return fault;
}

function pause(state, ms) {
  return new Promise((resume) => {
    const timer = setTimeout(() => {
      state.held.delete(timer);
      resume();
    }, ms);
    state.held.set(timer, resume);
  });
}

function parsed(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
