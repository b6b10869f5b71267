//! Finds the contacts that a request about personal data means: the Worker's side of exports and erasures.
//!
//! A state machine without I/O, as `routing` is: the edge asks over fetch, host tests ask shards in memory. All calls may
//! be repeated, and none of them writes.

use super::call::{Answer, Call, Ingested, Touch};
use super::person::Person;
use super::{Error, Turn, routing};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::privacy::{Kind, Subject};
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use crate::store;
use crate::store::privacy_request::{self, PrivacyRequest};
use std::collections::{BTreeMap, BTreeSet};

/// What the caller must do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask these, all of them, and bring the answers in this order.
    Ask(Vec<(ShardIndex, Call)>),
    /// The people that are meant; none when nobody is known. Whom the request names comes last: as long as they are
    /// there, it finds the others again.
    Done(Vec<Person>),
}

/// Most times a contact is followed to where it went.
const MAX_HOPS: usize = 8;

/// A search on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    subject: Subject,
    /// Hashes of addresses and customer ids: those of the request, and all that whoever was found is known by.
    strong: BTreeSet<IdentifierHash>,
    /// In the order in which they were found.
    people: Vec<Person>,
    hops: usize,
}

impl Search {
    /// Looks for whoever is known by one of these identifiers. Orders, checkouts and carts lead to somebody only where no
    /// address and no customer id does: an order may have gone to another person's address.
    pub fn by_identifiers(settings: &Settings, subject: Subject) -> (Self, Step) {
        let named = subject.identifiers.iter();
        let named: Vec<_> = named.map(|id| (settings.hash(id), id.kind)).collect();
        let strong = named.iter().filter(|(_, kind)| kind.is_strong());
        let search = Self {
            strong: strong.map(|(hash, _)| hash.clone()).collect(),
            subject,
            people: Vec::new(),
            hops: 0,
        };
        (search, Step::Ask(touches(settings, named)))
    }

    /// Looks for who a contact is by now.
    pub fn by_contact(settings: &Settings, contact: ContactId) -> (Self, Step) {
        let search = Self {
            subject: Subject::default(),
            strong: BTreeSet::new(),
            people: Vec::new(),
            hops: 0,
        };
        let step = Step::Ask(search.ask(settings, BTreeSet::from([contact])));
        (search, step)
    }

    /// Goes on with the answers to the last step, in its order.
    ///
    /// # Errors
    /// When a shard answers something else than it was asked, or a contact keeps moving away.
    pub fn answer(&mut self, settings: &Settings, answers: Vec<Answer>) -> Result<Step, routing::Error> {
        let mut rows = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        let mut unasked = Vec::new();
        for answer in answers {
            match answer {
                Answer::Touched { known, .. } => rows.extend(known),
                Answer::Ingested(Ingested::Elsewhere(contact)) => drop(wanted.insert(contact)),
                Answer::Person(person) => {
                    if person.contact.is_none() {
                        return Err(routing::Error::Answer);
                    }
                    // Whoever else is known by what they are known by is the same person: a merge may be under way.
                    for (hash, kind) in &person.identifiers {
                        if kind.is_strong() && self.strong.insert(hash.clone()) {
                            unasked.push((hash.clone(), *kind));
                        }
                    }
                    wanted.extend(person.joining.iter().cloned());
                    self.people.retain(|held| held.contact != person.contact);
                    self.people.push(*person);
                }
                _ => return Err(routing::Error::Answer),
            }
        }
        let is_strong = |hash: &IdentifierHash| self.strong.contains(hash);
        let any_strong = rows.keys().any(is_strong);
        let leading = rows
            .into_iter()
            .filter(|(hash, _)| !any_strong || is_strong(hash));
        wanted.extend(leading.map(|(_, contact)| contact));
        wanted.retain(|contact| {
            !self
                .people
                .iter()
                .any(|held| held.contact.as_ref() == Some(contact))
        });
        let mut calls = self.ask(settings, wanted);
        calls.extend(touches(settings, unasked));
        if calls.is_empty() {
            let people = std::mem::take(&mut self.people);
            return Ok(Step::Done(people.into_iter().rev().collect()));
        }
        self.hops += 1;
        if self.hops > MAX_HOPS {
            return Err(routing::Error::Hops);
        }
        Ok(Step::Ask(calls))
    }

    fn ask(&self, settings: &Settings, contacts: BTreeSet<ContactId>) -> Vec<(ShardIndex, Call)> {
        let calls = contacts.into_iter().map(|contact| {
            let subject = self.subject.clone();
            (
                settings.shards.of_contact(&contact),
                Call::WhoIs { contact, subject },
            )
        });
        calls.collect()
    }
}

/// One call for each shard that holds some of these identifiers; it claims nothing.
fn touches(
    settings: &Settings,
    identifiers: Vec<(IdentifierHash, IdentifierKind)>,
) -> Vec<(ShardIndex, Call)> {
    let mut by_shard: BTreeMap<ShardIndex, Touch> = BTreeMap::new();
    for (hash, kind) in identifiers {
        let touch = by_shard
            .entry(settings.shards.of_identifier(&hash))
            .or_insert_with(|| Touch {
                identifiers: Vec::new(),
                founder: None,
                bought_at: None,
                named_at: None,
            });
        touch.identifiers.push((hash, kind));
    }
    let calls = by_shard
        .into_iter()
        .map(|(shard, touch)| (shard, Call::Touch(touch)));
    calls.collect()
}

/// Under which ids a storefront's request is kept, and for whom: one for each contact that is meant, so that an answer about
/// one of them does not end it for the others; for nobody under the id that would found them.
pub fn notes(
    settings: &Settings,
    id: &str,
    subject: &Subject,
    people: &[Person],
) -> Vec<(String, Option<ContactId>)> {
    let mut contacts: Vec<&ContactId> = people
        .iter()
        .filter_map(|person| person.contact.as_ref())
        .collect();
    contacts.sort();
    match contacts.as_slice() {
        [] => vec![(id.to_owned(), founding_id(settings, subject))],
        [only] => vec![(id.to_owned(), Some(ContactId::clone(only)))],
        several => several
            .iter()
            .map(|contact| (format!("{id}:{contact}"), Some(ContactId::clone(contact))))
            .collect(),
    }
}

/// The id that nobody's request is kept under: that of the contact who would be founded.
fn founding_id(settings: &Settings, subject: &Subject) -> Option<ContactId> {
    let mut strong = subject.identifiers.iter().filter(|id| id.kind.is_strong());
    let first: Option<&Identifier> = strong.next();
    first.map(|identifier| ContactId::from(settings.hash(identifier)))
}

impl Turn<'_> {
    /// What was asked for these people is done. An id that one of them may have been founded under may be somebody else's:
    /// what that one asked stays open.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn end_privacy_requests(&self, people: &[Person]) -> Result<(), Error> {
        for person in people {
            for contact in &person.contacts {
                if !self.is_other(person, contact)? {
                    privacy_request::done(self.sql, contact, self.now)?;
                }
            }
        }
        Ok(())
    }

    /// Whether somebody else lives here under this id.
    fn is_other(&self, person: &Person, contact: &ContactId) -> Result<bool, Error> {
        let found = match self.existing(contact) {
            Ok(found) => found,
            // Whoever it is, they have what can be read.
            Err(Error::Store(store::Error::Corrupt { .. })) => None,
            Err(error) => return Err(error),
        };
        Ok(found.is_some_and(|loaded| {
            let found = &loaded.contact.id;
            person.contact.as_ref() != Some(found) && !person.joining.contains(found)
        }))
    }

    /// Keeps what a storefront asked until operators have done it. The same request again writes nothing.
    ///
    /// # Errors
    /// When storage fails.
    pub fn note_privacy_request(
        &self,
        id: String,
        kind: Kind,
        contact: Option<ContactId>,
    ) -> Result<(), Error> {
        let request = PrivacyRequest {
            id,
            at: self.now,
            kind,
            contact,
            done_at: None,
        };
        Ok(privacy_request::put(self.sql, &request)?)
    }
}
