// A Resend that stays on this machine: a real HTTP server that records requests and answers as Resend does.
//
// Used by the end-to-end tests as RESEND_URL. It takes POST /emails and POST /emails/batch, deduplicates by
// Idempotency-Key for 24 hours, and plays scripted faults, one for each request. It never sends anything.
//
// Sources: https://resend.com/docs/api-reference/errors, /docs/dashboard/emails/idempotency-keys, and
// github.com/resend/resend-openapi.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const KEY_WINDOW_MS = 24 * 60 * 60 * 1000;
const BATCH_MAX = 100;

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
 * @property {number} [delayMs] Answer so much later; the key counts as in flight meanwhile.
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
 * @property {number} at Milliseconds since the epoch, by the server's clock.
 * @property {number | null} status What was answered; null when nothing was.
 * @property {boolean} open Whoever asked still waits for an answer.
 */

/**
 * @param {object} [options]
 * @param {number} [options.port] Default: any free one.
 * @param {() => number} [options.now] Milliseconds; keys expire by it.
 * @param {string} [options.apiKey] Refuse any other key with 403. Default: any key will do.
 * @param {number} [options.perSecond] Told in the ratelimit headers; not enforced.
 */
export async function startResend({ port = 0, now = Date.now, apiKey, perSecond = 10 } = {}) {
  const state = { requests: [], mails: [], keys: new Map(), faults: [], held: new Set(), count: 0 };
  const context = { state, now, apiKey, perSecond };
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
    /** What would have arrived, in order: `{ id, key, at, to, email }`; once for each accepted message. */
    mails: () => [...state.mails],
    /** @param {Fault} fault Faults are used in the order in which they were given. */
    fault: (fault) => void state.faults.push({ times: 1, ...fault }),
    clearFaults: () => void (state.faults.length = 0),
    /** Forgets everything, faults and keys included. */
    reset() {
      state.requests.length = state.mails.length = state.faults.length = 0;
      state.keys.clear();
    },
    async close() {
      for (const timer of state.held) clearTimeout(timer);
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function serve(context, incoming, outgoing) {
  const { state, now } = context;
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const request = {
    method: incoming.method,
    path: incoming.url,
    headers: { ...incoming.headers },
    body,
    json: parsed(body),
    at: now(),
    status: null,
    open: true,
  };
  outgoing.once("close", () => void (request.open = false));
  state.requests.push(request);

  const fault = takeFault(state, request);
  const { answer, settle } = decide(context, request, fault);
  await play(context, { incoming, outgoing, request, fault, answer, settle });
}

/** The answer to give, and what to do when it has been given. */
function decide(context, request, fault) {
  const { state, now } = context;
  const nothing = () => {};
  const accepts = fault?.accept ?? fault?.status === undefined;
  const scripted = fault?.status === undefined ? undefined : error(fault.status, fault.name, fault.message);
  if (scripted && !accepts) return { answer: scripted, settle: nothing };

  const refusal = refused(context, request);
  if (refusal) return { answer: refusal, settle: nothing };
  if (!accepts) return { answer: error(500), settle: nothing };

  const key = request.headers["idempotency-key"];
  if (key === undefined) return { answer: scripted ?? accept(context, request), settle: nothing };

  const hash = createHash("sha256").update(request.path).update("\n").update(request.body).digest("hex");
  const held = state.keys.get(key);
  if (held && now() - held.at < KEY_WINDOW_MS) {
    if (held.hash !== hash) return { answer: error(409, "invalid_idempotent_request"), settle: nothing };
    if (held.inFlight) return { answer: error(409, "concurrent_idempotent_requests"), settle: nothing };
    return { answer: scripted ?? held.answer, settle: nothing };
  }
  const entry = { hash, at: now(), inFlight: true, answer: accept(context, request) };
  state.keys.set(key, entry);
  return { answer: scripted ?? entry.answer, settle: () => void (entry.inFlight = false) };
}

/** What Resend checks before it takes anything: route, key, body. */
function refused({ apiKey }, request) {
  if (request.path !== "/emails" && request.path !== "/emails/batch") return error(404);
  if (request.method !== "POST") return error(405);
  if (!request.headers["user-agent"]) {
    return { status: 403, text: "error code: 1010", headers: { "content-type": "text/plain" } };
  }
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (!token) return error(401);
  if (apiKey !== undefined && token !== apiKey) return error(403);
  const key = request.headers["idempotency-key"];
  if (key !== undefined && (key.length < 1 || key.length > 256)) return error(400, "invalid_idempotency_key");
  const emails = emailsOf(request);
  if (!emails) return error(422, "validation_error", "The body must be one email, or 1 to 100 for a batch.");
  for (const email of emails) {
    const wrong = invalidField(email);
    if (wrong) return error(422, "validation_error", `Invalid \`${wrong}\` field.`);
  }
  return undefined;
}

function emailsOf({ path, json }) {
  const isEmail = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (path === "/emails") return isEmail(json) ? [json] : undefined;
  const fits = Array.isArray(json) && json.length >= 1 && json.length <= BATCH_MAX && json.every(isEmail);
  return fits ? json : undefined;
}

function invalidField(email) {
  const address = /^[\x21-\x7e]+@[\x21-\x7e]+\.[\x21-\x7e]+$/;
  const bare = (text) => /<([^<>]*)>$/.exec(text)?.[1] ?? text;
  const list = [email.to].flat();
  const valid = (text) => typeof text === "string" && address.test(bare(text));
  if (!valid(email.from)) return "from";
  if (list.length < 1 || list.length > 50 || !list.every(valid)) return "to";
  if (email.reply_to !== undefined && ![email.reply_to].flat().every(valid)) return "reply_to";
  if (typeof email.subject !== "string") return "subject";
  if (typeof email.html !== "string" && typeof email.text !== "string") return "html";
  const tag = (text) => typeof text === "string" && /^[A-Za-z0-9_-]{1,256}$/.test(text);
  if (!(email.tags ?? []).every(({ name, value }) => tag(name) && tag(value))) return "tags";
  return undefined;
}

function accept({ state, now }, request) {
  const key = request.headers["idempotency-key"] ?? null;
  const ids = emailsOf(request).map((email) => {
    const digits = String(++state.count).padStart(12, "0");
    const id = `00000000-0000-4000-8000-${digits}`;
    state.mails.push({ id, key, at: now(), to: [email.to].flat()[0], email });
    return { id };
  });
  return { status: 200, json: request.path === "/emails" ? ids[0] : { data: ids } };
}

const USUAL_ERRORS = {
  400: ["validation_error", "We found an error with one or more fields in the request."],
  401: ["missing_api_key", "Missing API key in the authorization header."],
  403: ["invalid_api_key", "API key is invalid"],
  404: ["not_found", "The requested endpoint does not exist."],
  405: ["method_not_allowed", "Method is not allowed for the requested path."],
  409: ["concurrent_idempotent_requests", "Same idempotency key used while original request is still in progress."],
  422: ["validation_error", "Invalid `to` field."],
  429: ["rate_limit_exceeded", "Too many requests."],
  451: ["security_error", "We may have found a security issue with the request."],
  500: ["internal_server_error", "An unexpected error occurred."],
  503: ["service_unavailable", "API is temporarily unavailable."],
};

function error(status, name, message) {
  const [usualName, usualMessage] = USUAL_ERRORS[status] ?? ["application_error", "An unexpected error occurred."];
  return { status, json: { statusCode: status, name: name ?? usualName, message: message ?? usualMessage } };
}

async function play(context, { incoming, outgoing, request, fault, answer, settle }) {
  const { state, perSecond } = context;
  if (fault?.delayMs) await pause(state, fault.delayMs);
  settle();
  if (fault?.end === "silence") return; // the client's time-out, or close(), ends it
  if (fault?.end === "reset") return void incoming.socket.resetAndDestroy();

  const text = fault?.body ?? answer.text ?? JSON.stringify(answer.json);
  const headers = {
    "content-type": fault?.body === undefined ? "application/json" : "text/html",
    "ratelimit-limit": String(perSecond),
    "ratelimit-remaining": String(perSecond - 1),
    "ratelimit-reset": "1",
    ...answer.headers,
    ...fault?.headers,
  };
  if (fault?.end === "half") {
    outgoing.writeHead(answer.status, { ...headers, "content-length": Buffer.byteLength(text) });
    const half = text.slice(0, Math.floor(text.length / 2));
    return void outgoing.write(half, () => incoming.socket.destroy());
  }
  request.status = answer.status;
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
    state.held.add(timer);
  });
}

function parsed(body) {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
