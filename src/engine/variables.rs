//! The variables of a journey for one mail: what its expressions come to now, or what stands in for them.
//!
//! Called when a mail is composed, so what they say is as true as its cart or order.

use super::condition::Compiled;
use super::sight::{Topic, View};
use super::state::Enrollment;
use crate::journey::definition::Journey;
use std::collections::BTreeMap;

/// Every variable that the journey declares, with its text.
pub fn variables(journey: &Journey, run: &Enrollment, view: View<'_>) -> BTreeMap<String, String> {
    let sight = view.on(Topic::step(journey, run));
    let said = journey.variables.iter().map(|variable| {
        let text = Compiled::of(&variable.value).and_then(|value| value.text(&sight));
        // What fails is what is not there: a property of another shape, a list without that many entries.
        let text = text.unwrap_or_default();
        let text = Some(text).filter(|text| !text.trim().is_empty());
        let text = text.unwrap_or_else(|| variable.otherwise.clone());
        (variable.name.clone(), text)
    });
    said.collect()
}
