//! `branch`: the first arm whose condition holds, at this moment.
//!
//! A condition that fails at run time does not hold, and is remarked; `else` takes who is left, and without one they go
//! on behind the branch.

use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::{Arm, Target};

pub(in crate::engine) fn enter(
    course: &mut Course<'_>,
    enrollment: &Enrollment,
    arms: &[Arm],
) -> StepOutcome {
    let taken = arms
        .iter()
        .find(|arm| course.holds(arm.when.as_ref(), enrollment) == Some(true));
    StepOutcome::Go {
        to: taken.map_or(Target::Next, |arm| arm.to.clone()),
        at: enrollment.since,
    }
}
