//! Windows and quiet hours, against tables and against a walk minute by minute.

use super::super::tests::{at, cases, near_changes, times, tod, utc, weekdays, zone};
use super::*;
use crate::domain::time::Delay;
use proptest::prelude::*;

#[test]
fn windows_read_as_they_are_written() {
    for text in ["09:00-17:00", "22:00-06:00 weekdays", "08:00-00:00 mon, sat"] {
        assert_eq!(text.parse::<Window>().unwrap().to_string(), text);
    }
    let message = |text: &str| text.parse::<Window>().unwrap_err().to_string();
    assert_eq!(
        message("09:00-25:00"),
        "expected a time of day such as `10:00`, found `25:00`"
    );
    assert_eq!(
        message("09:00-09:00"),
        "hours from 09:00 to 09:00 are none or all of the day; write two different times"
    );
    assert_eq!(
        message("09:00"),
        "expected a window such as `09:00-17:00` or `09:00-17:00 weekdays`, found `09:00`"
    );
    assert!("21:00-08:00 mon".parse::<Quiet>().is_err());
    assert_eq!(
        Quiet::new(tod("08:00"), tod("08:00")),
        Err(Error::SameEnds(tod("08:00")))
    );
}

#[test]
fn windows_open_by_the_clock_on_the_wall() {
    // Monday 5 January 2026; no summer time in between unless noted.
    let cases = [
        ("09:00-17:00", "2026-01-05T09:00", "2026-01-05T09:00"),
        ("09:00-17:00", "2026-01-05T08:59", "2026-01-05T09:00"),
        ("09:00-17:00", "2026-01-05T17:00", "2026-01-06T09:00"),
        ("09:00-17:00 weekdays", "2026-01-09T17:00", "2026-01-12T09:00"),
        // Over midnight the day is the one it opens on.
        ("22:00-06:00 fri", "2026-01-10T05:59", "2026-01-10T05:59"),
        ("22:00-06:00 fri", "2026-01-10T06:00", "2026-01-16T22:00"),
        ("22:00-06:00 fri", "2026-01-09T05:00", "2026-01-09T22:00"),
        ("22:00-00:00 fri", "2026-01-10T00:00", "2026-01-16T22:00"),
        // 02:00 became 03:00: a window that begins in the skip opens after it, one inside of it not at all.
        ("02:30-05:00", "2026-03-29T00:00", "2026-03-29T03:00"),
        ("02:10-02:50", "2026-03-29T00:00", "2026-03-30T02:10"),
    ];
    for (window, from, expected) in cases {
        let warsaw = zone("Europe/Warsaw");
        let window: Window = window.parse().unwrap();
        let open = window.next_open(at(from, warsaw), warsaw);
        assert_eq!(open, at(expected, warsaw), "{window} {from}");
    }
}

#[test]
fn an_hour_that_comes_twice_is_inside_twice() {
    // 03:00 became 02:00 at 01:00 UTC.
    let warsaw = zone("Europe/Warsaw");
    let window: Window = "02:15-02:30".parse().unwrap();
    let open = |text| window.next_open(utc(text), warsaw);
    assert_eq!(open("2026-10-25T00:00:00Z"), utc("2026-10-25T00:15:00Z"));
    assert_eq!(open("2026-10-25T00:30:00Z"), utc("2026-10-25T01:15:00Z"));
    assert_eq!(open("2026-10-25T01:30:00Z"), utc("2026-10-26T01:15:00Z"));

    let quiet: Quiet = "21:00-02:30".parse().unwrap();
    let until = |text| quiet.until(utc(text), warsaw);
    assert_eq!(until("2026-10-24T20:00:00Z"), Some(utc("2026-10-25T00:30:00Z")));
    assert_eq!(until("2026-10-25T00:30:00Z"), None);
    assert_eq!(until("2026-10-25T01:00:00Z"), Some(utc("2026-10-25T01:30:00Z")));
}

#[test]
fn quiet_time_ends_in_the_morning() {
    let sydney = zone("Australia/Sydney");
    let quiet: Quiet = "21:00-08:00".parse().unwrap();
    let cases = [
        ("2026-01-05T20:59", None),
        ("2026-01-05T21:00", Some("2026-01-06T08:00")),
        ("2026-01-06T07:59", Some("2026-01-06T08:00")),
        ("2026-01-06T08:00", None),
    ];
    for (from, expected) in cases {
        let until = quiet.until(at(from, sydney), sydney);
        assert_eq!(until, expected.map(|text| at(text, sydney)), "{from}");
    }
}

/// Whole minutes suffice: all changes of offset since 1973 happened on one.
fn walk(window: &Window, from: Timestamp, zone: Zone, minutes: i64) -> Option<Timestamp> {
    let minute = |index: i64| {
        let begin = from.as_millis() / 60_000 * 60_000;
        from.max(Timestamp::from_millis(begin + index * 60_000))
    };
    (0..minutes).map(minute).find(|at| window.is_open(*at, zone))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_opening_is_open(
        (zone, at) in cases(), from in times(), to in times(), days in weekdays(),
    ) {
        prop_assume!(from != to);
        let window = Window::new(from, to, days).unwrap();
        let open = window.next_open(at, zone);
        prop_assert!(open >= at);
        prop_assert!(open == NEVER || window.is_open(open, zone));
        prop_assert!(open == at || !window.is_open(at, zone));
        prop_assert_eq!(window.to_string().parse::<Window>().unwrap(), window);
    }

    #[test]
    fn quiet_time_ends_outside_of_it((zone, at) in cases(), from in times(), to in times()) {
        prop_assume!(from != to);
        let quiet = Quiet::new(from, to).unwrap();
        if let Some(end) = quiet.until(at, zone) {
            prop_assert!(end > at || end == NEVER);
            prop_assert!(end == NEVER || quiet.until(end, zone).is_none());
            prop_assert!(end.since(at) <= Delay::from_hours(50));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_before_the_next_opening_is_open(
        (zone, at) in near_changes(), hour in 0..5_u16, minute in 0..60_u16, length in 1..90_u16,
    ) {
        prop_assume!(at >= utc("1973-01-01T00:00:00Z"));
        let begin = hour * 60 + minute;
        let end = begin + length;
        let from = TimeOfDay::new(begin / 60, begin % 60).unwrap();
        let to = TimeOfDay::new(end / 60, end % 60).unwrap();
        let window = Window::new(from, to, Weekdays::EVERY_DAY).unwrap();
        let walked = walk(&window, at, zone, 3 * 1440);
        prop_assert_eq!(walked, Some(window.next_open(at, zone)), "{} {}", zone, window);
    }
}
