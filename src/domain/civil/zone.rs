//! Time zones of the IANA database, and the instants at which their offset changes.
//!
//! Everything in this folder asks here what a wall clock shows. No policy about whose zone counts.

use super::Error;
use super::zones::{CLOCKS, NAMES};
use crate::domain::time::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use std::fmt;
use std::str::FromStr;

/// The beginning of 1973, from which the table counts.
const TABLE_START_SECONDS: i64 = 94_694_400;

/// What a wall shows over the years: written out for every zone in `zones.rs`.
#[derive(Debug)]
pub(super) struct Clock {
    /// Minutes east of UTC until the first change.
    pub(super) first: i16,
    /// Minutes since the change before (or the table's start), and minutes east of UTC from then on.
    pub(super) changes: &'static [(u32, i16)],
}

/// A time between two changes.
struct Span {
    /// Seconds since 1970, the first that counts and the first that does not.
    start: i64,
    end: i64,
    /// Seconds east of UTC.
    east: i64,
}

impl Span {
    fn holds(&self, seconds: i64) -> bool {
        (self.start..self.end).contains(&seconds)
    }
}

/// A zone without a change, for the constant.
static UTC: Clock = Clock {
    first: 0,
    changes: &[],
};

impl Clock {
    /// All of time, cut where the offset changes.
    fn spans(&'static self) -> impl Iterator<Item = Span> {
        let ends = self.changes.iter().scan(TABLE_START_SECONDS, |at, (after, _)| {
            *at += i64::from(*after) * 60;
            Some(*at)
        });
        let easts = self.changes.iter().map(|(_, east)| *east);
        let easts = std::iter::once(self.first).chain(easts);
        let mut start = i64::MIN;
        ends.chain(std::iter::once(i64::MAX))
            .zip(easts)
            .map(move |(end, east)| Span {
                start: std::mem::replace(&mut start, end),
                end,
                east: i64::from(east) * 60,
            })
    }

    fn east(&'static self, seconds: i64) -> i64 {
        self.spans()
            .find(|span| span.holds(seconds))
            .map_or(0, |span| span.east)
    }
}

/// A zone of the IANA database, as `Europe/Warsaw`.
#[derive(Debug, Clone, Copy)]
pub struct Zone {
    name: &'static str,
    clock: &'static Clock,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

impl Zone {
    /// What counts when nobody named a zone.
    pub const UTC: Self = Self {
        name: "UTC",
        clock: &UTC,
    };

    /// Every name that parses, aliases included: for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Every zone, aliases included: for sweeps.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().filter_map(Self::of)
    }

    fn of((name, clock): &'static (&'static str, u16)) -> Option<Self> {
        let clock = CLOCKS.get(usize::from(*clock))?;
        Some(Self { name, clock })
    }

    /// The zone's name, as `Europe/Warsaw`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// What the wall clock shows.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        self.wall(at.to_chrono())
    }

    fn wall(self, at: DateTime<Utc>) -> NaiveDateTime {
        let utc = at.naive_utc();
        let east = TimeDelta::seconds(self.clock.east(at.timestamp()));
        utc.checked_add_signed(east).unwrap_or(utc)
    }

    /// The day that the calendar on the wall shows.
    pub fn date(self, at: Timestamp) -> NaiveDate {
        self.local(at).date()
    }

    /// The first instant at which the clock shows this time, or else the first after the skip that swallowed it.
    pub fn instant_of(self, local: NaiveDateTime) -> Timestamp {
        Timestamp::from_millis(self.first_instant(local).timestamp_millis())
    }

    pub(super) fn date_of(self, at: DateTime<Utc>) -> NaiveDate {
        self.wall(at).date()
    }

    /// The first instant at which the clock shows this time, or else the first after the skip that swallowed it.
    pub(super) fn first_instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        let wall = local.and_utc().timestamp();
        let mut spans = self.clock.spans();
        // Where the time lies before a span and was not in an earlier one, the span's start jumped over it.
        let found = spans.find(|span| wall - span.east < span.end);
        found.map_or(local.and_utc(), |span| instant(local, &span))
    }

    /// The last instant at which the clock shows this time; as [`Self::first_instant`] when it never does.
    pub(super) fn last_instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        let wall = local.and_utc().timestamp();
        let spans = self.clock.spans();
        let shown = spans.filter(|span| span.holds(wall - span.east)).last();
        shown.map_or_else(|| self.first_instant(local), |span| instant(local, &span))
    }

    /// Whether the zone had this day at all.
    pub(super) fn has(self, date: NaiveDate) -> bool {
        self.date_of(self.first_instant(NaiveDateTime::from(date))) == date
    }
}

/// When a clock of this offset shows the time, though not before the offset began.
fn instant(local: NaiveDateTime, span: &Span) -> DateTime<Utc> {
    let shown = local.checked_sub_signed(TimeDelta::seconds(span.east));
    let shown = shown.unwrap_or(NaiveDateTime::MAX).and_utc();
    match DateTime::from_timestamp(span.start, 0) {
        Some(start) => shown.max(start),
        // Before the first change: there was no start.
        None => shown,
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        NAMES
            .binary_search_by_key(&name, |(name, _)| name)
            .ok()
            .and_then(|place| NAMES.get(place))
            .and_then(Self::of)
            .ok_or_else(|| Error::Zone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first instant of every new offset of the zone, later than `from` and not later than `to`.
pub fn zone_changes(zone: Zone, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let (from, to) = (from.as_seconds(), to.as_seconds());
    let starts = zone.clock.spans().map(|span| span.start);
    starts
        .filter(|start| *start > from && *start <= to)
        .map(Timestamp::from_seconds)
        .collect()
}
