//! Times as lists write them. Called by the mappings of `imports`; a text that may mean two days is refused, not guessed.

use crate::domain::civil::Zone;
use crate::domain::time::{Delay, Timestamp};
use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// How times without an offset are read.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Where they were written down.
    pub zone: Zone,
    pub now: Timestamp,
}

/// Whether `03/04/2026` is a date of this program, and its month is written first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slashes {
    MonthFirst,
    Refused,
}

const WITH_OFFSET: [&str; 3] = [
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
];
const LOCAL: [&str; 6] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%b %d, %Y %H:%M",
];
const DAY: [&str; 3] = ["%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y"];
const LOCAL_SLASHES: [&str; 2] = ["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"];
const DAY_SLASHES: [&str; 1] = ["%m/%d/%Y"];

/// Nobody shopped by mail on the web before: what is older is a mistake of somebody's spreadsheet.
const OLDEST_SECONDS: i64 = 788_918_400;

/// Reads a time; none of the zero dates that databases write for "never".
///
/// # Errors
/// With words for the report, when it is no time, or one that cannot be.
pub fn parse(text: &str, clock: Clock, slashes: Slashes) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.starts_with("0000-00-00") {
        return Ok(None);
    }
    let at = instant(text, clock.zone, slashes).ok_or_else(|| match slashes {
        Slashes::Refused if text.contains('/') => {
            format!("`{text}` may be two days; write 2026-04-03")
        }
        Slashes::Refused | Slashes::MonthFirst => {
            format!("`{text}` is not a date; write 2026-04-03, or 2026-04-03 14:05")
        }
    })?;
    let tomorrow = clock.now.plus(Delay::from_days(1));
    if at < Timestamp::from_seconds(OLDEST_SECONDS) || at > tomorrow {
        return Err(format!("`{text}` cannot be: it is before 1995 or to come"));
    }
    Ok(Some(at))
}

fn instant(text: &str, zone: Zone, slashes: Slashes) -> Option<Timestamp> {
    // `2026-04-03 14:05:00 UTC`
    let text = text
        .strip_suffix(" UTC")
        .map_or_else(|| text.to_owned(), |utc| format!("{utc} +0000"));
    if let Ok(at) = Timestamp::parse_rfc3339(&text) {
        return Some(at);
    }
    let offset = WITH_OFFSET
        .iter()
        .find_map(|form| DateTime::parse_from_str(&text, form).ok());
    if let Some(at) = offset {
        return Some(Timestamp::from_millis(at.timestamp_millis()));
    }
    let (local, day): (&[&str], &[&str]) = match slashes {
        Slashes::MonthFirst => (&LOCAL_SLASHES, &DAY_SLASHES),
        Slashes::Refused => (&[], &[]),
    };
    let moment = LOCAL
        .iter()
        .chain(local)
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok());
    let midnight = || {
        let mut forms = DAY.iter().chain(day);
        let day = forms.find_map(|form| NaiveDate::parse_from_str(&text, form).ok());
        day.map(NaiveDateTime::from)
    };
    moment.or_else(midnight).map(|local| zone.instant_of(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, slashes: Slashes) -> Result<Option<String>, String> {
        let clock = Clock {
            zone: "Europe/Warsaw".parse().unwrap(),
            now: Timestamp::parse_rfc3339("2026-11-23T00:00:00Z").unwrap(),
        };
        parse(text, clock, slashes).map(|at| at.map(Timestamp::to_rfc3339))
    }

    #[test]
    fn what_programs_write_is_read_and_local_times_are_the_stores() {
        for (text, at) in [
            ("2026-04-03T14:05:06Z", "2026-04-03T14:05:06.000Z"),
            ("2026-04-03 14:05:06 -0500", "2026-04-03T19:05:06.000Z"),
            ("2026-04-03 14:05:06+00:00", "2026-04-03T14:05:06.000Z"),
            ("2026-04-03T14:05:06.123456+02", "2026-04-03T12:05:06.123Z"),
            ("2026-04-03 14:05:06 UTC", "2026-04-03T14:05:06.000Z"),
            ("2026-04-03 14:05:06", "2026-04-03T12:05:06.000Z"),
            ("2026-04-03 14:05", "2026-04-03T12:05:00.000Z"),
            ("03.04.2026 14:05", "2026-04-03T12:05:00.000Z"),
            ("2026-01-03", "2026-01-02T23:00:00.000Z"),
            ("03.01.2026", "2026-01-02T23:00:00.000Z"),
            ("Jan 3, 2026", "2026-01-02T23:00:00.000Z"),
        ] {
            assert_eq!(read(text, Slashes::Refused), Ok(Some(at.to_owned())), "{text}");
        }
        let month_first = read("9/6/2016  6:29:00", Slashes::MonthFirst);
        assert_eq!(month_first, Ok(Some("2016-09-06T04:29:00.000Z".to_owned())));
        assert_eq!(read("0000-00-00 00:00:00", Slashes::Refused), Ok(None));
    }

    #[test]
    fn what_may_mean_two_days_or_none_is_refused() {
        for text in [
            "03/04/2026",
            "44927",
            "2026-02-30",
            "yesterday",
            "1926-04-03",
            "2031-04-03",
            "",
        ] {
            assert!(read(text, Slashes::Refused).is_err(), "{text}");
        }
        assert!(
            read("03/04/2026", Slashes::Refused)
                .unwrap_err()
                .contains("two days")
        );
    }
}
