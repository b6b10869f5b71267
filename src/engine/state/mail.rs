//! What the contact's document knows of their mail: the one that is due, what went out lately, what was done with it.

use crate::domain::ids::MessageId;
use crate::domain::message::{Lane, Stream};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    pub message: MessageId,
    pub lane: Lane,
    pub stream: Stream,
    /// When to try it; moves on deferral.
    pub due: Timestamp,
    /// When it was due first: lateness counts from here.
    pub first_due: Timestamp,
    /// Until when our own rules held it back (hours, caps, pauses): such time is not lateness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_until: Option<Timestamp>,
    /// Since when it waits for room in a frequency cap or a warm-up's day, which it does not do for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped_since: Option<Timestamp>,
    /// 1, or 2 once it was resent because its fate stayed unknown. Part of the idempotency key.
    pub generation: u8,
    /// The one provider it may go out through: its fate there stayed unknown, and nobody else is to send it a second time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<String>,
    /// Its request is out or its fate unknown: the dispatch row has the say until it is settled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dispatched: bool,
}

impl Sending {
    /// Since when it could have gone out.
    pub fn ready_since(&self) -> Timestamp {
        self.held_until
            .map_or(self.first_due, |held| held.max(self.first_due))
    }
}

/// The last message of a run, and what its reader did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMail {
    pub message: MessageId,
    /// A provider took it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sent: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub opened: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub clicked: bool,
}

/// A mail that a provider took, or may have taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailed {
    pub at: Timestamp,
    pub lane: Lane,
    /// Its run left it while its request was out: it counts until its fate is known, and then as that says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<MessageId>,
}

/// What a contact did with their mail, whatever the journey.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Engagement {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicked_at: Option<Timestamp>,
    /// When a provider last took a mail to them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mailed_at: Option<Timestamp>,
    /// Mails that a provider took.
    #[serde(skip_serializing_if = "is_zero")]
    pub mails: u32,
}

impl Engagement {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

const fn is_zero(number: &u32) -> bool {
    *number == 0
}
