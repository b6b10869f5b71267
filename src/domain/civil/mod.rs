//! Civil time: zones, times of day, windows, calendar delays, dates of contacts and recurrences.
//!
//! `src/journey` parses these types, and `src/engine` turns them into instants when it arms a wake. Nothing here
//! reads a clock or decides a policy (whose zone counts, what quiet hours hold back).
//!
//! A wall clock does not show every time once. Everywhere in this folder:
//! - A time that the clock skips is the first instant after the skip: 02:30 on the night that goes from 02:00 to
//!   03:00 is 03:00. The same holds for a midnight that is skipped, and for a whole day that is.
//! - A time that the clock shows twice is the first of the two.
//! - Things that happen again and again ([`next_time_of_day`], [`Recurrence`]) pass over a whole day that the zone
//!   skipped (30 December 2011 in Apia); a single date does not get lost that way.
//!
//! The zones' table is from 1973 to 2099. Before and after it each zone keeps its first and last offset.

mod clock;
mod date;
mod delay;
mod recurrence;
mod resolve;
mod rule;
mod window;
mod zone;
mod zones;

#[cfg(test)]
mod tests;

pub use chrono::{NaiveDate, NaiveDateTime, Weekday};
pub use clock::{TimeOfDay, Weekdays};
pub use date::{CivilDate, Feb29};
pub use delay::CalendarDelay;
pub use recurrence::{MAX_DAYS, Recurrence};
pub use resolve::{next_time_of_day, plus_days, resolve};
pub use rule::{Rule, RuleError};
pub use window::{Quiet, Window};
pub use zone::{Zone, zone_changes};

/// Why a text is not the civil time it stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("expected an IANA zone such as `Europe/Warsaw`, found `{0}`")]
    Zone(String),
    #[error("expected a time of day such as `10:00`, found `{0}`")]
    TimeOfDay(String),
    #[error("expected days such as `mon, tue`, `weekdays`, `weekends` or `every day`, found `{0}`")]
    Weekdays(String),
    #[error("expected a window such as `09:00-17:00` or `09:00-17:00 weekdays`, found `{0}`")]
    Window(String),
    #[error("expected quiet hours such as `21:00-08:00`, found `{0}`")]
    Quiet(String),
    #[error("hours from {0} to {0} are none or all of the day; write two different times")]
    SameEnds(TimeOfDay),
    #[error(
        "expected a length such as `2d`, `3 calendar days`, `2 months` or `1 year 6 months`, at most 100 years, found `{0}`"
    )]
    CalendarDelay(String),
    #[error("`{0}` may be blocks of 24 hours or days of the calendar; write `2d` or `2 calendar days`")]
    BareDays(String),
    #[error("expected a date such as `1990-05-17`, or `--05-17` without the year, found `{0}`")]
    Date(String),
    #[error("`{0}` is not in the calendar")]
    NoSuchDate(String),
    #[error("expected `feb28` or `mar1`, found `{0}`")]
    Feb29(String),
    #[error("expected a recurrence such as `2026-01-05 09:00 FREQ=WEEKLY;BYDAY=MO`, found `{0}`")]
    Recurrence(String),
    #[error(transparent)]
    Rule(#[from] RuleError),
}

/// Serialises these types as the text that they display and parse.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(
    CalendarDelay,
    CivilDate,
    Feb29,
    Quiet,
    Recurrence,
    Rule,
    TimeOfDay,
    Weekdays,
    Window,
    Zone
);
