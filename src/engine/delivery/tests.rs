//! What an answer means for a message, row by row.

use super::*;
use crate::engine::fixtures::at;

const HOUR: i64 = 3600;
const WINDOW: Option<Delay> = Some(Delay::from_hours(24));

fn dispatch(attempt: u32, generation: u8) -> Dispatch {
    Dispatch {
        id: "m".to_owned(),
        provider: "resend".to_owned(),
        key: "m".to_owned(),
        generation,
        members: vec![MessageId::from_digest("01")],
        addressees: Vec::new(),
        attempt,
        first_at: at(0),
        lease_until: at(45),
        next_at: None,
    }
}

/// The name of what is done `seconds` after the first attempt.
fn next(
    outcome: &Outcome,
    dispatch: &Dispatch,
    stream: Stream,
    window: Option<Delay>,
    seconds: i64,
) -> &'static str {
    let policy = OnUnknown::default();
    let sent = Sent {
        stream,
        attempts: dispatch.attempt,
        ready_since: at(0),
    };
    match after(dispatch, sent, outcome, window, policy, at(seconds)) {
        Next::Settle(Settlement::Accepted { .. }) => "accepted",
        Next::Settle(Settlement::Failed(_)) => "failed",
        Next::Settle(Settlement::GivenUp(_)) => "given up",
        Next::Settle(Settlement::Dropped(_) | Settlement::Shadowed) => "never",
        Next::Release { .. } => match rest(outcome, "m", at(seconds)) {
            Some(Rest::Short(_)) => "released, provider rests",
            Some(Rest::Shut(_)) => "released, provider shut",
            None => "released",
        },
        Next::Repeat { .. } => "repeated",
        Next::Resend { .. } => "resent",
    }
}

/// Whether `outcome` of the given attempt and generation, so many hours after the first attempt, means `expected`.
fn means(
    outcome: &Outcome,
    (attempt, generation): (u32, u8),
    stream: Stream,
    window: Option<Delay>,
    hours: i64,
    expected: &str,
) {
    let dispatch = dispatch(attempt, generation);
    let found = next(outcome, &dispatch, stream, window, hours * HOUR);
    assert_eq!(
        found, expected,
        "{outcome:?}, attempt {attempt}, {stream:?}, {hours} h"
    );
}

#[test]
fn what_is_certain_is_settled_or_tried_again() {
    let later = |reason| Outcome::RetryLater(RetryLater { after: None, reason });
    let first = |outcome: &Outcome, hours: i64, expected: &str| {
        means(outcome, (1, 1), Stream::Marketing, WINDOW, hours, expected);
    };
    first(&Outcome::Accepted(None), 0, "accepted");
    first(
        &Outcome::Rejected(Rejection::Message("no".to_owned())),
        0,
        "failed",
    );
    first(
        &Outcome::Rejected(Rejection::Suppressed("dead".to_owned())),
        0,
        "failed",
    );
    let our_fault = Outcome::Rejected(Rejection::Configuration("key".to_owned()));
    first(&our_fault, 0, "released, provider shut");
    first(&our_fault, 99, "released, provider shut");
    first(&later(RetryReason::RateLimited), 72, "released, provider rests");
    first(&later(RetryReason::RateLimited), 73, "failed");
    // The quota may last a month.
    first(&later(RetryReason::QuotaExceeded), 73, "released, provider shut");
    // One address's trouble is not the provider's.
    first(&later(RetryReason::Address), 72, "released");
    first(&later(RetryReason::Address), 73, "failed");
    first(&Outcome::KeyMismatch, 0, "failed");
}

#[test]
fn a_short_window_is_used_as_far_as_three_quarters() {
    let minutes = |window| safe_window(Delay::from_minutes(window));
    assert_eq!(minutes(24 * 60), Delay::from_hours(23));
    assert_eq!(minutes(4 * 60), Delay::from_hours(3));
    assert_eq!(minutes(20), Delay::from_minutes(15));
    assert_eq!(minutes(0), Delay::ZERO);
    let lost = Outcome::Unknown("reset".to_owned());
    let short = Some(Delay::from_minutes(20));
    for (seconds, expected) in [(0, "repeated"), (14 * 60, "repeated"), (15 * 60, "given up")] {
        let found = next(&lost, &dispatch(1, 1), Stream::Marketing, short, seconds);
        assert_eq!(found, expected, "{seconds}");
    }
}

#[test]
fn a_refusal_says_nothing_of_an_earlier_attempt() {
    let busy = Outcome::RetryLater(RetryLater {
        after: None,
        reason: RetryReason::RateLimited,
    });
    let our_fault = Outcome::Rejected(Rejection::Configuration("key".to_owned()));
    for refusal in [busy, our_fault] {
        means(&refusal, (2, 1), Stream::Marketing, WINDOW, 0, "repeated");
        means(&refusal, (2, 1), Stream::Marketing, WINDOW, 23, "given up");
        means(&refusal, (2, 1), Stream::Transactional, WINDOW, 23, "resent");
    }
    means(
        &Outcome::KeyMismatch,
        (2, 1),
        Stream::Marketing,
        WINDOW,
        0,
        "accepted",
    );
}

#[test]
fn an_unknown_fate_is_repeated_while_the_key_protects_and_then_left_to_the_policy() {
    use Stream::{Marketing, Transactional};
    let unknown = Outcome::Unknown("timeout".to_owned());
    means(&unknown, (1, 1), Marketing, WINDOW, 0, "repeated");
    means(&unknown, (2, 1), Transactional, WINDOW, 22, "repeated");
    means(&unknown, (2, 1), Marketing, WINDOW, 23, "given up");
    means(&unknown, (2, 1), Transactional, WINDOW, 23, "resent");
    means(&unknown, (2, 2), Transactional, WINDOW, 23, "given up");
    means(&unknown, (1, 1), Marketing, None, 0, "given up");
    means(&unknown, (1, 1), Transactional, None, 0, "resent");
    means(&unknown, (1, 2), Transactional, None, 0, "given up");
}

#[test]
fn a_provider_that_asks_for_a_long_rest_is_shut_and_what_it_refused_may_leave_at_once() {
    let busy = |after| {
        Outcome::RetryLater(RetryLater {
            after: Some(after),
            reason: RetryReason::RateLimited,
        })
    };
    let short = busy(Delay::from_minutes(4));
    assert!(matches!(rest(&short, "m", at(0)), Some(Rest::Short(until)) if until > at(239)));
    let long = busy(Delay::from_hours(1));
    let Some(Rest::Shut(trouble)) = rest(&long, "m", at(0)) else {
        panic!("an hour is long");
    };
    assert_eq!(trouble.cause, Cause::Quota);
    assert!(trouble.until.is_some_and(|until| until >= at(HOUR)));
    let sent = Sent {
        stream: Stream::Transactional,
        attempts: 1,
        ready_since: at(0),
    };
    let policy = OnUnknown::default();
    let next = after(&dispatch(1, 1), sent, &long, WINDOW, policy, at(0));
    assert!(matches!(next, Next::Release { at: when, .. } if when == at(0)));
}
