//! `notify`: a webhook of the store, and the name of its answer.

use crate::journey::parse::Subject;
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::step::Notify;

pub(super) fn notify(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Notify> {
    steps.places.note(Subject::StepName(said.number), said.value);
    let webhook = steps
        .reader
        .text(said.value, "the name of a webhook in store.yaml")?;
    let answer = said
        .fields
        .get("as")
        .and_then(|node| steps.reader.text(node, "a name for its answer, as `as: stock`"));
    Some(Notify {
        webhook: webhook.to_owned(),
        answer: answer.map(str::to_owned),
    })
}
