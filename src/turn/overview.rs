//! What operators see of a shard: counts, what is held and why, what was set aside.

use super::call::Answer;
use super::{Error, Turn, refused};
use crate::domain::event::Event;
use crate::domain::ids::ContactId;
use crate::domain::message::{DropReason, MessageState};
use crate::domain::privacy::Kind;
use crate::engine::defer::DeferReason;
use crate::engine::identity::Hashed;
use crate::engine::state::EndReason;
use crate::render::outbox::{Fate, HeldRow, LeftRow};
use crate::store;
use serde_json::{Value, json};

/// Most rows of one kind listed.
const MAX_LISTED: u32 = 200;
/// Accepted messages listed, the latest of them.
const ACCEPTED_LISTED: u32 = 20;
/// Most mails of the development outbox.
const MAX_MAILS: u32 = 5_000;
/// Rows looked at for retention in one turn.
const PRUNED_AT_ONCE: u32 = 500;

impl Turn<'_> {
    /// Counts and lists of this shard, as JSON for `/admin/status`. Ids and reasons only, never an address.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn overview(&self) -> Result<Value, Error> {
        let messages: Vec<Value> = store::message::tally(self.sql)?
            .into_iter()
            .map(|tally| json!({ "state": tally.state, "reason": tally.reason, "count": tally.count }))
            .collect();
        let stuck = [
            MessageState::Unknown,
            MessageState::GivenUp,
            MessageState::Failed,
            MessageState::Dropped,
        ];
        let listed = store::message::list(self.sql, &stuck, None, MAX_LISTED)?;
        let waiting = store::message::waiting(self.sql, MAX_LISTED)?;
        let accepted = store::message::latest(self.sql, &[MessageState::Accepted], ACCEPTED_LISTED)?;
        let letters: Vec<Value> = store::dead_letter::list(self.sql, MAX_LISTED)?
            .into_iter()
            .map(letter_row)
            .collect();
        Ok(json!({
            "shard": self.me.to_string(),
            "switches": self.switches.version,
            "contacts": store::contact::count(self.sql)?,
            "messages": messages,
            "attention": listed.into_iter().map(message_row).collect::<Vec<_>>(),
            "waiting": waiting.into_iter().map(message_row).collect::<Vec<_>>(),
            "accepted": accepted.into_iter().map(message_row).collect::<Vec<_>>(),
            "dead_letters": letters,
            "privacy_requests": store::privacy_request::open(self.sql, MAX_LISTED)?
                .into_iter()
                .map(request_row)
                .collect::<Vec<_>>(),
            "in_flight": store::dispatch::count(self.sql)?,
            "forwards": store::forward::count(self.sql)?,
            "next_due": self.next_due()?.map(crate::domain::time::Timestamp::to_rfc3339),
        }))
    }

    /// The event's identifiers with their keyed hashes.
    pub fn hashed(&self, event: &Event) -> Vec<Hashed> {
        event
            .identifiers
            .iter()
            .map(|identifier| Hashed {
                identifier: identifier.clone(),
                hash: self.hash(identifier),
            })
            .collect()
    }
}

impl Turn<'_> {
    /// Mails that the embedded outbox keeps.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn mails(&self) -> Result<Answer, Error> {
        let rows = store::outbox::list(self.sql, MAX_MAILS)?;
        let mails = rows
            .iter()
            .map(|mail| Ok(serde_json::from_str(&mail.body)?))
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Answer::Mails(mails))
    }

    /// What was held back or dropped, and who left a journey early, with the reasons in words.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn reasons(&self) -> Result<Answer, Error> {
        let states = [
            MessageState::Intended,
            MessageState::Unknown,
            MessageState::Dropped,
            MessageState::Failed,
            MessageState::GivenUp,
            MessageState::Shadowed,
        ];
        let mut held = Vec::new();
        for stored in store::message::latest(self.sql, &states, MAX_LISTED)? {
            held.push(self.held_row(&stored)?);
        }
        let mut left = Vec::new();
        for (contact, ended) in store::enrollment::left_early(self.sql, MAX_LISTED)? {
            let loaded = self.existing(&contact)?;
            left.push(LeftRow {
                to: loaded
                    .as_ref()
                    .and_then(|loaded| loaded.contact.address())
                    .map(|address| address.email.clone()),
                journey: ended.journey,
                step: ended.step,
                at: ended.ended_at,
                reason: why_left(&ended.reason),
            });
        }
        Ok(Answer::Reasons { held, left })
    }

    fn held_row(&self, stored: &store::message::Stored) -> Result<HeldRow, Error> {
        let message = &stored.message;
        // A contact that cannot be read must not hide the others.
        let loaded = self.existing(&stored.contact).unwrap_or_default();
        let sending = loaded
            .as_ref()
            .and_then(|loaded| loaded.contact.sending(&message.id));
        let to = loaded
            .as_ref()
            .and_then(|loaded| loaded.contact.address())
            .map(|address| address.email.clone());
        let fate = match (message.settled_at, sending) {
            (Some(at), _) => Fate::Dropped(at),
            (None, Some((_, sending))) => Fate::HeldUntil(sending.due),
            (None, None) => Fate::HeldUntil(self.now),
        };
        let reason = match (message.state, &message.reason) {
            (MessageState::Shadowed, _) => "shadow mode: it would have been sent".to_owned(),
            (_, Some(reason)) => words(reason),
            (_, None) => "waits for its turn".to_owned(),
        };
        let (email, journey, step) = (
            message.email.clone(),
            message.journey.clone(),
            message.step.clone(),
        );
        Ok(HeldRow {
            to,
            email,
            journey,
            step,
            fate,
            reason,
        })
    }

    /// Takes away a slice of what retention lets go; the next tick goes on.
    ///
    /// # Errors
    /// When storage fails.
    pub fn prune(&self) -> Result<u32, Error> {
        let store = &self.catalog.store;
        let policy = store::retention::Policy {
            retention: store.retention,
            currency: store.currency,
        };
        Ok(store::retention::prune(self.sql, &policy, self.now, PRUNED_AT_ONCE)?.total())
    }
}

/// The provider's own id is what its support and its log know the message by.
fn message_row(stored: store::message::Stored) -> Value {
    let message = stored.message;
    json!({
        "id": message.id, "contact": stored.contact, "journey": message.journey, "step": message.step,
        "email": message.email, "stream": message.stream, "state": message.state,
        "reason": message.reason, "settled_at": message.settled_at.map(|at| at.to_rfc3339()),
        "provider": message.provider, "provider_id": message.provider_id,
    })
}

/// The body of a message's letter holds ids only and says which step it was; of a refused call it says which it was.
/// Others, and the call itself, may hold addresses.
fn letter_row(letter: store::dead_letter::DeadLetter) -> Value {
    let body = || serde_json::from_str::<Value>(&letter.body).ok();
    let about = match letter.what.as_str() {
        "message" => Some(body()),
        refused::WHAT => Some(body().and_then(|mut body| body.get_mut("call").map(Value::take))),
        _ => None,
    };
    json!({
        "id": letter.id, "what": letter.what, "reason": letter.reason, "at": letter.at.to_rfc3339(),
        "about": about.flatten(),
    })
}

/// What is to be done, and until when it can wait: <https://gdpr-info.eu/art-12-gdpr/> gives a month.
fn request_row(request: store::privacy_request::PrivacyRequest) -> Value {
    let contact = request.contact.as_ref().map_or("", ContactId::as_str);
    let to_do = match request.kind {
        Kind::DataRequest => format!("npm run export -- --contact {contact} --out file.json"),
        Kind::Erase => format!("npm run erase -- --contact {contact}"),
        Kind::EraseShop => "docs/privacy.md#the-whole-shop".to_owned(),
    };
    json!({ "id": request.id, "kind": request.kind, "at": request.at.to_rfc3339(), "to_do": to_do })
}

/// A stored reason in words for people.
pub fn words(reason: &str) -> String {
    let dropped = DropReason::ALL.iter().find(|known| known.as_str() == reason);
    let deferred = DeferReason::ALL.iter().find(|known| known.as_str() == reason);
    let text = dropped
        .map(|known| known.in_words())
        .or_else(|| deferred.map(|known| known.in_words()));
    text.unwrap_or(reason).to_owned()
}

fn why_left(reason: &EndReason) -> String {
    match reason {
        EndReason::Completed => "all its steps were done",
        EndReason::Exited(kind) => return format!("ended by {}", kind.as_str()),
        EndReason::EnteredSegment(segment) => return format!("entered segment {segment}"),
        EndReason::LeftSegment(segment) => return format!("left segment {segment}"),
        EndReason::TimedOut => "the awaited event did not come in time",
        EndReason::Restarted => "the journey started anew",
        EndReason::CheckoutTaken => "the checkout went on under another contact",
        EndReason::StepRemoved => "the step is gone from the journey",
        EndReason::JourneyRemoved => "the journey is gone",
        EndReason::TooManyEnrollments => "the contact is in too many journeys",
        EndReason::StepLimit => "the journey ran too many steps without a wait",
        EndReason::Left => "a step led out",
        EndReason::GoalReached => "the goal was reached",
        EndReason::Stopped => "another journey stopped it",
        EndReason::Retired => "the journey is retired",
        EndReason::Merged => "two contacts turned out to be one, and both were in it",
    }
    .to_owned()
}
