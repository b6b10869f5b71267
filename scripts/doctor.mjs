// `npm run doctor`: whether the settings can go live, and whether mailbox providers will believe the mails. It changes nothing.
//
//   npm run doctor                        wrangler.toml, and the names of the Worker's secrets where wrangler is signed in
//   npm run doctor -- --local             wrangler.toml and .dev.vars
//   npm run doctor -- --selector pm       one more DKIM key, as the email API's dashboard names it
//   npm run doctor -- --dns 127.0.0.1:53  another resolver than this machine's
//
// Values of secrets are read from this command's environment where they are there; none is printed. It ends with 1 when
// something must be mended, and with 0 when all is well or could only not be asked.

import { Resolver } from "node:dns/promises";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { examine } from "./doctor/dns.mjs";
import { setUp } from "./setup.mjs";
import { Explained, isMain, root, runMain, step, tryRun } from "./steps.mjs";

const MARKS = { good: "ok", advice: "!", problem: "X", unchecked: "?" };
const DNS_TIMEOUT_MS = 3_000;

async function main(args) {
  const options = read(args);
  const environments = await setUp();
  const given = await step("asking which secrets are set", () => settings(options, environments.host));
  const said = await step("reading the settings as the Worker does", () => checked(given, environments.host));
  const findings = [...given.findings, ...faults(said), ...(await domains(said, options))];
  for (const [title, of] of groups(findings)) {
    console.log(`\n${title}`);
    for (const { verdict, text } of of) console.log(`  ${MARKS[verdict].padEnd(2)} ${text}`);
  }
  tokens(said);
  const count = (verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  console.log(`\n${count("problem")} to mend, ${count("advice")} to consider, ${count("unchecked")} not checked`);
  return count("problem") > 0 ? 1 : 0;
}

function read(args) {
  const options = { local: { type: "boolean", default: false }, dns: { type: "string" }, selector: { type: "string", multiple: true, default: [] } };
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new Explained(`${error.message}\nUsage: npm run doctor -- [--local] [--selector NAME] [--dns ADDRESS]`);
  }
}

/** What is set where: values that are known, and names of secrets whose values only Cloudflare knows. */
async function settings({ local }, env) {
  // wrangler's own reading of its file, with defaults and all.
  const { unstable_readConfig: readConfig } = await import("wrangler");
  const { vars } = readConfig({ config: path.join(root, "wrangler.toml") }, { hideWarnings: true });
  const values = Object.fromEntries(Object.entries(vars ?? {}).map(([name, value]) => [name, String(value)]));
  if (local) {
    const file = path.join(root, ".dev.vars");
    if (!existsSync(file)) throw new Explained("There is no .dev.vars: `npm start` makes one.");
    return { values: { ...values, ...parseEnv(readFileSync(file, "utf8")) }, named: [], findings: [] };
  }
  const secrets = await secretNames(env);
  return { values, ...secrets };
}

async function secretNames(env) {
  const result = await tryRun("wrangler", ["secret", "list", "--format", "json"], { env });
  try {
    const named = JSON.parse(result.output.slice(result.output.indexOf("["))).map(({ name }) => name);
    return { named, findings: [{ verdict: "good", what: "Settings", text: `the Worker has ${named.length} secrets` }] };
  } catch {
    const text = "which secrets the Worker has could not be asked: run `npx wrangler login`, or deploy first; `--local` checks .dev.vars";
    return { named: [], isUnknown: true, findings: [{ verdict: "unchecked", what: "Settings", text }] };
  }
}

/** The settings as the Worker reads them. */
async function checked({ values, named, isUnknown = false }, env) {
  const asked = ["settings", ...(named.length > 0 ? ["--named", named.join(",")] : []), ...(isUnknown ? ["--assume"] : [])];
  const result = await tryRun("cargo", ["run", "--locked", "--quiet", "--bin", "wend", "--", ...asked], { env: { ...env, ...values } });
  if (result.code !== 0) throw new Explained(result.output.trim());
  return JSON.parse(result.output.slice(result.output.indexOf("{")));
}

function faults(said) {
  const of = said.faults.map(({ setting, problem, fatal }) => ({
    verdict: fatal ? "problem" : "advice", what: "Settings", text: `${setting} ${problem}`,
  }));
  return of.length > 0 ? of : [{ verdict: "good", what: "Settings", text: "nothing is wrong in what is known" }];
}

async function domains({ sender, providers, reaches_people: reachesPeople }, { dns, selector }) {
  const [, domain] = sender.split("@");
  if (!reachesPeople) {
    return [{ verdict: "unchecked", what: "DNS", text: `no mail leaves with EMAIL_PROVIDER="${providers.join(" ")}", so the DNS of ${domain} does not matter yet` }];
  }
  if (/\.(example|invalid|test|localhost)$/.test(`.${domain}`)) {
    return [{ verdict: "problem", what: "DNS", text: `store.yaml sends from ${domain}, which can be nobody's: set \`sender: from:\` to an address of your own` }];
  }
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: 2 });
  if (dns) resolver.setServers([dns]);
  return examine({ domain, providers, resolver, selectors: selector });
}

function groups(findings) {
  const groups = new Map();
  for (const finding of findings) groups.set(finding.what, [...(groups.get(finding.what) ?? []), finding]);
  return groups;
}

/** The addresses that hold a token, for the settings of others. */
function tokens({ routes }) {
  if (routes === null) {
    console.log("\nRoutes with a token\n  ?  HOOK_TOKEN is not known here: set it in this command's environment, and they are printed");
    return;
  }
  console.log("\nRoutes with a token (whoever knows one may post there)");
  for (const route of routes) console.log(`     ${route}`);
}

if (isMain(import.meta.url)) await runMain(main);
