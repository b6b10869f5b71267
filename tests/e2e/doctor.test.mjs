// The doctor, against a real nameserver on loopback: what it finds in the DNS of a sender's domain, and what it says.

import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { test } from "node:test";
import { examine } from "../../scripts/doctor/dns.mjs";
import { openNameserver } from "./nameserver.mjs";

const KEY = `v=DKIM1; k=rsa; p=${"A".repeat(300)}`;
const SOUND = {
  "shop.example": { TXT: ["v=spf1 include:_spf.office.example ~all", "some=other record"], MX: [[10, "mx.shop.example"]] },
  "_spf.office.example": { TXT: ["v=spf1 ip4:192.0.2.0/24 ~all"] },
  "send.shop.example": { TXT: ["v=spf1 include:amazonses.com ~all"] },
  "amazonses.com": { TXT: ["v=spf1 ip4:198.51.100.0/24 -all"] },
  "resend._domainkey.shop.example": { TXT: [KEY] },
  "_dmarc.shop.example": { TXT: ["v=DMARC1; p=quarantine; rua=mailto:dmarc@shop.example"] },
};

/** What its dashboard calls the key. */
const RESEND_KEYS = { resend: ["resend"] };

/** What the doctor finds of a zone that differs from the sound one: `verdict what text`, all but what is good. */
async function findings(changes, { providers = ["resend"], domain = "shop.example", selectors = RESEND_KEYS[providers[0]] } = {}) {
  const server = await openNameserver({ ...SOUND, ...changes });
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([server.address]);
  try {
    const found = await examine({ domain, providers, resolver, selectors });
    return { found, bad: found.filter(({ verdict }) => verdict !== "good").map(({ verdict, what, text }) => `${verdict} ${what} ${text}`) };
  } finally {
    await server.close();
  }
}

test("a domain that has everything is found sound", async () => {
  const { found, bad } = await findings({});
  assert.deepEqual(bad, []);
  assert.deepEqual(found.map(({ what }) => what), ["MX", "DMARC", "SPF", "SPF", "SPF", "DKIM"]);
});

for (const [title, changes, expected, options] of [
  ["no SPF where bounces go", { "send.shop.example": {} }, [/^problem SPF send\.shop\.example has no SPF record.*v=spf1 include:amazonses\.com ~all/]],
  ["an SPF record without the provider", { "send.shop.example": { TXT: ["v=spf1 ~all"] } }, [/^problem SPF send\.shop\.example does not name resend: add include:amazonses\.com/]],
  ["two SPF records", { "shop.example": { ...SOUND["shop.example"], TXT: ["v=spf1 ~all", "v=spf1 -all"] } }, [/^problem SPF shop\.example has 2 SPF records.*merge/]],
  ["everybody may send", { "shop.example": { ...SOUND["shop.example"], TXT: ["v=spf1 +all"] } }, [/^problem SPF shop\.example ends in `\+all`/]],
  ["an include that leads nowhere", { "_spf.office.example": {} }, [/^problem SPF shop\.example includes _spf\.office\.example, which has no SPF record/]],
  ["too many lookups", {
    "_spf.office.example": { TXT: [`v=spf1 ${[1, 2, 3, 4, 5].map((n) => `include:s${n}.example`).join(" ")} ~all`] },
    ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`s${n}.example`, { TXT: ["v=spf1 a mx ~all"] }])),
  }, [/^problem SPF shop\.example makes its readers look up more than 10 names/]],
  ["an SPF record that includes itself", { "_spf.office.example": { TXT: ["v=spf1 include:shop.example ~all"] } }, []],
  ["no key", { "resend._domainkey.shop.example": {} }, [/^problem DKIM resend\._domainkey\.shop\.example has no key/]],
  ["a key that was taken back", { "resend._domainkey.shop.example": { TXT: ["v=DKIM1; p="] } }, [/^problem DKIM .* taken back/]],
  ["no DMARC", { "_dmarc.shop.example": {} }, [/^problem DMARC shop\.example has no DMARC record.*Begin with: TXT _dmarc\.shop\.example/]],
  ["two DMARC records", { "_dmarc.shop.example": { TXT: ["v=DMARC1; p=none", "v=DMARC1; p=reject"] } }, [/^problem DMARC .* 2 DMARC records/]],
  ["a policy that is none", { "_dmarc.shop.example": { TXT: ["v=DMARC1; rua=mailto:a@shop.example"] } }, [/^problem DMARC .* no policy/]],
  ["p=none, and nobody reads the reports", { "_dmarc.shop.example": { TXT: ["v=DMARC1; p=none"] } }, [/^advice DMARC .*p=none/, /^advice DMARC .*no `rua`/]],
  ["strict alignment of the envelope", { "_dmarc.shop.example": { TXT: ["v=DMARC1; p=reject; aspf=s; rua=mailto:a@shop.example"] } }, [/^advice DMARC aspf=s .* subdomain send: only DKIM counts/]],
  ["no mail server", { "shop.example": { TXT: SOUND["shop.example"].TXT } }, [/^advice MX shop\.example receives no mail/]],
  ["a null MX", { "shop.example": { ...SOUND["shop.example"], MX: [[0, ""]] } }, [/^advice MX shop\.example receives no mail/]],
  ["a key whose name nobody said", {}, [/^unchecked DKIM resend names its keys differently.*--selector/], { selectors: [] }],
  ["a provider that names its keys alike for everybody", { "s1._domainkey.shop.example": { TXT: [KEY] } }, [/DKIM s2\._domainkey\.shop\.example has no key/], { providers: ["sendgrid"] }],
  ["a provider whose keys have other names in each account", {}, [/^advice SPF pm-bounces\.shop\.example has no SPF record, so only DKIM proves what postmark sends/, /^unchecked DKIM postmark names its keys differently.*--selector/], { providers: ["postmark"] }],
  ["a key that was named", {
    "20260101pm._domainkey.shop.example": { TXT: [KEY] },
    "pm-bounces.shop.example": { CNAME: ["pm.mtasv.net"] },
    "pm.mtasv.net": { TXT: ["v=spf1 ip4:203.0.113.0/24 ~all"] },
  }, [], { providers: ["postmark"], selectors: ["20260101pm"] }],
  ["a name that fails", { "_dmarc.shop.example": "SERVFAIL" }, [/^unchecked DMARC _dmarc\.shop\.example could not be asked \(ESERVFAIL\): ask again/]],
  ["a name that never answers", { "resend._domainkey.shop.example": null }, [/^unchecked DKIM .* could not be asked \(ETIMEOUT\)/]],
]) {
  test(title, async () => {
    const { bad } = await findings(changes, options);
    assert.equal(bad.length, expected.length, bad.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(bad[index], pattern);
  });
}

test("a subdomain lives under the policy of the domain above it", async () => {
  const changes = {
    "mail.shop.example": { TXT: ["v=spf1 ~all"], MX: [[10, "mx.shop.example"]] },
    "send.mail.shop.example": SOUND["send.shop.example"],
    "resend._domainkey.mail.shop.example": { TXT: [KEY] },
    "_dmarc.shop.example": { TXT: ["v=DMARC1; p=reject; sp=none; rua=mailto:a@shop.example"] },
  };
  const { bad } = await findings(changes, { domain: "mail.shop.example" });
  assert.equal(bad.length, 1, bad.join("\n"));
  assert.match(bad[0], /^advice DMARC _dmarc\.shop\.example says p=none/);
});
