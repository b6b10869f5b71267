//! `goto`: a step, and how often.

use crate::domain::ids::StepId;
use crate::journey::language::TIMES_MAX;
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::parse::{Subject, is_plain_name};
use crate::journey::step::Goto;

pub(super) fn goto(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Goto> {
    steps.places.note(Subject::StepName(said.number), said.value);
    let name = steps.reader.text(said.value, "the id of a step")?;
    if !is_plain_name(name) {
        steps.reader.expected(said.value, "the id of a step");
        return None;
    }
    let times = steps
        .reader
        .required(&said.fields, "times", "how often at most, as `times: 3`")
        .and_then(|node| {
            let most = i64::from(TIMES_MAX);
            steps.reader.number(node, 1, most, "a number from 1 to 100")
        });
    Some(Goto {
        to: StepId::parse(name).ok()?,
        times: u16::try_from(times?).ok()?,
    })
}
