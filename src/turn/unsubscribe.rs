//! Somebody takes back their consent by a link in a mail.

use super::choice::By;
use super::{Error, Loaded, Turn};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::time::{Delay, FUTURE_TOLERANCE, Timestamp};
use crate::engine::decision::Input;
use crate::store;
use std::sync::Arc;

/// A second click within this is the same withdrawal.
const REPEATED: Delay = Delay::from_hours(1);

impl Turn<'_> {
    /// Unsubscribes every address of a contact: which of them a mail reached does not matter to somebody who wants no more
    /// of it. Doing it again writes nothing.
    pub(super) fn withdraw_all(&self, mut loaded: Loaded, message: &MessageId, by: &By) -> Result<(), Error> {
        let click = by.at.unwrap_or(self.now);
        let subscribed: Vec<(EmailAddress, Timestamp)> = loaded
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
            .map(|address| {
                let held = address.consent.evidence.as_ref().map(|(signal, _)| signal.at);
                (address.email.clone(), after(click, held))
            })
            .collect();
        for (number, (email, at)) in subscribed.into_iter().enumerate() {
            let event = self.withdrawal(message, (&email, number), at, by)?;
            let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
            (loaded, _) = self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        }
        Ok(())
    }

    fn withdrawal(
        &self,
        message: &MessageId,
        (email, number): (&EmailAddress, usize),
        at: Timestamp,
        by: &By,
    ) -> Result<Event, Error> {
        let method = if by.one_click { "one_click" } else { "link" };
        let id = format!("unsubscribe:{message}:{}:{number}", self.now.as_millis());
        let signal = ConsentSignal {
            state: ConsentState::Unsubscribed,
            grade: ConsentGrade::Explicit,
            at,
            method: Some(method.to_owned()),
            text: None,
            ip: by.ip.clone(),
            agent: by.agent.clone(),
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

/// When a no by a link was said. A yes that a sender's fast clock dates a little after it was there before it: the mail that
/// holds the link came of it.
fn after(click: Timestamp, held: Option<Timestamp>) -> Timestamp {
    let ahead = held.filter(|held| *held <= click.plus(FUTURE_TOLERANCE));
    ahead.map_or(click, |held| held.max(click))
}

/// An event of our own making.
pub(super) fn own_event(id: EventId, kind: EventKind, now: Timestamp) -> Event {
    Event::new(id, kind, SourceName::built_in("wend"), now, now)
}
