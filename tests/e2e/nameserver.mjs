// A nameserver on loopback for the doctor's tests: answers TXT, MX and CNAME of a zone over UDP, says NXDOMAIN of other names,
// and nothing at all of a name whose record is `null`. The wire format is RFC 1035 §4.

import { createSocket } from "node:dgram";
import { once } from "node:events";

const TYPES = { CNAME: 5, MX: 15, TXT: 16 };
const [NXDOMAIN, SERVFAIL] = [3, 2];

/** `zone`: `{ "shop.example": { TXT: ["v=spf1 ~all"], MX: [[10, "mx.shop.example"]] } }`; `"SERVFAIL"` for a broken name. */
export async function openNameserver(zone) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address }) => {
    const reply = answer(query, zone);
    if (reply) socket.send(reply, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return { address: `127.0.0.1:${socket.address().port}`, close: () => new Promise((done) => { socket.close(done); }) };
}

function answer(query, zone) {
  const labels = [];
  let at = 12;
  while (query[at] > 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
    at += query[at] + 1;
  }
  const question = query.subarray(12, at + 5);
  const [name, type] = [labels.join(".").toLowerCase(), query.readUInt16BE(at + 1)];
  const records = zone[name];
  if (records === null) return undefined;
  const status = records === "SERVFAIL" ? SERVFAIL : records === undefined ? NXDOMAIN : 0;
  const rows = status === 0 ? answers(zone, name, type) : [];
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | status, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(rows.length, 6);
  return Buffer.concat([header, question, ...rows]);
}

function answers(zone, name, type) {
  const { CNAME: [canonical] = [], ...records } = zone[name];
  if (canonical) return [row(name, TYPES.CNAME, encodeName(canonical)), ...(zone[canonical] ? answers(zone, canonical, type) : [])];
  if (type === TYPES.TXT) return (records.TXT ?? []).map((text) => row(name, type, encodeText(text)));
  if (type !== TYPES.MX) return [];
  return (records.MX ?? []).map(([priority, host]) => row(name, type, Buffer.concat([Buffer.from([0, priority]), encodeName(host)])));
}

function row(name, type, data) {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name), fixed, data]);
}

const encodeName = (name) =>
  Buffer.concat([...name.split(".").filter(Boolean).map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")])), Buffer.from([0])]);

/** Strings of at most 255 bytes each. */
function encodeText(text) {
  const bytes = Buffer.from(text);
  const parts = [];
  for (let at = 0; at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat(parts);
}
