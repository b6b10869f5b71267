//! One file per kind of step. Entering a step says whether the contact stays, goes on, or leaves.

mod send;
mod wait;

use super::progress::{Course, StepOutcome};
use super::state::{Contact, Enrollment};
use crate::journey::definition::{Step, StepKind};

pub(super) fn enter(
    course: &mut Course<'_>,
    contact: &Contact,
    enrollment: &Enrollment,
    step: &Step,
) -> StepOutcome {
    match &step.kind {
        StepKind::Send(send) => send::enter(course, contact, enrollment, step, send),
        StepKind::Wait(wait) => wait::enter(course.now, enrollment, wait),
    }
}
