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
    match after(
        dispatch,
        stream,
        dispatch.attempt,
        outcome,
        window,
        policy,
        at(seconds),
    ) {
        Next::Settle(Settlement::Accepted { .. }) => "accepted",
        Next::Settle(Settlement::Failed(_)) => "failed",
        Next::Settle(Settlement::GivenUp(_)) => "given up",
        Next::Settle(Settlement::Dropped(_) | Settlement::Shadowed) => "never",
        Next::Release {
            pause_provider: Some(_),
            ..
        } => "released, provider rests",
        Next::Release {
            pause_provider: None, ..
        } => "released",
        Next::Repeat { .. } => "repeated",
        Next::Resend { .. } => "resent",
    }
}

#[test]
fn every_outcome_has_its_consequence() {
    use Stream::{Marketing, Transactional};
    let later = |reason| Outcome::RetryLater(RetryLater { after: None, reason });
    let rejected = |rejection| Outcome::Rejected(rejection);
    let unknown = Outcome::Unknown("timeout".to_owned());
    let table = [
        (
            Outcome::Accepted(None),
            dispatch(1, 1),
            Marketing,
            WINDOW,
            0,
            "accepted",
        ),
        (
            rejected(Rejection::Message("no".to_owned())),
            dispatch(1, 1),
            Marketing,
            WINDOW,
            0,
            "failed",
        ),
        (
            rejected(Rejection::Suppressed("dead".to_owned())),
            dispatch(1, 1),
            Marketing,
            WINDOW,
            0,
            "failed",
        ),
        (
            rejected(Rejection::Configuration("key".to_owned())),
            dispatch(99, 1),
            Marketing,
            WINDOW,
            0,
            "released, provider rests",
        ),
        (
            later(RetryReason::RateLimited),
            dispatch(1, 1),
            Marketing,
            WINDOW,
            0,
            "released, provider rests",
        ),
        (
            later(RetryReason::RateLimited),
            dispatch(MAX_ATTEMPTS, 1),
            Marketing,
            WINDOW,
            0,
            "failed",
        ),
        (
            later(RetryReason::QuotaExceeded),
            dispatch(MAX_ATTEMPTS, 1),
            Marketing,
            WINDOW,
            0,
            "released, provider rests",
        ),
        (
            Outcome::KeyMismatch,
            dispatch(1, 1),
            Marketing,
            WINDOW,
            0,
            "failed",
        ),
        (
            Outcome::KeyMismatch,
            dispatch(2, 1),
            Marketing,
            WINDOW,
            0,
            "accepted",
        ),
        (unknown.clone(), dispatch(1, 1), Marketing, WINDOW, 0, "repeated"),
        (
            unknown.clone(),
            dispatch(2, 1),
            Transactional,
            WINDOW,
            22 * HOUR,
            "repeated",
        ),
        (
            unknown.clone(),
            dispatch(2, 1),
            Marketing,
            WINDOW,
            23 * HOUR,
            "given up",
        ),
        (
            unknown.clone(),
            dispatch(2, 1),
            Transactional,
            WINDOW,
            23 * HOUR,
            "resent",
        ),
        (
            unknown.clone(),
            dispatch(2, 2),
            Transactional,
            WINDOW,
            23 * HOUR,
            "given up",
        ),
        (unknown.clone(), dispatch(1, 1), Marketing, None, 0, "given up"),
        (unknown.clone(), dispatch(1, 1), Transactional, None, 0, "resent"),
        (unknown, dispatch(1, 2), Transactional, None, 0, "given up"),
    ];
    for (number, (outcome, dispatch, stream, window, seconds, expected)) in table.into_iter().enumerate() {
        assert_eq!(
            next(&outcome, &dispatch, stream, window, seconds),
            expected,
            "row {number}: {outcome:?}"
        );
    }
}
