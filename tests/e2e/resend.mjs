// A Resend that stays on this machine: a real HTTP server that records requests and answers as Resend does.
//
// Used by the end-to-end tests as RESEND_URL. It takes POST /emails and POST /emails/batch, deduplicates by
// Idempotency-Key for 24 hours, and plays scripted faults (api.mjs). It never sends anything.
//
// Sources: https://resend.com/docs/api-reference/errors, /docs/dashboard/emails/idempotency-keys, and
// github.com/resend/resend-openapi.

import { createHash } from "node:crypto";
import { startApi } from "./api.mjs";

const KEY_WINDOW_MS = 24 * 60 * 60 * 1000;
const BATCH_MAX = 100;

/**
 * @param {object} [options]
 * @param {number} [options.port] Default: any free one.
 * @param {() => number} [options.now] Milliseconds; keys expire by it.
 * @param {string} [options.apiKey] Refuse any other key with 403. Default: any key will do.
 * @param {number} [options.perSecond] Told in the ratelimit headers; not enforced.
 */
export async function startResend({ port, now, apiKey, perSecond = 10 } = {}) {
  const keys = new Map();
  const dialect = {
    error,
    refused: (request) => refused(apiKey, request),
    emails: emailsOf,
    message: ({ tags }) => tags?.find(({ name }) => name === "message")?.value,
    to: (email) => [email.to].flat()[0],
    take: (request, keep, at) => take(keys, request, keep, at),
    headers: { "ratelimit-limit": String(perSecond), "ratelimit-remaining": String(perSecond - 1), "ratelimit-reset": "1" },
  };
  const api = await startApi(dialect, { port, now });
  return {
    ...api,
    /** Forgets everything, faults and keys included. */
    reset() {
      api.reset();
      keys.clear();
    },
  };
}

/** A key that is known gets the answer of its first request, if the bytes are the same. */
function take(keys, request, keep, at) {
  const key = request.headers["idempotency-key"];
  const accept = () => {
    const ids = emailsOf(request).map((email) => ({ id: keep(email) }));
    return { status: 200, json: request.path === "/emails" ? ids[0] : { data: ids } };
  };
  if (key === undefined) return { answer: accept() };

  const hash = createHash("sha256").update(request.path).update("\n").update(request.body).digest("hex");
  const held = keys.get(key);
  if (held && at - held.at < KEY_WINDOW_MS) {
    if (held.hash !== hash) return { answer: error(409, "invalid_idempotent_request") };
    if (held.inFlight) return { answer: error(409, "concurrent_idempotent_requests") };
    return { answer: held.answer };
  }
  const entry = { hash, at, inFlight: true, answer: accept() };
  keys.set(key, entry);
  return { answer: entry.answer, settle: () => void (entry.inFlight = false) };
}

/** What Resend checks before it takes anything: route, key, body. */
function refused(apiKey, request) {
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
