// `npm run test:crash`: kills the Worker at random moments under load, and balances the books. Makes the release build as the
// end-to-end tests have it and runs benches/crash.mjs on it; options go there.

import path from "node:path";
import { Explained, runMain, tryRun } from "./steps.mjs";
import { setUp } from "./setup.mjs";
import { buildForTests } from "./build.mjs";

await runMain(async (args) => {
  const environments = await setUp();
  await buildForTests(environments, { name: "release", profile: "release" });
  const command = [path.join("benches", "crash.mjs"), ...args];
  const { code } = await tryRun("node", command, { env: environments.host, show: true });
  if (code !== 0) throw new Explained("the books do not balance, or the rounds could not be played: see above");
});
