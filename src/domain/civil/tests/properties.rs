//! What holds at every instant in every zone of the table, and for every text.

use super::super::resolve::{NEVER, at_local};
use super::super::*;
use super::{cases, times, weekdays};
use crate::domain::time::{Delay, Timestamp};
use chrono::{Datelike, TimeDelta, Timelike};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn resolving_is_monotone_and_exact_outside_of_skips(
        (zone, at) in cases(), a in 0..2880_i64, b in 0..2880_i64,
    ) {
        let local = zone.local(at);
        let first = local + TimeDelta::minutes(a.min(b));
        let second = local + TimeDelta::minutes(a.max(b));
        let (one, two) = (at_local(first, zone), at_local(second, zone));
        prop_assert!(one <= two);
        if one < NEVER && one > Timestamp::default() {
            prop_assert!(zone.local(one) >= first);
            // The instant before shows less: nothing earlier would have done.
            prop_assert!(zone.local(one.minus(Delay::from_millis(1))) < first);
        }
    }

    #[test]
    fn the_next_time_of_day_shows_that_time(
        (zone, at) in cases(), tod in times(), days in weekdays(),
    ) {
        let next = next_time_of_day(at, tod, days, zone);
        prop_assert!(next >= at);
        if next < NEVER {
            let local = zone.local(next);
            let skipped = zone.local(next.minus(Delay::from_millis(1))) + TimeDelta::milliseconds(1) != local;
            prop_assert!(skipped || (local.time() == tod.time() && days.contains(local.weekday())));
            let week = next.since(at) <= Delay::from_days(7).max(Delay::from_hours(7 * 24 + 3));
            let missing = zone_changes(zone, at, next).iter().any(|change| {
                zone.local(*change) - zone.local(change.minus(Delay::from_millis(1))) > TimeDelta::hours(20)
            });
            prop_assert!(week || missing, "{} after {}", next, at);
        }
    }

    #[test]
    fn a_day_of_the_calendar_keeps_its_time((zone, at) in cases(), days in 1..800_u32) {
        let later = plus_days(at, days, zone);
        prop_assert!(later >= at);
        if later < NEVER {
            let wanted = zone.local(at) + chrono::Days::new(u64::from(days));
            let local = zone.local(later);
            let skipped = zone.local(later.minus(Delay::from_millis(1))) < wanted;
            prop_assert!(local == wanted || (local > wanted && skipped));
            prop_assert_eq!(wanted.second(), zone.local(at).second());
        }
    }

    #[test]
    fn a_calendar_delay_never_ends_before_it_began(
        (zone, at) in cases(), months in 0..=1200_u32, days in 0..=36_600_u32,
    ) {
        if let Some(delay) = CalendarDelay::new(months, days) {
            prop_assert!(delay.after(at, zone) >= at);
            prop_assert_eq!(delay.to_string().parse::<CalendarDelay>().unwrap(), delay);
        }
    }

    #[test]
    fn changes_lie_in_their_span_and_change_the_offset((zone, at) in cases(), days in 0..900_i64) {
        let to = at.plus(Delay::from_days(days));
        let changes = zone_changes(zone, at, to);
        let offset = |at: Timestamp| zone.local(at) - Zone::UTC.local(at);
        for change in &changes {
            prop_assert!(*change > at && *change <= to);
            prop_assert_ne!(offset(*change), offset(change.minus(Delay::from_millis(1))));
        }
        prop_assert!(!changes.is_empty() || offset(at) == offset(to));
    }

    #[test]
    fn no_text_is_too_wild(text in "\\PC{0,40}", number in "[-+0-9:. a-zA-Z;=,T]{0,40}") {
        for text in [&text, &number] {
            let _ = text.parse::<Zone>();
            let _ = text.parse::<TimeOfDay>();
            let _ = text.parse::<Weekdays>();
            let _ = text.parse::<Window>();
            let _ = text.parse::<Quiet>();
            let _ = text.parse::<CalendarDelay>();
            let _ = CivilDate::parse_in(text, Zone::UTC);
            let _ = text.parse::<Rule>();
            let _ = text.parse::<Recurrence>();
        }
    }
}
