// The DNS of the sender's domain: whether mailbox providers will believe that the shop's mail is the shop's. Called by
// scripts/doctor.mjs with a resolver; it decides on records alone, and says what it could not ask.
//
// SPF is RFC 7208, DKIM RFC 6376, DMARC RFC 7489. Gmail and Yahoo want all three of who sends them thousands of mails a day
// (https://support.google.com/a/answer/81126).

import { SENDERS } from "./senders.mjs";

/** Names that an SPF record may make its reader look up (RFC 7208 §4.6.4). */
const MAX_LOOKUPS = 10;
const ABSENT = new Set(["ENODATA", "ENOTFOUND"]);

/**
 * Findings about `domain`, from which mail goes out through `providers`: `{ verdict, what, text }`, where the verdict is
 * `good`, `advice`, `problem` or `unchecked`. `selectors` are more names of DKIM keys than the providers' own.
 */
export async function examine({ domain, providers, resolver, selectors = [] }) {
  const dns = new Dns(resolver);
  const senders = providers.filter((name) => name in SENDERS).map((name) => ({ name, ...SENDERS[name] }));
  const findings = [await mailExchangers(dns, domain)];
  const policy = await dmarc(dns, domain);
  findings.push(...policy.findings, ...(await spfOf(dns, domain, senders)));
  for (const sender of senders) findings.push(...(await dkimOf(dns, domain, sender, selectors)));
  findings.push(...alignment(policy, senders));
  return findings;
}

const good = (what, text) => ({ verdict: "good", what, text });
const advice = (what, text) => ({ verdict: "advice", what, text });
const problem = (what, text) => ({ verdict: "problem", what, text });
const unchecked = (what, name, error) => ({
  verdict: "unchecked", what, text: `${name} could not be asked (${error.code ?? error.message}): ask again later, or with --dns 1.1.1.1`,
});

class Dns {
  constructor(resolver) {
    this.resolver = resolver;
  }

  /** The records of a name; none when it has none. Whatever else goes wrong is thrown. */
  async #ask(kind, name) {
    try {
      return await this.resolver[kind](name);
    } catch (error) {
      if (ABSENT.has(error.code)) return [];
      throw error;
    }
  }

  async texts(name) {
    return (await this.#ask("resolveTxt", name)).map((parts) => parts.join(""));
  }

  exchangers(name) {
    return this.#ask("resolveMx", name);
  }
}

async function mailExchangers(dns, domain) {
  try {
    const found = (await dns.exchangers(domain)).filter(({ exchange }) => exchange !== "" && exchange !== ".");
    if (found.length > 0) return good("MX", `${domain} receives mail at ${found.map(({ exchange }) => exchange).sort().join(", ")}`);
    return advice("MX", `${domain} receives no mail, so replies and complaints to it are lost: give it an MX record, or set \`reply_to\` in store.yaml`);
  } catch (error) {
    return unchecked("MX", domain, error);
  }
}

// ---- DMARC ----

const tagsOf = (record) => Object.fromEntries(record.split(";").map((tag) => tag.split("=").map((part) => part.trim()))
  .filter(([name, value]) => name && value !== undefined).map(([name, value]) => [name.toLowerCase(), value]));

/** The policy that holds for a domain: its own, or that of a domain above it (RFC 7489 §6.6.3, RFC 9091). */
async function dmarc(dns, domain) {
  const labels = domain.split(".");
  for (let at = 0; at <= Math.max(0, labels.length - 2); at += 1) {
    const place = `_dmarc.${labels.slice(at).join(".")}`;
    let records;
    try {
      records = (await dns.texts(place)).filter((text) => /^v=DMARC1\s*(;|$)/i.test(text));
    } catch (error) {
      return { findings: [unchecked("DMARC", place, error)] };
    }
    if (records.length > 1) {
      return { findings: [problem("DMARC", `${place} has ${records.length} DMARC records, which counts as none: leave one`)] };
    }
    if (records.length === 1) return judged(place, tagsOf(records[0]), at > 0);
  }
  const record = `TXT _dmarc.${domain} "v=DMARC1; p=none; rua=mailto:dmarc@${domain}"`;
  return { findings: [problem("DMARC", `${domain} has no DMARC record, and Gmail and Yahoo refuse bulk mail without one. Begin with: ${record}`)] };
}

function judged(place, tags, isInherited) {
  const policy = ((isInherited && tags.sp) || tags.p || "").toLowerCase();
  if (!["none", "quarantine", "reject"].includes(policy)) {
    return { findings: [problem("DMARC", `${place} says no policy that is one: it needs p=none, p=quarantine or p=reject`)] };
  }
  const findings = policy === "none"
    ? [advice("DMARC", `${place} says p=none: forged mail in your name is delivered. Once the reports show that yours passes, say p=quarantine`)]
    : [good("DMARC", `${place} says p=${policy}`)];
  if (!tags.rua) findings.push(advice("DMARC", `${place} names no \`rua\`, so nobody tells you what fails: add rua=mailto:an address of yours`));
  return { findings, tags };
}

// ---- SPF ----

async function spfOf(dns, domain, senders) {
  const places = new Map([[domain, []]]);
  for (const sender of senders.filter(({ envelope }) => envelope !== undefined)) {
    const place = sender.envelope === "" ? domain : `${sender.envelope}.${domain}`;
    places.set(place, [...(places.get(place) ?? []), sender]);
  }
  const findings = [];
  for (const [place, of] of places) findings.push(...(await spfAt(dns, place, of, place === domain)));
  return findings;
}

async function spfAt(dns, place, senders, isRoot) {
  let records;
  try {
    records = (await dns.texts(place)).filter(isSpf);
  } catch (error) {
    return [unchecked("SPF", place, error)];
  }
  if (records.length > 1) {
    return [problem("SPF", `${place} has ${records.length} SPF records, which is an error to every reader (RFC 7208 §4.5): merge them into one`)];
  }
  if (records.length === 0) return [missingSpf(place, senders, isRoot)];
  const [record] = records;
  const findings = await lookedUp(dns, place, record);
  if (/(^|\s)\+?all(\s|$)/i.test(record)) {
    findings.push(problem("SPF", `${place} ends in \`+all\`, which lets everybody send in its name: end it in ~all`));
  }
  for (const { name, include, page } of senders.filter(({ include }) => include)) {
    findings.push(record.toLowerCase().split(/\s+/).some((term) => term.replace(/^\+/, "") === `include:${include}`)
      ? good("SPF", `${place} lets ${name} send`)
      : problem("SPF", `${place} does not name ${name}: add include:${include} to its SPF record (${page})`));
  }
  return findings;
}

const isSpf = (text) => /^v=spf1(\s|$)/i.test(text);

function missingSpf(place, senders, isRoot) {
  const [wanted] = senders.filter(({ include }) => include);
  if (wanted) {
    return problem("SPF", `${place} has no SPF record, and ${wanted.name} sends from there. Add: TXT ${place} "v=spf1 include:${wanted.include} ~all" (${wanted.page})`);
  }
  // A CNAME to the provider's own name answers with that one's records.
  if (senders.length > 0) {
    return advice("SPF", `${place} has no SPF record, so only DKIM proves what ${senders[0].name} sends: add the CNAME that its dashboard shows (${senders[0].page})`);
  }
  const text = `${place} has no SPF record. If no mail comes from it but by your email API, add: TXT ${place} "v=spf1 ~all"`;
  return isRoot ? advice("SPF", text) : problem("SPF", text);
}

/** Whether the record stays within the lookups that readers make. */
async function lookedUp(dns, place, record) {
  try {
    const { count, broken } = await countLookups(dns, record, new Set([place]));
    const findings = broken.map((name) => problem("SPF", `${place} includes ${name}, which has no SPF record: take it out, every reader fails there (RFC 7208 §5.2)`));
    if (count > MAX_LOOKUPS) {
      return [...findings, problem("SPF", `${place} makes its readers look up more than ${MAX_LOOKUPS} names, and then fails (RFC 7208 §4.6.4): take out the includes you do not use`)];
    }
    return findings.length > 0 ? findings : [good("SPF", `${place} has one SPF record, ${count} of ${MAX_LOOKUPS} lookups`)];
  } catch (error) {
    return [unchecked("SPF", place, error)];
  }
}

async function countLookups(dns, record, seen) {
  let count = 0;
  const broken = [];
  for (const term of record.split(/\s+/).slice(1)) {
    const [, kind, , target] = /^[+\-~?]?(include|redirect|a|mx|ptr|exists)([:=]([^/\s]+))?(\/.*)?$/i.exec(term) ?? [];
    if (!kind) continue;
    count += 1;
    if (!/^(include|redirect)$/i.test(kind) || !target || target.includes("%")) continue;
    const name = target.toLowerCase();
    if (seen.has(name) || count > MAX_LOOKUPS) continue;
    const [inner] = (await dns.texts(name)).filter(isSpf);
    if (!inner) {
      broken.push(name);
      continue;
    }
    const below = await countLookups(dns, inner, new Set([...seen, name]));
    count += below.count;
    broken.push(...below.broken);
  }
  return { count, broken };
}

// ---- DKIM ----

async function dkimOf(dns, domain, { name, dkim, page }, selectors) {
  const wanted = [...new Set([...dkim, ...selectors])];
  if (wanted.length === 0) {
    return [{ verdict: "unchecked", what: "DKIM", text: `${name} names its keys differently for each account: say --selector with the name before ._domainkey in its dashboard (${page})` }];
  }
  return Promise.all(wanted.map(async (selector) => {
    const place = `${selector}._domainkey.${domain}`;
    try {
      const keys = (await dns.texts(place)).map(tagsOf).filter((tags) => "p" in tags);
      if (keys.length === 0) return problem("DKIM", `${place} has no key, so the mails that ${name} sends are not signed as yours: add the record of its dashboard (${page})`);
      if (keys.some(({ p }) => p !== "")) return good("DKIM", `${place} has a key`);
      return problem("DKIM", `${place} has a key that was taken back (RFC 6376 §3.6.1): put the one of ${name}'s dashboard there (${page})`);
    } catch (error) {
      return unchecked("DKIM", place, error);
    }
  }));
}

/** What strict alignment leaves: the envelope's domain is never the sender's own where it is a subdomain of it. */
function alignment({ tags }, senders) {
  if (tags?.aspf?.toLowerCase() !== "s") return [];
  const below = senders.filter(({ envelope }) => envelope);
  return below.map(({ name, envelope }) => advice("DMARC",
    `aspf=s wants the very same domain, and ${name} sends from the subdomain ${envelope}: only DKIM counts then. Say aspf=r, or see that DKIM never fails`));
}
