//! Dates of contacts: what parses, and when they come round.

use super::super::tests::{at, cases, times, tod, utc, zone};
use super::*;
use proptest::prelude::*;

fn date(text: &str) -> CivilDate {
    text.parse().unwrap()
}

#[test]
fn dates_read_with_and_without_their_year() {
    for (text, shown) in [
        ("1990-05-17", "1990-05-17"),
        ("--05-17", "--05-17"),
        (" 05-17 ", "--05-17"),
        ("--02-29", "--02-29"),
        ("2024-02-29", "2024-02-29"),
    ] {
        assert_eq!(date(text).to_string(), shown);
    }
    assert_eq!((date("--05-17").year(), date("--05-17").date()), (None, None));
    assert_eq!(date("1990-05-17").year(), Some(1990));
    for text in [
        "2023-02-30",
        "2023-02-29",
        "--02-30",
        "--13-01",
        "0000-01-01",
        "2023-00-10",
    ] {
        assert_eq!(
            text.parse::<CivilDate>(),
            Err(Error::NoSuchDate(text.to_owned())),
            "{text}"
        );
    }
    for text in [
        "",
        "17.05.1990",
        "1990-5-17",
        "--1990-05-17",
        "90-05-17",
        "5/17",
        "-05-17",
        "1990",
        "+990-05-17",
    ] {
        assert_eq!(
            text.parse::<CivilDate>(),
            Err(Error::Date(text.to_owned())),
            "{text}"
        );
    }
    assert_eq!(
        "2023-02-30".parse::<CivilDate>().unwrap_err().to_string(),
        "`2023-02-30` is not in the calendar"
    );
}

#[test]
fn date_times_are_the_day_they_have_in_the_zone() {
    let cases = [
        ("1968-05-17T22:30:00Z", "Europe/Warsaw", "1968-05-17"),
        ("1990-05-17T22:30:00Z", "Europe/Warsaw", "1990-05-18"),
        ("1990-05-17T00:30:00+02:00", "America/New_York", "1990-05-16"),
        ("1990-05-17T23:59:59", "America/New_York", "1990-05-17"),
        ("1990-05-17 00:00:00", "America/New_York", "1990-05-17"),
        ("--05-17", "America/New_York", "--05-17"),
    ];
    for (text, name, expected) in cases {
        let parsed = CivilDate::parse_in(text, zone(name)).unwrap();
        assert_eq!(parsed.to_string(), expected, "{text} {name}");
    }
    assert!(CivilDate::parse_in("1990-02-30T00:00:00Z", Zone::UTC).is_err());
}

#[test]
fn a_date_comes_round_every_year() {
    let cases = [
        ("1990-05-17", 0, "2026-01-01T00:00", "2026-05-17T09:00"),
        ("--05-17", 0, "2026-05-17T09:00", "2026-05-17T09:00"),
        ("--05-17", 0, "2026-05-17T09:01", "2027-05-17T09:00"),
        ("--05-17", -7, "2026-05-10T09:01", "2027-05-10T09:00"),
        ("--01-03", -7, "2026-12-01T00:00", "2026-12-27T09:00"),
        ("--12-30", 7, "2026-01-01T00:00", "2026-01-06T09:00"),
        ("--05-17", 400, "2026-01-01T00:00", "2026-06-21T09:00"),
        // A date still to come begins in its own year.
        ("2030-05-17", 0, "2026-01-01T00:00", "2030-05-17T09:00"),
        // Leap days, and the day before the one that stands in.
        ("--02-29", 0, "2028-01-01T00:00", "2028-02-29T09:00"),
        ("--02-29", -1, "2026-01-01T00:00", "2026-02-27T09:00"),
    ];
    let warsaw = zone("Europe/Warsaw");
    for (text, offset, after, expected) in cases {
        let next = date(text).yearly_after(at(after, warsaw), offset, tod("09:00"), warsaw, Feb29::default());
        assert_eq!(next, at(expected, warsaw), "{text} {offset} {after}");
    }
}

#[test]
fn a_leap_day_is_kept_by_its_rule() {
    let next = |rule| {
        date("1996-02-29").yearly_after(
            at("2026-01-01T00:00", Zone::UTC),
            0,
            tod("09:00"),
            Zone::UTC,
            rule,
        )
    };
    assert_eq!(next(Feb29::Feb28), utc("2026-02-28T09:00:00Z"));
    assert_eq!(next(Feb29::Mar1), utc("2026-03-01T09:00:00Z"));
    assert_eq!("mar1".parse(), Ok(Feb29::Mar1));
    assert!("29".parse::<Feb29>().is_err());
}

#[test]
fn a_single_date_needs_its_year() {
    let apia = zone("Pacific/Apia");
    assert_eq!(date("--12-30").once(0, tod("10:00"), apia), None);
    assert_eq!(
        date("2011-12-31").once(-1, tod("10:00"), apia),
        Some(at("2011-12-31T00:00", apia))
    );
    assert_eq!(date("2011-12-31").once(i32::MIN, tod("10:00"), apia), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_year_is_never_far(
        (zone, at) in cases(), ordinal in 1..=366_u32, offset in -400..400_i32, tod in times(), mar1: bool,
    ) {
        let day = NaiveDate::from_yo_opt(LEAP_YEAR, ordinal).unwrap();
        let date = CivilDate::yearless(day.month(), day.day()).unwrap();
        let rule = if mar1 { Feb29::Mar1 } else { Feb29::Feb28 };
        let next = date.yearly_after(at, offset, tod, zone, rule);
        prop_assert!(next >= at);
        let distance = next.since(at).as_millis() / 86_400_000;
        prop_assert!(distance <= 367, "{} {} {}", date, at, next);
    }

    #[test]
    fn no_offset_is_too_large((zone, at) in cases(), offset: i32, year in 1..9999_i32, tod in times()) {
        let date = CivilDate::full(NaiveDate::from_ymd_opt(year, 2, 28).unwrap());
        prop_assert!(date.yearly_after(at, offset, tod, zone, Feb29::Feb28) >= at);
        let _ = date.once(offset, tod, zone);
        prop_assert_eq!(date.to_string().parse::<CivilDate>().unwrap(), date);
    }
}
