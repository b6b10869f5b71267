//! Delays counted on the calendar: days, months and years, next to the elapsed time of `domain::time::Delay`.
//!
//! Journeys write them in waits, and the engine adds them when it arms one.

use super::resolve::{NEVER, at_local};
use super::{Error, Zone};
use crate::domain::time::Timestamp;
use chrono::{Days, Months};
use std::fmt;
use std::str::FromStr;

/// Longest delay: a slip of the finger, not a plan, is longer.
const MAX_YEARS: u32 = 100;

/// So many months and days of the calendar, of which at least one is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CalendarDelay {
    months: u32,
    days: u32,
}

impl CalendarDelay {
    /// None for nothing at all, and for more than 100 years of either.
    pub const fn new(months: u32, days: u32) -> Option<Self> {
        let some = months > 0 || days > 0;
        if some && months <= MAX_YEARS * 12 && days <= MAX_YEARS * 366 {
            Some(Self { months, days })
        } else {
            None
        }
    }

    /// Twelve for a year.
    pub const fn months(self) -> u32 {
        self.months
    }

    /// What comes on top of the months.
    pub const fn days(self) -> u32 {
        self.days
    }

    /// The same time on the wall that much later: months first, then days.
    ///
    /// A month that is too short gives its last day: 31 January and `1 month` is 28 or 29 February.
    pub fn after(self, at: Timestamp, zone: Zone) -> Timestamp {
        let local = zone.local(at);
        local
            .checked_add_months(Months::new(self.months))
            .and_then(|local| local.checked_add_days(Days::new(u64::from(self.days))))
            .map_or(NEVER, |local| at_local(local, zone))
    }
}

impl FromStr for CalendarDelay {
    type Err = Error;

    /// `3 calendar days`, `2 months`, `1 year`, and sums from the largest unit down: `1 year 6 months`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::CalendarDelay(text.to_owned());
        let (mut months, mut days) = (0_u32, 0_u32);
        // Each unit once and in this order: 0 nothing yet, 1 years, 2 months, 3 days.
        let mut reached = 0;
        let mut words = text.split_whitespace();
        while let Some(number) = words.next() {
            let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
            let count: u32 = number.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
            let unit = words.next().ok_or_else(wrong)?;
            let order = match unit {
                "year" | "years" => 1,
                "month" | "months" => 2,
                "calendar" if matches!(words.next(), Some("day" | "days")) => 3,
                "day" | "days" => return Err(Error::BareDays(text.to_owned())),
                _ => return Err(wrong()),
            };
            if order <= reached {
                return Err(wrong());
            }
            reached = order;
            match order {
                1 => months = count.checked_mul(12).ok_or_else(wrong)?,
                2 => months = months.checked_add(count).ok_or_else(wrong)?,
                _ => days = count,
            }
        }
        Self::new(months, days).ok_or_else(wrong)
    }
}

impl fmt::Display for CalendarDelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.months / 12, "year"),
            (self.months % 12, "month"),
            (self.days, "calendar day"),
        ];
        let held = parts.iter().filter(|(count, _)| *count > 0);
        for (index, (count, unit)) in held.enumerate() {
            let space = if index == 0 { "" } else { " " };
            let plural = if *count == 1 { "" } else { "s" };
            write!(f, "{space}{count} {unit}{plural}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, zone};
    use super::*;

    #[test]
    fn calendar_delays_read_as_they_are_written() {
        let cases = [
            "3 calendar days",
            "1 calendar day",
            "2 months",
            "1 year",
            "1 year 6 months",
            "1 month 3 calendar days",
        ];
        for text in cases {
            assert_eq!(text.parse::<CalendarDelay>().unwrap().to_string(), text);
        }
        assert_eq!(
            "12 months".parse::<CalendarDelay>().unwrap().to_string(),
            "1 year"
        );
        let wrong = [
            "",
            "3",
            "days",
            "0 months",
            "-1 month",
            "+1 month",
            "1.5 months",
            "1 month 2 months",
            "2 months 1 year",
            "101 years",
            "4294967295 years",
            "1 calendar",
            "1 calendar month",
            "1 fortnight",
        ];
        for text in wrong {
            let error = text.parse::<CalendarDelay>().unwrap_err();
            assert_eq!(error, Error::CalendarDelay(text.to_owned()));
        }
        assert_eq!(
            "2 days".parse::<CalendarDelay>().unwrap_err().to_string(),
            "`2 days` may be blocks of 24 hours or days of the calendar; write `2d` or `2 calendar days`"
        );
    }

    #[test]
    fn a_short_month_ends_on_its_last_day() {
        let cases = [
            ("2026-01-31T09:00", "1 month", "2026-02-28T09:00"),
            ("2028-01-31T09:00", "1 month", "2028-02-29T09:00"),
            ("2026-01-31T09:00", "1 month 1 calendar day", "2026-03-01T09:00"),
            ("2028-02-29T09:00", "1 year", "2029-02-28T09:00"),
            ("2026-11-30T09:00", "3 months", "2027-02-28T09:00"),
            // Summer time begins and ends in between: the wall's 09:00 stays 09:00.
            ("2026-03-28T09:00", "2 calendar days", "2026-03-30T09:00"),
            ("2026-10-24T09:00", "1 calendar day", "2026-10-25T09:00"),
            // 02:30 does not exist on 29 March, and 02:30 on 25 October comes twice.
            ("2026-03-28T02:30", "1 calendar day", "2026-03-29T03:00"),
        ];
        for (from, delay, to) in cases {
            let warsaw = zone("Europe/Warsaw");
            let delay: CalendarDelay = delay.parse().unwrap();
            assert_eq!(
                delay.after(at(from, warsaw), warsaw),
                at(to, warsaw),
                "{from} {delay}"
            );
        }
    }
}
