//! Storage turns: what a shard does between two awaits. Read rows, decide, write everything, answer.
//!
//! Called by `edge` inside a transaction, and by host tests and simulations on rusqlite: this is the same code. All of
//! it is synchronous; the clock, the settings and facts from other shards are arguments. It makes no request.

pub mod call;
pub mod claim;
mod compose;
mod error;
pub mod forward;
pub mod ingest;
pub mod install;
pub mod merge;
pub mod outcome;
pub mod overview;
pub mod schedule;
pub mod unsubscribe;
pub mod wake;

pub use error::Error;

use crate::domain::ids::{ContactId, IdentifierHash, MessageId};
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::decide::decide;
use crate::engine::decision::{Decision, Effect, Input};
use crate::engine::schedule::slot;
use crate::engine::state::{Contact, Document, Facts, Position};
use crate::journey::catalog::Catalog;
use crate::settings::Settings;
use crate::store::{self, Sql};

/// One turn of one shard.
pub struct Turn<'a> {
    pub sql: &'a dyn Sql,
    pub catalog: &'a Catalog,
    pub settings: &'a Settings,
    pub me: ShardIndex,
    pub now: Timestamp,
    /// Public address of the Worker, for links.
    pub origin: &'a str,
}

/// A live contact, with its row as it was read: a save compares with it.
pub struct Loaded {
    pub contact: Contact,
    /// None for a contact that is not stored yet.
    pub row: Option<store::contact::Loaded>,
}

impl Loaded {
    /// Whether the contact is not stored yet.
    pub const fn is_new(&self) -> bool {
        self.row.is_none()
    }
}

/// Where a contact is.
pub enum Home {
    Here(Box<Loaded>),
    Elsewhere(ContactId),
}

/// Longest chain of merges followed to the contact that is left.
const MAX_MOVES: usize = 16;

impl Turn<'_> {
    fn holds(&self, hash: &IdentifierHash) -> bool {
        self.settings.shards.of_identifier(hash) == self.me
    }

    /// Follows merges, and founding ids that turned out to belong to somebody known, to the contact that is meant.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn find(&self, contact: &ContactId) -> Result<Home, Error> {
        let mut id = contact.clone();
        for _ in 0..MAX_MOVES {
            if self.settings.shards.of_contact(&id) != self.me {
                return Ok(Home::Elsewhere(id));
            }
            match store::contact::load(self.sql, &id)? {
                Some(row) => match &row.document {
                    Document::Live(contact) => {
                        let contact = Contact::clone(contact);
                        return Ok(Home::Here(Box::new(Loaded {
                            contact,
                            row: Some(row),
                        })));
                    }
                    Document::Moved { to, .. } => id = to.clone(),
                },
                None => {
                    let own = IdentifierHash::from(id.clone());
                    let alias = store::directory::lookup(self.sql, &[own])?.into_iter().next();
                    match alias.map(|entry| entry.contact).filter(|contact| *contact != id) {
                        Some(other) => id = other,
                        None => {
                            let contact = Contact::new(id, self.now);
                            return Ok(Home::Here(Box::new(Loaded { contact, row: None })));
                        }
                    }
                }
            }
        }
        Err(Error::Loop(contact.clone()))
    }

    /// The contact, if it lives here and is stored.
    ///
    /// # Errors
    /// As [`Turn::find`].
    pub fn existing(&self, contact: &ContactId) -> Result<Option<Loaded>, Error> {
        match self.find(contact)? {
            Home::Here(loaded) if !loaded.is_new() => Ok(Some(*loaded)),
            Home::Here(_) | Home::Elsewhere(_) => Ok(None),
        }
    }

    /// Decides on one input and writes all of the decision. Returns the contact as it now is, and the effects.
    ///
    /// # Errors
    /// When storage fails or the document would be too large; the caller's transaction then undoes the rest.
    pub fn settle(
        &self,
        loaded: Loaded,
        facts: &Facts,
        input: &Input,
    ) -> Result<(Loaded, Vec<Effect>), Error> {
        let in_flight = self.in_flight_of(&loaded.contact)?;
        let with_flights;
        let facts = if in_flight.is_empty() {
            facts
        } else {
            with_flights = Facts {
                in_flight,
                ..facts.clone()
            };
            &with_flights
        };
        let decision = decide(self.catalog, &loaded.contact, facts, input, self.now);
        let loaded = self.write(loaded, &decision)?;
        Ok((loaded, decision.effects))
    }

    /// Messages of the contact that an open dispatch names: their request may be out.
    fn in_flight_of(&self, contact: &Contact) -> Result<Vec<MessageId>, Error> {
        let mut sending = contact
            .enrollments
            .iter()
            .filter(|enrollment| match &enrollment.position {
                Position::Sending(_) => true,
                Position::Waiting { .. } => false,
            });
        if sending.next().is_none() {
            return Ok(Vec::new());
        }
        let members = store::dispatch::all(self.sql)?
            .into_iter()
            .flat_map(|dispatch| dispatch.members);
        Ok(members
            .filter(|message| contact.sending(message).is_some())
            .collect())
    }

    /// Writes a decision, and the contact's new place in the schedule; nothing when nothing changed.
    fn write(&self, before: Loaded, decision: &Decision) -> Result<Loaded, Error> {
        let slot = slot(&decision.contact, self.catalog, self.now);
        let _refused = store::apply(self.sql, before.row.as_ref(), decision, slot.as_ref())?;
        let document = Document::Live(Box::new(decision.contact.clone()));
        let row = store::contact::Loaded {
            document,
            slot,
            failures: 0,
        };
        Ok(Loaded {
            contact: decision.contact.clone(),
            row: Some(row),
        })
    }
}
