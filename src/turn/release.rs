//! Sends events on that waited for their person, once one of their identifiers leads to somebody.
//!
//! Called where an identifier is claimed, and for what another shard parked or released. It applies nothing: the contact's own shard
//! does, and looks there at what was erased meanwhile.

use super::call::{Forward, ForwardBody, Ingest, Release};
use super::{Error, Turn};
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;
use crate::engine::identity::{Hashed, route};
use crate::store::parked;

impl Turn<'_> {
    /// Sends an event that waited under `hash` to the person of that identifier. Other identifiers of it may turn out to
    /// be somebody else's, perhaps at the same time in other shards: the row of the one it goes by decides, and is taken
    /// once.
    pub(super) fn release(
        &self,
        hash: &IdentifierHash,
        event: Event,
        contact: &ContactId,
        named_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let identifiers = self.hashed(&event);
        let Some(deciding) = route(&event, &identifiers).filter(|deciding| *deciding != hash) else {
            return self.send_released(event, identifiers, contact, named_at);
        };
        let release = Release {
            event: event.id.clone(),
            contact: contact.clone(),
            named_at,
        };
        if self.holds(deciding) {
            return self.release_parked(deciding, &release);
        }
        self.forward(&Forward {
            id: format!("release:{contact}:{}", event.id),
            to: deciding.clone(),
            body: ForwardBody::Release(release),
        })
    }

    /// Sends a parked event to its person, unless it has gone to somebody.
    pub(super) fn release_parked(&self, deciding: &IdentifierHash, release: &Release) -> Result<(), Error> {
        match parked::take(self.sql, deciding, &release.event, self.now)? {
            Some(event) => {
                let identifiers = self.hashed(&event);
                self.send_released(event, identifiers, &release.contact, release.named_at)
            }
            None => Ok(()),
        }
    }

    fn send_released(
        &self,
        event: Event,
        identifiers: Vec<Hashed>,
        contact: &ContactId,
        named_at: Option<Timestamp>,
    ) -> Result<(), Error> {
        let ingest = Ingest {
            identifiers,
            event: event.into(),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            erased_at: None,
            contact: Some(contact.clone()),
            released: true,
            named_at,
        };
        self.forward(&Forward {
            id: format!("parked:{contact}:{}", ingest.event.id),
            to: IdentifierHash::from(contact.clone()),
            body: ForwardBody::Event(Box::new(ingest)),
        })
    }
}
