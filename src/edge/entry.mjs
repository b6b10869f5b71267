// The Worker's entry: hands every call to the Rust build and answers for calls that Rust loses.
//
// A panic in wasm, or a JavaScript exception that passes through it, ends the wasm instance. The build starts a
// new one for the next call, but promises of the old one never settle: without this file the caller, every
// other request of the isolate, and a running alarm would wait for ever. The runtime reports such an end as an
// `error` event, so every call races against it. Nothing else belongs here.

import { DurableObject } from "cloudflare:workers";
import Handlers, { Shard as RustShard, Store as RustStore } from "../../build/index.js";

// What answer.rs puts on every answer, on the one that it does not give.
const SEAL = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-robots-tag": "noindex, nofollow",
};

const waiting = new Set();

addEventListener("error", (event) => {
  const lost = new Error("the wasm instance was lost", { cause: event.error });
  for (const reject of waiting) reject(lost);
  waiting.clear();
});

async function guarded(call) {
  let giveUp;
  const lost = new Promise((_, reject) => { giveUp = reject; });
  waiting.add(giveUp);
  try {
    return await Promise.race([call(), lost]);
  } finally {
    waiting.delete(giveUp);
  }
}

// For a Durable Object a lost call is thrown: the caller sees its fetch fail, and the runtime runs an alarm again.
const guardedObject = (RustObject) => class extends DurableObject {
  constructor(state, env) {
    super(state, env);
    this.rust = new RustObject(state, env);
  }
  fetch(request) { return guarded(() => this.rust.fetch(request)); }
};

export class Shard extends guardedObject(RustShard) {
  alarm() { return guarded(() => this.rust.alarm()); }
}

export class Store extends guardedObject(RustStore) {}

export default {
  async fetch(request, env, context) {
    try {
      return await guarded(() => new Handlers(context, env).fetch(request));
    } catch (error) {
      console.error(JSON.stringify({ event: "call lost", error: String(error), cause: String(error?.cause) }));
      return Response.json(
        { error: "the request failed inside the Worker", hint: "send it again; the Worker's log has the cause" },
        { status: 503, headers: { ...SEAL, "retry-after": "1" } },
      );
    }
  },
  scheduled(event, env, context) {
    return guarded(() => new Handlers(context, env).scheduled(event));
  },
};
