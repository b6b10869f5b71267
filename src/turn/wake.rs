//! A contact's time has come: run its due steps. What is then due to be sent is the delivery loop's business.

use super::errand::DueErrand;
use super::{Error, Turn};
use crate::domain::ids::{ContactId, MessageId};
use crate::domain::message::{Lane, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{Effect, Input};
use crate::engine::retry::next_attempt_at;
use crate::engine::state::Facts;
use crate::store;

/// Failed wakes after which a contact is set aside and shown to operators, so that it never blocks its shard.
pub const MAX_FAILURES: u32 = 8;
/// Shortest pause before a failing contact is tried again.
const FAILURE_PAUSE: Delay = Delay::from_minutes(1);

/// A message that may be claimed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMessage {
    pub lane: Lane,
    pub stream: Stream,
    /// 2 for the second try of a message whose fate stayed unknown.
    pub generation: u8,
    /// The one provider it may go out through, as its fate there stayed unknown.
    pub bound_to: Option<String>,
    pub due: Timestamp,
    pub contact: ContactId,
    pub message: MessageId,
}

/// What a contact whose time has come wants done.
#[derive(Debug, Default)]
pub struct Due {
    pub messages: Vec<DueMessage>,
    pub errands: Vec<DueErrand>,
}

impl Turn<'_> {
    /// Runs the due steps of one contact and lists its messages that are due now.
    ///
    /// # Errors
    /// When storage fails or the document cannot be read; then call [`Turn::fail`].
    pub fn wake(&self, contact: &ContactId) -> Result<Due, Error> {
        let Some(loaded) = self.existing(contact)? else {
            return Ok(Due::default());
        };
        let (loaded, effects) = self.settle(loaded, &Facts::default(), &Input::Wake)?;
        let wanted = |message: &MessageId| {
            effects.iter().any(|effect| match effect {
                Effect::Deliver { message: due, .. } => due == message,
                Effect::Run { .. } | Effect::Credit(_) => false,
            })
        };
        let own = &loaded.contact;
        let mut due: Vec<(u8, DueMessage)> = own
            .enrollments
            .iter()
            .filter_map(|enrollment| Some((enrollment, enrollment.sending()?)))
            .filter(|(_, sending)| !sending.dispatched && sending.due <= self.now && wanted(&sending.message))
            .map(|(enrollment, sending)| {
                let journey = self.catalog.journey(&enrollment.journey);
                let message = DueMessage {
                    lane: sending.lane,
                    stream: sending.stream,
                    generation: sending.generation,
                    bound_to: sending.bound_to.clone(),
                    due: sending.due,
                    contact: own.id.clone(),
                    message: sending.message.clone(),
                };
                (journey.map_or(0, |journey| journey.priority), message)
            })
            .collect();
        // Where a cap leaves room for one of them, it is for the one that matters more.
        due.sort_by_key(|(priority, _)| std::cmp::Reverse(*priority));
        let errands = effects.iter().filter_map(|effect| match effect {
            Effect::Run { enrollment } => self.errand(own, enrollment),
            Effect::Deliver { .. } | Effect::Credit(_) => None,
        });
        Ok(Due {
            messages: due.into_iter().map(|(_, message)| message).collect(),
            errands: errands.collect(),
        })
    }

    /// Failed attempts in a row to work on a contact.
    ///
    /// # Errors
    /// When storage fails.
    pub fn failures(&self, contact: &ContactId) -> Result<u32, Error> {
        Ok(store::contact::failures(self.sql, contact)?)
    }

    /// Puts a contact whose wake failed for the `failures`th time aside: for a while, and for good after [`MAX_FAILURES`].
    ///
    /// # Errors
    /// When storage fails.
    pub fn fail(&self, contact: &ContactId, failures: u32, problem: &str) -> Result<(), Error> {
        if failures >= MAX_FAILURES {
            let letter = store::dead_letter::DeadLetter {
                id: format!("contact:{contact}"),
                at: self.now,
                what: "contact".to_owned(),
                reason: format!("{failures} failed attempts; the last: {problem}"),
                body: String::new(),
            };
            store::dead_letter::put(self.sql, &letter)?;
            return Ok(store::contact::dead(self.sql, contact, failures)?);
        }
        let at = next_attempt_at(self.now, failures, Some(FAILURE_PAUSE), contact.as_str());
        Ok(store::contact::fail(self.sql, contact, at, failures)?)
    }
}
