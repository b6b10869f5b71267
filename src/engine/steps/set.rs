//! `set`, `tag`, `untag`: writes something down about the contact, for conditions and mails to come.

use crate::domain::contact::Profile;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::Set;

pub(in crate::engine) fn enter(course: &mut Course<'_>, enrollment: &Enrollment, set: &Set) -> StepOutcome {
    let newer = Profile {
        attributes: set.attributes.iter().cloned().collect(),
        ..Profile::default()
    };
    course.contact.profile.update(&newer);
    for tag in &set.untag {
        course.contact.untag(tag);
    }
    for tag in &set.tags {
        course.contact.own_tags.set(tag);
    }
    StepOutcome::done(enrollment.since)
}
