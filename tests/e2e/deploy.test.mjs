// `npm run deploy` asks about the providers that will really be used. What it then says is a test of `wend lint --providers`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { namedProviders } from "../../scripts/deploy.mjs";

const FILE = `
[vars]
SHARDS = "1"
EMAIL_PROVIDER = "cloudflare_email"   # one name, or "an order"
# EMAIL_PROVIDER = "ses"

[env.staging.vars]
EMAIL_PROVIDER = 'resend ses'
[env.test]
vars = { MODE = "shadow", EMAIL_PROVIDER = "postmark" }
`;

test("the providers of each environment are asked about, and those of the command line instead", () => {
  assert.deepEqual(namedProviders(FILE, []), ["cloudflare_email", "resend ses", "postmark"]);
  assert.deepEqual(namedProviders(FILE, ["--dry-run", "--var", "EMAIL_PROVIDER:brevo mailgun"]), ["brevo mailgun"]);
  assert.deepEqual(namedProviders("[vars]\nMODE = \"live\"\n", []), []);
});
