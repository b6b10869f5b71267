//! Somebody takes back their consent by a link in a mail.

use super::{Error, Home, Turn};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::ids::{ContactId, EventId, MessageId, SourceName};
use crate::domain::time::Timestamp;
use crate::engine::decision::Input;
use crate::store;

/// What came of a withdrawal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsubscribed {
    Done,
    /// The message is not known.
    Unknown,
    /// The contact was merged into one of another shard: ask there, naming it.
    Elsewhere(ContactId),
}

impl Turn<'_> {
    /// Unsubscribes every address of the contact a message went to: which of them the mail reached does not matter to
    /// somebody who wants no more of it. Doing it again writes nothing.
    ///
    /// `contact` is what the message's own shard answered when the contact had moved: the ledger row stays behind.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn unsubscribe(
        &self,
        message: &MessageId,
        contact: Option<&ContactId>,
    ) -> Result<Unsubscribed, Error> {
        let contact = match contact {
            Some(contact) => contact.clone(),
            None => match store::message::get(self.sql, message)? {
                Some(stored) => stored.contact,
                None => return Ok(Unsubscribed::Unknown),
            },
        };
        let mut loaded = match self.find(&contact)? {
            Home::Elsewhere(contact) => return Ok(Unsubscribed::Elsewhere(contact)),
            Home::Here(loaded) if loaded.is_new() => return Ok(Unsubscribed::Unknown),
            Home::Here(loaded) => *loaded,
        };
        let subscribed: Vec<EmailAddress> = loaded
            .contact
            .addresses
            .iter()
            .filter(|address| {
                !matches!(
                    address.consent.state,
                    ConsentState::Unsubscribed | ConsentState::Suppressed
                )
            })
            .map(|address| address.email.clone())
            .collect();
        for (at, email) in subscribed.into_iter().enumerate() {
            let event = self.withdrawal(message, &email, at)?;
            let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
            (loaded, _) = self.settle(loaded, &facts, &Input::Event(Box::new(event)))?;
        }
        Ok(Unsubscribed::Done)
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
    Event {
        id,
        kind,
        source: SourceName::built_in("wend"),
        occurred_at: now,
        received_at: now,
        starts_at: None,
        test: false,
        identifiers: Vec::new(),
        email: None,
        profile: Profile::default(),
        consent: None,
        data: EventData::default(),
    }
}
