// A Postmark that stays on this machine: it knows no keys, and takes whatever comes.
//
// Used by the rounds (rounds.mjs) as POSTMARK_URL. It takes POST /email and POST /email/batch, and plays scripted faults
// (api.mjs). It never sends anything.
//
// Sources: postmarkapp.com/developer/api/email-api, /developer/api/overview#error-codes.

import { startApi } from "./api.mjs";

const BATCH_MAX = 500;
const BAD_TOKEN = 10;
const NOT_JSON = 402;
const INVALID = 300;

export const startPostmark = (options) => startApi(DIALECT, options);

const DIALECT = {
  error: (status, _, message = "The server says no.") => failed(status, 0, message),
  refused,
  emails: emailsOf,
  message: (email) => email.Metadata?.message,
  to: (email) => email.To,
  take(request, keep) {
    const results = emailsOf(request).map((email) => ({
      To: email.To, SubmittedAt: new Date().toISOString(), MessageID: keep(email), ErrorCode: 0, Message: "OK",
    }));
    return { answer: { status: 200, json: request.path === "/email" ? results[0] : results } };
  },
  headers: {},
};

function refused(request) {
  if (!["/email", "/email/batch"].includes(request.path)) return failed(404, 0, "Not found");
  if (request.method !== "POST") return failed(405, 0, "Method not allowed");
  if (!request.headers["x-postmark-server-token"]) return failed(401, BAD_TOKEN, "Bad or missing Server API token.");
  const emails = emailsOf(request);
  if (!emails) return failed(422, NOT_JSON, "Invalid JSON");
  const whole = ({ From, To, Subject, HtmlBody, MessageStream }) => [From, To, Subject, HtmlBody, MessageStream].every((text) => typeof text === "string");
  return emails.every(whole) ? undefined : failed(422, INVALID, "Invalid email request");
}

/** As Postmark: one email alone, or an array of them. */
function emailsOf({ path, json }) {
  const isEmail = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  if (path === "/email") return isEmail(json) ? [json] : undefined;
  return Array.isArray(json) && json.length >= 1 && json.length <= BATCH_MAX && json.every(isEmail) ? json : undefined;
}

const failed = (status, code, message) => ({ status, json: { ErrorCode: code, Message: message } });
