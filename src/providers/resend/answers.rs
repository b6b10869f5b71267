//! Reading Resend's answers: `https://resend.com/docs/api-reference/errors` and `/api-reference/rate-limit`.
//!
//! Only an error in Resend's own form is believed to be its verdict: proxies and firewalls in between also answer
//! 4xx, with pages of their own, and then nobody knows. Names that the page does not list are read by their status.

use crate::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use crate::domain::time::Timestamp;
use crate::http::{Headers, Response};
use crate::providers::answer::{self, Answer, RateHint};
use crate::providers::quota;
use serde::Deserialize;

/// `{"statusCode": 422, "name": "validation_error", "message": "…"}`
#[derive(Deserialize)]
struct WireError {
    name: String,
    #[serde(default)]
    message: String,
}

/// Answer of `POST /emails`, and each entry of a batch's `data`.
#[derive(Deserialize)]
struct WireId {
    id: String,
}

/// `errors` comes only with `x-batch-validation: permissive`, which we do not ask for.
#[derive(Deserialize)]
struct WireBatch {
    data: Vec<WireId>,
    #[serde(default)]
    errors: Vec<WireMemberError>,
}

#[derive(Deserialize)]
struct WireMemberError {
    index: usize,
    #[serde(default)]
    message: String,
}

/// What the answer to a request with this many members says. Never panics, whatever the bytes.
pub fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    match response.status {
        200..=299 => Answer::Each(accepted(&response.body, members)),
        status => refused(status, response, members, now),
    }
}

/// Requests a second and what is left of them. `ratelimit-limit` counts a window, which is a second unless
/// `ratelimit-policy` says another (draft-ietf-httpapi-ratelimit-headers-06).
pub fn rate_hint(headers: &Headers) -> Option<RateHint> {
    let number = |name: &str| -> Option<u32> {
        let value = headers.get(name)?;
        value.split([',', ';']).next()?.trim().parse().ok()
    };
    let window = headers
        .get("ratelimit-policy")
        .and_then(|policy| policy.split(';').find_map(|part| part.trim().strip_prefix("w=")))
        .and_then(|window| window.trim().parse::<u32>().ok())
        .unwrap_or(1)
        .max(1);
    let hint = RateHint {
        per_second: number("ratelimit-limit").map(|limit| (limit / window).max(1)),
        remaining: number("ratelimit-remaining"),
        reset: headers.get("ratelimit-reset").and_then(answer::seconds),
    };
    let known = hint.per_second.is_some() || hint.remaining.is_some() || hint.reset.is_some();
    known.then_some(hint)
}

/// A 2xx is accepted whatever the body says; only the ids may stay unknown.
fn accepted(body: &[u8], members: usize) -> Vec<Outcome> {
    let anonymous = || vec![Outcome::Accepted(None); members];
    if members == 1 {
        return match crate::http::json::<WireId>(body) {
            Ok(WireId { id }) => vec![Outcome::Accepted(known(id))],
            Err(_) => anonymous(),
        };
    }
    let Ok(batch) = crate::http::json::<WireBatch>(body) else {
        return anonymous();
    };
    let error_of = |index: usize| batch.errors.iter().find(|error| error.index == index);
    let failed = (0..members).filter(|index| error_of(*index).is_some()).count();
    // With fewer or more ids than members there is no telling which id is whose.
    let aligned = batch.data.len() + failed == members;
    let mut ids = batch.data.iter();
    (0..members)
        .map(|index| match error_of(index) {
            Some(error) => Outcome::Rejected(Rejection::Message(answer::reason(200, &error.message))),
            None if aligned => Outcome::Accepted(ids.next().and_then(|entry| known(entry.id.clone()))),
            None => Outcome::Accepted(None),
        })
        .collect()
}

fn known(id: String) -> Option<String> {
    Some(id).filter(|id| !id.is_empty())
}

fn refused(status: u16, response: &Response, members: usize, now: Timestamp) -> Answer {
    let error = crate::http::json::<WireError>(&response.body).ok();
    let (name, message) = match &error {
        Some(error) => (error.name.as_str(), error.message.as_str()),
        None => ("", ""),
    };
    let reason = answer::reason(status, &format!("{name} {message}"));
    let verdict = match (status, name) {
        (429, _) => Verdict::Outcome(Outcome::RetryLater(later(name, &response.headers, now))),
        (409, "invalid_idempotent_request") => Verdict::Outcome(Outcome::KeyMismatch),
        // Too large is certain, and a batch may be too large as a whole.
        (413, _) => Verdict::Member,
        // The wrong base address answers so too, with any page.
        (300..=399 | 401 | 404 | 405, _) => Verdict::Configuration,
        // Key in flight, or a lock, or a proxy's conflict: the first request may still succeed.
        (408 | 409 | 425, _) => Verdict::Unknown,
        (400..=499, "") => Verdict::Unknown,
        (400 | 422, "invalid_from_address" | "invalid_idempotency_key") => Verdict::Configuration,
        (400 | 422, _) if message.contains("`from`") => Verdict::Configuration,
        (400 | 422 | 451, _) => Verdict::Member,
        (400..=499, _) => Verdict::Configuration,
        _ => Verdict::Unknown,
    };
    match verdict {
        Verdict::Outcome(outcome) => answer::all(&outcome, members),
        Verdict::Member if members > 1 => Answer::Split(reason),
        Verdict::Member => answer::all(&Outcome::Rejected(Rejection::Message(reason)), members),
        Verdict::Configuration => answer::all(&Outcome::Rejected(Rejection::Configuration(reason)), members),
        Verdict::Unknown => answer::all(&Outcome::Unknown(reason), members),
    }
}

/// What an answer that is not 2xx says, before it is spread over the members.
enum Verdict {
    Outcome(Outcome),
    /// One of the members is refused.
    Member,
    Configuration,
    Unknown,
}

/// Three very different waits share the status 429. A firewall's 429 counts as the rate's.
fn later(name: &str, headers: &Headers, now: Timestamp) -> RetryLater {
    let asked = answer::retry_after(headers, now);
    match name {
        "daily_quota_exceeded" => quota::daily(asked, now),
        "monthly_quota_exceeded" => quota::monthly(asked, now),
        _ => RetryLater {
            after: asked.or_else(|| headers.get("ratelimit-reset").and_then(answer::seconds)),
            reason: RetryReason::RateLimited,
        },
    }
}
