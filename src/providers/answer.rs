//! What a provider's answer means, in words all of them share, and the parts of reading that are HTTP's own.
//!
//! Called by the providers; the delivery loop reads [`Answer`] and [`RateHint`]. It decides no retry.

use crate::domain::outcome::Outcome;
use crate::domain::time::{Delay, Timestamp};
use crate::http::Headers;
use chrono::DateTime;

/// Longest reason kept from a provider's answer, in characters.
const MAX_REASON_CHARS: usize = 200;

/// The verdict on a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One outcome a member, in the order of the request.
    Each(Vec<Outcome>),
    /// Nothing of the batch was taken, because of one member or of its size: send the members singly, each under
    /// its own key. Never the answer to a single message.
    Split(String),
}

/// The provider's rate as its headers tell it. At least one field is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateHint {
    /// Requests, not messages.
    pub per_second: Option<u32>,
    /// Requests left until `reset`.
    pub remaining: Option<u32>,
    pub reset: Option<Delay>,
}

/// The same outcome for every member.
pub fn all(outcome: &Outcome, members: usize) -> Answer {
    Answer::Each(vec![outcome.clone(); members])
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110 §10.2.3). A date that is past means now.
pub fn retry_after(headers: &Headers, now: Timestamp) -> Option<Delay> {
    let value = headers.get("retry-after")?.trim();
    if let Some(pause) = seconds(value) {
        return Some(pause);
    }
    let at = DateTime::parse_from_rfc2822(value).ok()?;
    Some(Timestamp::from_millis(at.timestamp_millis()).since(now))
}

/// A whole or broken number of seconds, rounded up; no sign. A provider that writes `1.2` means more than 1.
pub fn seconds(value: &str) -> Option<Delay> {
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let more = i64::from(fraction.bytes().any(|b| b != b'0'));
    Some(Delay::from_seconds(whole.saturating_add(more)))
}

/// A provider's words, fit to be stored and shown: one line, bounded, and without addresses.
pub fn reason(status: u16, text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        if word.contains('@') {
            "(address)".to_owned()
        } else {
            word.chars().filter(|c| !c.is_control()).collect()
        }
    });
    let line = words.collect::<Vec<String>>().join(" ");
    let line: String = line.chars().take(MAX_REASON_CHARS).collect();
    if line.is_empty() {
        format!("status {status}")
    } else {
        format!("status {status}: {line}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(value: &str) -> Option<Delay> {
        let now = Timestamp::parse_rfc3339("2026-03-01T10:00:00Z").unwrap();
        retry_after(&Headers::new().with("Retry-After", value), now)
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(after("120"), Some(Delay::from_minutes(2)));
        assert_eq!(after(" 0.3 "), Some(Delay::from_seconds(1)));
        assert_eq!(
            after("Sun, 01 Mar 2026 10:00:30 GMT"),
            Some(Delay::from_seconds(30))
        );
        assert_eq!(after("Sun, 01 Mar 2026 09:00:00 GMT"), Some(Delay::ZERO));
        for value in ["", "-1", "+1", "soon", "1e9", ".", "1.", "99999999999999999999"] {
            assert_eq!(after(value), None, "{value}");
        }
    }

    #[test]
    fn a_reason_is_one_bounded_line_without_addresses() {
        assert_eq!(
            reason(403, "only to\r\n(anna@example.com) x"),
            "status 403: only to (address) x"
        );
        assert_eq!(reason(500, " \n"), "status 500");
        assert!(reason(500, &"ж".repeat(9_000)).chars().count() < 220);
    }
}
