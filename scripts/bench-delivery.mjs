// `npm run bench:delivery`: ten thousand mails through a provider that fails now and then. Makes the release build as the
// end-to-end tests have it and runs benches/delivery.mjs on it; options go there.

import path from "node:path";
import { Explained, runMain, tryRun } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildForTests } from "./build.mjs";

await runMain(async (args) => {
  const environments = await setUp();
  await buildForTests(environments, { name: "release", profile: "release" });
  const command = [path.join("benches", "delivery.mjs"), ...args];
  const { code } = await tryRun("node", command, { env: environments.host, show: true });
  if (code !== 0) throw new Explained("a mail was lost or doubled, or its fate did not become known in time: see above");
});
