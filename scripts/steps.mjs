// Runs the commands of a script as named steps: says what is happening, how long it took, and, when a step
// fails, all that it printed.

import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

const HEARTBEAT_MS = 15_000;

/** A failure that has already been explained to the person at the terminal. */
export class Explained extends Error {}

export const seconds = (startedAt) => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`;

/** Runs `work`, printing its title before and its duration after. */
export async function step(title, work) {
  const startedAt = Date.now();
  console.log(`▸ ${title}`);
  try {
    const result = await work();
    console.log(`  done in ${seconds(startedAt)}`);
    return result;
  } catch (error) {
    console.log(`  failed after ${seconds(startedAt)}`);
    throw error;
  }
}

/**
 * Runs a command and returns what it printed. Quiet by default: now and then the last line of output shows that
 * it is alive, and a failure shows everything. With `show`, output goes to the terminal as it comes.
 */
export async function run(command, args, { env, cwd = root, show = false, timeoutMs } = {}) {
  const result = await tryRun(command, args, { env, cwd, show, timeoutMs });
  if (result.code === 0) return result.output;
  if (!show) process.stdout.write(result.output);
  const end = result.code === null ? `stopped by ${result.signal}` : `exit code ${result.code}`;
  throw new Explained(`${command} ${args.join(" ")}: ${end}`);
}

/** Like `run`, but a failing command is an answer: `{ code, signal, output }`. A missing one has code 127. */
export function tryRun(command, args, { env, cwd = root, show = false, timeoutMs } = {}) {
  return new Promise((resolve) => {
    const startedAt = Date.now();
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const take = (chunk) => {
      output += chunk;
      if (show) process.stdout.write(chunk);
    };
    child.stdout.setEncoding("utf8").on("data", take);
    child.stderr.setEncoding("utf8").on("data", take);
    const heartbeat = setInterval(() => {
      if (!show) console.log(`  … ${seconds(startedAt)}  ${lastLine(output)}`);
    }, HEARTBEAT_MS);
    const limit = timeoutMs && setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    const finish = (result) => {
      clearInterval(heartbeat);
      clearTimeout(limit);
      resolve({ output, ...result });
    };
    child.on("error", (error) => finish({ code: 127, signal: null, output: output + error.message }));
    child.on("close", (code, signal) => finish({ code, signal }));
  });
}

function lastLine(output) {
  const line = output.trimEnd().split(/[\r\n]/).at(-1) ?? "";
  return line.trim().slice(0, 90);
}

/** Runs a script's `main`; a failure that is explained ends it without a stack trace. */
export async function runMain(main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    console.error(error instanceof Explained ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}

/** Whether the file at `moduleUrl` is the one that node was asked to run. */
export const isMain = (moduleUrl) => process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(moduleUrl);
