//! What a request taught about its provider: what its answer says of us, its silence, and what its headers leave.
//!
//! Called by the delivery loop of `edge` and by that of simulations, which tell the `Store`. It decides nothing.

use crate::domain::outcome::Outcome;
use crate::domain::time::Timestamp;
use crate::engine::delivery::{Dispatch, rest, resting};
use crate::engine::retry::HINT_CEILING;
use crate::engine::traffic::{Doubt, Lesson};
use crate::providers::answer::RateHint;

/// What came of a request.
#[derive(Debug)]
pub struct Taught<'a> {
    /// Fingerprint of the settings it was made with.
    pub settings: String,
    /// What was doubted when it left.
    pub doubt: Doubt,
    /// One a member; none when the whole was refused to be sent singly.
    pub outcomes: &'a [Outcome],
    pub rate: Option<RateHint>,
    /// Why it came to nothing, if it did: no answer, or a server error.
    pub silence: Option<String>,
}

/// What the `Store` should know of it. An answer that takes the mail may ask for a rest as well, and by the same rule.
pub fn lesson_of(dispatch: &Dispatch, taught: Taught<'_>, now: Timestamp) -> Lesson {
    let Taught {
        settings,
        doubt,
        outcomes,
        rate,
        silence,
    } = taught;
    let left = rate
        .and_then(|hint| hint.rest(now))
        // Farther off it is no rest: an epoch where a length of time belongs.
        .filter(|until| until.since(now) <= HINT_CEILING)
        .map(|until| resting(until, now));
    // A refusal says more than a header: the last one is kept.
    let rests = left.into_iter().chain(
        outcomes
            .iter()
            .filter_map(|outcome| rest(outcome, &dispatch.id, now)),
    );
    let mut lesson = Lesson::of_request((&dispatch.provider, settings), doubt, rests, silence);
    lesson.per_second = rate.and_then(RateHint::pace);
    lesson
}
