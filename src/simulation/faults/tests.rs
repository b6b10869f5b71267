//! Seeds that keep every promise, and planted defects that some seed finds.
//!
//! `FAULT_SEEDS=5000 FAULT_FROM=1 cargo test --lib faults` plays more; in a release build `wend faults` is faster.

use super::Faults;
use super::broken::Promise;
use crate::planted::{Defect, switch};
use std::path::Path;
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

/// The seeds within which the guide says that a defect is found.
fn within(defect: Defect) -> u64 {
    let row = format!("| `{}` | {} | ", defect.name(), defect.in_words());
    let row = GUIDE.lines().find_map(|line| line.strip_prefix(&row));
    let row = row.unwrap_or_else(|| {
        panic!(
            "docs/reliability.md lacks {}: {}",
            defect.name(),
            defect.in_words()
        )
    });
    row.trim_end_matches(" |").parse().unwrap()
}

/// `FAULT_SEEDS=1000 … -- --nocapture` shows which seed finds each, whatever the guide says.
#[test]
fn every_planted_defect_is_found() {
    let stories = stories();
    let most = number("FAULT_SEEDS", 0);
    on_every_core(Defect::ALL.len() as u64, |number| {
        let defect = Defect::ALL[usize::try_from(number).unwrap()];
        let within = within(defect);
        switch(Some(defect));
        let found = (1..=within.max(most)).find_map(|seed| Some((seed, stories.play(seed).unwrap()?)));
        switch(None);
        let found = found.map(|(seed, broken)| (seed, broken.promise));
        println!("{:<20} {found:?}", defect.name());
        assert!(
            most > 0 || found.is_some_and(|(seed, _)| seed <= within),
            "{} was not found by {within} seeds: {}",
            defect.name(),
            defect.in_words()
        );
    });
}

#[test]
fn the_guide_lists_what_is_promised() {
    for promise in Promise::ALL {
        assert!(
            GUIDE.contains(&format!("- {}", promise.in_words())),
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
