//! `goto`: jumps back or ahead, so often in one run as the step says; then it goes straight on.

use crate::domain::ids::StepId;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::{Goto, Step, Target};

pub(in crate::engine) fn enter(
    course: &Course<'_>,
    enrollment: &mut Enrollment,
    step: &Step,
    goto: &Goto,
) -> StepOutcome {
    let at = enrollment.since;
    let jumps = enrollment.jumps.entry(step.id.clone()).or_default();
    if *jumps >= goto.times {
        return StepOutcome::done(at);
    }
    *jumps += 1;
    let place = |id: &StepId| course.journey.steps.iter().position(|other| other.id == *id);
    if place(&goto.to) <= place(&step.id) {
        // What came in the round before does not count for this one.
        enrollment.seen.retain(|_, seen| *seen > at);
    }
    StepOutcome::Go {
        to: Target::Step(goto.to.clone()),
        at,
    }
}
