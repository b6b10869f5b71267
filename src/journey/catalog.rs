//! The checked set of journeys and the store's settings, as the Worker holds them.

use super::definition::{Border, Journey};
use super::segment::Segment;
use super::step::{Recipient, StepKind};
use super::store_file::{GENERAL, StoreFile};
use crate::domain::event::EventKind;
use crate::domain::ids::{JourneyId, SegmentName};
use crate::domain::message::Stream;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the build checked. Read once at start; `hash` changes whenever anything in it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Catalog {
    /// Content hash, 16 hex digits: tells shards when to sweep.
    pub hash: String,
    pub store: StoreFile,
    /// Sorted by id.
    pub journeys: Vec<Journey>,
    /// Names of all emails, sorted.
    pub emails: Vec<String>,
    /// Sorted by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// The kinds of events that conditions count, each with its widest window in days.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<EventKind, u16>,
    /// Journeys whose marketing mails wait while all else of them goes on. Said by the operator's switches, never by a file.
    #[serde(skip)]
    pub marketing_held: BTreeSet<JourneyId>,
}

impl Catalog {
    pub fn journey(&self, id: &JourneyId) -> Option<&Journey> {
        self.journeys.iter().find(|journey| journey.id == *id)
    }

    /// Whether a journey sends marketing that names no topic.
    pub fn sends_general(&self) -> bool {
        self.journeys.iter().any(|journey| {
            let mut sends = journey.steps.iter().filter_map(|step| step.kind.as_send());
            sends.any(|send| {
                let is_marketing = send.stream == Stream::Marketing && send.to == Recipient::Contact;
                is_marketing && journey.topic_of(send) == GENERAL
            })
        })
    }

    pub fn triggered_by<'a>(&'a self, kind: &'a EventKind) -> impl Iterator<Item = &'a Journey> {
        self.journeys
            .iter()
            .filter(move |journey| journey.trigger.on.contains(kind))
    }

    pub fn segment(&self, name: &SegmentName) -> Option<&Segment> {
        self.segments.iter().find(|segment| segment.name == *name)
    }

    /// The journeys that start when a contact crosses this border.
    pub fn started_at<'a>(&'a self, border: &'a Border) -> impl Iterator<Item = &'a Journey> {
        self.journeys
            .iter()
            .filter(move |journey| journey.starts_at(border))
    }

    /// Whether a journey calls another system.
    pub fn notifies(&self) -> bool {
        let calls = |step: &super::step::Step| matches!(step.kind, StepKind::Notify(_));
        self.journeys
            .iter()
            .any(|journey| journey.steps.iter().any(calls))
    }

    /// Whether a journey can start without an event, so that its past runs must be known in every turn.
    pub fn starts_without_event(&self) -> bool {
        self.journeys.iter().any(|journey| {
            let starts_another = |step: &super::step::Step| matches!(step.kind, StepKind::Start(_));
            !journey.trigger.segments.is_empty()
                || journey.trigger.moment.is_some()
                || journey.steps.iter().any(starts_another)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::journey::check::check;
    use crate::journey::lock::Mode;
    use crate::journey::project::Project;
    use std::path::Path;

    #[test]
    fn it_knows_whether_a_journey_calls_another_system() {
        let mut project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
        let catalog = |project: &Project| check(project, Mode::Append).catalog.unwrap();
        assert!(!catalog(&project).notifies());
        let store = project.store.take().unwrap();
        let webhooks = "webhooks: [{ name: crm, url: \"https://crm.example\" }]";
        project.store = Some(store.replace("webhooks: []", webhooks));
        assert!(!catalog(&project).notifies(), "a webhook that no journey calls");
        let journey = project.journeys.get_mut("journeys/welcome.yaml").unwrap();
        journey.push_str("  - notify: crm\n");
        assert!(catalog(&project).notifies());
    }
}
