//! Finds the contacts that a request about personal data means: the Worker's side of exports and erasures.
//!
//! A state machine without I/O, as `routing` is: the edge asks over fetch, host tests ask shards in memory. All calls may
//! be repeated, and none of them writes.

use super::call::{Answer, Call, Ingested, Touch};
use super::person::Person;
use super::{Error, Turn, routing};
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::privacy::{Kind, Subject};
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use crate::store::privacy_request::{self, PrivacyRequest};
use std::collections::{BTreeMap, BTreeSet};

/// What the caller must do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask these, all of them, and bring the answers in this order.
    Ask(Vec<(ShardIndex, Call)>),
    /// The people that are meant; none when nobody is known.
    Done(Vec<Person>),
}

/// Most times a contact is followed to where it went.
const MAX_HOPS: usize = 8;

/// A search on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    subject: Subject,
    /// Hashes of addresses and customer ids.
    strong: BTreeSet<IdentifierHash>,
    people: BTreeMap<ContactId, Person>,
    hops: usize,
}

impl Search {
    /// Looks for whoever is known by one of these identifiers. Orders, checkouts and carts lead to somebody only where no
    /// address and no customer id does: an order may have gone to another person's address.
    pub fn by_identifiers(settings: &Settings, subject: Subject) -> (Self, Step) {
        let mut by_shard: BTreeMap<ShardIndex, Touch> = BTreeMap::new();
        let mut strong = BTreeSet::new();
        for identifier in &subject.identifiers {
            let hash = settings.hash(identifier);
            let touch = by_shard
                .entry(settings.shards.of_identifier(&hash))
                .or_insert_with(|| Touch {
                    identifiers: Vec::new(),
                    founder: None,
                    bought_at: None,
                });
            if identifier.kind.is_strong() {
                strong.insert(hash.clone());
            }
            touch.identifiers.push((hash, identifier.kind));
        }
        let calls = by_shard
            .into_iter()
            .map(|(shard, touch)| (shard, Call::Touch(touch)));
        let search = Self {
            subject,
            strong,
            people: BTreeMap::new(),
            hops: 0,
        };
        (search, Step::Ask(calls.collect()))
    }

    /// Looks for who a contact is by now.
    pub fn by_contact(settings: &Settings, contact: ContactId) -> (Self, Step) {
        let search = Self {
            subject: Subject::default(),
            strong: BTreeSet::new(),
            people: BTreeMap::new(),
            hops: 0,
        };
        let step = search.ask(settings, BTreeSet::from([contact]));
        (search, step)
    }

    /// Goes on with the answers to the last step, in its order.
    ///
    /// # Errors
    /// When a shard answers something else than it was asked, or a contact keeps moving away.
    pub fn answer(&mut self, settings: &Settings, answers: Vec<Answer>) -> Result<Step, routing::Error> {
        let mut rows = BTreeMap::new();
        let mut wanted = BTreeSet::new();
        for answer in answers {
            match answer {
                Answer::Touched { known, .. } => rows.extend(known),
                Answer::Ingested(Ingested::Elsewhere(contact)) => drop(wanted.insert(contact)),
                Answer::Person(person) => {
                    let Some(contact) = person.contact.clone() else {
                        return Err(routing::Error::Answer);
                    };
                    self.people.insert(contact, *person);
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
        wanted.retain(|contact| !self.people.contains_key(contact));
        if wanted.is_empty() {
            let people = std::mem::take(&mut self.people);
            return Ok(Step::Done(people.into_values().collect()));
        }
        self.hops += 1;
        if self.hops > MAX_HOPS {
            return Err(routing::Error::Hops);
        }
        Ok(self.ask(settings, wanted))
    }

    fn ask(&self, settings: &Settings, contacts: BTreeSet<ContactId>) -> Step {
        let calls = contacts.into_iter().map(|contact| {
            let subject = self.subject.clone();
            (
                settings.shards.of_contact(&contact),
                Call::WhoIs { contact, subject },
            )
        });
        Step::Ask(calls.collect())
    }
}

/// The id that nobody's request is kept under: that of the contact who would be founded.
pub fn founding_id(settings: &Settings, subject: &Subject) -> Option<ContactId> {
    let mut strong = subject.identifiers.iter().filter(|id| id.kind.is_strong());
    let first: Option<&Identifier> = strong.next();
    first.map(|identifier| ContactId::from(settings.hash(identifier)))
}

impl Turn<'_> {
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
