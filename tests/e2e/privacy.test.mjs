// Personal data on request: what an export tells, what an erasure leaves in the tables of all objects, what does not bring
// anybody back, and what Shopify asks on behalf of people. On the built Worker, at one shard and at four.

import assert from "node:assert/strict";
import { after as afterAll, before, describe, test } from "node:test";
import { SENDERS } from "./senders.mjs";
import { after, emailHash, openShop, shardOf, shopifyHeaders } from "./shop.mjs";

for (const shards of [1, 4]) {
  describe(`personal data, with ${shards} shard${shards > 1 ? "s" : ""}`, () => {
    let shop;
    const sender = SENDERS.resend;
    before(async () => { shop = await openShop({ build: "test", shards, secrets: sender.settings }); });
    afterAll(() => shop?.close());

    const admin = async (what, who) => {
      const response = await shop.admin(what, { method: "POST", body: JSON.stringify(who) });
      assert.equal(response.status, 200, await response.clone().text());
      return response.json();
    };
    const erase = (who) => admin("erase", who);
    const heldOf = async (who) => (await admin("export", who)).held;
    /** The document of whoever lives; tombstones of ids that it goes by may stand beside it. */
    const documentOf = async (who) => (await heldOf(who)).contact.find(({ document }) => document.live).document.live;
    const compliance = (topic, payload, options) => {
      const body = JSON.stringify(payload);
      return shop.post("/hooks/shopify", body, shopifyHeaders(topic, body, options));
    };

    /** Every row of every table of every object, as text. */
    const dump = async () => {
      const rows = [];
      const objects = Array.from({ length: shards }, (_, n) => ["Shard", `g1-00${n}`]);
      for (const [objectClass, name] of [...objects, ["Store", "store"]]) {
        const tables = await shop.worker.sql(objectClass, name, "SELECT name FROM sqlite_master WHERE type = 'table'");
        for (const { name: table } of tables.filter((row) => !row.name.startsWith("_cf"))) {
          const found = await shop.worker.sql(objectClass, name, `SELECT * FROM ${table}`);
          rows.push(...found.map((row) => `${name} ${table} ${JSON.stringify(row)}`));
        }
      }
      return rows;
    };
    /** Those of these texts that are anywhere. */
    const foundOf = async (marks) => {
      const rows = await dump();
      return marks.filter((mark) => rows.some((row) => row.includes(mark)));
    };

    const objectionTo = async (email) => {
      const hash = emailHash(email);
      const name = `g1-00${shardOf(hash, shards)}`;
      const [row] = await shop.worker.sql("Shard", name, "SELECT reason FROM suppression WHERE hash = ?", hash);
      return row?.reason;
    };

    /** Somebody with a history in every table: signup, carts, an order, mails, another address. */
    const regular = async () => {
      const who = shop.shopper("nadia");
      who.firstName = `Nadiezda-${who.customerId}`;
      await shop.signsUp(who);
      // An order would end the series before its first mail.
      await shop.settle();
      await shop.startsCheckout(who);
      await shop.orders(who);
      await shop.startsCheckout({ ...who, token: `${who.token}-left`, cartToken: `${who.cartToken}-left` });
      await shop.event("Letter Wanted", { email: who.email, first_name: who.firstName });
      await shop.settle();
      assert.ok((await shop.mailsTo(who)).length >= 3);
      return who;
    };

    test("an export tells all that is held, by address and by id, in a form that people can read", async () => {
      const who = await regular();
      const other = shop.shopper("omar");
      await shop.orders(other);
      const answer = await admin("export", { email: who.email.toUpperCase() });
      assert.equal(answer.format, "wend-export-1");
      assert.deepEqual(answer.cut, []);
      assert.deepEqual(answer.contacts, [emailHash(who.email)]);
      assert.deepEqual((await admin("export", { contact_id: emailHash(who.email) })).held, answer.held);
      const { held } = answer;
      assert.equal(held.contact[0].document.live.profile.first_name, who.firstName);
      assert.equal(held.orders[0].order_key, `shopify:${who.orderId}`);
      assert.match(held.events[0].happened_at, /^\d{4}-\d\d-\d\dT.*Z$/);
      assert.equal(held.events.find(({ kind }) => kind === "Signed Up").body.consent.state, "subscribed");
      assert.ok(held.messages.some(({ template, state }) => template === "order-thank-you" && state === "accepted"));
      assert.ok(held.outbox_mails.some(({ mail }) => mail.to === who.email));
      const kinds = [...held.identifiers, ...held.closed_checkouts].map(({ kind }) => kind);
      for (const kind of ["email", "customer", "order", "checkout", "cart"]) assert.ok(kinds.includes(kind), kind);
      assert.ok(!JSON.stringify(held).includes(other.email));
      assert.deepEqual(await heldOf({ email: "stranger@example.com" }), {});
    });

    test("an erasure leaves no trace of address, name or ids in any table, and doing it again writes nothing", async () => {
      const who = await regular();
      const mail = (await shop.mailsTo(who)).at(-1);
      const marks = [who.email, who.firstName, String(who.customerId), String(who.orderId), who.token, who.cartToken];
      assert.deepEqual(await foundOf(marks), marks);
      const erased = await erase({ email: who.email });
      assert.equal(erased.contacts, 1);
      assert.ok(erased.erased.events >= 5 && erased.erased.messages >= 3 && erased.erased.outbox_mails >= 3, JSON.stringify(erased));
      assert.deepEqual([erased.kept, erased.in_flight], [{ objections: 1 }, 0]);
      await shop.settle();
      assert.deepEqual(await foundOf(marks), []);
      assert.equal(await objectionTo(who.email), "erased");
      const again = await shop.rowsOf(async () => assert.deepEqual((await erase({ email: who.email })).erased, {}));
      assert.equal(again.written, 0);

      // What comes late: the provider's word on a mail, the shop's repetition of an order, the link in a mail.
      const delivered = sender.body("clicked", { message: mail.id, email: who.email, at: await shop.now() });
      const headers = { "content-type": "application/json", ...sender.headers(delivered, { now: await shop.now() }) };
      const late = await shop.rowsOf(async () => {
        const { status, heard } = await shop.post("/delivery/resend", delivered, headers);
        assert.deepEqual([status, heard.unknown, heard.new], [200, 1, 0]);
      });
      assert.equal(late.written, 0);
      assert.equal(await shop.orders(who, { at: after(await shop.now(), -3_600_000) }), "ignored");
      assert.equal(await shop.signsUp(who, { at: after(await shop.now(), -3_600_000) }), "ignored");
      await shop.advance("30d");
      assert.deepEqual(await foundOf(marks), []);
    });

    test("an import does not bring marketing back, and their own new yes does", async () => {
      const who = await regular();
      const signedUp = await shop.now();
      await shop.advance("1h");
      await erase({ email: who.email });
      await shop.advance("100d");
      const consentOf = async () => (await documentOf({ email: who.email })).addresses[0].consent.state;
      // As a customer of another number, with the yes of then, in a file of today.
      const back = { ...who, customerId: who.customerId + 1 };
      await shop.shopify("customers/update", {
        id: back.customerId, email: back.email, updated_at: (await shop.now()).toISOString(),
        email_marketing_consent: { state: "subscribed", consent_updated_at: signedUp.toISOString() },
      });
      assert.equal(await consentOf(), "unsubscribed");
      await shop.startsCheckout(back, { customer: false });
      assert.equal(await consentOf(), "unsubscribed", "nor does a box that was ticked once");
      await shop.signsUp(back);
      assert.equal(await consentOf(), "subscribed");
    });

    test("a dead address stays dead, whoever it comes back as", async () => {
      const who = await regular();
      const bounced = sender.body("bounced", { email: who.email, message: (await shop.mailsTo(who))[0].id, at: await shop.now() });
      const headers = { "content-type": "application/json", ...sender.headers(bounced, { now: await shop.now() }) };
      assert.equal((await shop.post("/delivery/resend", bounced, headers)).heard.new, 1);
      await erase({ contact_id: emailHash(who.email) });
      await shop.advance("1d");
      assert.equal(await objectionTo(who.email), "hard_bounce");
      // A contact of another shard, that the address comes to.
      const bea = shop.shopper("bea");
      await shop.event("Signed Up", { email: bea.otherEmail, customer_id: `c-${bea.customerId}` });
      await shop.event("Contact Updated", { email: who.email, customer_id: `c-${bea.customerId}`, consent: { marketing: "subscribed" } });
      const { addresses } = await documentOf({ email: bea.otherEmail });
      assert.equal(addresses.find(({ email }) => email === who.email).consent.state, "suppressed");
    });

    test("Shopify asks for a person's data: operators are told, until it was exported", async () => {
      const who = await regular();
      const request = { shop_id: 1, shop_domain: "demo-shop.myshopify.com", orders_requested: [who.orderId],
        customer: { id: who.customerId, email: who.email, phone: null }, data_request: { id: 9_000 + shards } };
      for (const id of ["a", "b"]) assert.equal((await compliance("customers/data_request", request, { id })).result, "accepted");
      const asked = async () => (await shop.status()).shards.flatMap((shard) => shard.privacy_requests);
      const [open, ...more] = await asked();
      assert.deepEqual(more, [], "a repetition is the same request");
      assert.equal(open.kind, "data_request");
      assert.equal(open.to_do, `npm run export -- --contact ${emailHash(who.email)} --out file.json`);
      assert.ok(!JSON.stringify(open).includes(who.email));
      await admin("export", { contact_id: emailHash(who.email) });
      assert.deepEqual(await asked(), []);
    });

    test("Shopify redacts a customer: erased by number, without an address, across shards; a shop is left to its operator", async () => {
      const who = await regular();
      const request = { shop_id: 1, shop_domain: "demo-shop.myshopify.com", orders_to_redact: [who.orderId],
        customer: { id: who.customerId, email: null, phone: null } };
      const forged = JSON.stringify(request);
      const refused = await shop.post("/hooks/shopify", forged, shopifyHeaders("customers/redact", forged, { secret: "another" }));
      assert.equal(refused.status, 401);
      const marks = [who.email, who.firstName, String(who.customerId), String(who.orderId)];
      assert.deepEqual(await foundOf(marks), marks);
      assert.deepEqual(await compliance("customers/redact", request), { status: 200, result: "accepted", reason: null });
      await shop.settle();
      assert.deepEqual(await foundOf(marks), []);
      const again = await shop.rowsOf(async () => assert.equal((await compliance("customers/redact", request)).status, 200));
      assert.equal(again.written, 0);
      await compliance("shop/redact", { shop_id: 1, shop_domain: "demo-shop.myshopify.com" });
      const asked = (await shop.status()).shards.flatMap((shard) => shard.privacy_requests);
      assert.deepEqual(asked.map(({ kind, to_do }) => [kind, to_do]), [["erase_shop", "docs/privacy.md#the-whole-shop"]]);
    });

    test("who is not named is told how to name somebody, and nobody without the token is told anything", async () => {
      for (const body of ["", "{}", "[]", '{"email":"nobody"}', '{"email":"a@example.com","contact_id":"x"}', '{"name":"Ana"}']) {
        for (const what of ["export", "erase"]) {
          const response = await shop.admin(what, { method: "POST", body });
          assert.equal(response.status, 400, body);
          assert.match((await response.json()).hint, /contact_id/);
        }
      }
      assert.equal((await shop.admin("export")).status, 405);
      for (const what of ["export", "erase"]) {
        const response = await shop.fetch(`/admin/${what}`, { method: "POST", body: '{"email":"a@example.com"}' });
        assert.equal(response.status, 401);
      }
    });

    test("no line of the log holds an address or a name", async () => {
      const logs = JSON.stringify(await shop.worker.logs());
      assert.match(logs, /privacy request/, "this is the log");
      assert.doesNotMatch(logs, /@example\.com|@other\.example|nadia\.|Nadiezda/);
    });
  });
}
