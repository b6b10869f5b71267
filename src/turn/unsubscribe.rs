//! Somebody takes back their consent by a link in a mail.

use super::call::{Forward, ForwardBody};
use super::forward::Received;
use super::{Error, Home, Loaded, Turn, merge};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, IdentifierHash, MessageId, SourceName};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::Input;
use crate::store;
use std::sync::Arc;

/// A second click within this is the same withdrawal.
const REPEATED: Delay = Delay::from_hours(1);

impl Turn<'_> {
    /// Unsubscribes every address of the contact a message went to: which of them the mail reached does not matter to
    /// somebody who wants no more of it. Returns whether the message is known. Doing it again writes nothing.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn unsubscribe(&self, message: &MessageId) -> Result<bool, Error> {
        let Some(stored) = store::message::get(self.sql, message)? else {
            return Ok(false);
        };
        match self.find(&stored.contact)? {
            Home::Here(loaded) if loaded.is_new() => Ok(false),
            Home::Here(loaded) if loaded.contact.id == stored.contact => {
                self.withdraw_all(*loaded, message).map(|()| true)
            }
            Home::Here(loaded) => self.pass_on(loaded.contact.id, message, stored.contact),
            Home::Elsewhere(contact) => self.pass_on(contact, message, stored.contact),
        }
    }

    /// The contact was merged: its addresses may still be on their way to the one that is left, and the click waits for
    /// them.
    pub(super) fn pass_on(
        &self,
        to: ContactId,
        message: &MessageId,
        loser: ContactId,
    ) -> Result<bool, Error> {
        self.forward(&Forward {
            id: format!("unsubscribe:{message}"),
            to: to.into(),
            body: ForwardBody::Unsubscribe {
                message: message.clone(),
                loser,
            },
        })?;
        Ok(true)
    }

    /// A click on a link whose contact was merged into one of this shard's.
    pub(super) fn unsubscribe_merged(
        &self,
        to: &IdentifierHash,
        message: &MessageId,
        loser: &ContactId,
    ) -> Result<Received, Error> {
        let loaded = match self.find(&to.clone().into())? {
            Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) => *loaded,
        };
        if loaded.is_erased() {
            return Ok(Received::Done);
        }
        if !store::event::seen(self.sql, &loaded.contact.id, &merge::marker_id(loser)?)? {
            return Ok(Received::NotYet);
        }
        self.withdraw_all(loaded, message)?;
        Ok(Received::Done)
    }

    pub(super) fn withdraw_all(&self, mut loaded: Loaded, message: &MessageId) -> Result<(), Error> {
        let subscribed: Vec<EmailAddress> = loaded
            .contact
            .addresses
            .iter()
            .filter(|address| {
                // A no repeated within the hour says nothing new; a later one outlasts a yes between the two.
                let said_at = address.consent.evidence.as_ref().map(|(signal, _)| signal.at);
                match address.consent.state {
                    ConsentState::Suppressed => false,
                    ConsentState::Unsubscribed => said_at.is_none_or(|at| self.now.since(at) > REPEATED),
                    ConsentState::Unknown | ConsentState::Pending | ConsentState::Subscribed => true,
                }
            })
            .map(|address| address.email.clone())
            .collect();
        for (at, email) in subscribed.into_iter().enumerate() {
            let event = self.withdrawal(message, &email, at)?;
            let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
            (loaded, _) = self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        }
        Ok(())
    }

    fn withdrawal(&self, message: &MessageId, email: &EmailAddress, at: usize) -> Result<Event, Error> {
        let id = format!("unsubscribe:{message}:{}:{at}", self.now.as_millis());
        let signal = ConsentSignal {
            state: ConsentState::Unsubscribed,
            grade: ConsentGrade::Explicit,
            at: self.now,
            method: Some("link".to_owned()),
            text: None,
            ip: None,
            agent: None,
            actor: Some("contact".to_owned()),
        };
        let event = own_event(EventId::parse(&id)?, EventKind::Unsubscribed, self.now);
        Ok(Event {
            email: Some(email.clone()),
            consent: Some(signal),
            ..event
        })
    }
}

/// An event of our own making.
pub(super) fn own_event(id: EventId, kind: EventKind, now: Timestamp) -> Event {
    Event::new(id, kind, SourceName::built_in("wend"), now, now)
}
