//! Hours in which mail may go out, and quiet hours in which it may not.
//!
//! The engine's guard asks when a window opens or quiet time ends, and defers until then. What the wall clock shows
//! decides, minute by minute: an hour that it shows twice is inside twice. What is exempt is not decided here.

use super::resolve::{NEVER, days_around, timestamp};
use super::{Error, TimeOfDay, Weekdays, Zone, zone_changes};
use crate::domain::time::Timestamp;
use chrono::Datelike;
use std::fmt;
use std::str::FromStr;

/// Open from `from` until just before `to`; over midnight when `from` is the later of the two.
///
/// Over midnight the days are those on which the window opens: `22:00-06:00 fri` is open on Saturday at 05:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    from: TimeOfDay,
    to: TimeOfDay,
    days: Weekdays,
}

impl Window {
    /// # Errors
    /// [`Error::SameEnds`], as nobody can tell whether that is always or never.
    pub fn new(from: TimeOfDay, to: TimeOfDay, days: Weekdays) -> Result<Self, Error> {
        if from == to {
            return Err(Error::SameEnds(from));
        }
        Ok(Self { from, to, days })
    }

    /// When it begins.
    pub const fn from(&self) -> TimeOfDay {
        self.from
    }

    /// When it is over.
    pub const fn to(&self) -> TimeOfDay {
        self.to
    }

    /// The days on which it opens.
    pub const fn days(&self) -> Weekdays {
        self.days
    }

    /// Whether the clock of `zone` stands inside the window.
    pub fn is_open(&self, at: Timestamp, zone: Zone) -> bool {
        let local = zone.local(at);
        let today = self.days.contains(local.weekday());
        let begun = self.from.time() <= local.time();
        let ending = local.time() < self.to.time();
        if self.from < self.to {
            today && begun && ending
        } else {
            let yesterday = self.days.contains(local.weekday().pred());
            (today && begun) || (yesterday && ending)
        }
    }

    /// The first open instant from `at` on: `at` itself when open.
    ///
    /// The end of the year 9999 when none is left before it.
    pub fn next_open(&self, at: Timestamp, zone: Zone) -> Timestamp {
        if self.is_open(at, zone) {
            return at;
        }
        // Only two things open a window: its hour, on each of the times the clock shows it, and a change of offset.
        let opening = days_around(zone.date(at))
            .filter(|date| self.days.contains(date.weekday()))
            .map(|date| self.from.on(date))
            .flat_map(|local| [zone.first_instant(local), zone.last_instant(local)])
            .map(timestamp)
            .find(|opening| *opening > at && self.is_open(*opening, zone))
            .unwrap_or(NEVER);
        zone_changes(zone, at, opening)
            .into_iter()
            .find(|change| self.is_open(*change, zone))
            .unwrap_or(opening)
    }
}

impl FromStr for Window {
    type Err = Error;

    /// `09:00-17:00`, which is every day, or `09:00-17:00 weekdays`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let (hours, days) = match trimmed.split_once(char::is_whitespace) {
            Some((hours, days)) => (hours, days.parse()?),
            None => (trimmed, Weekdays::EVERY_DAY),
        };
        let (from, to) = hours
            .split_once('-')
            .ok_or_else(|| Error::Window(text.to_owned()))?;
        Self::new(from.parse()?, to.parse()?, days)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)?;
        if self.days == Weekdays::EVERY_DAY {
            Ok(())
        } else {
            write!(f, " {}", self.days)
        }
    }
}

/// Hours of every day in which mail is held: from `from` until just before `to`, over midnight when `from` is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: TimeOfDay,
    to: TimeOfDay,
}

impl Quiet {
    /// # Errors
    /// [`Error::SameEnds`], as nobody can tell whether that is always or never.
    pub fn new(from: TimeOfDay, to: TimeOfDay) -> Result<Self, Error> {
        if from == to {
            return Err(Error::SameEnds(from));
        }
        Ok(Self { from, to })
    }

    /// When it begins.
    pub const fn from(&self) -> TimeOfDay {
        self.from
    }

    /// When it is over.
    pub const fn to(&self) -> TimeOfDay {
        self.to
    }

    /// The hours that are left to send in.
    pub const fn complement(&self) -> Window {
        Window {
            from: self.to,
            to: self.from,
            days: Weekdays::EVERY_DAY,
        }
    }

    /// The end of the quiet time that `at` is in; none outside of quiet time.
    pub fn until(&self, at: Timestamp, zone: Zone) -> Option<Timestamp> {
        let open = self.complement();
        (!open.is_open(at, zone)).then(|| open.next_open(at, zone))
    }
}

impl FromStr for Quiet {
    type Err = Error;

    /// `21:00-08:00`
    fn from_str(text: &str) -> Result<Self, Error> {
        let (from, to) = text
            .trim()
            .split_once('-')
            .ok_or_else(|| Error::Quiet(text.to_owned()))?;
        Self::new(from.parse()?, to.parse()?)
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests;
