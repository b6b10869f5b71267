//! Somebody takes back their consent by a link in a mail.

use super::choice::By;
use super::{Error, Loaded, Turn};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::time::{Delay, FUTURE_TOLERANCE, Timestamp};
use crate::engine::decision::{Decision, Input};
use crate::store;
use std::sync::Arc;

/// A click within this after one that is in the ledger moves the time of that no and has no line of its own: whoever holds a
/// link can press it a million times.
const REPEATED: Delay = Delay::from_hours(1);

impl Turn<'_> {
    /// Unsubscribes every address of a contact: which of them a mail reached does not matter to somebody who wants no more
    /// of it. The same click again writes nothing; a later one is a later no, because a yes that was given between the two may
    /// yet arrive.
    pub(super) fn withdraw_all(&self, mut loaded: Loaded, message: &MessageId, by: &By) -> Result<(), Error> {
        let click = by.at.unwrap_or(self.now);
        loaded = self.repeat_no(loaded, click)?;
        let subscribed: Vec<(EmailAddress, Timestamp)> = loaded
            .contact
            .addresses
            .iter()
            .filter(|address| match address.consent.state {
                // Its mailbox may be open again, and it is a no for the other addresses.
                ConsentState::Suppressed => address.consent.no_at().is_none(),
                ConsentState::Unsubscribed => address.consent.no_at().is_none_or(|at| click > at),
                ConsentState::Unknown | ConsentState::Pending | ConsentState::Subscribed => true,
            })
            .map(|address| {
                let held = address.consent.evidence.as_ref().map(|(signal, _)| signal.at);
                (address.email.clone(), after(click, held))
            })
            .take(if planted!(LinkOfOneAddress) { 1 } else { usize::MAX })
            .collect();
        for (number, (email, at)) in subscribed.into_iter().enumerate() {
            let event = self.withdrawal(message, (&email, number), at, by)?;
            let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
            (loaded, _) = self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        }
        Ok(())
    }

    /// Notes a no that was said a moment ago as said at the click.
    fn repeat_no(&self, loaded: Loaded, click: Timestamp) -> Result<Loaded, Error> {
        let mut contact = loaded.contact.clone();
        for address in &mut contact.addresses {
            let said_at = address.consent.evidence.as_ref().map(|(signal, _)| signal.at);
            let repeats = match address.consent.state {
                ConsentState::Unsubscribed => said_at.is_some_and(|at| click.since(at) <= REPEATED),
                ConsentState::Suppressed => true,
                ConsentState::Unknown | ConsentState::Pending | ConsentState::Subscribed => false,
            };
            if repeats {
                address.consent.repeat_no(click);
            }
        }
        if contact == loaded.contact {
            return Ok(loaded);
        }
        let decision = Decision {
            contact,
            changes: Vec::new(),
            effects: Vec::new(),
            remarks: Vec::new(),
        };
        self.write(loaded, decision)
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
