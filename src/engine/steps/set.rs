//! `set`, `tag`, `untag`: writes something down about the contact, for conditions and mails to come.

use crate::domain::contact::Profile;
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::Enrollment;
use crate::journey::step::Set;

pub(in crate::engine) fn enter(course: &mut Course<'_>, enrollment: &Enrollment, set: &Set) -> StepOutcome {
    let profile = &mut course.contact.profile;
    let newer = Profile {
        attributes: set.attributes.iter().cloned().collect(),
        ..Profile::default()
    };
    profile.update(&newer);
    let tags = profile.tags.get_or_insert_default();
    tags.retain(|tag| !set.untag.contains(tag));
    for tag in &set.tags {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    if tags.is_empty() {
        profile.tags = None;
    }
    StepOutcome::done(enrollment.since)
}
