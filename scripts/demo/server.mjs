// The running development server, as the demo sees it: webhooks in, the clock, and what it tells of mails and reasons.

import { Explained } from "../steps.mjs";

export async function connect(base, adminToken) {
  const health = await ask(base, "/health").catch(() => undefined);
  if (!health) throw new Explained(`Nothing answers at ${base}.\nStart Wend in another terminal with \`npm start\`, and run this again.`);
  const { version } = await health.json().catch(() => ({}));
  if (!version) throw new Explained(`What answers at ${base} is not Wend. Name its port: npm run demo -- --port N`);
  if (!(await ask(base, "/dev/clock")).ok) {
    throw new Explained(`The Wend at ${base} is not a development server: it has no /dev/clock.\n` +
      "The demo needs ENVIRONMENT=dev and a provider that reaches nobody, as in .dev.vars.example.");
  }
  const json = async (path, init) => {
    const response = await ask(base, path, init);
    if (!response.ok) throw new Explained(`${path} answered ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    base,
    now: async () => new Date((await json("/dev/clock")).now),
    advance: (ms) => json("/dev/clock", { method: "POST", body: JSON.stringify({ advance: `${Math.ceil(ms / 1000)}s` }) }),
    mails: () => json("/dev/outbox.json"),
    reasons: () => json("/dev/reasons.json"),
    /** Rows written by all objects since the server started. */
    async rowsWritten() {
      const { store, shards } = await json("/admin/status", { headers: { authorization: `Bearer ${adminToken}` } });
      return [store, ...shards].reduce((sum, { rows_written: rows = 0 }) => sum + rows, 0);
    },
    /** Delivers a webhook: the status, and Wend's word for what became of it. */
    async deliver({ path, headers, body }) {
      const response = await ask(base, path, { method: "POST", headers, body });
      const answer = await response.json();
      return { status: response.status, word: answer.result ?? answer.error };
    },
    /** Acts as a mail program does on its unsubscribe button (RFC 8058). */
    async unsubscribe(mail) {
      const [, link] = /<(https?:[^>]+)>/.exec(mail.headers["List-Unsubscribe"] ?? "") ?? [];
      if (!link) throw new Explained(`The mail ${mail.step} has no List-Unsubscribe link.`);
      const response = await ask(base, new URL(link).pathname, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "List-Unsubscribe=One-Click",
      });
      return { status: response.status, word: "unsubscribed" };
    },
  };
}

const ask = (base, path, init) => fetch(base + path, { ...init, redirect: "manual" });
