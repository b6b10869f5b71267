//! The checked set of journeys and the store's settings, as the Worker holds them.

use super::definition::Journey;
use super::store_file::StoreFile;
use crate::domain::event::EventKind;
use crate::domain::ids::JourneyId;
use serde::{Deserialize, Serialize};

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
}

impl Catalog {
    pub fn journey(&self, id: &JourneyId) -> Option<&Journey> {
        self.journeys.iter().find(|journey| journey.id == *id)
    }

    pub fn triggered_by<'a>(&'a self, kind: &'a EventKind) -> impl Iterator<Item = &'a Journey> {
        self.journeys
            .iter()
            .filter(move |journey| journey.trigger.on.contains(kind))
    }
}
