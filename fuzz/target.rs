//! The one program behind all targets of cargo-fuzz: which entry it feeds is the name that Cargo builds it under.

#![no_main]

mod entries;
#[path = "../tests/it/providers/events/proven.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod proven;
#[path = "../tests/it/sources/sent.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod sent;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let name = env!("CARGO_BIN_NAME");
    match entries::ENTRIES.iter().find(|entry| entry.name == name) {
        Some(entry) => (entry.feed)(bytes),
        None => panic!("`{name}` is not in fuzz/entries.rs"),
    }
});
