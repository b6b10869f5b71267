//! Zones, times of day and calendar days: known oddities one by one. And what the folder's other tests need.

use super::resolve::{NEVER, at_local};
use super::*;
use crate::domain::time::{Delay, Timestamp};
use chrono::TimeDelta;
use proptest::prelude::*;

mod properties;

/// The instant of a time as the zone's wall shows it, as `2026-01-31T09:00`.
pub(super) fn at(local: &str, zone: Zone) -> Timestamp {
    at_local(format!("{local}:00").parse().unwrap(), zone)
}

pub(super) fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

pub(super) fn utc(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

pub(super) fn tod(text: &str) -> TimeOfDay {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(super) fn zones() -> impl Strategy<Value = Zone> {
    proptest::sample::select(Zone::all().collect::<Vec<_>>())
}

/// Mostly times with changes of offset nearby; now and then anything.
pub(super) fn instants() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (0..4_200_000_000_000_i64).prop_map(Timestamp::from_millis),
        2 => any::<i64>().prop_map(Timestamp::from_millis),
        1 => (0..1000_i64).prop_map(Timestamp::from_millis),
        1 => (0..1000_i64).prop_map(|back| NEVER.minus(Delay::from_hours(back))),
    ]
}

/// An instant within two days of one of the zone's changes of offset, if it has one in the three years chosen.
pub(super) fn near_changes() -> impl Strategy<Value = (Zone, Timestamp)> {
    let distances = -172_800_000..172_800_000_i64;
    let spans = (0..70_i64, any::<prop::sample::Index>(), distances);
    (zones(), spans).prop_map(|(zone, (years, index, distance))| {
        let from = Timestamp::from_seconds(years * 31_556_952);
        let changes = zone_changes(zone, from, from.plus(Delay::from_days(1000)));
        let around = if changes.is_empty() {
            from
        } else {
            changes[index.index(changes.len())]
        };
        (zone, Timestamp::from_millis(around.as_millis() + distance))
    })
}

pub(super) fn cases() -> impl Strategy<Value = (Zone, Timestamp)> {
    prop_oneof![(zones(), instants()), near_changes()]
}

pub(super) fn times() -> impl Strategy<Value = TimeOfDay> {
    (0..24_u16, 0..60_u16).prop_map(|(hour, minute)| TimeOfDay::new(hour, minute).unwrap())
}

pub(super) fn weekdays() -> impl Strategy<Value = Weekdays> {
    let day = (0..7_u8).prop_map(|day| Weekday::try_from(day).unwrap());
    proptest::collection::vec(day, 1..4).prop_map(|days| Weekdays::of(days).unwrap())
}

#[test]
fn skipped_and_repeated_times_have_one_answer() {
    let cases = [
        // Skipped: 02:00 became 03:00.
        ("Europe/Warsaw", "2026-03-29", "01:59", "2026-03-29T00:59:00Z"),
        ("Europe/Warsaw", "2026-03-29", "02:00", "2026-03-29T01:00:00Z"),
        ("Europe/Warsaw", "2026-03-29", "02:30", "2026-03-29T01:00:00Z"),
        ("Europe/Warsaw", "2026-03-29", "03:00", "2026-03-29T01:00:00Z"),
        // Twice: 03:00 became 02:00.
        ("Europe/Warsaw", "2026-10-25", "02:30", "2026-10-25T00:30:00Z"),
        ("Europe/Warsaw", "2026-10-25", "03:00", "2026-10-25T02:00:00Z"),
        // Half an hour.
        (
            "Australia/Lord_Howe",
            "2026-10-04",
            "02:10",
            "2026-10-03T15:30:00Z",
        ),
        // Midnights that were skipped.
        ("America/Havana", "2026-03-08", "00:00", "2026-03-08T05:00:00Z"),
        ("Asia/Beirut", "2026-03-29", "00:30", "2026-03-28T22:00:00Z"),
        ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23T22:00:00Z"),
        // Before midnight, into the next day.
        ("America/Nuuk", "2026-03-28", "23:30", "2026-03-29T01:00:00Z"),
        // Days that were skipped.
        ("Pacific/Apia", "2011-12-30", "10:00", "2011-12-30T10:00:00Z"),
        ("Pacific/Kwajalein", "1993-08-21", "10:00", "1993-08-21T12:00:00Z"),
    ];
    for (name, date, time, expected) in cases {
        assert_eq!(
            resolve(day(date), tod(time), zone(name)),
            utc(expected),
            "{name} {date} {time}"
        );
    }
}

#[test]
fn every_change_of_every_zone_resolves_to_the_first_instant_at_or_after_it() {
    for zone in Zone::all() {
        let changes = zone_changes(zone, Timestamp::default(), utc("2040-01-01T00:00:00Z"));
        let apart = |pair: &[Timestamp]| pair[1].since(pair[0]) > Delay::from_days(6);
        assert!(
            changes.windows(2).all(apart),
            "{zone}: we look for changes too far apart"
        );
        for change in changes {
            // What the clock would have shown without the change, and what it shows.
            let before = zone.local(change.minus(Delay::from_seconds(1))) + TimeDelta::seconds(1);
            let after = zone.local(change);
            let middle = before + TimeDelta::seconds((after - before).num_seconds() / 2);
            let resolved = at_local(middle, zone);
            if before < after {
                assert_eq!(resolved, change, "{zone} {middle}");
            } else {
                assert_eq!(zone.local(resolved), middle, "{zone}");
                assert!(resolved < change, "{zone} {middle}");
            }
        }
    }
}

#[test]
fn changes_of_offset_are_listed() {
    let warsaw = zone("Europe/Warsaw");
    let (spring, autumn) = (utc("2026-03-29T01:00:00Z"), utc("2026-10-25T01:00:00Z"));
    let year = |from, to| zone_changes(warsaw, from, to);
    assert_eq!(
        year(utc("2026-01-01T00:00:00Z"), utc("2027-01-01T00:00:00Z")),
        [spring, autumn]
    );
    assert_eq!(year(spring, autumn), [autumn]);
    assert_eq!(year(autumn, spring), []);
    assert_eq!(zone_changes(Zone::UTC, Timestamp::default(), NEVER), []);
}

#[test]
fn zones_read_by_their_names() {
    assert_eq!(zone("Europe/Warsaw").to_string(), "Europe/Warsaw");
    assert_eq!(
        "Mars/Olympus".parse::<Zone>().unwrap_err().to_string(),
        "expected an IANA zone such as `Europe/Warsaw`, found `Mars/Olympus`"
    );
    assert!(Zone::names().all(|name| zone(name).name() == name));
}

#[test]
fn the_next_time_of_day_may_be_now() {
    let warsaw = zone("Europe/Warsaw");
    let next = |after, time, days: &str| next_time_of_day(after, tod(time), days.parse().unwrap(), warsaw);
    let cases = [
        ("2026-01-05T10:00", "10:00", "every day", "2026-01-05T10:00"),
        ("2026-01-05T10:01", "10:00", "every day", "2026-01-06T10:00"),
        ("2026-01-09T10:01", "10:00", "weekdays", "2026-01-12T10:00"),
        ("2026-01-12T09:00", "08:00", "mon", "2026-01-19T08:00"),
        // Skipped on the 29th.
        ("2026-03-29T00:00", "02:30", "every day", "2026-03-29T03:00"),
        // Twice on the 25th; only the first counts.
        ("2026-10-25T00:00", "02:30", "every day", "2026-10-25T02:30"),
    ];
    for (after, time, days, expected) in cases {
        assert_eq!(
            next(at(after, warsaw), time, days),
            at(expected, warsaw),
            "{after} {days}"
        );
    }
    let between = utc("2026-10-25T01:00:00Z");
    assert_eq!(
        next(between, "02:30", "every day"),
        at("2026-10-26T02:30", warsaw)
    );
}

#[test]
fn what_happens_daily_passes_over_a_day_that_the_zone_skipped() {
    let apia = zone("Pacific/Apia");
    let after = at("2011-12-29T12:00", apia);
    assert_eq!(
        next_time_of_day(after, tod("10:00"), Weekdays::EVERY_DAY, apia),
        at("2011-12-31T10:00", apia)
    );
    let fridays = "fri".parse().unwrap();
    assert_eq!(
        next_time_of_day(after, tod("10:00"), fridays, apia),
        at("2012-01-06T10:00", apia)
    );
}

#[test]
fn calendar_days_keep_the_time_on_the_wall() {
    let york = zone("America/New_York");
    let cases = [
        ("2026-03-07T12:00", 1, "2026-03-08T12:00"),
        ("2026-03-07T02:30", 1, "2026-03-08T03:00"),
        ("2026-10-31T12:00", 1, "2026-11-01T12:00"),
    ];
    for (from, days, to) in cases {
        assert_eq!(plus_days(at(from, york), days, york), at(to, york), "{from}");
    }
    // The second 01:30 of that night: no days later it is still the second.
    let second = utc("2026-11-01T06:30:00Z");
    assert_eq!(plus_days(second, 0, york), second);
    assert_eq!(plus_days(second, u32::MAX, york), NEVER);
}

#[test]
fn every_type_is_its_text_in_json() {
    fn check<T>(text: &str)
    where
        T: serde::Serialize + serde::de::DeserializeOwned,
    {
        let json = format!("\"{text}\"");
        let value: T = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json);
    }
    check::<Zone>("America/Argentina/Buenos_Aires");
    check::<TimeOfDay>("09:05");
    check::<Weekdays>("mon, tue");
    check::<Window>("22:00-06:00 weekends");
    check::<Window>("09:00-17:00");
    check::<Quiet>("21:00-08:00");
    check::<CalendarDelay>("1 year 2 months 3 calendar days");
    check::<CivilDate>("1990-05-17");
    check::<CivilDate>("--02-29");
    check::<Feb29>("mar1");
    check::<Rule>("FREQ=MONTHLY;INTERVAL=2;BYMONTH=1,3;BYMONTHDAY=-1;BYDAY=1MO,-1FR;COUNT=3");
    check::<Recurrence>("2026-01-05 09:00 FREQ=YEARLY;UNTIL=20301231T230000Z");
    let error = serde_json::from_str::<TimeOfDay>("\"25:00\"").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("expected a time of day such as `10:00`, found `25:00`")
    );
}
