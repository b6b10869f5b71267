//! Instants and spans. All arithmetic saturates; nothing here reads a clock.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Last instant we accept, 9999-12-31T23:59:59Z: far from every overflow and exact in a JavaScript number.
const MAX_MILLIS: i64 = 253_402_300_799_000;

/// How far in the future a source's clock may be before we clamp it to ours (`DESIGN.md` §3).
pub const FUTURE_TOLERANCE: Delay = Delay::from_minutes(5);

/// Milliseconds since the Unix epoch, between 1970 and 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A length of elapsed time in milliseconds, never negative. `2d` is two 24-hour blocks, whatever the calendar says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Delay(i64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("`{0}` is not a time; write it as 2026-01-31T09:00:00Z")]
    Timestamp(String),
    #[error("`{0}` is not a delay; write it as 30m, 1h, 2d or 1d12h")]
    Delay(String),
}

impl Timestamp {
    /// Clamps into 1970–9999 instead of failing: a wild value from outside must not stop an event.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < 0 {
            Self(0)
        } else if millis > MAX_MILLIS {
            Self(MAX_MILLIS)
        } else {
            Self(millis)
        }
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    pub const fn as_seconds(self) -> i64 {
        self.0 / 1000
    }

    /// Parses RFC 3339 with any offset.
    ///
    /// # Errors
    /// `Error::Timestamp` when the text is not a date-time with an offset.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        DateTime::parse_from_rfc3339(text.trim())
            .map(|at| Self::from_millis(at.timestamp_millis()))
            .map_err(|_| Error::Timestamp(text.to_owned()))
    }

    /// Parses a date-time without an offset that its source defines as UTC (WooCommerce's `*_gmt` fields).
    ///
    /// # Errors
    /// `Error::Timestamp` when the text is not such a date-time.
    pub fn parse_naive_utc(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        text.parse::<NaiveDateTime>()
            .map(|at| Self::from_millis(at.and_utc().timestamp_millis()))
            .map_err(|_| Error::Timestamp(text.to_owned()))
    }

    /// The form of mail headers, with its offset: `Tue, 06 Jan 2026 12:00:00 +0000`.
    ///
    /// # Errors
    /// `Error::Timestamp` when the text is not one.
    pub fn parse_rfc2822(text: &str) -> Result<Self, Error> {
        DateTime::parse_from_rfc2822(text.trim())
            .map(|at| Self::from_millis(at.timestamp_millis()))
            .map_err(|_| Error::Timestamp(text.to_owned()))
    }

    pub fn to_rfc3339(self) -> String {
        self.to_chrono().to_rfc3339_opts(SecondsFormat::Millis, true)
    }

    pub fn to_chrono(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    #[must_use]
    pub const fn plus(self, delay: Delay) -> Self {
        Self::from_millis(self.0.saturating_add(delay.0))
    }

    #[must_use]
    pub const fn minus(self, delay: Delay) -> Self {
        Self::from_millis(self.0.saturating_sub(delay.0))
    }

    /// Time elapsed since `earlier`; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Delay {
        Delay::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// A source's own time, believed at most [`FUTURE_TOLERANCE`] into our future.
    #[must_use]
    pub fn clamped_to(self, now: Self) -> Self {
        self.min(now.plus(FUTURE_TOLERANCE))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl Delay {
    pub const ZERO: Self = Self(0);

    pub const fn from_millis(millis: i64) -> Self {
        Self(if millis < 0 { 0 } else { millis })
    }

    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    pub const fn from_minutes(minutes: i64) -> Self {
        Self::from_seconds(minutes.saturating_mul(60))
    }

    pub const fn from_hours(hours: i64) -> Self {
        Self::from_minutes(hours.saturating_mul(60))
    }

    pub const fn from_days(days: i64) -> Self {
        Self::from_hours(days.saturating_mul(24))
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Parses `90s`, `30m`, `1h`, `2d`, `1w` and sums of them such as `1d12h`.
    ///
    /// # Errors
    /// `Error::Delay` on anything else: no sign, no fraction, no missing unit.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Delay(text.to_owned());
        let mut total: i64 = 0;
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let number: i64 = number.parse().map_err(|_| wrong())?;
            let mut letters = tail.chars();
            let unit = match letters.next().ok_or_else(wrong)? {
                's' => Self::from_seconds(1),
                'm' => Self::from_minutes(1),
                'h' => Self::from_hours(1),
                'd' => Self::from_days(1),
                'w' => Self::from_days(7),
                _ => return Err(wrong()),
            };
            let part = number.checked_mul(unit.0).ok_or_else(wrong)?;
            total = total
                .checked_add(part)
                .filter(|sum| *sum <= MAX_MILLIS)
                .ok_or_else(wrong)?;
            rest = letters.as_str();
        }
        Ok(Self(total))
    }
}

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
        let mut rest = self.0;
        let mut wrote = false;
        for (size, name) in units {
            if rest / size > 0 {
                write!(f, "{}{name}", rest / size)?;
                rest %= size;
                wrote = true;
            }
        }
        if wrote { Ok(()) } else { f.write_str("0s") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_read_as_they_are_written() {
        for text in ["30m", "1h", "2d", "1d12h", "14d", "90s"] {
            let delay = Delay::parse(text).unwrap();
            assert_eq!(Delay::parse(&delay.to_string()).unwrap(), delay, "{text}");
        }
        assert_eq!(Delay::parse("1w").unwrap(), Delay::from_days(7));
        for text in ["", "2", "d", "-1h", "1.5h", "1y", "99999999999999999d", "1h "] {
            assert_eq!(Delay::parse(text).is_ok(), text == "1h ", "{text}");
        }
    }

    #[test]
    fn instants_keep_their_offset_and_saturate() {
        let at = Timestamp::parse_rfc3339("2026-01-06T22:01:10+02:00").unwrap();
        assert_eq!(at.to_rfc3339(), "2026-01-06T20:01:10.000Z");
        assert_eq!(
            Timestamp::parse_naive_utc("2026-01-10T11:05:10")
                .unwrap()
                .to_rfc3339(),
            "2026-01-10T11:05:10.000Z"
        );
        assert_eq!(Timestamp::from_millis(i64::MIN), Timestamp::from_millis(0));
        assert_eq!(
            Timestamp::from_millis(i64::MAX).plus(Delay::from_days(1)),
            Timestamp::from_millis(i64::MAX)
        );
        assert!(Timestamp::parse_rfc3339("2026-02-30T00:00:00Z").is_err());
    }

    #[test]
    fn a_source_clock_is_believed_five_minutes_ahead() {
        let now = Timestamp::from_seconds(1_000_000);
        assert_eq!(
            now.plus(Delay::from_hours(3)).clamped_to(now),
            now.plus(FUTURE_TOLERANCE)
        );
        assert_eq!(
            now.minus(Delay::from_hours(3)).clamped_to(now),
            now.minus(Delay::from_hours(3))
        );
    }
}
