//! Seeds that keep every promise, and planted defects that some seed finds.
//!
//! `FAULT_SEEDS=5000 FAULT_FROM=1 cargo test --lib faults` plays more; in a release build `wend faults` is faster.

use super::Faults;
use super::broken::Promise;
use crate::planted::{Defect, switch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the test command plays.
const SEEDS: u64 = 500;

/// What docs/reliability.md says: each planted defect with the seed that finds it.
const GUIDE: &str = include_str!("../../../docs/reliability.md");

fn stories() -> Faults {
    Faults::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn number(name: &str, otherwise: u64) -> u64 {
    let asked = std::env::var(name).ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(otherwise)
}

/// Does the same on every core until the numbers are used up.
fn on_every_core(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        break;
                    }
                    work(number);
                }
            });
        }
    });
}

#[test]
fn whatever_breaks_every_promise_is_kept() {
    let stories = stories();
    let from = number("FAULT_FROM", 1);
    on_every_core(number("FAULT_SEEDS", SEEDS), |number| {
        let seed = from + number;
        if let Some(broken) = stories.play(seed).unwrap() {
            panic!("{}", stories.explain(seed, broken).unwrap());
        }
    });
}

/// What the guide says of a defect: the seeds within which it is found, and the promise that it breaks then.
fn told(defect: Defect) -> (u64, Promise) {
    let row = format!("| `{}` | {} | ", defect.name(), defect.in_words());
    let row = GUIDE.lines().find_map(|line| line.strip_prefix(&row));
    let row = row.unwrap_or_else(|| {
        panic!(
            "docs/reliability.md lacks {}: {}",
            defect.name(),
            defect.in_words()
        )
    });
    let (promise, within) = row.trim_end_matches(" |").split_once(" | ").unwrap();
    let promise = promise.trim_matches('`');
    let known = Promise::ALL.into_iter().find(|known| known.name() == promise);
    (within.parse().unwrap(), known.unwrap())
}

/// `FAULT_SEEDS=1000 … -- --nocapture` shows which seed finds each, whatever the guide says; with `UPDATE_PLANTED=1` as well, these
/// are kept for the guide's picture, which `node bench/plot.mjs` draws.
#[test]
fn every_planted_defect_is_found() {
    let stories = stories();
    let most = number("FAULT_SEEDS", 0);
    let measured = Mutex::new(BTreeMap::new());
    on_every_core(Defect::ALL.len() as u64, |number| {
        let defect = Defect::ALL[usize::try_from(number).unwrap()];
        let (within, promise) = told(defect);
        switch(Some(defect));
        let found = (1..=within.max(most)).find_map(|seed| {
            let broken = stories.play(seed).unwrap()?;
            (broken.promise == promise).then_some(seed)
        });
        switch(None);
        println!("{:<20} {promise:?} {found:?}", defect.name());
        measured.lock().unwrap().insert(defect.name(), found);
        assert!(
            most > 0 || found.is_some_and(|seed| seed <= within),
            "{} did not break {promise:?} within {within} seeds: {}",
            defect.name(),
            defect.in_words()
        );
    });
    if std::env::var_os("UPDATE_PLANTED").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/reliability.json");
        let mut kept: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        kept["planted"] = serde_json::to_value(measured.into_inner().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
    }
}

/// A check that no defect fails shows nothing.
#[test]
fn every_promise_is_broken_by_a_planted_defect() {
    let broken: Vec<Promise> = Defect::ALL.iter().map(|defect| told(*defect).1).collect();
    for promise in Promise::ALL {
        assert!(broken.contains(&promise), "{promise:?}");
    }
}

#[test]
fn the_guide_lists_what_is_promised() {
    for promise in Promise::ALL {
        assert!(
            GUIDE.contains(&format!("- `{}`: {}\n", promise.name(), promise.in_words())),
            "{promise:?}"
        );
    }
}

#[test]
fn a_failure_is_made_small_and_told() {
    let stories = stories();
    switch(Some(Defect::ConsentAskedOnce));
    let (seed, broken) = (1..)
        .find_map(|seed| Some((seed, stories.play(seed).unwrap()?)))
        .unwrap();
    let failed = stories.explain(seed, broken).unwrap();
    switch(None);
    assert_eq!(failed.broken.promise, Promise::Consent);
    assert!(
        failed.plan.acts.len() <= 4 && failed.plan.faults.len() <= 1,
        "{failed}"
    );
    let told = failed.to_string();
    assert!(
        told.contains("unsubscribe") && told.contains(&format!("--from {seed}")),
        "{told}"
    );
}
