// Debian's packages, for the scripts that may install what a machine lacks: whether they can be, and installing them.

import { run, step, tryRun } from "./steps.mjs";

const ENVIRONMENT = { env: { DEBIAN_FRONTEND: "noninteractive" } };
const WAIT = ["-o", "DPkg::Lock::Timeout=120"];
let updated = false;

/** Whether this is Debian or its like, and we are root on it. */
export async function canInstallPackages() {
  return process.getuid?.() === 0 && (await tryRun("apt-get", ["--version"])).code === 0;
}

/** Installs the packages and nothing that they merely recommend. The lists are brought up to date once. */
export async function installPackages(packages) {
  if (!updated) await step("updating Debian's package lists", () => run("apt-get", [...WAIT, "update"], ENVIRONMENT));
  updated = true;
  await step(`installing ${packages.join(" ")}`, () =>
    run("apt-get", [...WAIT, "install", "-y", "--no-install-recommends", ...packages], ENVIRONMENT));
}
