//! Moves one enrollment along its journey until it waits, sends or ends.

use super::decision::{Change, Effect};
use super::state::{Contact, EndReason, Ended, Enrollment, Position};
use super::steps;
use crate::domain::ids::StepId;
use crate::domain::time::Timestamp;
use crate::journey::definition::{Journey, Step};

/// Most steps run in one decision; a longer chain without a wait ends the enrollment, with that reason.
pub const MAX_STEPS_PER_DECISION: usize = 100;

/// What became of a step on entering it.
pub(super) enum StepOutcome {
    /// The contact stays here.
    Hold(Position),
    /// The step is done as of this moment, which the next one counts from.
    Done(Timestamp),
    /// The enrollment is over.
    End(EndReason),
}

/// What a step may see and collect.
pub(super) struct Course<'a> {
    pub journey: &'a Journey,
    pub now: Timestamp,
    pub changes: &'a mut Vec<Change>,
    pub effects: &'a mut Vec<Effect>,
}

/// Where an enrollment stands after it was moved.
pub(super) enum Progress {
    Running(Box<Enrollment>),
    Ended(EndReason, StepId),
}

/// Runs steps from `step` on. `enrollment.since` is when the one before was done.
pub(super) fn run(
    course: &mut Course<'_>,
    contact: &Contact,
    mut enrollment: Enrollment,
    step: &Step,
) -> Progress {
    let mut step = step;
    for _ in 0..MAX_STEPS_PER_DECISION {
        enrollment.step = step.id.clone();
        match steps::enter(course, contact, &enrollment, step) {
            StepOutcome::Hold(position) => {
                enrollment.position = position;
                return Progress::Running(Box::new(enrollment));
            }
            StepOutcome::End(reason) => return Progress::Ended(reason, step.id.clone()),
            StepOutcome::Done(at) => {
                enrollment.since = at;
                match course.journey.step_after(&step.id) {
                    Some(next) => step = next,
                    None => return Progress::Ended(EndReason::Completed, step.id.clone()),
                }
            }
        }
    }
    Progress::Ended(EndReason::StepLimit, enrollment.step)
}

/// Continues after the step the enrollment stands on, which was done at `at`.
pub(super) fn after_step(
    course: &mut Course<'_>,
    contact: &Contact,
    mut enrollment: Enrollment,
    at: Timestamp,
) -> Progress {
    enrollment.since = at;
    let here = course
        .journey
        .resolve(&enrollment.step)
        .map(|step| step.id.clone());
    match here {
        // A renamed step was never run itself: the enrollment did its predecessor and goes on behind it.
        Some(id) => match course.journey.step_after(&id) {
            Some(next) => run(course, contact, enrollment, next),
            None => Progress::Ended(EndReason::Completed, id),
        },
        None => Progress::Ended(EndReason::StepRemoved, enrollment.step),
    }
}

/// Puts the outcome into the contact, or among the ended.
pub(super) fn settle(
    contact: &mut Contact,
    changes: &mut Vec<Change>,
    before: &Enrollment,
    progress: Progress,
    now: Timestamp,
) {
    match progress {
        Progress::Running(enrollment) => {
            match contact
                .enrollments
                .iter_mut()
                .find(|held| held.id == enrollment.id)
            {
                Some(held) => *held = *enrollment,
                None => contact.enrollments.push(*enrollment),
            }
        }
        Progress::Ended(reason, step) => {
            contact.enrollments.retain(|held| held.id != before.id);
            changes.push(Change::EndEnrollment(ended(before, step, reason, now)));
        }
    }
}

/// The row of an enrollment that is over.
pub(super) fn ended(enrollment: &Enrollment, step: StepId, reason: EndReason, now: Timestamp) -> Ended {
    Ended {
        id: enrollment.id.clone(),
        journey: enrollment.journey.clone(),
        key: enrollment.key.clone(),
        started_at: enrollment.started_at,
        ended_at: now,
        step,
        reason,
    }
}
