// HTTP as no well-behaved client sends it: bytes over a socket, and what came back.

import { connect } from "node:net";

const PATIENCE_MS = 15_000;

/** Opens a connection; `answer` is the text of all that comes until the other side closes, or until `close()`. */
export function dial(url) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  const answer = new Promise((resolve) => {
    socket.setEncoding("latin1").on("data", (chunk) => { text += chunk; });
    socket.on("error", () => resolve(text)).on("close", () => resolve(text));
    setTimeout(() => socket.destroy(), PATIENCE_MS).unref();
  });
  return { write: (bytes) => socket.write(bytes), close: () => socket.destroy(), answer };
}

/** Sends one request as it stands and returns `{ status, headers, body }`; status 0 when nothing came. */
export async function send(url, bytes) {
  const connection = dial(url);
  connection.write(bytes);
  const text = await connection.answer;
  const [head, ...rest] = text.split("\r\n\r\n");
  const [first, ...lines] = head.split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { status: Number(first.split(" ")[1] ?? 0), headers, body: rest.join("\r\n\r\n") };
}

/** The bytes of a request with exactly this verb, path and headers. */
export function request(verb, path, headers = {}, body = "") {
  const lines = Object.entries({ host: "wend.example", connection: "close", ...headers });
  const length = body ? [["content-length", Buffer.byteLength(body)]] : [];
  const head = [`${verb} ${path} HTTP/1.1`, ...[...lines, ...length].map(([name, value]) => `${name}: ${value}`)].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, "latin1"), Buffer.from(body)]);
}
