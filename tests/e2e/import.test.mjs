// Lists of other programs, imported into the built Worker by the command itself: who is known afterwards, that nothing is
// sent and nothing starts, that a second time writes nothing, that who was erased stays so, and that all of it comes out again.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after as afterAll, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openShop } from "./shop.mjs";
import { DEV_SECRETS } from "./worker.mjs";

const at = (file) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const LISTS = [
  ["contacts", "klaviyo.csv", 6, 2],
  ["contacts", "shopify-customers.csv", 3, 1],
  ["contacts", "own-cp1251.csv", 4, 2],
  ["orders", "shopify-orders.csv", 2, 2],
  ["orders", "own-orders.csv", 1, 1],
];

for (const shards of [1, 4]) {
  describe(`imports, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    let folder;
    before(async () => {
      shop = await openShop({ shards });
      folder = mkdtempSync(path.join(os.tmpdir(), "wend-imports-"));
    });
    afterAll(async () => {
      await shop?.close();
      rmSync(folder, { recursive: true });
    });

    const run = (script, ...args) => {
      const to = ["--to", shop.worker.url, "--token", DEV_SECRETS.ADMIN_TOKEN];
      const child = spawn(process.execPath, [at(`scripts/${script}`), ...args, ...to], { stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      let said = "";
      child.stdout.on("data", (part) => (text += part));
      child.stderr.on("data", (part) => (said += part));
      return new Promise((resolve, reject) => child.on("close", (code) =>
        (code === 0 ? resolve(text.trim()) : reject(new Error(`${script} ${args.join(" ")}: ${text}${said}`)))));
    };
    const importing = (what, name) => {
      const file = path.join(folder, name);
      copyFileSync(at(`tests/fixtures/imports/${name}`), file);
      return run("import.mjs", what, file);
    };
    const everything = async () => {
      const lines = (await run("privacy.mjs", "export", "everything")).split("\n").map((line) => JSON.parse(line));
      assert.deepEqual(lines.shift(), { format: "wend-everything-1" });
      return lines;
    };
    const count = (lines, table) => lines.filter((line) => line.table === table).length;
    /** What is known of somebody, by address. */
    const person = (lines, email) => {
      const live = lines.filter((line) => line.table === "contact").map((line) => line.document.live);
      return live.find((contact) => contact?.addresses?.some((address) => address.email.toLowerCase() === email));
    };

    test("every list is taken, and nothing is sent and nothing starts", async () => {
      for (const [what, name, taken, rejected] of LISTS) {
        const said = await importing(what, name);
        assert.match(said, new RegExp(`: ${taken} new\\.`), said);
        assert.match(said, new RegExp(`^${rejected} lines were rejected`, "m"), said);
      }
      await shop.advance("60d");
      assert.deepEqual(await shop.outbox(), []);
      const lines = await everything();
      const counts = ["contact", "consent", "order", "event", "enrollment", "message"].map((table) => count(lines, table));
      assert.deepEqual(counts, [10, 7, 3, 19, 0, 0]);
      const ana = person(lines, "ana@example.com");
      assert.equal(ana.purchases.orders, 1);
      assert.equal(ana.addresses[0].consent.state, "subscribed");
      assert.deepEqual(ana.enrollments ?? [], []);
      assert.equal(person(lines, "marta@example.com").addresses[0].consent.state, "unsubscribed");
      assert.equal(person(lines, "gone@example.com").addresses[0].consent.state, "suppressed");
      assert.equal(person(lines, "olek@example.com").addresses[0].consent.state, "unknown");
      assert.equal(person(lines, "иван@почта.рф").profile.first_name, "Иван");
    });

    test("made again it writes nothing, and everything is as it was", async () => {
      const before = await everything();
      const rows = await shop.rowsOf(async () => {
        for (const [what, name, taken] of LISTS) {
          assert.match(await importing(what, name), new RegExp(`: 0 new, ${taken} there already\\.`));
        }
      });
      assert.deepEqual([rows.written, rows.store], [0, 0]);
      assert.deepEqual(await everything(), before);
    });

    test("who was erased stays so", async () => {
      await run("privacy.mjs", "erase", "ana@example.com", "--yes");
      assert.match(await importing("contacts", "klaviyo.csv"), /: 0 new, 4 there already, 2 of people who were erased, who stay so\./);
      assert.match(await importing("orders", "shopify-orders.csv"), /: 0 new, 1 there already, 1 of people who were erased/);
      assert.equal(person(await everything(), "ana@example.com"), undefined);
    });

    test("what is no batch is refused with a hint, and whoever has no token with 401", async () => {
      const post = (body) => shop.admin("import", { method: "POST", body: JSON.stringify(body) });
      const record = (email) => ({ contact: { list: "csv", email } });
      for (const body of [{}, { records: [{ contact: { list: "csv" } }] }, { records: [record("nobody")] }, { records: [{ person: {} }] },
        { records: Array.from({ length: 201 }, (_, n) => record(`n${n}@example.com`)) }]) {
        const response = await post(body);
        assert.equal(response.status, 400);
        assert.match((await response.json()).hint, /npm run import/);
      }
      assert.deepEqual(await (await post({ records: [] })).json(), { taken: 0, known: 0, erased: 0 });
      for (const route of ["/admin/import", "/admin/export/everything"]) {
        assert.equal((await shop.fetch(route, { method: "POST", body: "{}" })).status, 401);
      }
      assert.equal((await shop.admin("import")).status, 405);
      const page = await shop.admin("export/everything", { method: "POST", body: JSON.stringify({ after: { shard: 7, place: { kind: "contact" } } }) });
      assert.equal(page.status, 400);
    });
  });
}
