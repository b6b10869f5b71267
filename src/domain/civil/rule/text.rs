//! Rules as RFC 5545 writes them: `FREQ=WEEKLY;BYDAY=MO`.
//!
//! Reads and writes the text of `Rule` and nothing else.

use super::{Day, End, Frequency, Rule, RuleError};
use chrono::{NaiveDate, NaiveDateTime, Weekday};
use std::fmt;
use std::str::FromStr;

/// Longest interval and count: more is a slip of the finger.
const MAX_NUMBER: u32 = 1000;

const FREQUENCIES: [(Frequency, &str); 4] = [
    (Frequency::Daily, "DAILY"),
    (Frequency::Weekly, "WEEKLY"),
    (Frequency::Monthly, "MONTHLY"),
    (Frequency::Yearly, "YEARLY"),
];

const WEEKDAYS: [(Weekday, &str); 7] = [
    (Weekday::Mon, "MO"),
    (Weekday::Tue, "TU"),
    (Weekday::Wed, "WE"),
    (Weekday::Thu, "TH"),
    (Weekday::Fri, "FR"),
    (Weekday::Sat, "SA"),
    (Weekday::Sun, "SU"),
];

const UNTIL_DAY: &str = "%Y%m%d";
const UNTIL: &str = "%Y%m%dT%H%M%SZ";

/// The parts as they come in, before we know whether they go together.
#[derive(Default)]
struct Parts {
    frequency: Option<Frequency>,
    interval: Option<u32>,
    by_day: Option<Vec<Day>>,
    by_month_day: Option<Vec<i32>>,
    by_month: Option<Vec<u32>>,
    until: Option<End>,
    count: Option<End>,
}

impl FromStr for Rule {
    type Err = RuleError;

    /// The parts in any order, each once, with or without `RRULE:` in front.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let trimmed = text.trim();
        let mut parts = Parts::default();
        for part in trimmed.strip_prefix("RRULE:").unwrap_or(trimmed).split(';') {
            let (name, value) = part
                .split_once('=')
                .ok_or_else(|| RuleError::Malformed(part.to_owned()))?;
            parts.take(name, value)?;
        }
        parts.into_rule()
    }
}

impl Parts {
    fn take(&mut self, name: &str, value: &str) -> Result<(), RuleError> {
        match name {
            "FREQ" => put(&mut self.frequency, "FREQ", frequency(value)?),
            "INTERVAL" => put(&mut self.interval, "INTERVAL", positive("INTERVAL", value)?),
            "BYDAY" => put(&mut self.by_day, "BYDAY", list(value, day)?),
            "BYMONTHDAY" => put(&mut self.by_month_day, "BYMONTHDAY", list(value, month_day)?),
            "BYMONTH" => put(&mut self.by_month, "BYMONTH", list(value, month)?),
            "UNTIL" => put(&mut self.until, "UNTIL", until(value)?),
            "COUNT" => put(&mut self.count, "COUNT", End::Count(positive("COUNT", value)?)),
            _ => Err(RuleError::Unsupported(name.to_owned())),
        }
    }

    fn into_rule(self) -> Result<Rule, RuleError> {
        let rule = Rule {
            frequency: self.frequency.ok_or(RuleError::NoFrequency)?,
            interval: self.interval.unwrap_or(1),
            by_day: self.by_day.unwrap_or_default(),
            by_month_day: self.by_month_day.unwrap_or_default(),
            by_month: self.by_month.unwrap_or_default(),
            end: match (self.until, self.count) {
                (Some(_), Some(_)) => return Err(RuleError::TwoEnds),
                (Some(end), None) | (None, Some(end)) => end,
                (None, None) => End::Never,
            },
        };
        let inside_month = match rule.frequency {
            Frequency::Daily | Frequency::Weekly => false,
            Frequency::Monthly => true,
            Frequency::Yearly => !rule.by_month.is_empty(),
        };
        if rule.frequency == Frequency::Weekly && !rule.by_month_day.is_empty() {
            return Err(RuleError::MonthDayOfWeek);
        }
        if !inside_month && rule.by_day.iter().any(|day| day.ordinal.is_some()) {
            return Err(RuleError::OrdinalOutsideMonth);
        }
        Ok(rule)
    }
}

fn put<T>(place: &mut Option<T>, part: &'static str, value: T) -> Result<(), RuleError> {
    match place.replace(value) {
        Some(_) => Err(RuleError::Twice(part)),
        None => Ok(()),
    }
}

fn list<T>(text: &str, item: impl Fn(&str) -> Result<T, RuleError>) -> Result<Vec<T>, RuleError> {
    text.split(',').map(item).collect()
}

fn wrong(part: &'static str, takes: &'static str, found: &str) -> RuleError {
    RuleError::Value {
        part,
        takes,
        found: found.to_owned(),
    }
}

fn frequency(text: &str) -> Result<Frequency, RuleError> {
    FREQUENCIES
        .iter()
        .find(|(_, name)| *name == text)
        .map(|(frequency, _)| *frequency)
        .ok_or_else(|| wrong("FREQ", "DAILY, WEEKLY, MONTHLY or YEARLY", text))
}

fn positive(part: &'static str, text: &str) -> Result<u32, RuleError> {
    digits(text)
        .filter(|number| (1..=MAX_NUMBER).contains(number))
        .ok_or_else(|| wrong(part, "a number from 1 to 1000", text))
}

fn month(text: &str) -> Result<u32, RuleError> {
    digits(text)
        .filter(|month| (1..=12).contains(month))
        .ok_or_else(|| wrong("BYMONTH", "months from 1 to 12", text))
}

fn month_day(text: &str) -> Result<i32, RuleError> {
    signed(text, 31).ok_or_else(|| wrong("BYMONTHDAY", "days from 1 to 31 or from -31 to -1", text))
}

fn day(text: &str) -> Result<Day, RuleError> {
    let found = WEEKDAYS.iter().find_map(|(weekday, name)| {
        let number = text.strip_suffix(name)?;
        let ordinal = if number.is_empty() {
            None
        } else {
            Some(signed(number, 5)?)
        };
        Some(Day {
            ordinal,
            weekday: *weekday,
        })
    });
    found.ok_or_else(|| wrong("BYDAY", "days such as `MO`, or in a month `1MO` and `-1FR`", text))
}

fn until(text: &str) -> Result<End, RuleError> {
    let day = |text: &str| NaiveDate::parse_from_str(text, UNTIL_DAY).map(End::UntilDay);
    let instant = |text: &str| NaiveDateTime::parse_from_str(text, UNTIL).map(|at| End::Until(at.and_utc()));
    let found = match text.len() {
        8 => day(text),
        16 => instant(text),
        _ => return Err(wrong_until(text)),
    };
    found.map_err(|_| wrong_until(text))
}

fn wrong_until(text: &str) -> RuleError {
    wrong(
        "UNTIL",
        "a day such as `20261231` or a time in UTC such as `20261231T230000Z`",
        text,
    )
}

fn digits(text: &str) -> Option<u32> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| all)
}

/// From 1 to `most`, or from −`most` to −1.
fn signed(text: &str, most: u32) -> Option<i32> {
    let (sign, number) = match text.strip_prefix('-') {
        Some(number) => (-1, number),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number = digits(number).filter(|number| (1..=most).contains(number))?;
    i32::try_from(number).ok().map(|number| sign * number)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let frequency = FREQUENCIES
            .iter()
            .find(|(frequency, _)| *frequency == self.frequency);
        write!(f, "FREQ={}", frequency.map_or("", |(_, name)| name))?;
        if self.interval > 1 {
            write!(f, ";INTERVAL={}", self.interval)?;
        }
        write_list(f, "BYMONTH", &self.by_month)?;
        write_list(f, "BYMONTHDAY", &self.by_month_day)?;
        write_list(f, "BYDAY", &self.by_day)?;
        match self.end {
            End::Never => Ok(()),
            End::UntilDay(day) => write!(f, ";UNTIL={}", day.format(UNTIL_DAY)),
            End::Until(at) => write!(f, ";UNTIL={}", at.format(UNTIL)),
            End::Count(count) => write!(f, ";COUNT={count}"),
        }
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, part: &str, items: &[T]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index == 0 {
            write!(f, ";{part}={item}")?;
        } else {
            write!(f, ",{item}")?;
        }
    }
    Ok(())
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ordinal) = self.ordinal {
            write!(f, "{ordinal}")?;
        }
        let name = WEEKDAYS.iter().find(|(weekday, _)| *weekday == self.weekday);
        f.write_str(name.map_or("", |(_, name)| name))
    }
}
