//! Everything a person is known by, and what a shard holds of them: for exports and erasures.
//!
//! The contact's own shard says who the person is; every shard then says what it holds. `store::personal` lists the tables.

use super::call::{Answer, ForwardBody, Ingested};
use super::{Error, Home, Turn};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, IdentifierHash, MessageId};
use crate::domain::objection::Objection;
use crate::domain::privacy::Subject;
use crate::domain::time::Timestamp;
use crate::engine::state::{Contact, Document};
use crate::store;
use crate::store::personal::{self, Keys, MAX_ROWS_HELD, TABLES};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A person, as every shard can look for them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Person {
    /// The one that lives; none when nobody is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// It, those that were merged into it, and every id that it might have been founded under.
    pub contacts: BTreeSet<ContactId>,
    pub identifiers: BTreeMap<IdentifierHash, IdentifierKind>,
    /// Contacts that turned out to be the same person, and could not be merged yet.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub joining: BTreeSet<ContactId>,
    /// In their canonical form.
    pub addresses: BTreeSet<String>,
    /// What stays of the addresses after an erasure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<(IdentifierHash, Objection)>,
}

/// Who a contact is.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    Person(Box<Person>),
    Elsewhere(ContactId),
}

impl From<Known> for Answer {
    fn from(known: Known) -> Self {
        match known {
            Known::Person(person) => Self::Person(person),
            Known::Elsewhere(contact) => Self::Ingested(Ingested::Elsewhere(contact)),
        }
    }
}

/// Rows of a shard by table; of a table with too many, as many as an export holds.
pub type Held = BTreeMap<String, Vec<Value>>;

impl Person {
    /// Who is meant by these identifiers, whether or not there is a contact.
    pub fn named(subject: &Subject, hash: impl Fn(&Identifier) -> IdentifierHash) -> Self {
        let mut person = Self::default();
        person.add(&subject.identifiers, hash);
        person
    }

    fn add<'i>(
        &mut self,
        identifiers: impl IntoIterator<Item = &'i Identifier>,
        hash: impl Fn(&Identifier) -> IdentifierHash,
    ) {
        for identifier in identifiers {
            let hash = hash(identifier);
            if identifier.kind == IdentifierKind::Email {
                self.addresses.insert(identifier.value.clone());
            }
            self.identifiers.insert(hash, identifier.kind);
        }
    }

    /// The hashes of the addresses.
    pub fn emails(&self) -> impl Iterator<Item = &IdentifierHash> {
        let emails = self.identifiers.iter();
        let emails = emails.filter(|(_, kind)| **kind == IdentifierKind::Email);
        emails.map(|(hash, _)| hash)
    }
}

impl Turn<'_> {
    /// Who a contact is, by its document, its history and what `subject` says of them.
    ///
    /// # Errors
    /// When storage fails.
    pub fn who_is(&self, contact: &ContactId, subject: &Subject) -> Result<Known, Error> {
        Ok(match self.find(contact) {
            Ok(Home::Elsewhere(contact)) => Known::Elsewhere(contact),
            Ok(Home::Here(loaded)) => {
                let id = loaded.contact.id.clone();
                Known::Person(Box::new(self.person(&id, Some(&loaded.contact), subject)?))
            }
            // Somebody whose document cannot be read has the same rights.
            Err(Error::Store(store::Error::Corrupt { .. })) => {
                Known::Person(Box::new(self.person(contact, None, subject)?))
            }
            Err(error) => return Err(error),
        })
    }

    pub(super) fn person(
        &self,
        id: &ContactId,
        document: Option<&Contact>,
        subject: &Subject,
    ) -> Result<Person, Error> {
        let hash = |identifier: &Identifier| self.hash(identifier);
        let mut person = Person::named(subject, hash);
        person.add(&personal::identifiers(self.sql, id)?, hash);
        if let Some(contact) = document {
            person.add(&contact.identifiers, hash);
            let addresses = contact.addresses.iter();
            let addresses: Vec<Identifier> = addresses
                .map(|address| Identifier::email(&address.email))
                .collect();
            person.add(&addresses, hash);
        }
        // Whoever founded it is an identifier that it may not remember.
        let founder = IdentifierHash::from(id.clone());
        person
            .identifiers
            .entry(founder)
            .or_insert(IdentifierKind::Customer);
        person.contact = Some(id.clone());
        person.contacts.insert(id.clone());
        person.contacts.extend(personal::merged(self.sql, id)?);
        let strong = person.identifiers.iter().filter(|(_, kind)| kind.is_strong());
        let founding: Vec<ContactId> = strong.map(|(hash, _)| ContactId::from(hash.clone())).collect();
        person.contacts.extend(founding);
        person.joining = self.joining(id)?;
        Ok(person)
    }

    /// Contacts with which a merge of this one waits (`turn::merge`).
    fn joining(&self, id: &ContactId) -> Result<BTreeSet<ContactId>, Error> {
        let mut joining = BTreeSet::new();
        for body in store::forward::merges_of(self.sql, id)? {
            if let ForwardBody::Merge { loser, winner, .. } = serde_json::from_str(&body)? {
                joining.extend([loser, winner]);
            }
        }
        joining.remove(id);
        Ok(joining)
    }

    /// What this shard holds of a person, for an export. Writes nothing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn held(&self, person: &Person) -> Result<Held, Error> {
        let keys = self.keys(person, self.now)?;
        let mut held = Held::new();
        for table in &TABLES {
            let rows = table.rows(self.sql, &keys)?;
            if !rows.is_empty() {
                held.insert(table.name.to_owned(), rows);
            }
        }
        Ok(held)
    }

    /// The keys of a person that concern this shard: without those that are somebody else's by now.
    pub(super) fn keys(&self, person: &Person, before: Timestamp) -> Result<Keys, Error> {
        let mut contacts = Vec::new();
        for id in &person.contacts {
            let is_here = self.settings.shards.of_contact(id) == self.me;
            // An address may have founded somebody else, before anybody knew whose it is.
            if is_here && (person.contact.as_ref() == Some(id) || !self.lives(id)?) {
                contacts.push(id.clone());
            }
        }
        let mine = |hash: &&IdentifierHash| self.holds(hash);
        let identifiers: Vec<IdentifierHash> = person.identifiers.keys().filter(mine).cloned().collect();
        let all: Vec<ContactId> = person.contacts.iter().cloned().collect();
        let others = personal::of_others(self.sql, &identifiers, &all, before)?;
        let identifiers: Vec<IdentifierHash> = identifiers
            .into_iter()
            .filter(|hash| !others.contains(hash))
            .collect();
        let quoted = person.addresses.iter().map(|address| format!("\"{address}\""));
        let beginnings = person.contacts.iter().filter_map(|id| {
            let beginning = id.as_str().get(..MessageId::CONTACT_BITS);
            beginning.map(str::to_owned)
        });
        let hashes = identifiers.iter().map(|hash| hash.as_str().to_owned());
        let words = quoted.chain(beginnings).chain(hashes).collect();
        Ok(Keys {
            contacts,
            identifiers,
            words,
        })
    }

    /// Whether somebody lives under this id here.
    fn lives(&self, id: &ContactId) -> Result<bool, Error> {
        Ok(match store::contact::load(self.sql, id) {
            Ok(Some(row)) => matches!(row.document, Document::Live(_)),
            Ok(None) => false,
            // Nobody knows who that is: not ours to take.
            Err(store::Error::Corrupt { .. }) => true,
            Err(error) => return Err(error.into()),
        })
    }
}

/// Joins what the shards hold, and names the tables of which there is more.
pub fn join(parts: Vec<Held>) -> (Held, Vec<String>) {
    let mut all = Held::new();
    for part in parts {
        for (table, rows) in part {
            all.entry(table).or_default().extend(rows);
        }
    }
    let most = usize::try_from(MAX_ROWS_HELD).unwrap_or(usize::MAX);
    let cut = all.iter().filter(|(_, rows)| rows.len() > most);
    let cut = cut.map(|(table, _)| table.clone()).collect();
    (all, cut)
}
