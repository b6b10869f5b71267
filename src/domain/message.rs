//! A message: one email intended for one contact, from intent to its final outcome.

use super::ids::{EmailName, EnrollmentId, JourneyId, MessageId, StepId};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Consent, caps and quiet hours apply to `Marketing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Transactional,
    Marketing,
}

/// Order of sending, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    Transactional,
    Cart,
    Marketing,
}

/// Where a message stands. Only the moves of [`MessageState::may_become`] exist.
///
/// ```text
/// Intended --answer--> Accepted | Failed | Intended (certainly not taken) | Unknown
/// Intended --gate----> Dropped | Intended (put off)
/// Unknown  --retry, evidence, on_unknown--> Accepted | Failed | GivenUp | Intended
/// ```
///
/// That a message's request is out is said by its dispatch row alone: a state for it would cost a row each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    Intended,
    Unknown,
    /// The provider has it.
    Accepted,
    /// The provider refused it for good.
    Failed,
    /// The gate refused it: see the reason.
    Dropped,
    /// Its fate stayed unknown and it must not be sent again.
    GivenUp,
    /// Decided in shadow mode: would have been sent.
    Shadowed,
}

/// Why the gate refused a message. Stored, counted and shown: nothing is suppressed silently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    NoConsent,
    Unsubscribed,
    Suppressed,
    NoAddress,
    CheckoutClosed,
    Exited,
    TooLate,
    NotListed,
    EmailGone,
    Undecided,
    /// The contact is in the journey's holdout.
    HeldOut,
    /// The step's `when:` did not hold.
    Condition,
    /// The frequency cap left no room before the message was too late.
    Capped,
    /// The contact turned the topic off on their page of preferences.
    TopicOff,
    /// The contact asked for a rest there.
    Paused,
}

/// A ledger row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: MessageId,
    pub journey: JourneyId,
    pub enrollment: EnrollmentId,
    pub step: StepId,
    pub email: EmailName,
    /// Arm of an A/B test; empty without one.
    pub variant: String,
    pub stream: Stream,
    pub lane: Lane,
    pub state: MessageState,
    /// Attempts made so far; grows at each claim.
    pub attempt: u32,
    /// When the message was due first: lateness is measured from here.
    pub due_at: Timestamp,
    /// Reason of a drop, deferral, failure or retry: a stored word of ours, or words for people.
    pub reason: Option<String>,
    pub provider: Option<String>,
    pub provider_id: Option<String>,
    pub settled_at: Option<Timestamp>,
}

/// A coupon that a run's mails may show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldCoupon {
    pub code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Stream {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Marketing => "marketing",
        }
    }
}

impl Lane {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Cart => "cart",
            Self::Marketing => "marketing",
        }
    }
}

impl MessageState {
    pub const ALL: [Self; 7] = [
        Self::Intended,
        Self::Unknown,
        Self::Accepted,
        Self::Failed,
        Self::Dropped,
        Self::GivenUp,
        Self::Shadowed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Unknown => "unknown",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
            Self::GivenUp => "given_up",
            Self::Shadowed => "shadowed",
        }
    }

    /// Whether nothing more will happen to the message.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Intended | Self::Unknown => false,
            Self::Accepted | Self::Failed | Self::Dropped | Self::GivenUp | Self::Shadowed => true,
        }
    }

    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Intended => matches!(
                next,
                Self::Intended
                    | Self::Unknown
                    | Self::Dropped
                    | Self::Shadowed
                    | Self::Accepted
                    | Self::Failed
                    | Self::GivenUp
            ),
            Self::Unknown => matches!(
                next,
                Self::Intended | Self::Accepted | Self::Failed | Self::GivenUp
            ),
            Self::Accepted | Self::Failed | Self::Dropped | Self::GivenUp | Self::Shadowed => false,
        }
    }
}

impl DropReason {
    pub const ALL: [Self; 15] = [
        Self::NoConsent,
        Self::Unsubscribed,
        Self::Suppressed,
        Self::NoAddress,
        Self::CheckoutClosed,
        Self::Exited,
        Self::TooLate,
        Self::NotListed,
        Self::EmailGone,
        Self::Undecided,
        Self::HeldOut,
        Self::Condition,
        Self::Capped,
        Self::TopicOff,
        Self::Paused,
    ];

    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NoConsent => "the address has not subscribed",
            Self::Unsubscribed => "the address has unsubscribed",
            Self::Suppressed => "the address is suppressed",
            Self::NoAddress => "no address is known",
            Self::CheckoutClosed => "the cart was bought",
            Self::Exited => "the contact left the journey before it went out",
            Self::TooLate => "it would have been too late",
            Self::NotListed => "SEND_ONLY_TO, or the operator's allow-list, does not list the address",
            Self::EmailGone => "the email no longer exists",
            Self::HeldOut => "the contact is held out of this journey, to measure its effect",
            Self::Condition => "the step's condition did not hold",
            Self::Capped => "the contact had as many mails as the cap allows, until it was too late",
            Self::TopicOff => "the contact turned its topic off",
            Self::Paused => "the contact paused our mail until a later day",
            Self::Undecided => {
                "a condition failed, so nobody knows whether the contact should still be in the journey"
            }
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoConsent => "no_consent",
            Self::Unsubscribed => "unsubscribed",
            Self::Suppressed => "suppressed",
            Self::NoAddress => "no_address",
            Self::CheckoutClosed => "checkout_closed",
            Self::Exited => "exited",
            Self::TooLate => "too_late",
            Self::NotListed => "not_listed",
            Self::EmailGone => "email_gone",
            Self::Undecided => "undecided",
            Self::HeldOut => "held_out",
            Self::Condition => "condition",
            Self::Capped => "capped",
            Self::TopicOff => "topic_off",
            Self::Paused => "paused",
        }
    }
}
