//! The part of RFC 5545's recurrence rules that campaigns use: which days a rule names.
//!
//! `recurrence.rs` turns the days into instants. A part outside of the subset is an error that names it.

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};

mod text;

/// `FREQ` with `INTERVAL`, `BYDAY`, `BYMONTHDAY`, `BYMONTH`, and `UNTIL` or `COUNT`.
///
/// As the RFC says, days that a month does not have are passed over: the 31st comes seven times a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub(super) frequency: Frequency,
    pub(super) interval: u32,
    pub(super) by_day: Vec<Day>,
    pub(super) by_month_day: Vec<i32>,
    pub(super) by_month: Vec<u32>,
    pub(super) end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frequency {
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

/// `MO` every Monday, `1MO` the month's first, `-1MO` its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) ordinal: Option<i32>,
    pub(super) weekday: Weekday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Never,
    /// The last day, itself included.
    UntilDay(NaiveDate),
    /// The last instant, itself included.
    Until(DateTime<Utc>),
    Count(u32),
}

/// Why a text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    #[error("expected parts such as `FREQ=WEEKLY;BYDAY=MO`, found `{0}`")]
    Malformed(String),
    #[error(
        "{0} is not supported; the parts are FREQ, INTERVAL, BYDAY, BYMONTHDAY, BYMONTH, and UNTIL or COUNT"
    )]
    Unsupported(String),
    #[error("{0} is written twice")]
    Twice(&'static str),
    #[error("FREQ is missing")]
    NoFrequency,
    #[error("{part} takes {takes}, not `{found}`")]
    Value {
        part: &'static str,
        takes: &'static str,
        found: String,
    },
    #[error("UNTIL and COUNT exclude each other")]
    TwoEnds,
    #[error("BYMONTHDAY has no meaning with FREQ=WEEKLY")]
    MonthDayOfWeek,
    #[error("BYDAY takes a number, as in `1MO`, only with FREQ=MONTHLY, or with FREQ=YEARLY and BYMONTH")]
    OrdinalOutsideMonth,
    #[error("no day within 100 years of the start fits the rule")]
    Empty,
}

impl Rule {
    /// Whether the rule of a recurrence that begins on `start` names this day. The end of the rule is not asked.
    pub(super) fn names(&self, date: NaiveDate, start: NaiveDate) -> bool {
        self.is_turn(date, start)
            && (self.by_month.is_empty() || self.by_month.contains(&date.month()))
            && self.fits_day(date, start)
    }

    /// Whether the day's period is one that `INTERVAL` does not leave out. Weeks begin on Monday.
    fn is_turn(&self, date: NaiveDate, start: NaiveDate) -> bool {
        let months = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
        let days = |date: NaiveDate| i64::from(date.num_days_from_ce());
        let distance = match self.frequency {
            Frequency::Daily => days(date) - days(start),
            // Day 1 of the common era is a Monday.
            Frequency::Weekly => (days(date) - 1).div_euclid(7) - (days(start) - 1).div_euclid(7),
            Frequency::Monthly => months(date) - months(start),
            Frequency::Yearly => i64::from(date.year()) - i64::from(start.year()),
        };
        distance.rem_euclid(i64::from(self.interval)) == 0
    }

    fn fits_day(&self, date: NaiveDate, start: NaiveDate) -> bool {
        if self.by_day.is_empty() && self.by_month_day.is_empty() {
            return match self.frequency {
                Frequency::Daily => true,
                Frequency::Weekly => date.weekday() == start.weekday(),
                Frequency::Monthly => date.day() == start.day(),
                Frequency::Yearly => {
                    let month = !self.by_month.is_empty() || date.month() == start.month();
                    month && date.day() == start.day()
                }
            };
        }
        let from_end = days_from_month_end(date);
        let day = i32::try_from(date.day()).unwrap_or_default();
        let is_month_day = |wanted: &i32| *wanted == day || *wanted == from_end;
        let is_day = |wanted: &Day| {
            let fits = |ordinal: i32| {
                if ordinal > 0 {
                    (day - 1) / 7 + 1 == ordinal
                } else {
                    (from_end + 1) / 7 - 1 == ordinal
                }
            };
            wanted.weekday == date.weekday() && wanted.ordinal.is_none_or(fits)
        };
        (self.by_month_day.is_empty() || self.by_month_day.iter().any(is_month_day))
            && (self.by_day.is_empty() || self.by_day.iter().any(is_day))
    }
}

/// −1 on the last day of a month, −2 on the day before.
fn days_from_month_end(date: NaiveDate) -> i32 {
    i32::try_from(date.day()).unwrap_or_default() - i32::from(date.num_days_in_month()) - 1
}
