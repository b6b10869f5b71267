// `npm run preview`: every email in every language, in a gallery that is served on this machine and renders anew when a template
// changes. `-- --out folder` writes the same into a folder and ends. With an email's name it is `wend preview` as it stands, which
// prints that one mail.

import { readFile } from "node:fs/promises";
import { watch } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { Explained, root, run, runMain, step } from "./steps.mjs";
import { writeGallery } from "./preview/gallery.mjs";

const PORT = Number(process.env.PORT ?? 8790);
const WATCHED = ["templates", "journeys", "store.yaml"];
const SETTLED_MS = 300;
const TYPES = { ".html": "text/html; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".json": "application/json" };
/** Options of `wend preview` that take a value. */
const WITH_VALUE = ["--locale", "--name", "--out"];
const wend = ["run", "--locked", "--quiet", "--bin", "wend", "--", "preview"];

await runMain(async (args) => {
  const names = args.filter((arg, index) => !arg.startsWith("-") && !WITH_VALUE.includes(args[index - 1]));
  if (names.length > 0 || args.includes("--help")) {
    process.stdout.write(await run("cargo", [...wend, ...args], { show: false }));
    return;
  }
  const given = args.indexOf("--out");
  const folder = path.resolve(root, given === -1 ? path.join("target", "preview") : args[given + 1] ?? "");
  const rest = given === -1 ? args : args.toSpliced(given, 2);
  const render = () => step("rendering every email", () => run("cargo", [...wend, ...rest, "--out", folder]));
  await render();
  console.log(`▸ ${path.relative(process.cwd(), writeGallery(folder))}`);
  if (given === -1) await serve(folder, render);
});


/** Serves the folder until it is stopped. */
async function serve(folder, render) {
  let version = 1;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://gallery");
    if (pathname === "/version") return void response.end(String(version));
    const file = path.join(folder, pathname === "/" ? "index.html" : path.normalize(decodeURIComponent(pathname)));
    const body = file.startsWith(folder + path.sep) && (await readFile(file).catch(() => undefined));
    if (!body) return void response.writeHead(404).end("There is no such mail.\n");
    response.writeHead(200, { "content-type": TYPES[path.extname(file)] ?? "application/octet-stream", "cache-control": "no-store" });
    response.end(body);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(PORT, "127.0.0.1", resolve)).catch(({ code }) => {
    throw new Explained(`Port ${PORT} cannot be listened on (${code}). Name another: PORT=8791 npm run preview`);
  });
  console.log(`▸ http://127.0.0.1:${PORT}/  (Ctrl-C ends it)`);
  let [timer, busy] = [undefined, Promise.resolve()];
  const again = async () => {
    // A template that does not compile has just been explained; the gallery goes on showing the last that did.
    await render().then(() => writeGallery(folder)).catch((error) => console.error(error instanceof Explained ? error.message : error));
    version += 1;
  };
  for (const name of WATCHED) {
    watch(path.join(root, name), { recursive: true }, () => {
      clearTimeout(timer);
      timer = setTimeout(() => { busy = busy.then(again); }, SETTLED_MS);
    });
  }
}
