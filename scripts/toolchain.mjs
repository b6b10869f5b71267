// Finds or makes a Rust tool chain that compiles for the Worker (wasm32-unknown-unknown).
//
// In this order: the tool chain in use already has the target; one made here earlier from Debian's packages;
// `rustup target add`; where rustup's server cannot be reached, Debian's packages with the standard library
// built from their own source; otherwise an explanation of what to install. The answer is the environment in
// which cargo compiles for the Worker. Host builds never need it.

import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { canInstallPackages, installPackages } from "./debian.mjs";
import { Explained, root, run, step, tryRun } from "./steps.mjs";

const TARGET = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy", "lld-19"];
const DEBIAN_TOOLCHAIN = "debian-web";
// rustup's own tool chains bring a linker for wasm; Debian's does not.
const DEBIAN_ENV = { RUSTUP_TOOLCHAIN: DEBIAN_TOOLCHAIN, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: "wasm-ld-19" };
const RUSTUP_TIMEOUT_MS = 120_000;
// Names the compiler that built the standard library: after an upgrade of Debian's compiler it is built anew.
const STD_STAMP = "wend-built-by";

/** The environment variables with which cargo compiles for the Worker. */
export async function wasmEnvironment() {
  if ((await tryRun("cargo", ["--version"])).code !== 0) {
    throw new Explained("cargo was not found. Install Rust with rustup, open a new shell, and run this again.");
  }
  if (await hasTarget({})) return {};
  if (await debianIsReady()) return DEBIAN_ENV;
  const added = await step(`adding Rust's ${TARGET} target with rustup`, () =>
    tryRun("rustup", ["target", "add", TARGET], { timeoutMs: RUSTUP_TIMEOUT_MS }));
  if (added.code === 0 && (await hasTarget({}))) return {};
  console.log("  rustup could not fetch it");
  if (!(await canInstallPackages())) throw new Explained(explanation(added.output));
  await makeDebianToolchain();
  return DEBIAN_ENV;
}

async function targetFolder(env) {
  const asked = await tryRun("rustc", ["--print", "target-libdir", "--target", TARGET], { env });
  return asked.code === 0 ? asked.output.trim().split("\n").at(-1) : undefined;
}

async function hasTarget(env) {
  const folder = await targetFolder(env);
  return Boolean(folder) && existsSync(folder) && readdirSync(folder).some((name) => /^libstd-.*\.rlib$/.test(name));
}

async function debianIsReady() {
  if (!(await hasTarget(DEBIAN_ENV)) || (await tryRun("wasm-ld-19", ["--version"])).code !== 0) return false;
  const stamp = path.join(await targetFolder(DEBIAN_ENV), STD_STAMP);
  return existsSync(stamp) && readFileSync(stamp, "utf8") === (await debianCompiler());
}

const debianCompiler = () => run("/usr/bin/rustc", ["--version", "--verbose"]);

async function makeDebianToolchain() {
  await installPackages(DEBIAN_PACKAGES);
  await requireCompilerVersion();
  await step("building Rust's standard library for wasm", buildStandardLibrary);
  await step(`naming the tool chain ${DEBIAN_TOOLCHAIN}`, () =>
    run("rustup", ["toolchain", "link", DEBIAN_TOOLCHAIN, "/usr"]));
  if (!(await debianIsReady())) {
    throw new Explained("Debian's Rust packages are installed, but they still cannot compile for wasm.");
  }
}

async function requireCompilerVersion() {
  const wanted = /^rust-version = "(\d+)\.(\d+)/m.exec(readFileSync(path.join(root, "Cargo.toml"), "utf8"));
  const found = /^release: (\d+)\.(\d+)/m.exec(await debianCompiler());
  const number = ([, major, minor]) => Number(major) * 1000 + Number(minor);
  if (number(found) < number(wanted)) {
    throw new Explained(`Debian's rustc-web is ${found[1]}.${found[2]}; Wend needs ${wanted[1]}.${wanted[2]}.`);
  }
}

/** Compiles an empty crate together with std, and gives the std that falls out to Debian's compiler. */
async function buildStandardLibrary() {
  const crate = mkdtempSync(path.join(tmpdir(), "wend-std-"));
  const builtCrate = "empty";
  mkdirSync(path.join(crate, "src"));
  writeFileSync(path.join(crate, "Cargo.toml"), `[package]\nname = "${builtCrate}"\nversion = "0.0.0"\nedition = "2024"\n`);
  writeFileSync(path.join(crate, "src", "lib.rs"), "");
  const build = ["build", "-Z", "build-std=std,panic_abort,proc_macro", "--target", TARGET, "--release"];
  await run("/usr/bin/cargo", build, {
    cwd: crate,
    env: {
      RUSTC_BOOTSTRAP: "1", // -Z build-std is not stable; Debian's source is the one this compiler was built from
      RUSTC: "/usr/bin/rustc",
      RUSTFLAGS: "-Cembed-bitcode=yes",
      CARGO_TARGET_DIR: path.join(crate, "target"),
      RUSTUP_TOOLCHAIN: "",
    },
  });
  const built = path.join(crate, "target", TARGET, "release", "deps");
  const folder = (await run("/usr/bin/rustc", ["--print", "target-libdir", "--target", TARGET])).trim();
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(folder)) if (name.endsWith(".rlib")) rmSync(path.join(folder, name));
  for (const name of readdirSync(built)) {
    if (name.endsWith(".rlib") && !name.startsWith(`lib${builtCrate}-`)) {
      cpSync(path.join(built, name), path.join(folder, name));
    }
  }
  writeFileSync(path.join(folder, STD_STAMP), await debianCompiler());
  rmSync(crate, { recursive: true });
}

const explanation = (rustupOutput) => `Rust cannot compile for ${TARGET} here, and rustup could not fetch what is missing:

${rustupOutput.trim()}

One of these helps:
  - run \`rustup target add ${TARGET}\` where rustup's server can be reached, then run this again;
  - on Debian 12 or later, run this once as root: it then installs ${DEBIAN_PACKAGES.join(", ")}
    and builds the standard library for wasm from them.`;
