//! From a time on the wall to the instant it stands for.
//!
//! Used by the rest of the folder, and by the engine for waits until a time of day. The answers about skipped and
//! repeated times are those of the folder's opening.

use super::{TimeOfDay, Weekdays, Zone};
use crate::domain::time::Timestamp;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};

/// The end of the time we can tell: what a search answers whose result would lie after 9999.
pub(super) const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

/// Days to look at for one allowed weekday: two weeks, as the first week's may be a day that the zone skipped.
pub(super) const DAYS_AHEAD: i32 = 16;

/// The instant at which the clock of `zone` shows this time of this day, within 1970–9999.
pub fn resolve(date: NaiveDate, tod: TimeOfDay, zone: Zone) -> Timestamp {
    timestamp(zone.first_instant(tod.on(date)))
}

/// The next occurrence of this time of day on an allowed day: `after` itself when it is one, else later.
///
/// A day counts by its own name even where a skip pushes the occurrence past its midnight.
pub fn next_time_of_day(after: Timestamp, tod: TimeOfDay, days: Weekdays, zone: Zone) -> Timestamp {
    let earliest = after.to_chrono();
    days_around(zone.date(after))
        .filter(|date| days.contains(chrono::Datelike::weekday(date)) && zone.has(*date))
        .map(|date| zone.first_instant(tod.on(date)))
        .find(|at| *at >= earliest)
        .map_or(NEVER, timestamp)
}

/// The same time on the wall, so many days later in the calendar. Zero days is `at` itself.
pub fn plus_days(at: Timestamp, days: u32, zone: Zone) -> Timestamp {
    if days == 0 {
        return at;
    }
    let later = zone.local(at).checked_add_days(Days::new(u64::from(days)));
    later.map_or(NEVER, |local| at_local(local, zone))
}

pub(super) fn at_local(local: NaiveDateTime, zone: Zone) -> Timestamp {
    timestamp(zone.first_instant(local))
}

/// From the day before `date` on, because a skip can push the day's time past its midnight.
pub(super) fn days_around(date: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    (-1..=DAYS_AHEAD).filter_map(move |days| shifted(date, days))
}

pub(super) fn shifted(date: NaiveDate, days: i32) -> Option<NaiveDate> {
    let distance = Days::new(u64::from(days.unsigned_abs()));
    if days < 0 {
        date.checked_sub_days(distance)
    } else {
        date.checked_add_days(distance)
    }
}

pub(super) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_millis(at.timestamp_millis())
}
