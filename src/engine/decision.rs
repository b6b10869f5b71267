//! What goes into `decide` and what comes out: inputs, changes to write, effects to have done.
//!
//! All three are closed enums, executed elsewhere by flat matches. The core itself does nothing.

use super::defer::DeferReason;
use super::errand::Answer;
use super::state::{Contact, Ended};
use crate::domain::consent::{ConsentSignal, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, Unread};
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, EventId, MessageId};
use crate::domain::message::{DropReason, Lane, Message, Stream};
use crate::domain::order::Order;
use crate::domain::referral::{Referral, ReferralCode};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// Something that happened to a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    Event(Arc<Event>),
    /// An event of either side of a merge: it ends what it would have ended, and is news to the runs of the other side.
    Overtaken {
        event: Arc<Event>,
        /// The runs that have not heard of it.
        unheard: Vec<EnrollmentId>,
    },
    /// The time has come to look at everything that is due.
    Wake,
    /// A message reached its final outcome.
    Settled {
        message: MessageId,
        how: Settlement,
    },
    /// A message must wait: the gate deferred it, or the provider certainly did not take it.
    Deferred {
        message: MessageId,
        until: Timestamp,
    },
    /// A message must wait for a rule of our own: hours, caps. That is not lateness.
    Held {
        message: MessageId,
        until: Timestamp,
        by: DeferReason,
    },
    /// The ledger knows what became of a message that its run still waits for: the run goes on.
    Known {
        message: MessageId,
    },
    /// A message's request went out and its fate is unknown: only its dispatch row may move it now.
    Dispatched {
        message: MessageId,
    },
    /// A message of unknown fate may be sent once more, under a new key, by the provider that may have it.
    Resend {
        message: MessageId,
        at: Timestamp,
        provider: String,
    },
    /// An errand was run.
    Errand {
        id: String,
        answer: Answer,
    },
    /// The journeys changed: end what is gone, move what moved, wait by the new lengths. What a backfill starts, starts
    /// at its time.
    Sweep {
        backfill_at: Timestamp,
    },
    /// A checkout of this contact was bought, or went on, under another contact.
    CheckoutTaken(CheckoutTaken),
}

/// A checkout that another contact's event closed or took over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutTaken {
    pub keys: Vec<EnrollmentKey>,
    pub event: EventId,
    pub at: Timestamp,
    pub bought: bool,
    /// Who has it now. An id of somebody's own may lead back to them: nobody takes from themselves.
    #[serde(default)]
    pub by: Option<ContactId>,
}

/// The final outcome of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    Accepted {
        provider: String,
        provider_id: Option<String>,
    },
    Dropped(DropReason),
    Failed(String),
    GivenUp(String),
    Shadowed,
}

impl Settlement {
    /// This end for a message of `generation`. A second generation is made after the fate of the first stayed unknown, so
    /// whatever keeps it from leaving, nobody can say that the mail did not: its fate is given up.
    pub fn of_generation(self, generation: u8) -> Self {
        if generation < 2 {
            return self;
        }
        let refused = match self {
            Self::Accepted { .. } | Self::GivenUp(_) => return self,
            Self::Dropped(reason) => reason.as_str().to_owned(),
            Self::Failed(reason) => reason,
            Self::Shadowed => "shadow mode".to_owned(),
        };
        Self::GivenUp(format!(
            "the first request's fate is unknown, and the second was not sent: {refused}"
        ))
    }
}

/// One thing to write, in the turn of the decision.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The event's row, which is also what makes it count once.
    RecordEvent(Arc<Event>),
    PutOrder(Box<Order>),
    /// A line of the ledger of consent.
    RecordConsent(Box<ConsentChange>),
    EndEnrollment(Ended),
    /// The goal of a run that had ended before.
    ReachGoal {
        enrollment: EnrollmentId,
        at: Timestamp,
    },
    /// A new intent in the ledger.
    PutMessage(Message),
    /// An intent goes by a stricter stream from now on.
    MoveStream {
        message: MessageId,
        stream: Stream,
        lane: Lane,
    },
    SettleMessage {
        message: MessageId,
        how: Settlement,
        at: Timestamp,
    },
}

/// The consent of an address changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentChange {
    pub email: EmailAddress,
    /// What holds now; a yes that has to be confirmed is less than its signal.
    pub state: ConsentState,
    pub signal: ConsentSignal,
    pub event: EventId,
    pub at: Timestamp,
}

/// One thing to have done by whoever holds the turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The message is due: pass it through the gate and send it.
    Deliver { message: MessageId, lane: Lane },
    /// The errand of a run is due: run it.
    Run { enrollment: EnrollmentId },
    /// The contact's first order came by somebody's code: tell their shard, in this very turn.
    Credit(Box<Referral>),
}

/// The outcome of `decide`.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The contact after the input; equal to the one before when nothing changed.
    pub contact: Contact,
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    /// Things worth a log line: conditions that failed, steps that vanished.
    pub remarks: Vec<Remark>,
}

/// Something odd that was survived. Counted and shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// A condition failed at run time and counted as false.
    ConditionFailed { journey: String, error: String },
    /// A run came to a message whose fate the ledger knows: an id was made twice, which is a fault of ours.
    MessageKnown { message: MessageId },
    /// Somebody asked for a journey that is not there, or not for the asking (`trigger: { manual: true }`).
    NotForTheAsking { journey: String },
    /// Segments and the journeys they start kept changing each other; the rest was recorded and started nothing.
    SegmentsUnsettled { contact: ContactId },
    /// An order came by a code that nobody has, or that two contacts share: nobody is credited.
    CodeOfNobody { code: ReferralCode },
    /// Fields of an event could not be read and were left out.
    FieldsUnread { event: EventId, fields: Vec<Unread> },
    /// An order of more products than get a run each.
    ProductsLeftOut { journey: String },
    /// A contact has more running enrollments than allowed.
    EnrollmentOverflow { journey: String },
    /// A contact's document was too large: details of its oldest runs were left out.
    DocumentCut { contact: ContactId },
    /// A contact could not be looked at when the journeys changed.
    NotSwept { contact: ContactId, error: String },
    /// News of offers passed somebody over.
    NotTold { contact: ContactId, error: String },
    /// A message could not get the outcome decided for it: it has one, or does not exist.
    OutcomeRefused { message: MessageId },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConditionFailed { journey, error } => write!(f, "{journey}: {error}"),
            Self::NotForTheAsking { journey } => {
                write!(
                    f,
                    "{journey}: asked for, and no journey of that name has `manual: true`"
                )
            }
            Self::MessageKnown { message } => {
                write!(
                    f,
                    "message {message} had its fate before its run came to it; please report this"
                )
            }
            Self::SegmentsUnsettled { contact } => {
                write!(f, "contact {contact}: its segments did not come to rest")
            }
            Self::CodeOfNobody { code } => {
                write!(
                    f,
                    "referral code {code} is not that of one contact: nobody was credited"
                )
            }
            Self::FieldsUnread { event, fields } => {
                write!(f, "event {event}: left out")?;
                fields
                    .iter()
                    .try_for_each(|unread| write!(f, "; `{}` {}", unread.field, unread.reason))
            }
            Self::ProductsLeftOut { journey } => {
                write!(
                    f,
                    "{journey}: an order of so many products, the last of them start nothing"
                )
            }
            Self::EnrollmentOverflow { journey } => write!(f, "{journey}: too many running enrollments"),
            Self::DocumentCut { contact } => write!(f, "contact {contact}: its document was cut to fit"),
            Self::NotSwept { contact, error } => write!(f, "contact {contact} was not swept: {error}"),
            Self::NotTold { contact, error } => {
                write!(f, "contact {contact} was not told news of offers: {error}")
            }
            Self::OutcomeRefused { message } => write!(f, "message {message} has an outcome already"),
        }
    }
}
