//! What comes again and again: a rule, the day it begins on, and a time of day.
//!
//! Campaigns and recurring entries of segments ask for the next time in the store's zone. The crate `rrule` was left
//! out: it adds 355 KB of compressed wasm, brings a clock with it, and moves skipped times unlike the rest here.

use super::resolve::{shifted, timestamp};
use super::rule::End;
use super::{Error, Rule, RuleError, TimeOfDay, Zone};
use crate::domain::time::Timestamp;
use chrono::NaiveDate;
use std::fmt;
use std::str::FromStr;

/// How many days a search looks at before it answers that there is no next time: a hundred years.
pub const MAX_DAYS: usize = 36_525;

/// A rule of RFC 5545 that begins on a day, at a time of day.
///
/// The first day is an occurrence only if the rule names it. Unlike the RFC, which passes over a time that the clock
/// skips, we move it to the first instant after the skip, as everywhere else: a campaign loses no day to summer time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurrence {
    start: NaiveDate,
    at: TimeOfDay,
    rule: Rule,
}

impl Recurrence {
    /// # Errors
    /// [`RuleError::Empty`] when the rule names no day in the hundred years from `start` on.
    pub fn new(start: NaiveDate, at: TimeOfDay, rule: Rule) -> Result<Self, RuleError> {
        let found = Self { start, at, rule };
        // Whatever the zone, an instant lies at most a day off the day that UTC shows.
        let last = match found.rule.end {
            End::Never | End::Count(_) => None,
            End::UntilDay(day) => Some(day),
            End::Until(at) => shifted(at.date_naive(), 1),
        };
        let names = |date: &NaiveDate| found.rule.names(*date, start);
        match found.days_from(start).find(names) {
            Some(date) if last.is_none_or(|last| date <= last) => Ok(found),
            Some(_) | None => Err(RuleError::Empty),
        }
    }

    /// The first day that may be an occurrence.
    pub const fn start(&self) -> NaiveDate {
        self.start
    }

    /// When, on each day.
    pub const fn time_of_day(&self) -> TimeOfDay {
        self.at
    }

    /// Which days.
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The next occurrence strictly later than `after`; none after the last one or the year 9999, nor when
    /// [`MAX_DAYS`] days of search name none.
    ///
    /// The search begins near `after`, but on the first day when the rule has a `COUNT`.
    pub fn next(&self, after: Timestamp, zone: Zone) -> Option<Timestamp> {
        let (mut left, first) = match self.rule.end {
            End::Count(count) => (count, self.start),
            End::Never | End::UntilDay(_) | End::Until(_) => {
                // The day before, for a time of day that a skip pushed past midnight.
                let near = shifted(zone.date(after), -1)?;
                (u32::MAX, near.max(self.start))
            }
        };
        for date in self.days_from(first) {
            if matches!(self.rule.end, End::UntilDay(last) if date > last) || left == 0 {
                return None;
            }
            if !self.rule.names(date, self.start) || !zone.has(date) {
                continue;
            }
            let at = zone.first_instant(self.at.on(date));
            if matches!(self.rule.end, End::Until(last) if at > last) {
                return None;
            }
            let told = timestamp(at);
            if told.to_chrono() < at {
                return None;
            }
            if told > after {
                return Some(told);
            }
            left -= 1;
        }
        None
    }

    fn days_from(&self, first: NaiveDate) -> impl Iterator<Item = NaiveDate> + use<> {
        first.iter_days().take(MAX_DAYS)
    }
}

impl FromStr for Recurrence {
    type Err = Error;

    /// `2026-01-05 09:00 FREQ=WEEKLY;BYDAY=MO`
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Recurrence(text.to_owned());
        let mut words = text.split_whitespace();
        let (Some(start), Some(at), Some(rule), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(wrong());
        };
        let start: super::CivilDate = start.parse()?;
        let start = start.date().ok_or_else(wrong)?;
        Ok(Self::new(start, at.parse()?, rule.parse()?)?)
    }
}

impl fmt::Display for Recurrence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.start.format("%Y-%m-%d"), self.at, self.rule)
    }
}

#[cfg(test)]
mod tests;
