//! `split`: shares people out by a hash of contact, journey and step, so that a replay and a second run see the same.

use crate::engine::ids::bucket;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::{Split, Step, Sticky, Target};

pub(in crate::engine) fn enter(
    course: &Course<'_>,
    enrollment: &mut Enrollment,
    step: &Step,
    split: &Split,
) -> StepOutcome {
    let at = enrollment.since;
    let by = match split.by {
        Sticky::Contact => course.contact.id.as_str(),
        Sticky::Enrollment => enrollment.id.as_str(),
    };
    let mut left = bucket(&["split", by, enrollment.journey.as_str(), step.id.as_str()]) / 100;
    for arm in &split.arms {
        let weight = u32::from(arm.weight);
        if left < weight {
            enrollment.arms.insert(step.id.clone(), arm.name.clone());
            return StepOutcome::Go {
                to: arm.to.clone(),
                at,
            };
        }
        left -= weight;
    }
    StepOutcome::Go { to: Target::Next, at }
}
