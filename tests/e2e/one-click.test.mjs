// RFC 8058 as a mail provider speaks it: a POST over a plain socket, with no cookie and no second question. The exchange
// is kept in docs/one-click.md, and this test keeps that true; UPDATE_EXCHANGE=1 writes it anew.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import net from "node:net";
import { after as afterAll, before, test } from "node:test";
import { Shop } from "./shop.mjs";
import { serve, stateFolder, wend } from "./workerd.mjs";

const GUIDE = "docs/one-click.md";
let state;
let server;
let shop;
before(async () => {
  state = stateFolder();
  server = await serve(state, {}, wend("test"));
  shop = new Shop(server.fetch, 1);
  await shop.toNoon();
});
afterAll(async () => {
  await server.close();
  state.remove();
});

/** Says `request` to the server, and returns all that comes back. */
function speak(request) {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), hostname, () => socket.end(request));
    let answer = "";
    socket.setEncoding("utf8").on("data", (text) => { answer += text; }).on("end", () => resolve(answer)).on("error", reject);
  });
}

const lines = (...all) => all.join("\r\n");
const post = (target, type, body) => lines(
  `POST ${target} HTTP/1.1`, "Host: mail.shop.example", `Content-Type: ${type}`,
  `Content-Length: ${Buffer.byteLength(body)}`, "Connection: close", "", body,
);

/** What differs from run to run is named, and of the page only what it says. */
function readable(text) {
  const [head, body] = text.split("\r\n\r\n");
  const said = /<h1>(.*?)<\/h1>/.exec(body)?.[1];
  const shown = head.split("\r\n").filter((line) => !/^date:/i.test(line))
    .map((line) => line.replace(/\/u\/[A-Za-z0-9_-]+/, "/u/<token>").replace(/^content-length: \d+$/i, (whole) => said ? "content-length: …" : whole));
  return [...shown, "", said ? `… <h1>${said}</h1> …` : body].join("\n");
}

async function greeted() {
  const ana = shop.shopper();
  await shop.signsUp(ana);
  await shop.settle();
  const [mail] = await shop.mailsTo(ana);
  const [, link] = /^<(https?:\/\/[^>]+)>$/.exec(mail.headers["List-Unsubscribe"]);
  assert.equal(mail.headers["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
  return { ana, target: new URL(link).pathname };
}

test("the exchange in the guide is the one that happens", async () => {
  const { ana, target } = await greeted();
  const get = lines(`GET ${target} HTTP/1.1`, "Host: mail.shop.example", "Connection: close", "", "");
  const exchange = [];
  for (const request of [get, post(target, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")]) {
    const answer = await speak(request);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, /^(set-cookie|location):/im);
    exchange.push(readable(request), readable(answer));
  }
  await shop.advance("6d");
  assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);

  const guide = readFileSync(GUIDE, "utf8");
  let number = 0;
  const written = guide.replace(/```http\n[^]*?\n```/g, () => `\`\`\`http\n${exchange[number++].trimEnd()}\n\`\`\``);
  assert.equal(number, exchange.length, `${GUIDE} shows each part of the exchange`);
  if (process.env.UPDATE_EXCHANGE) writeFileSync(GUIDE, written);
  else assert.equal(written, guide);
});

test("a scanner that opens the link a hundred times unsubscribes nobody", async () => {
  const { ana, target } = await greeted();
  for (let n = 0; n < 100; n += 1) {
    const method = n % 2 ? "HEAD" : "GET";
    assert.match(await speak(lines(`${method} ${target} HTTP/1.1`, "Host: x", "Connection: close", "", "")), /^HTTP\/1\.1 200 /);
  }
  await shop.advance("6d");
  assert.deepEqual(await shop.sentTo(ana), ["welcome-hello", "welcome-story", "welcome-favourites"]);
});

test("multipart, as RFC 8058 prefers it, acts as well, and so does the same once more", async () => {
  const { ana, target } = await greeted();
  const body = lines("--7d1", 'Content-Disposition: form-data; name="List-Unsubscribe"', "", "One-Click", "--7d1--", "");
  for (let n = 0; n < 2; n += 1) {
    assert.match(await speak(post(target, "multipart/form-data; boundary=7d1", body)), /^HTTP\/1\.1 200 /);
  }
  await shop.advance("6d");
  assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);
});

test("a link signed with a key that is listed still, though not the newest, works", async () => {
  const { ana, target } = await greeted();
  await server.close();
  const newest = "a-newer-link-key-of-32-bytes-xxxxxxxx";
  server = await serve(state, { LINK_KEY: `${newest} test-link-key-of-32-bytes-0123456789` }, wend("test"));
  shop.fetch = server.fetch;
  assert.match(await speak(post(target, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")), /^HTTP\/1\.1 200 /);
  await shop.advance("6d");
  assert.deepEqual(await shop.sentTo(ana), ["welcome-hello"]);
  const { target: other } = await greeted();
  await server.close();
  server = await serve(state, { LINK_KEY: "another-link-key-of-32-bytes-yyyyyyyyy" }, wend("test"));
  shop.fetch = server.fetch;
  assert.match(await speak(post(other, "application/x-www-form-urlencoded", "List-Unsubscribe=One-Click")), /^HTTP\/1\.1 404 /);
});
