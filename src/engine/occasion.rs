//! The day that a run is about which a date started: this year's birthday, and not the day of a mail before it.
//!
//! Called by `moment` when such a run begins. The day goes along with the run, as a property called like the date itself, so
//! that a later `wait: { date: birthday }` means that very day, however long a mail before it was held.

use crate::domain::civil::Zone;
use crate::domain::event::EventData;
use crate::domain::time::Timestamp;
use crate::journey::definition::Moment;
use chrono::{NaiveDate, TimeDelta};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The day of a date's run that fires `at` this time, so many days before (negative) or after the date.
///
/// The date itself and not the day of the mail: another hour, offset or zone makes no second birthday of it. 29 February is
/// the day on which it is kept that year.
pub(super) fn day(at: Timestamp, offset_days: i32, zone: Zone) -> NaiveDate {
    let day = zone.date(at);
    let distance = TimeDelta::days(i64::from(offset_days));
    day.checked_sub_signed(distance).unwrap_or(day)
}

/// What a run knows of its day from the start; nothing where a schedule started it.
pub(super) fn data(moment: Option<&Moment>, day: NaiveDate) -> Arc<EventData> {
    match moment {
        Some(Moment::Date { of, .. }) => Arc::new(EventData {
            properties: BTreeMap::from([(of.clone(), day.to_string().into())]),
            ..EventData::default()
        }),
        Some(Moment::Schedule(_)) | None => Arc::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::civil::{CivilDate, Feb29, TimeOfDay};

    /// The day of a run that a yearly date starts next.
    fn next(date: &str, after: &str, (offset, time, zone): (i32, &str, &str), leap: Feb29) -> String {
        let zone: Zone = zone.parse().unwrap();
        let date: CivilDate = date.parse().unwrap();
        let time: TimeOfDay = time.parse().unwrap();
        let after = Timestamp::parse_rfc3339(after).unwrap();
        day(date.yearly_after(after, offset, time, zone, leap), offset, zone).to_string()
    }

    #[test]
    fn the_29th_of_february_is_kept_every_year() {
        let week_before = (-7, "09:00", "Europe/London");
        let of = |after, leap| next("2000-02-29", after, week_before, leap);
        assert_eq!(of("2026-03-05T00:00:00Z", Feb29::Feb28), "2027-02-28");
        assert_eq!(of("2027-03-05T00:00:00Z", Feb29::Feb28), "2028-02-29");
        assert_eq!(of("2026-03-05T00:00:00Z", Feb29::Mar1), "2027-03-01");
    }

    #[test]
    fn the_day_is_that_of_the_readers_clock() {
        for zone in [
            "Pacific/Kiritimati",
            "Asia/Tokyo",
            "Europe/London",
            "Pacific/Honolulu",
            "Pacific/Apia",
        ] {
            for offset in [-7, 0, 3] {
                for time in ["00:00", "09:00", "23:59"] {
                    let found = next(
                        "--01-01",
                        "2026-06-01T00:00:00Z",
                        (offset, time, zone),
                        Feb29::default(),
                    );
                    assert_eq!(found, "2027-01-01", "{zone} {offset} {time}");
                }
            }
        }
    }
}
