//! What became of an attempt to send: the words every provider's answer is translated into.

use super::time::Delay;
use serde::{Deserialize, Serialize};

/// The provider's verdict on one message. Deliberately not a `Result`: "unknown" is neither success nor failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The provider took the message. The id is absent when its answer could not be read.
    Accepted(Option<String>),
    /// The provider will never take this message.
    Rejected(Rejection),
    /// Certainly not taken; may be tried again.
    RetryLater(RetryLater),
    /// May or may not have been taken: a timeout, a reset, a server error, a lost lease.
    Unknown(String),
    /// The key was used before with other bytes: after a first attempt this means that the message was taken.
    KeyMismatch,
}

impl Outcome {
    /// Whether nobody got the message by this attempt, for certain.
    pub const fn is_not_taken(&self) -> bool {
        match self {
            Self::Rejected(_) | Self::RetryLater(_) => true,
            Self::Accepted(_) | Self::Unknown(_) | Self::KeyMismatch => false,
        }
    }
}

/// A final refusal: about this recipient, or about our account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rejection {
    /// This address or content is refused; the message is over.
    Message(String),
    /// The provider knows the address as dead or complaining; the message is over and the address suppressed there.
    Suppressed(String),
    /// Our settings are wrong (key, domain, account): the message is kept, the provider is paused.
    Configuration(String),
}

/// Why and when to try again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryLater {
    /// What the provider asked for; absent when it did not say.
    pub after: Option<Delay>,
    pub reason: RetryReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryReason {
    /// Too many requests a second.
    RateLimited,
    /// The plan's daily or monthly allowance is used up; waiting does not burn an attempt.
    QuotaExceeded,
    /// This one address takes no mail for now; others are not concerned.
    Address,
}
