//! The embedded provider: a finished email becomes a stored mail, shown at `/dev/outbox`.
//!
//! The shard writes it in the turn that records the outcome, so a mail is there exactly once and nothing is ever
//! unknown. It reaches nobody, and it is the only provider a fresh clone needs.

use super::answer::{self, Answer};
use super::{Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Outcome;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const CAPABILITIES: Capabilities = Capabilities {
    batch_max: 100,
    // The mail's row has the message's id for its key, for as long as the row is kept.
    idempotency: Idempotency::Keyed {
        window: Delay::from_days(365),
    },
    streams: &[Stream::Transactional, Stream::Marketing],
    own_unsubscribe: false,
    metadata: true,
    local: true,
    guarantee: "each message is kept exactly once, in the same storage turn as its outcome; nothing leaves the Worker",
};

/// A mail as `/dev/outbox.json` shows it (`DESIGN.md` §6). Field order is the order of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredMail {
    /// The message's id.
    pub id: String,
    pub to: String,
    pub subject: String,
    pub html: String,
    pub text: String,
    /// The email's own headers, with `From` and `Reply-To`.
    pub headers: BTreeMap<String, String>,
    pub stream: Stream,
    pub journey: String,
    pub step: String,
    /// RFC 3339.
    pub sent_at: String,
}

/// The mail to store for an email sent now.
pub fn stored_mail(email: &OutgoingEmail, now: Timestamp) -> StoredMail {
    let mut headers: BTreeMap<String, String> = email.headers.iter().cloned().collect();
    headers.insert("From".to_owned(), email.from.to_string());
    if let Some(reply_to) = &email.reply_to {
        headers.insert("Reply-To".to_owned(), reply_to.as_str().to_owned());
    }
    StoredMail {
        id: email.message.as_str().to_owned(),
        to: email.to.as_str().to_owned(),
        subject: email.subject.clone(),
        html: email.html.clone(),
        text: email.text.clone(),
        headers,
        stream: email.stream,
        journey: email.journey.as_str().to_owned(),
        step: email.step.as_str().to_owned(),
        sent_at: now.to_rfc3339(),
    }
}

/// What became of the message once its mail is stored.
pub fn outcome(mail: &StoredMail) -> Outcome {
    Outcome::Accepted(Some(mail.id.clone()))
}

/// For callers that treat all providers alike: every stored mail is accepted, under no other id than the message's.
pub fn read(members: usize) -> Answer {
    answer::all(&Outcome::Accepted(None), members)
}
