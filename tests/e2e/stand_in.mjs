// Stand-ins for the APIs of providers that answer as tests/fixtures/providers/ says they do. They never send anything.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

/** The documented answer of that name. */
export function documented(provider, name) {
  const file = new URL(`../fixtures/providers/${provider}/send_responses.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).cases.find((answer) => answer.name === name);
}

/** An API on this machine that gives these answers in turn, the last one ever after, and keeps what was asked. */
export async function standIn(answers) {
  const requests = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString("utf8");
    const form = incoming.headers["content-type"] === "application/x-www-form-urlencoded";
    const body = form ? new URLSearchParams(text) : JSON.parse(text);
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({ method: incoming.method, path: incoming.url, headers: incoming.headers, text, body });
    outgoing.writeHead(answer.status, answer.headers);
    outgoing.end(typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); }),
  };
}
