//! `goto`: jumps back or ahead, so often in one run as the step says; then it goes straight on.

use crate::engine::progress::StepOutcome;
use crate::engine::state::Enrollment;
use crate::journey::step::{Goto, Step, Target};

pub(in crate::engine) fn enter(enrollment: &mut Enrollment, step: &Step, goto: &Goto) -> StepOutcome {
    let at = enrollment.since;
    let jumps = enrollment.jumps.entry(step.id.clone()).or_default();
    if *jumps >= goto.times {
        return StepOutcome::done(at);
    }
    *jumps += 1;
    // What was awaited in the round before does not count for this one.
    enrollment.seen.clear();
    StepOutcome::Go {
        to: Target::Step(goto.to.clone()),
        at,
    }
}
