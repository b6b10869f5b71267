//! `notify`: tells another system, waits for its answer, and keeps it for the conditions that follow.

use crate::engine::errand;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::{Notify, Step};

/// Largest answer kept, in bytes of JSON; of a larger one nothing is kept.
const MAX_ANSWER_BYTES: usize = 2_000;

pub(in crate::engine) fn enter(course: &Course<'_>, enrollment: &Enrollment, step: &Step) -> StepOutcome {
    StepOutcome::Hold(errand::begin(course.contact, enrollment, step, course.now))
}

pub(in crate::engine) fn answered(enrollment: &mut Enrollment, notify: &Notify, answer: &serde_json::Value) {
    let Some(name) = &notify.answer else { return };
    let fits = serde_json::to_vec(answer).is_ok_and(|json| json.len() <= MAX_ANSWER_BYTES);
    if fits {
        enrollment.answers.insert(name.clone(), answer.clone());
    }
}
