//! Every way in of fuzz/entries.rs, fed with what it is meant for and with that damaged: what cargo-fuzz does for hours, for some
//! seconds. `PROPTEST_CASES=5000` takes longer; `npm run fuzz` is the real thing.

#[path = "../../fuzz/entries.rs"]
mod entries;

use crate::providers::events::proven;
use crate::sources::sent;
use entries::{ENTRIES, Entry};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use std::fs;
use std::path::{Path, PathBuf};
use wend::domain::time::Timestamp;
use wend::providers::ProviderKind;

/// Enough for every test run; the variable asks for more.
const CASES: u32 = 96;

/// Something that happens to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8, u8),
    CutOff(Index),
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = any::<Index>;
    let telling = prop::sample::select(vec![
        &b"\""[..],
        b"{",
        b"}",
        b"[",
        b"]",
        b"\\u0000",
        b"\\ud800",
        b"\xff\xfe",
        b"\xf0\x9f",
        b"\r\n",
        b"\0",
        b"-1",
        b"1e999",
        b"99999999999999999999",
        b"null",
        b"=",
        b"&",
        b"%",
        b".",
        b"..",
        b": ",
        b"- ",
        b"{{",
        b"{%",
        b"<",
        b"<!--",
    ]);
    let damage = prop_oneof![
        (at(), any::<u8>()).prop_map(|(place, byte)| Damage::Set(place, byte)),
        (at(), telling).prop_map(|(place, bytes)| Damage::Insert(place, bytes.to_vec())),
        (at(), vec(any::<u8>(), 0..8)).prop_map(|(place, bytes)| Damage::Insert(place, bytes)),
        (at(), any::<u8>()).prop_map(|(place, count)| Damage::Remove(place, count)),
        (at(), any::<u8>(), 1..200u8).prop_map(|(place, count, times)| Damage::Repeat(place, count, times)),
        at().prop_map(Damage::CutOff),
    ];
    vec(damage, 1..6)
}

fn damaged(mut bytes: Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    for damage in damages {
        let within = |place: &Index| place.index(bytes.len() + 1);
        let end = |from: usize, count: u8| (from + usize::from(count)).min(bytes.len());
        match damage {
            Damage::Set(place, byte) => {
                let place = within(place);
                if let Some(held) = bytes.get_mut(place) {
                    *held = *byte;
                }
            }
            Damage::Insert(place, more) => {
                let place = within(place);
                bytes.splice(place..place, more.iter().copied());
            }
            Damage::Remove(place, count) => {
                let place = within(place);
                let end = end(place, *count);
                bytes.drain(place..end);
            }
            Damage::Repeat(place, count, times) => {
                let place = within(place);
                let end = end(place, *count);
                let more = bytes[place..end].repeat(usize::from(*times));
                bytes.splice(place..place, more);
            }
            Damage::CutOff(place) => bytes.truncate(within(place)),
        }
    }
    bytes
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files behind an entry's seeds, in a fixed order.
fn seeds(entry: &Entry) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut open: Vec<PathBuf> = entry.seeds.iter().map(|seed| top().join(seed)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|inside| inside.unwrap().path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn feed(name: &str) {
    let entry = ENTRIES.iter().find(|entry| entry.name == name).unwrap();
    let seeds = seeds(entry);
    assert!(!seeds.is_empty(), "{name} has nothing to start from");
    for seed in &seeds {
        (entry.feed)(seed);
    }
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    config.failure_persistence = None;
    let strategy = (any::<Index>(), damages());
    let outcome = TestRunner::new(config).run(&strategy, |(seed, damages)| {
        (entry.feed)(&damaged(seed.get(&seeds).clone(), &damages));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{name}: {error}");
    }
}

/// One test an entry, so that they run side by side and a failure names its own.
macro_rules! fed {
    ($($name:ident),+ $(,)?) => {
        $(#[test]
        fn $name() {
            feed(stringify!($name));
        })+

        const FED: &[&str] = &[$(stringify!($name)),+];
    };
}

fed!(
    source_shopify,
    source_woocommerce,
    source_bigcommerce,
    source_ecwid,
    source_stripe,
    source_squarespace,
    source_wix,
    source_saleor,
    source_medusa,
    source_insales,
    source_tilda,
    source_events,
    segment,
    lists,
    provider_events,
    provider_answers,
    signatures,
    certificates,
    tokens,
    access_tokens,
    forms,
    settings,
    values,
    journeys,
    store_files,
    conditions,
    templates,
    stored,
);

/// Without this an entry could stop at the proof each time, and show nothing of the parser behind it.
#[test]
fn each_sample_of_a_provider_gets_behind_its_proof_and_is_read() {
    let mut read = 0;
    for kind in ProviderKind::ALL {
        let folder = top().join("tests/fixtures/providers").join(kind.as_str());
        let Some(events) = kind.events() else { continue };
        for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
            if file.ends_with("send_responses.json") {
                continue;
            }
            let now = Timestamp::parse_rfc3339("2026-01-06T18:00:00Z").unwrap();
            let sent = proven::sent_at(kind, &fs::read(&file).unwrap(), now);
            let genuine = sent.verified_with(&proven::account(kind), proven::HOOK_TOKEN, now);
            events.read(&genuine.unwrap(), now).unwrap();
            read += 1;
        }
    }
    assert!(read > 30, "only {read} samples");
}

#[test]
fn every_entry_is_fed_here_and_has_its_target() {
    let names: Vec<&str> = ENTRIES.iter().map(|entry| entry.name).collect();
    assert_eq!(FED, names, "the tests above");
    let manifest = fs::read_to_string(top().join("fuzz/Cargo.toml")).unwrap();
    let targets: Vec<&str> = manifest
        .split("[[bin]]\n")
        .skip(1)
        .filter_map(|bin| bin.strip_prefix("name = \"")?.split_once('"'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(targets, names, "[[bin]] in fuzz/Cargo.toml");
}
