// The routes of /admin, read from the one place that tells them apart, so that no list of them falls behind.

import { readFileSync } from "node:fs";

/** What src/edge/admin.rs matches behind its door, each without `/admin`, and with a word in place of what may be any. */
export function adminRoutes() {
  const source = readFileSync("src/edge/admin.rs", "utf8");
  const arms = [...source.matchAll(/\(("[^()[\]]*"), \[([^\]]*)\], /g)];
  const paths = arms.flatMap(([, firsts, rest]) => [...firsts.matchAll(/"(\w*)"/g)].map(([, first]) => {
    const parts = rest === "" ? [] : rest.split(", ").map((part) => /^"(\w+)"$/.exec(part)?.[1] ?? "spring");
    return [first, ...parts].filter((part) => part !== "").map((part) => `/${part}`).join("");
  }));
  return [...new Set(paths)];
}
