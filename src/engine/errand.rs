//! Errands: what a step asks of somebody outside the shard, and what comes of the answer.
//!
//! The delivery loop runs them when they are due, at least once; the errand's id is the same on every try, so that the
//! `Store` gives one code for it and a receiver of our webhooks can tell a repeat.

use super::decide::Turn;
use super::ids;
use super::progress::Entry;
use super::retry::next_attempt_at;
use super::state::{Asking, Contact, Enrollment, Position};
use super::steps::{coupon, notify};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::step::{Step, StepKind, Target};
use serde_json::Value;

/// How long an errand is tried before the journey goes on without its answer.
pub const MAX_AGE: Delay = Delay::from_days(1);

/// What became of an errand.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The pool's code; none when it is empty.
    Code(Option<String>),
    /// What the other system said; null when it said nothing.
    Said(Value),
    /// It could not be asked, or did not answer well.
    Failed,
}

/// Where a step stands that asks.
pub(super) fn begin(contact: &Contact, enrollment: &Enrollment, step: &Step, now: Timestamp) -> Position {
    let round = enrollment.rounds();
    let id = ids::message(&contact.id, &enrollment.journey, &enrollment.id, &step.id, round);
    Position::Asking(Asking {
        errand: id.to_string(),
        due: now,
        since: now,
        attempts: 0,
    })
}

/// Goes on with the run that waits for this answer; nothing when it is gone.
pub(super) fn answered(turn: &mut Turn<'_>, errand: &str, answer: &Answer) {
    let now = turn.now;
    let waits =
        |held: &&Enrollment| matches!(&held.position, Position::Asking(asking) if asking.errand == errand);
    let Some(mut enrollment) = turn.contact.enrollments.iter().find(waits).cloned() else {
        return;
    };
    let journey = turn.catalog.journey(&enrollment.journey);
    let Some((journey, step)) =
        journey.and_then(|journey| Some((journey, journey.resolve(&enrollment.step)?)))
    else {
        return;
    };
    if let (Answer::Failed, Position::Asking(asking)) = (answer, &mut enrollment.position)
        && now.since(asking.since) < MAX_AGE
    {
        asking.attempts = asking.attempts.saturating_add(1);
        asking.due = next_attempt_at(now, asking.attempts, None, errand);
        turn.put(enrollment);
        return;
    }
    let to = match (&step.kind, answer) {
        (StepKind::Coupon(coupon), Answer::Code(code)) => {
            coupon::given(&mut enrollment, coupon, code.as_deref(), now)
        }
        // Nobody could be asked for a day: as if the pool were empty.
        (StepKind::Coupon(coupon), Answer::Failed | Answer::Said(_)) => {
            coupon::given(&mut enrollment, coupon, None, now)
        }
        (StepKind::Notify(notify), Answer::Said(said)) => {
            notify::answered(&mut enrollment, notify, said);
            Target::Next
        }
        // The step became another kind meanwhile, or nobody answered: the journey goes on behind it.
        _ => Target::Next,
    };
    turn.advance(journey, enrollment, Entry::Behind { to, at: now });
}
