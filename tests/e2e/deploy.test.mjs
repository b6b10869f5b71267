// `npm run deploy` looks at the settings that will really be used: in wrangler's reading of the file that it would deploy. What it
// then says of providers is a test of `wend lint --providers`.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { deployedVars, refuseDevEnvironment } from "../../scripts/deploy.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "wend-deploy-"));
after(() => rmSync(folder, { recursive: true }));

function file(name, text) {
  const place = path.join(folder, name);
  writeFileSync(place, text);
  return place;
}

const FILE = file("wrangler.toml", `
name = "shop"
[vars]
SHARDS = "1"
"EMAIL_PROVIDER" = "cloudflare_email"   # one name, or "an order"
# EMAIL_PROVIDER = "ses"

[env.staging.vars]
EMAIL_PROVIDER = 'resend ses'
[env.test]
vars = { MODE = "shadow", "ENVIRONMENT" = """dev""" }
`);

const asked = (...args) => deployedVars(["--config", FILE, ...args], {});

test("the environment that is deployed is asked about, and what the command line says instead", async () => {
  assert.deepEqual(await asked(), { SHARDS: "1", EMAIL_PROVIDER: "cloudflare_email" });
  assert.deepEqual(await asked("--env", "staging", "--dry-run"), { EMAIL_PROVIDER: "resend ses" });
  assert.deepEqual(await deployedVars([`--config=${FILE}`, "-e", "staging"], {}), { EMAIL_PROVIDER: "resend ses" });
  assert.deepEqual(await deployedVars(["-c", FILE], { CLOUDFLARE_ENV: "staging" }), { EMAIL_PROVIDER: "resend ses" });
  const { EMAIL_PROVIDER: given, SHARDS: shards } = await asked("--dry-run", "--var", "EMAIL_PROVIDER:brevo mailgun", "SHARDS:4");
  assert.deepEqual([given, shards], ["brevo mailgun", "4"]);
});

test("dev is refused however it is written, and in whichever file", async () => {
  const refused = async (vars) => assert.throws(() => refuseDevEnvironment(vars), /opens \/dev\/outbox/);
  await refused(await asked("--env=test"));
  await refused(await asked("--var", "ENVIRONMENT:dev"));
  const other = file("wrangler.jsonc", '{ "name": "shop", /* as JSON */ "vars": { "ENVIRONMENT": "dev" } }');
  await refused(await deployedVars(["--config", other], {}));
  const dotted = file("dotted.toml", 'name = "shop"\nvars."ENVIRON\\u004dENT" = "dev"\n');
  await refused(await deployedVars(["--config", dotted], {}));
  refuseDevEnvironment(await asked());
  refuseDevEnvironment(await deployedVars([], {}));
});

test("a file that cannot be read is said to be so", async () => {
  const broken = file("broken.toml", "[vars\n");
  await assert.rejects(deployedVars(["--config", broken], {}), /broken\.toml cannot be read/);
});
