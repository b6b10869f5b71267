//! Holds the Worker's table of time zones to the IANA database as the crate `chrono-tz` has it.
//!
//! The crate's own table is 900 KB of wasm, as it knows the abbreviations and every clock since 1850. After
//! `cargo update -p chrono-tz`, `UPDATE_ZONES=1 cargo test --test it zones` writes ours anew.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Offset, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use proptest::prelude::*;
use std::fmt::Write;
use std::path::Path;
use wend::domain::civil::{Zone, resolve};
use wend::domain::time::Timestamp;

const MINUTE: i64 = 60;
/// 1973-01-01, since when all clocks are off by whole minutes, and 2100-01-01, in minutes since 1970.
const TABLE: (i64, i64) = (1_578_240, 68_374_080);
/// No zone has two changes within six days.
const STEP: i64 = 5 * 1440;

fn offset(zone: Tz, minute: i64) -> i64 {
    let utc = DateTime::from_timestamp(minute * MINUTE, 0).unwrap().naive_utc();
    let seconds = zone.offset_from_utc_datetime(&utc).fix().local_minus_utc();
    assert_eq!(seconds % 60, 0, "{zone} is off by seconds at {utc}");
    i64::from(seconds / 60)
}

/// The offset at the table's begin, and each change after it: minutes since the one before, and the offset from then on.
fn clock(zone: Tz) -> (i64, Vec<(i64, i64)>) {
    let first = offset(zone, TABLE.0);
    let (mut changes, mut before, mut from) = (Vec::new(), first, TABLE.0);
    let mut low = TABLE.0;
    while low < TABLE.1 {
        let mut high = (low + STEP).min(TABLE.1);
        let next = high;
        let after = offset(zone, high);
        if after != before {
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                if offset(zone, middle) == before {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            changes.push((high - from, after));
            (before, from) = (after, high);
        }
        low = next;
    }
    let later = (0..200).map(|steps| offset(zone, TABLE.1 + steps * STEP));
    assert!(
        later.into_iter().all(|east| east == before),
        "{zone} has changes after the table's end"
    );
    (first, changes)
}

fn table() -> String {
    let mut zones: Vec<Tz> = TZ_VARIANTS.to_vec();
    zones.sort_by_key(|zone| zone.name());
    let mut clocks = Vec::new();
    let mut names = String::new();
    for (number, zone) in zones.iter().enumerate() {
        let clock = clock(*zone);
        let index = clocks.iter().position(|held| *held == clock).unwrap_or_else(|| {
            clocks.push(clock);
            clocks.len() - 1
        });
        let end = if number % 4 == 3 { "\n    " } else { " " };
        write!(names, "(\"{}\", {index}),{end}", zone.name()).unwrap();
    }
    let mut text = format!(
        "//! Every zone of the IANA database with its clock from 1973 to 2099. Written by tests/it/zones.rs; not by hand.\n\
         \n\
         use super::zone::Clock;\n\
         \n\
         /// Names in order, each with its place in [`CLOCKS`].\n\
         #[rustfmt::skip]\n\
         pub(super) static NAMES: [(&str, u16); {}] = [\n    {}\n];\n\
         \n\
         /// Minutes east of UTC at the beginning of 1973; then each change: minutes since the one before, minutes east.\n\
         #[rustfmt::skip]\n\
         pub(super) static CLOCKS: [Clock; {}] = [\n",
        zones.len(),
        names.trim_end(),
        clocks.len()
    );
    for (first, changes) in &clocks {
        let changes: Vec<String> = changes
            .iter()
            .map(|(after, east)| format!("({after},{east})"))
            .collect();
        writeln!(
            text,
            "    Clock {{ first: {first}, changes: &[{}] }},",
            changes.join(",")
        )
        .unwrap();
    }
    text.push_str("];\n");
    text
}

#[test]
fn the_table_is_that_of_chrono_tz() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain/civil/zones.rs");
    let table = table();
    if std::env::var_os("UPDATE_ZONES").is_some() {
        std::fs::write(path, table).unwrap();
        return;
    }
    let held = std::fs::read_to_string(path).unwrap();
    assert!(
        held == table,
        "UPDATE_ZONES=1 writes src/domain/civil/zones.rs anew"
    );
}

/// The instants at which chrono-tz shows this time: none in a gap.
fn instants(zone: Tz, local: NaiveDateTime) -> Option<i64> {
    let found = zone.offset_from_local_datetime(&local).earliest()?;
    Some(local.checked_sub_offset(found.fix())?.and_utc().timestamp())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_wall_clock_shows_what_chrono_tz_shows(
        index in any::<prop::sample::Index>(),
        seconds in TABLE.0 * MINUTE..TABLE.1 * MINUTE,
    ) {
        let tz = TZ_VARIANTS[index.index(TZ_VARIANTS.len())];
        let zone: Zone = tz.name().parse().unwrap();
        let utc = DateTime::from_timestamp(seconds, 0).unwrap().naive_utc();
        let shown = zone.local(Timestamp::from_seconds(seconds));
        prop_assert_eq!(shown, tz.from_utc_datetime(&utc).naive_local());
    }

    #[test]
    fn the_first_instant_of_a_wall_time_is_that_of_chrono_tz(
        index in any::<prop::sample::Index>(),
        day in 1_u64..46_300,
        minute in 0_u32..1440,
    ) {
        let tz = TZ_VARIANTS[index.index(TZ_VARIANTS.len())];
        let zone: Zone = tz.name().parse().unwrap();
        let date = NaiveDate::from_ymd_opt(1973, 1, 1).unwrap() + Days::new(day);
        let local = date.and_hms_opt(minute / 60, minute % 60, 0).unwrap();
        if let Some(expected) = instants(tz, local) {
            prop_assert_eq!(resolve(date, local.time().format("%H:%M").to_string().parse().unwrap(), zone).as_seconds(), expected);
        }
    }
}
