//! Recurrences: the days that rules name, where they end, and what is not supported.

use super::super::tests::{at, cases, times, utc, zone};
use super::*;
use proptest::prelude::*;

/// The first `most` occurrences in Warsaw after the beginning of 1970, each as the wall shows it.
fn occurrences(text: &str, most: usize) -> Vec<String> {
    let warsaw = zone("Europe/Warsaw");
    let recurrence: Recurrence = text.parse().unwrap();
    let mut after = Timestamp::default();
    let mut found = Vec::new();
    while found.len() < most {
        let Some(next) = recurrence.next(after, warsaw) else {
            break;
        };
        found.push(warsaw.local(next).format("%m-%d %H:%M").to_string());
        after = next;
    }
    found
}

#[test]
fn rules_name_their_days() {
    let cases: [(&str, &[&str]); 15] = [
        ("FREQ=DAILY", &["01-05", "01-06", "01-07"]),
        ("FREQ=DAILY;INTERVAL=3", &["01-05", "01-08", "01-11"]),
        ("FREQ=DAILY;BYMONTH=2;BYDAY=MO", &["02-02", "02-09", "02-16"]),
        ("FREQ=WEEKLY", &["01-05", "01-12", "01-19"]),
        ("FREQ=WEEKLY;BYDAY=TU,SU", &["01-06", "01-11", "01-13"]),
        // Weeks begin on Monday: the Sunday belongs to the week of the start.
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", &["01-05", "01-11", "01-19"]),
        ("FREQ=MONTHLY", &["01-05", "02-05", "03-05"]),
        ("FREQ=MONTHLY;BYDAY=1MO", &["01-05", "02-02", "03-02"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", &["01-30", "02-27", "03-27"]),
        ("FREQ=MONTHLY;BYDAY=5FR", &["01-30", "05-29", "07-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", &["01-31", "02-28", "03-31"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", &["01-31", "03-31", "05-31"]),
        (
            "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
            &["02-13", "03-13", "11-13"],
        ),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", &["11-26", "11-25", "11-23"]),
        (
            "FREQ=YEARLY;BYMONTH=3,6;BYMONTHDAY=1",
            &["03-01", "06-01", "03-01"],
        ),
    ];
    for (rule, days) in cases {
        let expected: Vec<String> = days.iter().map(|day| format!("{day} 09:00")).collect();
        assert_eq!(
            occurrences(&format!("2026-01-05 09:00 {rule}"), 3),
            expected,
            "{rule}"
        );
    }
    assert_eq!(
        occurrences("2024-02-29 09:00 FREQ=YEARLY;COUNT=2", 9),
        ["02-29 09:00", "02-29 09:00"]
    );
}

#[test]
fn rules_end() {
    let ends = |end: &str| occurrences(&format!("2026-01-05 09:00 FREQ=DAILY;{end}"), 9);
    let two = ["01-05 09:00", "01-06 09:00"];
    assert_eq!(ends("COUNT=2"), two);
    assert_eq!(ends("UNTIL=20260106"), two);
    // 09:00 in Warsaw is 08:00 UTC; the end itself is inside.
    assert_eq!(ends("UNTIL=20260106T080000Z"), two);
    assert_eq!(ends("UNTIL=20260107T075959Z"), two);

    let counted: Recurrence = "2026-01-05 09:00 FREQ=DAILY;COUNT=2".parse().unwrap();
    let last = at("2026-01-06T09:00", Zone::UTC);
    assert_eq!(
        counted.next(at("2026-01-06T08:59", Zone::UTC), Zone::UTC),
        Some(last)
    );
    assert_eq!(counted.next(last, Zone::UTC), None);
}

#[test]
fn summer_time_takes_no_occurrence_away_and_adds_none() {
    assert_eq!(
        occurrences("2026-03-28 02:30 FREQ=DAILY", 3),
        ["03-28 02:30", "03-29 03:00", "03-30 02:30"]
    );
    assert_eq!(
        occurrences("2026-10-24 02:30 FREQ=DAILY", 3),
        ["10-24 02:30", "10-25 02:30", "10-26 02:30"]
    );
    let apia = zone("Pacific/Apia");
    let daily: Recurrence = "2011-12-29 10:00 FREQ=DAILY".parse().unwrap();
    let first = at("2011-12-29T10:00", apia);
    assert_eq!(daily.next(first, apia), Some(at("2011-12-31T10:00", apia)));
    assert_eq!(daily.next(utc("9999-12-31T23:59:59Z"), apia), None);
}

#[test]
fn what_is_not_supported_is_named() {
    let cases = [
        (
            "FREQ=DAILY;BYSETPOS=1",
            "BYSETPOS is not supported; the parts are FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, and UNTIL or COUNT",
        ),
        (
            "FREQ=HOURLY",
            "FREQ takes DAILY, WEEKLY, MONTHLY or YEARLY, not `HOURLY`",
        ),
        ("INTERVAL=2", "FREQ is missing"),
        (
            "FREQ=DAILY;INTERVAL=0",
            "INTERVAL takes a number from 1 to 1000, not `0`",
        ),
        ("FREQ=DAILY;COUNT=", "COUNT takes a number from 1 to 1000, not ``"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ is written twice"),
        (
            "FREQ=DAILY;COUNT=1;UNTIL=20261231",
            "UNTIL and COUNT exclude each other",
        ),
        (
            "FREQ=WEEKLY;BYMONTHDAY=1",
            "BYMONTHDAY has no meaning with FREQ=WEEKLY",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "BYMONTHDAY takes days from 1 to 31 or from -31 to -1, not `0`",
        ),
        (
            "FREQ=MONTHLY;BYMONTH=13",
            "BYMONTH takes months from 1 to 12, not `13`",
        ),
        (
            "FREQ=MONTHLY;BYDAY=6MO",
            "BYDAY takes days such as `MO`, or in a month `1MO` and `-1FR`, not `6MO`",
        ),
        (
            "FREQ=YEARLY;BYDAY=1MO",
            "BYDAY takes a number, as in `1MO`, only with FREQ=MONTHLY, or with FREQ=YEARLY and BYMONTH",
        ),
        (
            "FREQ=DAILY;UNTIL=20260230",
            "UNTIL takes a day such as `20261231` or a time in UTC such as `20261231T230000Z`, not `20260230`",
        ),
        (
            "FREQ=DAILY;",
            "expected parts such as `FREQ=WEEKLY;BYDAY=MO`, found ``",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(text.parse::<Rule>().unwrap_err().to_string(), message, "{text}");
    }
    assert!("RRULE:FREQ=DAILY".parse::<Rule>().is_ok());
}

#[test]
fn a_recurrence_must_come_to_something() {
    for empty in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;UNTIL=20251231",
        "FREQ=WEEKLY;BYDAY=SU;UNTIL=20260108",
    ] {
        let error = format!("2026-01-05 09:00 {empty}")
            .parse::<Recurrence>()
            .unwrap_err();
        assert_eq!(error, Error::Rule(RuleError::Empty), "{empty}");
    }
    for text in [
        "",
        "2026-01-05 09:00",
        "--01-05 09:00 FREQ=DAILY",
        "2026-01-05 09:00 FREQ=DAILY x",
    ] {
        let error = text.parse::<Recurrence>().unwrap_err();
        assert_eq!(error, Error::Recurrence(text.to_owned()));
    }
}

fn rules() -> impl Strategy<Value = String> {
    let parts = [
        "",
        ";BYDAY=MO,FR",
        ";BYMONTH=2,10",
        ";BYMONTH=3;BYDAY=-1SU",
        ";BYMONTHDAY=-1,15",
        ";COUNT=40",
        ";UNTIL=20301231",
    ];
    let frequency = prop_oneof![Just("DAILY"), Just("WEEKLY"), Just("MONTHLY"), Just("YEARLY")];
    (frequency, 1..30_u32, proptest::sample::select(parts.to_vec()))
        .prop_map(|(frequency, interval, part)| format!("FREQ={frequency};INTERVAL={interval}{part}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_occurrence_is_later_and_on_a_named_day(
        (zone, after) in cases(), rule in rules(), days in 0..20_000_u64, tod in times(),
    ) {
        let start = NaiveDate::default() + chrono::Days::new(days);
        let Ok(rule) = rule.parse::<Rule>() else {
            return Ok(());
        };
        let Ok(recurrence) = Recurrence::new(start, tod, rule) else {
            return Ok(());
        };
        prop_assert_eq!(recurrence.to_string().parse::<Recurrence>().unwrap(), recurrence.clone());
        if let Some(next) = recurrence.next(after, zone) {
            prop_assert!(next > after);
            let date = zone.date(next);
            let named = |date| recurrence.rule().names(date, start);
            prop_assert!(named(date) || shifted(date, -1).is_some_and(named));
            // Asked from in between, the answer is the same.
            let between = Timestamp::from_millis(i64::midpoint(after.as_millis(), next.as_millis()));
            prop_assert_eq!(recurrence.next(between, zone), Some(next));
        }
    }
}
