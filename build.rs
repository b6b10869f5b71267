//! Checks journeys, templates and store.yaml with the code of src/journey, and writes what the Worker reads.
//!
//! Every finding becomes one line of cargo's error output. This file decides nothing itself.

// The two folders are included whole; a build needs a part of them.
#![allow(dead_code, reason = "the library uses the rest")]

#[path = "src/domain/mod.rs"]
#[allow(unused_imports, reason = "the library uses the rest")]
mod domain;
#[path = "src/journey/mod.rs"]
mod journey;

use journey::catalog::Catalog;
use journey::check::Checked;
use journey::lock::Mode;
use journey::project::{EMAILS, LOCK, Project, SEGMENTS, TEMPLATES};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What the test build lays over the store's own project (feature `test-journeys`).
const TESTS: &str = "tests/e2e/project";

fn main() -> Result<(), Box<dyn Error>> {
    let watched = [
        "build.rs",
        "journeys",
        LOCK,
        "src/domain",
        "src/journey",
        "store.yaml",
        "templates",
    ];
    // A file that is not there counts as changed at every build.
    let segments = Path::new(SEGMENTS).exists().then_some(SEGMENTS);
    for path in watched.into_iter().chain(segments) {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=CI");

    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mode = if env::var_os("CI").is_some() {
        Mode::Frozen
    } else {
        Mode::Append
    };
    let own = Project::read(&root);
    let own_folders = own.email_folders();
    let mut checked = journey::check::check(&own, mode);
    if let Some(lock) = &checked.lock {
        fs::write(root.join(LOCK), lock)?;
    }
    if env::var_os("CARGO_FEATURE_TEST_JOURNEYS").is_some() && checked.findings.is_empty() {
        println!("cargo::rerun-if-changed={TESTS}");
        let mut both = own;
        both.lay_over(Project::read(&root.join(TESTS)));
        // Nobody stands on the steps of a test, so what the lock would say of them is not written.
        checked = journey::check::check(&both, Mode::Append);
    }
    for finding in &checked.findings {
        println!("cargo::error={finding}");
    }
    if let Some(catalog) = &checked.catalog {
        let path = |folder: &str| {
            let own = own_folders.iter().any(|own| own == folder);
            let from = if own {
                String::new()
            } else {
                format!("../{TESTS}/{TEMPLATES}/")
            };
            format!("{from}{EMAILS}{folder}")
        };
        generate(&out, &checked, catalog, path)?;
    }
    Ok(())
}

/// Writes what the code includes.
fn generate(
    out: &Path,
    checked: &Checked,
    catalog: &Catalog,
    path: impl Fn(&str) -> String,
) -> Result<(), Box<dyn Error>> {
    // The Worker has no drafts; on this machine they are looked at and played.
    let for_worker = env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|target| target == "wasm32");
    let whole = checked.with_drafts.as_ref().filter(|_| !for_worker);
    let emails = whole.unwrap_or(catalog);
    let (folders, shown) = (checked.folders_of(emails), checked.shown_by(emails));
    let code = journey::template_code::generate(&folders, &shown, path);
    write(out, "catalog.json", &serde_json::to_string(catalog)?)?;
    write(
        out,
        "with-drafts.json",
        &serde_json::to_string(&checked.with_drafts)?,
    )?;
    write(out, "emails.rs", &code)?;
    let words = journey::template_code::generate_words(&checked.words);
    write(out, "words.rs", &words)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    fs::write(folder.join(name), text).map_err(|error| format!("{name}: {error}").into())
}
