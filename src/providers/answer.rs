//! What a provider's answer means, in words all of them share, and the parts of reading that are HTTP's own.
//!
//! Called by the providers; the delivery loop reads [`Answer`] and [`RateHint`]. It decides no retry.

use crate::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Response};
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

impl RateHint {
    /// Requests a second that keep the limit. Where the window is not said, what is left of it is spread over its rest.
    pub fn pace(self) -> Option<u32> {
        let spread = || {
            let seconds = u32::try_from(self.reset?.as_millis() / 1_000).ok()?.max(1);
            Some((self.remaining? / seconds).max(1))
        };
        self.per_second.or_else(spread)
    }

    /// Until when nothing is left. A window of a second is the pace's own business.
    pub fn rest(self, now: Timestamp) -> Option<Timestamp> {
        let used_up = self.per_second.is_none() && self.remaining == Some(0);
        self.reset.filter(|_| used_up).map(|reset| now.plus(reset))
    }
}

/// The same outcome for every member.
pub fn all(outcome: &Outcome, members: usize) -> Answer {
    Answer::Each(vec![outcome.clone(); members])
}

/// One verdict on the whole request. A refusal of one member says nothing about the others of its batch: they are sent
/// singly, and so is each member of a batch that is too large.
pub fn whole(outcome: Outcome, members: usize) -> Answer {
    match outcome {
        Outcome::Rejected(Rejection::Message(reason) | Rejection::Suppressed(reason)) if members > 1 => {
            Answer::Split(reason)
        }
        outcome @ (Outcome::Accepted(_)
        | Outcome::Rejected(_)
        | Outcome::RetryLater(_)
        | Outcome::Unknown(_)
        | Outcome::KeyMismatch) => all(&outcome, members),
    }
}

/// What the status alone says of an API without idempotency keys, for answers that are not in the API's own form.
///
/// A proxy's or firewall's 4xx means that the API never saw the request: the mail is kept and tried again. Where a
/// repeat could double a mail, "unknown" is only said of what may have been taken.
pub fn by_status(response: &Response, now: Timestamp) -> Outcome {
    let reason = reason(response.status, "");
    match response.status {
        200..=299 => Outcome::Accepted(None),
        // Another address answers so, and so does an API whose key is wrong.
        300..=399 | 401 | 403 | 404 | 405 => Outcome::Rejected(Rejection::Configuration(reason)),
        413 => Outcome::Rejected(Rejection::Message(reason)),
        // The request was read in part, or met another of its kind: part of it may have been done.
        408 | 409 | 425 => Outcome::Unknown(reason),
        400..=499 => slow_down(retry_after(&response.headers, now)),
        _ => Outcome::Unknown(reason),
    }
}

/// What an error in an API's own words says by its status. `ours` says whether its words are about the account, the sender
/// or the domain, and not about the message.
pub fn by_words(status: u16, reason: String, ours: bool) -> Outcome {
    match status {
        413 => refused(reason),
        400 | 422 if !ours => refused(reason),
        408 | 409 | 425 | 500.. => Outcome::Unknown(reason),
        // A wrong key, no right to send, no credits: the message would be taken elsewhere, or later.
        _ => misconfigured(reason),
    }
}

/// Whether any of these, all in lower case, is in a provider's words.
pub fn mentions(words: &str, parts: &[&str]) -> bool {
    let words = words.to_lowercase();
    parts.iter().any(|part| words.contains(part))
}

/// Certainly not taken; again after a while, which grows unless the provider says how long.
pub const fn slow_down(after: Option<Delay>) -> Outcome {
    Outcome::RetryLater(RetryLater {
        after,
        reason: RetryReason::RateLimited,
    })
}

/// Accepted under the provider's id, when there is one.
pub fn accepted(id: Option<&str>) -> Outcome {
    Outcome::Accepted(id.filter(|id| !id.is_empty()).map(str::to_owned))
}

pub fn refused(reason: String) -> Outcome {
    Outcome::Rejected(Rejection::Message(reason))
}

pub fn suppressed(reason: String) -> Outcome {
    Outcome::Rejected(Rejection::Suppressed(reason))
}

pub fn misconfigured(reason: String) -> Outcome {
    Outcome::Rejected(Rejection::Configuration(reason))
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
