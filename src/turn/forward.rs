//! Work that concerns another shard: written with the change that caused it, delivered at least once, applied once.

use super::call::{Answer, Forward, ForwardBody, Ingested, Meaning};
use super::merge::Absorbed;
use super::{Error, Home, Turn};
use crate::domain::identity::IdentifierKind;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;
use crate::engine::decision::Input;
use crate::engine::retry::next_attempt_at;
use crate::engine::state::Facts;
use crate::store;
use crate::store::directory::{self, Claim};

/// Most forwards delivered in one go.
pub const FORWARDS_AT_ONCE: u32 = 50;

/// What became of work that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    Done,
    /// The contact was merged into one of another shard meanwhile.
    Elsewhere(IdentifierHash),
    /// It cannot be done now; the sender keeps it.
    NotYet,
}

/// A piece of work on its way to its contact, which may have moved on.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// What to hand over, to the shard of its `to`.
    pub forward: Forward,
    hops: usize,
}

/// What an answer means for a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Hand it over once more: it goes to another shard now.
    Again,
    Arrived,
    /// Keep it and try again later.
    Kept,
}

/// Most shards asked for one piece of work in one go; the next attempt goes on from the start.
const MAX_HOPS: usize = 4;

impl Delivery {
    pub const fn new(forward: Forward) -> Self {
        Self { forward, hops: 0 }
    }

    /// Reads the answer of the shard it was handed to.
    pub fn answered(&mut self, answer: &Answer) -> Followed {
        match answer.meaning() {
            Meaning::Arrived => Followed::Arrived,
            Meaning::NotNow => Followed::Kept,
            Meaning::Elsewhere(contact) => {
                self.hops += 1;
                // Of an event that was resolved, the contact is what its shard goes by.
                if let ForwardBody::Event(ingest) = &mut self.forward.body {
                    ingest.contact = Some(contact.clone());
                }
                self.forward.to = contact.into();
                if self.hops < MAX_HOPS {
                    Followed::Again
                } else {
                    Followed::Kept
                }
            }
        }
    }
}

impl Turn<'_> {
    /// Writes work for another shard, or for this one, into the durable outbox. The same work twice is one row.
    ///
    /// # Errors
    /// When storage fails.
    pub fn forward(&self, forward: &Forward) -> Result<(), Error> {
        self.forward_at(forward, self.now)
    }

    pub(super) fn forward_at(&self, forward: &Forward, at: Timestamp) -> Result<(), Error> {
        let body = serde_json::to_string(&forward.body)?;
        let kind = match &forward.body {
            ForwardBody::Event(_) => "event",
            ForwardBody::Park(_) => "park",
            ForwardBody::Release(_) => "release",
            ForwardBody::CheckoutTaken(_) => "checkout_taken",
            ForwardBody::Absorb(_) => "absorb",
            ForwardBody::History(_) => "history",
            ForwardBody::Choose { .. } => "choice",
            ForwardBody::Merge { .. } => "merge",
            ForwardBody::Link { .. } => "link",
            ForwardBody::Delivery(_) => "delivery",
            ForwardBody::Referral(_) => "referral",
            ForwardBody::Object(_) => "object",
            ForwardBody::Forget { .. } => "forget",
            ForwardBody::Notice(_) => store::forward::NOTICE,
        };
        let row = store::forward::Forward {
            id: forward.id.clone(),
            target: forward.to.clone(),
            kind: kind.to_owned(),
            body,
            attempts: 0,
            next_at: at,
        };
        Ok(store::forward::put(self.sql, &row)?)
    }

    /// What is to be delivered now.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn due_forwards(&self) -> Result<Vec<(Forward, u32)>, Error> {
        let mut readable = Vec::new();
        for row in store::forward::due(self.sql, self.now, FORWARDS_AT_ONCE)? {
            match serde_json::from_str::<ForwardBody>(&row.body) {
                Ok(body) => readable.push((
                    Forward {
                        id: row.id,
                        to: row.target,
                        body,
                    },
                    row.attempts,
                )),
                Err(error) => self.set_aside(row, &error.to_string())?,
            }
        }
        Ok(readable)
    }

    /// A row that this version cannot read, or that is of no use any more, must not hold up the others.
    pub(super) fn set_aside(&self, row: store::forward::Forward, reason: &str) -> Result<(), Error> {
        let letter = store::dead_letter::DeadLetter {
            id: format!("forward:{}", row.id),
            at: self.now,
            what: "forward".to_owned(),
            reason: reason.to_owned(),
            body: row.body,
        };
        store::dead_letter::put(self.sql, &letter)?;
        Ok(store::forward::done(self.sql, &row.id)?)
    }

    /// Notes what became of a delivery: the row goes, or waits for its next attempt. It is never given up.
    ///
    /// # Errors
    /// When storage fails.
    pub fn delivered(&self, forward: &Forward, attempts: u32, arrived: bool) -> Result<(), Error> {
        if arrived {
            return Ok(store::forward::done(self.sql, &forward.id)?);
        }
        let attempts = attempts.saturating_add(1);
        let at = next_attempt_at(self.now, attempts, None, &forward.id);
        Ok(store::forward::retry(self.sql, &forward.id, attempts, at)?)
    }

    /// Leads an identifier of this shard to a contact.
    fn lead(
        &self,
        hash: &IdentifierHash,
        kind: IdentifierKind,
        from: Option<&ContactId>,
        contact: &ContactId,
    ) -> Result<(), Error> {
        if let Some(from) = from {
            return Ok(directory::repoint(
                self.sql,
                std::slice::from_ref(hash),
                from,
                contact,
            )?);
        }
        self.claim(&[Claim {
            hash: hash.clone(),
            kind,
            contact: contact.clone(),
            closed_at: None,
        }])?;
        Ok(directory::renew(self.sql, hash, contact, self.now)?)
    }

    /// Applies work that arrived. Applying it again changes nothing.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn receive(&self, forward: &Forward) -> Result<Received, Error> {
        match &forward.body {
            ForwardBody::Event(ingest) => match self.ingest(ingest)? {
                Ingested::Elsewhere(contact) => Ok(Received::Elsewhere(IdentifierHash::from(contact))),
                Ingested::Applied
                | Ingested::Duplicate
                | Ingested::Parked
                | Ingested::Ignored
                // The contact was given, so nothing was resolved.
                | Ingested::Same { .. } => Ok(Received::Done),
            },
            ForwardBody::Park(event) => {
                let held = directory::lookup(self.sql, std::slice::from_ref(&forward.to))?;
                match held.first().and_then(directory::Entry::owner) {
                    Some(contact) => self.release(&forward.to, event.as_ref().clone(), contact, None)?,
                    None => {
                        self.park_under(&forward.to, event)?;
                    }
                }
                Ok(Received::Done)
            }
            ForwardBody::Release(release) => {
                self.release_parked(&forward.to, release)?;
                Ok(Received::Done)
            }
            ForwardBody::CheckoutTaken(taken) => {
                match self.find(&forward.to.clone().into())? {
                    Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
                    Home::Here(loaded)
                        if loaded.is_new() || taken.by.as_ref() == Some(&loaded.contact.id) => {}
                    Home::Here(loaded) => {
                        self.settle(*loaded, &Facts::default(), &Input::CheckoutTaken(taken.clone()))?;
                    }
                }
                Ok(Received::Done)
            }
            ForwardBody::Absorb(bundle) => self.take_over(&forward.to, bundle),
            ForwardBody::History(rows) => self.take_rows(&forward.to, rows),
            ForwardBody::Choose {
                message,
                loser,
                choice,
                by,
            } => self.choose_merged(&forward.to, (message, loser), choice, by),
            // Its target follows the loser where that went.
            ForwardBody::Merge { winner, at, .. } => {
                match self.absorb(&forward.to.clone().into(), winner, at.unwrap_or(self.now))? {
                    Absorbed::Done => Ok(Received::Done),
                    Absorbed::Elsewhere(contact) => Ok(Received::Elsewhere(contact.into())),
                    Absorbed::Busy => Ok(Received::NotYet),
                }
            }
            ForwardBody::Link { kind, from, contact } => {
                self.lead(&forward.to, *kind, from.as_ref(), contact)?;
                Ok(Received::Done)
            }
            ForwardBody::Delivery(event) => self.hear_forwarded(&forward.to, event),
            ForwardBody::Referral(referral) => self.credit(&forward.to, referral),
            ForwardBody::Object(objection) => {
                store::suppression::put(self.sql, &forward.to, *objection)?;
                Ok(Received::Done)
            }
            ForwardBody::Forget { person, at } => {
                self.forget(person, *at)?;
                Ok(Received::Done)
            }
            ForwardBody::Notice(_) => self.keep_notice(forward),
        }
    }
}

impl From<Received> for Answer {
    fn from(received: Received) -> Self {
        match received {
            Received::Done => Self::Done,
            Received::Elsewhere(hash) => Self::Ingested(Ingested::Elsewhere(hash.into())),
            Received::NotYet => Self::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures::{contact_id, event};
    use crate::turn::call::Ingest;
    use std::sync::Arc;

    /// In the winner's shard the loser's id would lead back to the shard that buried it, and so on for ever.
    #[test]
    fn an_event_follows_its_contact_into_another_shard() {
        let (loser, winner) = (contact_id("aa"), contact_id("bb"));
        let ingest = Ingest {
            event: Arc::new(event("shopify:1")),
            identifiers: Vec::new(),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            erased_at: None,
            contact: Some(loser.clone()),
            released: true,
            named_at: None,
        };
        let mut delivery = Delivery::new(Forward {
            id: "parked:1".to_owned(),
            to: loser.into(),
            body: ForwardBody::Event(Box::new(ingest)),
        });
        let answer = Answer::from(Received::Elsewhere(winner.clone().into()));
        assert_eq!(delivery.answered(&answer), Followed::Again);
        assert_eq!(delivery.forward.to, IdentifierHash::from(winner.clone()));
        let ForwardBody::Event(ingest) = &delivery.forward.body else {
            panic!("it was an event");
        };
        assert_eq!(ingest.contact, Some(winner));
    }
}
