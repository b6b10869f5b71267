//! deny.toml, held by the tests: the licence, the source and the name of every crate of the Worker and of a build for this
//! machine. `cargo deny check` does the same for all targets and asks for advisories besides; CI runs that.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The texts of a list of deny.toml: `name = [ … ]`, behind its section.
fn list(section: &str, name: &str) -> BTreeSet<String> {
    let deny = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap();
    let (_, section) = deny.split_once(&format!("[{section}]\n")).unwrap();
    let section = section.split_once("\n[").map_or(section, |(section, _)| section);
    let (_, list) = section.split_once(&format!("\n{name} = [")).unwrap();
    let (list, _) = list.split_once("\n]").or_else(|| list.split_once(']')).unwrap();
    list.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

/// What cargo calls this machine.
fn host() -> String {
    let command = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let told = String::from_utf8(command.stdout).unwrap();
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.unwrap().to_owned()
}

/// Those of other targets lie on no machine that has only built Wend. What is missing all the same is downloaded.
fn packages() -> Vec<Value> {
    let command = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", &host()])
        .args(["--filter-platform", "wasm32-unknown-unknown"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&command.stderr).into_owned();
    let metadata: Value =
        serde_json::from_slice(&command.stdout).unwrap_or_else(|_| panic!("cargo metadata: {told}"));
    metadata["packages"].as_array().unwrap().clone()
}

/// Whether an SPDX expression can be met with these licences. `/` is the older way to write `OR`; an exception only allows more.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (met, rest) = any_of(&words, allowed);
    met && rest.is_empty()
}

fn any_of<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = all_of(words, allowed);
    while let Some((&"OR", more)) = rest.split_first() {
        let other;
        (other, rest) = all_of(more, allowed);
        met |= other;
    }
    (met, rest)
}

fn all_of<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut met, mut rest) = one(words, allowed);
    while let Some((&"AND", more)) = rest.split_first() {
        let other;
        (other, rest) = one(more, allowed);
        met &= other;
    }
    (met, rest)
}

fn one<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inside @ ..] => {
            let (met, rest) = any_of(inside, allowed);
            (
                met && rest.first() == Some(&")"),
                rest.get(1..).unwrap_or_default(),
            )
        }
        [licence, "WITH", _, rest @ ..] | [licence, rest @ ..] => (allowed.contains(*licence), rest),
        [] => (false, &[]),
    }
}

#[test]
fn every_crate_has_a_licence_a_source_and_a_name_that_deny_toml_allows() {
    let (licences, banned) = (list("licenses", "allow"), list("bans", "deny"));
    let sources: BTreeSet<String> = list("sources", "allow-registry")
        .into_iter()
        .map(|index| format!("registry+{index}"))
        .collect();
    assert!(licences.contains("MIT") && banned.contains("reqwest") && sources.len() == 1);
    let packages = packages();
    assert!(packages.len() > 100);
    let mut findings = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        match package["source"].as_str() {
            Some(source) if !sources.contains(source) => findings.push(format!("{name} comes from {source}")),
            Some(_) => {}
            None => assert!(name.starts_with("wend"), "{name} is none of ours"),
        }
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_met(licence, &licences) {
            findings.push(format!("{name} has the licence {licence}"));
        }
        if banned.contains(name) {
            findings.push(format!("{name} is banned"));
        }
    }
    assert!(
        findings.is_empty(),
        "deny.toml does not allow:\n{}",
        findings.join("\n")
    );
}

#[test]
fn an_expression_is_met_by_what_it_offers() {
    let allowed: BTreeSet<String> = ["MIT", "BSD-3-Clause"].map(str::to_owned).into();
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("MIT OR GPL-3.0", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("(GPL-3.0 OR MIT) AND BSD-3-Clause", true),
        ("GPL-3.0 OR (MIT AND Zlib)", false),
        ("MIT WITH LLVM-exception OR GPL-3.0", true),
        ("", false),
        ("MIT GPL-3.0", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}
