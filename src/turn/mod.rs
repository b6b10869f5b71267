//! Storage turns: what a shard does between two awaits. Read rows, decide, write everything, answer.
//!
//! Called by `edge` inside a transaction, and by host tests and simulations on rusqlite: this is the same code. All of
//! it is synchronous; the clock, the settings and facts from other shards are arguments. It makes no request.

pub mod alarm;
pub mod answer;
pub mod backlog;
pub mod baton;
pub mod bought;
pub mod call;
pub mod catalogue;
pub mod choice;
pub mod claim;
mod compose;
pub mod convoy;
pub mod erase;
pub mod errand;
mod error;
pub mod feedback;
pub mod forward;
pub mod hold;
pub mod ingest;
pub mod install;
pub mod interest;
pub mod lesson;
pub mod logbook;
pub mod merge;
pub mod notice;
mod objection;
pub mod offers;
pub mod outcome;
pub mod overview;
pub mod person;
pub mod privacy;
mod referral;
pub mod refused;
mod release;
pub mod reported;
pub mod routing;
pub mod schedule;
pub mod seen;
mod serve;
pub mod sweep;
mod switches;
mod throttle;
pub mod unsubscribe;
mod view;
pub mod wake;

pub use error::Error;

use crate::domain::email::EmailAddress;
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, IdentifierHash, MessageId};
use crate::domain::shard::ShardIndex;
use crate::domain::switches::Switches;
use crate::domain::time::Timestamp;
use crate::engine::bounds::fit;
use crate::engine::decide::decide;
use crate::engine::decision::{Decision, Effect, Input, Remark};
use crate::engine::schedule::slot;
use crate::engine::state::{Contact, Counted, Document, Enrollment, Facts, MAX_DOCUMENT_BYTES, Position};
use crate::journey::catalog::Catalog;
use crate::settings::Settings;
use crate::store::facts::MAX_ENDED_READ;
use crate::store::{self, Sql};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// One turn of one shard.
pub struct Turn<'a> {
    pub sql: &'a dyn Sql,
    pub catalog: &'a Catalog,
    pub settings: &'a Settings,
    /// What was switched; `catalog` has its paused journeys paused.
    pub switches: &'a Switches,
    pub me: ShardIndex,
    pub now: Timestamp,
    /// Public address of the Worker, for links.
    pub origin: &'a str,
    /// What was odd and survived. The caller logs it once the turn has committed.
    pub remarks: RefCell<Vec<Remark>>,
}

/// A live contact, with its row as it was read: a save compares with it.
pub struct Loaded {
    pub contact: Contact,
    /// None for a contact that is not stored yet. Of one who was erased, the tombstone.
    pub row: Option<store::contact::Loaded>,
}

impl Loaded {
    /// Whether the contact is not stored yet, or not any more.
    pub fn is_new(&self) -> bool {
        self.row.as_ref().is_none_or(|row| match row.document {
            Document::Live(_) => false,
            Document::Moved { .. } | Document::Erased { .. } => true,
        })
    }

    /// Whether what is stored is the tombstone of an erasure.
    pub fn is_erased(&self) -> bool {
        self.is_new() && self.contact.erased_at.is_some()
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
        let moves = if planted!(MergedIsACircle) { 1 } else { MAX_MOVES };
        for _ in 0..moves {
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
                    // The address may be somebody else's by now.
                    Document::Erased { at } => match self.alias(&id)? {
                        Some(other) => id = other,
                        None => {
                            let mut contact = Contact::new(id, self.now);
                            contact.erased_at = Some(*at);
                            let row = Some(row);
                            return Ok(Home::Here(Box::new(Loaded { contact, row })));
                        }
                    },
                },
                None => match self.alias(&id)? {
                    Some(other) => id = other,
                    None => {
                        let contact = Contact::new(id, self.now);
                        return Ok(Home::Here(Box::new(Loaded { contact, row: None })));
                    }
                },
            }
        }
        Err(Error::Loop(contact.clone()))
    }

    /// Whom the identifier of that founding id leads to, where that is somebody else.
    fn alias(&self, id: &ContactId) -> Result<Option<ContactId>, Error> {
        let own = IdentifierHash::from(id.clone());
        let row = store::directory::lookup(self.sql, &[own])?.into_iter().next();
        Ok(row.map(|entry| entry.contact).filter(|contact| contact != id))
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
        let mut contact = loaded.contact.clone();
        match input {
            Input::Event(_)
            | Input::Overtaken { .. }
            | Input::Wake
            | Input::Errand { .. }
            | Input::CheckoutTaken(_)
            | Input::Sweep { .. } => self.mark_in_flight(&mut contact)?,
            // These come from the dispatch itself, or from a turn that has asked.
            Input::Settled { .. }
            | Input::Deferred { .. }
            | Input::Held { .. }
            | Input::Known { .. }
            | Input::Dispatched { .. }
            | Input::Resend { .. } => {}
        }
        let facts = self.complete(&contact.id, facts, input)?;
        let decision = decide(self.catalog, &contact, &facts, input, self.now);
        let effects = decision.effects.clone();
        let loaded = self.write(loaded, decision)?;
        Ok((loaded, effects))
    }

    /// Times of the events that conditions count; nothing is read where none are.
    fn counted(&self, contact: &ContactId) -> Result<Counted, Error> {
        if self.catalog.counted.is_empty() {
            return Ok(Counted::new());
        }
        Ok(store::event::counted(
            self.sql,
            contact,
            &self.catalog.counted,
            self.now,
        )?)
    }

    /// Adds what conditions and starts without an event must know, where the journeys ask for any of it.
    fn complete<'f>(
        &self,
        contact: &ContactId,
        facts: &'f Facts,
        input: &Input,
    ) -> Result<Cow<'f, Facts>, Error> {
        let mut facts = Cow::Borrowed(facts);
        if !self.catalog.counted.is_empty() {
            facts.to_mut().counted = self.counted(contact)?;
        }
        let has_past = matches!(input, Input::Event(_));
        if !has_past && self.catalog.starts_without_event() {
            facts.to_mut().ended = store::enrollment::list(self.sql, contact, MAX_ENDED_READ)?;
        }
        Ok(facts)
    }

    /// A claim writes no row of the contact, so its open dispatches say which of its messages are out: those can
    /// neither be taken back nor be claimed again.
    fn mark_in_flight(&self, contact: &mut Contact) -> Result<(), Error> {
        // Whether it is due by this call's clock does not matter: another call's may be ahead.
        let undispatched = |enrollment: &Enrollment| match &enrollment.position {
            Position::Sending(sending) => !sending.dispatched,
            Position::Waiting { .. } | Position::Asking(_) => false,
        };
        if !contact.enrollments.iter().any(undispatched) {
            return Ok(());
        }
        let out = self.in_dispatches(contact.enrollments.iter().filter_map(message_of))?;
        for enrollment in &mut contact.enrollments {
            match &mut enrollment.position {
                Position::Sending(sending) if out.contains(&sending.message) => sending.dispatched = true,
                Position::Sending(_) | Position::Waiting { .. } | Position::Asking(_) => {}
            }
        }
        Ok(())
    }

    /// Those of these messages whose request is written down and has no outcome yet.
    fn in_dispatches<'m>(
        &self,
        messages: impl Iterator<Item = &'m MessageId>,
    ) -> Result<BTreeSet<MessageId>, Error> {
        let messages: Vec<&MessageId> = messages.collect();
        Ok(store::dispatch::open_members(self.sql, &messages)?)
    }

    /// Writes a decision, and the contact's new place in the schedule; nothing when nothing changed.
    fn write(&self, before: Loaded, mut decision: Decision) -> Result<Loaded, Error> {
        let slot = slot(&decision.contact, self.catalog, self.now);
        let hash = |email: &EmailAddress| self.hash(&Identifier::email(email));
        let apply =
            |decision: &Decision| store::apply(self.sql, before.row.as_ref(), decision, slot.as_ref(), &hash);
        let applied = match apply(&decision) {
            // Nothing was written yet. A document that never fits would make every webhook of the person fail.
            Err(store::Error::TooLarge { .. }) if fit(&mut decision.contact, MAX_DOCUMENT_BYTES) => {
                let contact = decision.contact.id.clone();
                decision.remarks.push(Remark::DocumentCut { contact });
                apply(&decision)?
            }
            applied => applied?,
        };
        let mut remarks = self.remarks.borrow_mut();
        remarks.extend(decision.remarks);
        remarks.extend(
            applied
                .refused
                .into_iter()
                .map(|message| Remark::OutcomeRefused { message }),
        );
        let contact = decision.contact;
        let document = Document::Live(Box::new(contact.clone()));
        let row = store::contact::Loaded {
            document,
            slot,
            failures: 0,
        };
        Ok(Loaded {
            contact,
            row: Some(row),
        })
    }
}

fn message_of(enrollment: &Enrollment) -> Option<&MessageId> {
    match &enrollment.position {
        Position::Sending(sending) => Some(&sending.message),
        Position::Waiting { .. } | Position::Asking(_) => None,
    }
}
