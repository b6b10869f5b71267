// The programs that look at mails and pages and that npm does not bring: a browser and SpamAssassin. Where they are found, who installs
// them (`npm test`, on Debian as root), and what is said where one is missing: skipped on a developer's machine, never where CI is set.

import { existsSync } from "node:fs";
import { canInstallPackages, installPackages } from "./debian.mjs";
import { Explained } from "./steps.mjs";

export const CHROMIUM = {
  title: "a Chromium or Chrome",
  variable: "CHROMIUM_PATH",
  places: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"],
  packages: ["chromium"],
};
export const SPAMASSASSIN = {
  title: "SpamAssassin",
  variable: "SPAMASSASSIN_PATH",
  places: ["/usr/bin/spamassassin"],
  packages: ["spamassassin"],
};
/** What a picture of a page is drawn with: Cyrillic and the rouble in the widths of Arial and Times, and emoji. */
const FONTS = {
  title: "fonts",
  places: ["/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"],
  packages: ["fonts-liberation", "fonts-noto-color-emoji"],
};

/** Where the program is; undefined where it is not. */
export function find({ variable, places }) {
  return [variable && process.env[variable], ...places].find((place) => place && existsSync(place));
}

/** Why tests that need the program are skipped, or false where it is there. Where CI is set, a missing one is a failure. */
export function skipWithout(program) {
  if (find(program)) return false;
  const why = `${program.title} is not on this machine: install it (Debian: ${program.packages.join(" ")}), or name it by ${program.variable}`;
  if (process.env.CI) throw new Error(why);
  return why;
}

/** Installs what is missing where that can be done. Where it fails, the tests say what they could not look at. */
export async function installCheckers() {
  const missing = [CHROMIUM, SPAMASSASSIN, FONTS].filter((program) => !find(program));
  if (missing.length === 0 || !(await canInstallPackages())) return;
  try {
    await installPackages(missing.flatMap(({ packages }) => packages));
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    console.error(error.message);
  }
}
