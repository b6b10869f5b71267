//! Dates that contacts have: birthdays and anniversaries, with or without the year.
//!
//! Sources and forms hand in text, which is parsed at the rim; the engine asks when a date comes round. A date that
//! is missing or impossible is an error for the caller to answer, never a delay of zero.

use super::resolve::{NEVER, shifted, timestamp};
use super::{Error, TimeOfDay, Zone};
use crate::domain::time::Timestamp;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use std::fmt;
use std::str::FromStr;

/// A leap year, in which every date that a contact can have exists.
const LEAP_YEAR: i32 = 2000;

/// A day of the calendar, with its year if it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CivilDate {
    /// Without a year: the date in [`LEAP_YEAR`].
    date: NaiveDate,
    has_year: bool,
}

/// Where 29 February is kept in a common year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Feb29 {
    /// On the month's last day.
    #[default]
    Feb28,
    /// On the day after the month.
    Mar1,
}

impl CivilDate {
    /// The given day of the given year.
    pub const fn full(date: NaiveDate) -> Self {
        Self { date, has_year: true }
    }

    /// A day of every year; none for 30 February and the like.
    pub fn yearless(month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(LEAP_YEAR, month, day).map(|date| Self {
            date,
            has_year: false,
        })
    }

    /// Everything that [`FromStr`] reads, and date-times: those with an offset are the day they have in `zone`, those
    /// without one the day as written.
    ///
    /// # Errors
    /// [`Error::Date`] for other text, [`Error::NoSuchDate`] for days that no year or the given year does not have.
    pub fn parse_in(text: &str, zone: Zone) -> Result<Self, Error> {
        let trimmed = text.trim();
        if let Ok(at) = DateTime::parse_from_rfc3339(trimmed) {
            return Ok(Self::full(zone.date_of(at.with_timezone(&Utc))));
        }
        let naive = trimmed.replacen(' ', "T", 1).parse::<NaiveDateTime>();
        match naive {
            Ok(local) => Ok(Self::full(local.date())),
            Err(_) => trimmed.parse(),
        }
    }

    /// None when only day and month are known.
    pub fn year(self) -> Option<i32> {
        self.has_year.then(|| self.date.year())
    }

    /// From 1 to 12.
    pub fn month(self) -> u32 {
        self.date.month()
    }

    /// From 1 to 31.
    pub fn day(self) -> u32 {
        self.date.day()
    }

    /// The whole date; none without a year.
    pub fn date(self) -> Option<NaiveDate> {
        self.has_year.then_some(self.date)
    }

    /// The next time the date comes round, so many days before (negative) or after it; `after` itself counts.
    ///
    /// A full date first comes round in its own year. The end of the year 9999 when there is no next time before it.
    pub fn yearly_after(
        self,
        after: Timestamp,
        offset_days: i32,
        tod: TimeOfDay,
        zone: Zone,
        feb29: Feb29,
    ) -> Timestamp {
        let earliest = after.to_chrono();
        let sought = offset_days
            .checked_neg()
            .and_then(|days| shifted(zone.date(after), days));
        let Some(sought) = sought else {
            return NEVER;
        };
        // One year back for a time of day that a skip pushes over New Year.
        let first = (sought.year() - 1).max(self.year().unwrap_or(i32::MIN));
        (first..first.saturating_add(4))
            .filter_map(|year| self.in_year(year, feb29))
            .filter_map(|date| shifted(date, offset_days))
            .map(|date| zone.first_instant(tod.on(date)))
            .find(|at| *at >= earliest)
            .map_or(NEVER, timestamp)
    }

    /// The date itself, so many days before (negative) or after it, whether past or not; none without a year.
    pub fn once(self, offset_days: i32, tod: TimeOfDay, zone: Zone) -> Option<Timestamp> {
        let date = shifted(self.date()?, offset_days)?;
        Some(super::resolve(date, tod, zone))
    }

    fn in_year(self, year: i32, feb29: Feb29) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(year, self.month(), self.day()).or_else(|| match feb29 {
            Feb29::Feb28 => NaiveDate::from_ymd_opt(year, 2, 28),
            Feb29::Mar1 => NaiveDate::from_ymd_opt(year, 3, 1),
        })
    }
}

impl FromStr for CivilDate {
    type Err = Error;

    /// `1990-05-17`, or `--05-17` and `05-17` without the year.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Date(text.to_owned());
        let none = || Error::NoSuchDate(text.to_owned());
        let trimmed = text.trim();
        let number = |digits: &str, length: usize| {
            let fits = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u32>().ok().filter(|_| fits).ok_or_else(wrong)
        };
        let parts: Vec<&str> = trimmed.strip_prefix("--").unwrap_or(trimmed).split('-').collect();
        match *parts.as_slice() {
            [month, day] => Self::yearless(number(month, 2)?, number(day, 2)?).ok_or_else(none),
            [year, month, day] if !trimmed.starts_with("--") => {
                let year = i32::try_from(number(year, 4)?).map_err(|_| wrong())?;
                let date = NaiveDate::from_ymd_opt(year, number(month, 2)?, number(day, 2)?);
                date.filter(|_| year > 0).map(Self::full).ok_or_else(none)
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.year() {
            Some(year) => write!(f, "{year:04}")?,
            None => f.write_str("-")?,
        }
        write!(f, "-{:02}-{:02}", self.month(), self.day())
    }
}

impl FromStr for Feb29 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "feb28" => Ok(Self::Feb28),
            "mar1" => Ok(Self::Mar1),
            _ => Err(Error::Feb29(text.to_owned())),
        }
    }
}

impl fmt::Display for Feb29 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Feb28 => "feb28",
            Self::Mar1 => "mar1",
        })
    }
}

#[cfg(test)]
mod tests;
