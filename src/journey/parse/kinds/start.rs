//! `start` and `stop`: the journey that they are about.

use super::name;
use crate::domain::ids::JourneyId;
use crate::journey::parse::Subject;
use crate::journey::parse::steps::{Said, Steps};

pub(super) fn journey(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<JourneyId> {
    steps.places.note(Subject::StepName(said.number), said.value);
    name(steps, said.value, "the name of a journey", JourneyId::parse)
}
