//! Erases a person: in one turn of the contact's shard all that is personal goes, and every other shard is told to
//! forget them, durably. What stays is a tombstone for 90 days and, for each address, its keyed hash.
//!
//! A request that is out cannot be recalled; its answer finds nothing to settle. One to several people keeps its bytes
//! until its fate is known, since those must not change; its member of this person is nobody's any more.

use super::call::{Answer, Forward, ForwardBody, Ingested};
use super::person::Person;
use super::{Error, Home, Turn};
use crate::domain::consent::ConsentState;
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::objection::{Ground, Objection};
use crate::domain::privacy::Subject;
use crate::domain::time::Timestamp;
use crate::engine::state::{Contact, Document};
use crate::store::personal::TABLES;
use crate::store::{self, suppression};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What an erasure came to in the shard that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Erased {
    /// Rows that went, by table; empty when there was nothing (any more).
    pub rows: BTreeMap<String, usize>,
    /// Addresses of which the keyed hash stays.
    pub objections: usize,
    /// Requests to a provider that were out, and cannot be recalled.
    pub in_flight: usize,
}

impl Erased {
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        for (table, rows) in other.rows {
            *self.rows.entry(table).or_default() += rows;
        }
        self.objections += other.objections;
        self.in_flight += other.in_flight;
        self
    }
}

impl Turn<'_> {
    /// Erases a contact of this shard. Doing it again writes nothing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn erase(&self, contact: &ContactId, subject: &Subject) -> Result<Answer, Error> {
        let (id, document) = match self.find(contact) {
            Ok(Home::Elsewhere(contact)) => return Ok(Answer::Ingested(Ingested::Elsewhere(contact))),
            Ok(Home::Here(loaded)) if loaded.is_erased() => return Ok(Answer::Erased(Erased::default())),
            // Nobody, and no identifier led here.
            Ok(Home::Here(loaded)) if loaded.is_new() && subject.identifiers.is_empty() => {
                return Ok(Answer::Erased(Erased::default()));
            }
            Ok(Home::Here(loaded)) => (loaded.contact.id.clone(), Some(loaded.contact)),
            // Somebody whose document cannot be read has the same rights.
            Err(Error::Store(store::Error::Corrupt { .. })) => (contact.clone(), None),
            Err(error) => return Err(error),
        };
        let mut person = self.person(&id, document.as_ref(), subject)?;
        person.objections = self.what_stays(&person, document.as_ref())?;
        let in_flight = usize::from(store::dispatch::holds_contact(self.sql, &id)?);
        store::contact::erase(self.sql, &id, self.now)?;
        store::forward::take_back_links(self.sql, &id)?;
        let mut rows = self.forget_everywhere(&person)?;
        rows.insert("contact".to_owned(), 1);
        Ok(Answer::Erased(Erased {
            rows,
            objections: person.objections.len(),
            in_flight,
        }))
    }

    /// Erases somebody who was merged into a contact that was erased before they arrived.
    pub(super) fn erase_merged(&self, loser: &Contact) -> Result<(), Error> {
        let mut person = self.person(&loser.id, Some(loser), &Subject::default())?;
        person.objections = self.what_stays(&person, Some(loser))?;
        self.forget_everywhere(&person)?;
        Ok(())
    }

    fn forget_everywhere(&self, person: &Person) -> Result<BTreeMap<String, usize>, Error> {
        let rows = self.forget(person, self.now)?;
        // Its contact may come back, here: whatever its address does until the address's own shard has heard.
        for (hash, objection) in &person.objections {
            suppression::put(self.sql, hash, *objection)?;
        }
        let name = person.contact.as_ref().map_or("", ContactId::as_str);
        for shard in self.settings.shards.all().filter(|shard| *shard != self.me) {
            self.forward(&Forward {
                id: format!("forget:{name}:{}:{shard}", self.now.as_millis()),
                to: shard.any_hash(),
                body: ForwardBody::Forget {
                    person: Box::new(person.clone()),
                    at: self.now,
                },
            })?;
        }
        Ok(rows)
    }

    /// Takes away what this shard holds of somebody who was erased at `at`, and leaves what keeps them erased. Writes
    /// nothing where nothing is left.
    ///
    /// # Errors
    /// When storage fails.
    pub fn forget(&self, person: &Person, at: Timestamp) -> Result<BTreeMap<String, usize>, Error> {
        let keys = self.keys(person, at)?;
        let mut rows = BTreeMap::new();
        for table in &TABLES {
            if let Some(gone) = table.forget(self.sql, &keys)?.filter(|gone| *gone > 0) {
                rows.insert(table.name.to_owned(), gone);
            }
        }
        // Only somebody who was known leaves a tombstone.
        for id in keys.contacts.iter().filter(|_| person.contact.is_some()) {
            let held = store::contact::load(self.sql, id)?;
            let is_erased = held.is_some_and(|row| matches!(row.document, Document::Erased { .. }));
            if !is_erased {
                store::contact::erase(self.sql, id, at)?;
            }
        }
        for (hash, objection) in person.objections.iter().filter(|(hash, _)| self.holds(hash)) {
            suppression::put(self.sql, hash, *objection)?;
        }
        Ok(rows)
    }

    /// What is kept of each address: that it is dead, or that its person was erased.
    fn what_stays(
        &self,
        person: &Person,
        document: Option<&Contact>,
    ) -> Result<Vec<(IdentifierHash, Objection)>, Error> {
        if planted!(ErasureKeepsNothing) {
            return Ok(Vec::new());
        }
        let erased = Objection {
            ground: Ground::Erased,
            at: self.now,
        };
        let mut kept = Vec::new();
        for hash in person.emails() {
            let held = suppression::get(self.sql, hash)?.unwrap_or(erased);
            kept.push((hash.clone(), held.stricter(erased)));
        }
        // A dead address is one by its consent as well: its row may be older than this list.
        let addresses = document.into_iter().flat_map(|contact| &contact.addresses);
        for address in addresses.filter(|held| held.consent.state == ConsentState::Suppressed) {
            let hash = self.hash(&Identifier::email(&address.email));
            let cause = address
                .health
                .ended()
                .map_or(Ground::Provider, |cause| cause.ground());
            let dead = Objection {
                ground: cause,
                at: self.now,
            };
            if let Some((_, objection)) = kept.iter_mut().find(|(held, _)| *held == hash) {
                *objection = objection.stricter(dead);
            }
        }
        Ok(kept)
    }
}
