//! Reading Resend's answers: `https://resend.com/docs/api-reference/errors` and `/api-reference/rate-limit`.
//!
//! Only an error in Resend's own form is believed to be its verdict: proxies and firewalls in between also answer
//! 4xx, with pages of their own, and then nobody knows. Names that the page does not list are read by their status.

use crate::domain::outcome::{Outcome, RetryLater, RetryReason};
use crate::domain::time::Timestamp;
use crate::http::{Headers, Response};
use crate::providers::answer::{self, Answer, RateHint};
use crate::providers::{quota, told};

/// What the answer to a request with this many members says. Never panics, whatever the bytes.
pub fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    match response.status {
        200..=299 => Answer::Each(accepted(response, members)),
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

/// A 2xx is accepted whatever the body says; only the ids may stay unknown. The answer of `POST /emails` is `{"id": "…"}`, and
/// so is each entry of a batch's `data`. `errors` comes only with `x-batch-validation: permissive`, which we do not ask for.
fn accepted(response: &Response, members: usize) -> Vec<Outcome> {
    let told = told::by(response);
    let accepted = |entry| answer::accepted(Some(told::text(entry, "/id")));
    if members == 1 {
        return vec![accepted(&told)];
    }
    let (ids, errors) = (told::list(&told, "/data"), told::list(&told, "/errors"));
    let error_of = |index: usize| {
        let index = i64::try_from(index).ok();
        errors.iter().find(|error| told::number(error, "/index") == index)
    };
    let failed = (0..members).filter(|index| error_of(*index).is_some()).count();
    // With fewer or more ids than members there is no telling which id is whose.
    let aligned = ids.len() + failed == members;
    let mut ids = ids.iter().filter(|_| aligned);
    (0..members)
        .map(|index| match error_of(index) {
            Some(error) => answer::refused(answer::reason(200, told::text(error, "/message"))),
            None => ids.next().map_or(Outcome::Accepted(None), accepted),
        })
        .collect()
}

/// `{"statusCode": 422, "name": "validation_error", "message": "…"}`
fn refused(status: u16, response: &Response, members: usize, now: Timestamp) -> Answer {
    let told = told::by(response);
    let (name, message) = (told::text(&told, "/name"), told::text(&told, "/message"));
    let reason = answer::reason(status, &format!("{name} {message}"));
    let outcome = match (status, name) {
        (429, _) => Outcome::RetryLater(later(name, &response.headers, now)),
        (409, "invalid_idempotent_request") => Outcome::KeyMismatch,
        // Too large is certain, and a batch may be too large as a whole.
        (413, _) => answer::refused(reason),
        // The wrong base address answers so too, with any page.
        (300..=399 | 401 | 404 | 405, _) => answer::misconfigured(reason),
        // Key in flight, or a lock, or a proxy's conflict: the first request may still succeed.
        (408 | 409 | 425, _) => Outcome::Unknown(reason),
        (400..=499, "") => Outcome::Unknown(reason),
        (400 | 422, "invalid_from_address" | "invalid_idempotency_key") => answer::misconfigured(reason),
        (400 | 422, _) if message.contains("`from`") => answer::misconfigured(reason),
        (400 | 422 | 451, _) => answer::refused(reason),
        (400..=499, _) => answer::misconfigured(reason),
        _ => Outcome::Unknown(reason),
    };
    answer::whole(outcome, members)
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
