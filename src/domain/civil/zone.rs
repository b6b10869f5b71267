//! Time zones of the IANA database, and the instants at which their offset changes.
//!
//! Everything in this folder asks here what a wall clock shows. No policy about whose zone counts.

use super::Error;
use crate::domain::time::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use std::fmt;
use std::str::FromStr;

/// From 2100 on no zone has a change, which a test holds the table to.
pub(super) const TABLE_END_SECONDS: i64 = 4_102_444_800;

/// How far apart we look for changes. No zone has two of them within six days since 1970.
const STEP_SECONDS: i64 = 3 * 86_400;

/// A zone of the IANA database, as `Europe/Warsaw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// What counts when nobody named a zone.
    pub const UTC: Self = Self(Tz::UTC);

    /// Every name that parses, aliases included: for suggestions.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TZ_VARIANTS.iter().map(|zone| zone.name())
    }

    /// Every zone, aliases included: for sweeps.
    pub fn all() -> impl Iterator<Item = Self> {
        TZ_VARIANTS.iter().copied().map(Self)
    }

    /// The zone's name, as `Europe/Warsaw`.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What the wall clock shows.
    pub fn local(self, at: Timestamp) -> NaiveDateTime {
        at.to_chrono().with_timezone(&self.0).naive_local()
    }

    /// The day that the calendar on the wall shows.
    pub fn date(self, at: Timestamp) -> NaiveDate {
        self.local(at).date()
    }

    pub(super) fn date_of(self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.0).date_naive()
    }

    /// The first instant at which the clock shows this time, or else the first after the skip that swallowed it.
    pub(super) fn first_instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        let found = self.0.offset_from_local_datetime(&local);
        let (local, offset) = match found.earliest() {
            Some(offset) => (local, offset.fix()),
            None => match GapInfo::new(&local, &self.0).and_then(|gap| gap.begin) {
                // The clock reaches the gap's beginning at the very instant it jumps to the gap's end.
                Some((begin, offset)) => (begin, offset.fix()),
                None => (local, Utc.fix()),
            },
        };
        local
            .checked_sub_offset(offset)
            .unwrap_or(NaiveDateTime::MAX)
            .and_utc()
    }

    /// The last instant at which the clock shows this time; as [`Self::first_instant`] when it never does.
    pub(super) fn last_instant(self, local: NaiveDateTime) -> DateTime<Utc> {
        self.0
            .offset_from_local_datetime(&local)
            .latest()
            .and_then(|offset| local.checked_sub_offset(offset.fix()))
            .map_or_else(|| self.first_instant(local), |utc| utc.and_utc())
    }

    /// Whether the zone had this day at all.
    pub(super) fn has(self, date: NaiveDate) -> bool {
        self.date_of(self.first_instant(NaiveDateTime::from(date))) == date
    }

    fn offset_seconds(self, seconds: i64) -> i32 {
        let utc = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
        self.0
            .offset_from_utc_datetime(&utc.naive_utc())
            .fix()
            .local_minus_utc()
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.trim()
            .parse()
            .map(Self)
            .map_err(|_| Error::Zone(text.to_owned()))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The first instant of every new offset of the zone, later than `from` and not later than `to`.
pub fn zone_changes(zone: Zone, from: Timestamp, to: Timestamp) -> Vec<Timestamp> {
    let mut changes = Vec::new();
    let mut low = from.as_seconds();
    let end = to.as_seconds().min(TABLE_END_SECONDS);
    while low < end {
        let high = low.saturating_add(STEP_SECONDS).min(end);
        if zone.offset_seconds(low) != zone.offset_seconds(high) {
            changes.push(Timestamp::from_seconds(change_between(zone, low, high)));
        }
        low = high;
    }
    changes
}

/// The first second with the offset of `high`, which differs from the offset of `low`.
fn change_between(zone: Zone, mut low: i64, mut high: i64) -> i64 {
    let before = zone.offset_seconds(low);
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if zone.offset_seconds(middle) == before {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
