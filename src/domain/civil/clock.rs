//! What a clock on the wall shows: times of day and days of the week.
//!
//! Vocabulary for the rest of the folder and for journeys. Knows no zone and no instant.

use super::Error;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use std::fmt;
use std::str::FromStr;

/// A time of the 24-hour clock to the minute, from `00:00` to `23:59`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct TimeOfDay {
    minutes: u16,
}

impl TimeOfDay {
    /// The day's first minute.
    pub const MIDNIGHT: Self = Self { minutes: 0 };

    /// None for `24:00` and everything after it.
    pub const fn new(hour: u16, minute: u16) -> Option<Self> {
        if hour < 24 && minute < 60 {
            Some(Self {
                minutes: hour * 60 + minute,
            })
        } else {
            None
        }
    }

    /// From 0 to 23.
    pub const fn hour(self) -> u16 {
        self.minutes / 60
    }

    /// From 0 to 59.
    pub const fn minute(self) -> u16 {
        self.minutes % 60
    }

    pub(super) fn on(self, date: NaiveDate) -> NaiveDateTime {
        date.and_time(self.time())
    }

    pub(super) fn time(self) -> NaiveTime {
        NaiveTime::from_num_seconds_from_midnight_opt(u32::from(self.minutes) * 60, 0).unwrap_or_default()
    }
}

impl FromStr for TimeOfDay {
    type Err = Error;

    /// Two digits for the minute, one or two for the hour.
    fn from_str(text: &str) -> Result<Self, Error> {
        let part = |digits: &str, lengths: &[usize]| {
            let fits = lengths.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| fits)
        };
        text.trim()
            .split_once(':')
            .and_then(|(hour, minute)| Self::new(part(hour, &[1, 2])?, part(minute, &[2])?))
            .ok_or_else(|| Error::TimeOfDay(text.to_owned()))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

const WEEK: [(Weekday, &str); 7] = [
    (Weekday::Mon, "mon"),
    (Weekday::Tue, "tue"),
    (Weekday::Wed, "wed"),
    (Weekday::Thu, "thu"),
    (Weekday::Fri, "fri"),
    (Weekday::Sat, "sat"),
    (Weekday::Sun, "sun"),
];

/// One or more days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays {
    /// Bit 0 is Monday.
    bits: u8,
}

impl Weekdays {
    /// All seven.
    pub const EVERY_DAY: Self = Self { bits: 0b111_1111 };
    /// Monday to Friday.
    pub const WEEKDAYS: Self = Self { bits: 0b001_1111 };
    /// Saturday and Sunday.
    pub const WEEKENDS: Self = Self { bits: 0b110_0000 };

    /// None without a day.
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Option<Self> {
        let bits = days.into_iter().fold(0, |bits, day| bits | bit(day));
        (bits != 0).then_some(Self { bits })
    }

    /// Whether the day is one of them.
    pub fn contains(self, day: Weekday) -> bool {
        self.bits & bit(day) != 0
    }

    /// From Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        WEEK.iter()
            .map(|(day, _)| *day)
            .filter(move |day| self.contains(*day))
    }
}

impl Default for Weekdays {
    fn default() -> Self {
        Self::EVERY_DAY
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

impl FromStr for Weekdays {
    type Err = Error;

    /// Three-letter or full English names between commas, with or without brackets, or one of the three set names.
    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Weekdays(text.to_owned());
        let trimmed = text.trim();
        match trimmed {
            "every day" => return Ok(Self::EVERY_DAY),
            "weekdays" => return Ok(Self::WEEKDAYS),
            "weekends" => return Ok(Self::WEEKENDS),
            _ => {}
        }
        let list = trimmed
            .strip_prefix('[')
            .map_or(Some(trimmed), |rest| rest.strip_suffix(']'))
            .ok_or_else(wrong)?;
        let days: Result<Vec<Weekday>, _> = list.split(',').map(|name| name.trim().parse()).collect();
        days.ok().and_then(Self::of).ok_or_else(wrong)
    }
}

impl fmt::Display for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = [
            (Self::EVERY_DAY, "every day"),
            (Self::WEEKDAYS, "weekdays"),
            (Self::WEEKENDS, "weekends"),
        ];
        if let Some((_, name)) = set.iter().find(|(days, _)| days == self) {
            return f.write_str(name);
        }
        let held = WEEK.iter().filter(|(day, _)| self.contains(*day));
        for (index, (_, name)) in held.enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_reads_as_it_is_written() {
        for text in ["00:00", "09:05", "10:00", "23:59"] {
            assert_eq!(text.parse::<TimeOfDay>().unwrap().to_string(), text);
        }
        assert_eq!("9:05".parse::<TimeOfDay>().unwrap().to_string(), "09:05");
        for text in [
            "24:00", "25:00", "10:60", "10", "10:0", "-1:00", "+9:00", "10:00:00", "010:00", "", "10:00pm",
        ] {
            assert!(text.parse::<TimeOfDay>().is_err(), "{text}");
        }
        assert_eq!(
            "25:00".parse::<TimeOfDay>().unwrap_err().to_string(),
            "expected a time of day such as `10:00`, found `25:00`"
        );
    }

    #[test]
    fn days_of_the_week_read_as_they_are_written() {
        let cases = [
            ("[mon, tue]", "mon, tue"),
            ("Friday,mon", "mon, fri"),
            ("weekdays", "weekdays"),
            ("mon,tue,wed,thu,fri", "weekdays"),
            ("[sun, sat]", "weekends"),
            ("every day", "every day"),
        ];
        for (text, shown) in cases {
            let days: Weekdays = text.parse().unwrap();
            assert_eq!(days.to_string(), shown, "{text}");
            assert_eq!(shown.parse::<Weekdays>().unwrap(), days, "{text}");
        }
        for text in ["", "[]", "[mon", "mon,", "mo", "mon tue", "monday-friday"] {
            assert!(text.parse::<Weekdays>().is_err(), "{text}");
        }
        assert_eq!(Weekdays::of([]), None);
        assert_eq!(
            Weekdays::WEEKENDS.iter().collect::<Vec<_>>(),
            [Weekday::Sat, Weekday::Sun]
        );
    }
}
