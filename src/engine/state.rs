//! The state of a contact, as it is stored: data only, a step id and a wake, never a position in code.
//!
//! An enrollment moves so; every pair of state and input not listed leaves it where it is:
//!
//! ```text
//! start ----------------> first step
//! Waiting --its time----> next step              Waiting --awaited event--> next step
//! Waiting --timeout-----> next step | ended      Sending --settled--------> next step
//! Sending --deferred----> Sending, later         any     --exit event-----> ended
//! any     --restart-----> ended, new start       last step done ----------> ended
//! ```
//!
//! The stored form is version 1; a test pins it. Loading and saving is `store`'s work, deciding is `decide`'s.

use crate::domain::consent::ConsentState;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{EventData, EventKind};
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId, MessageId, SegmentName, StepId};
use crate::domain::message::HeldCoupon;
use crate::domain::objection::Objection;
use crate::domain::order::Order;
use crate::domain::preferences::Preferences;
use crate::domain::time::Timestamp;
use crate::journey::step::StepKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

mod address;
mod mail;
mod purchases;
mod tags;

pub use address::Address;
pub use mail::{Engagement, LastMail, Mailed, Sending};
pub use purchases::Purchases;
pub use tags::OwnTags;

/// Version of the stored form of [`Document`].
pub const DOCUMENT_VERSION: u8 = 1;
/// Most enrollments of one contact at a time; a start beyond it is recorded as ended by overflow.
pub const MAX_ENROLLMENTS: usize = 50;
/// Most addresses of one contact; the least recently seen one goes, unless it carries an objection.
pub const MAX_ADDRESSES: usize = 10;
/// Most identifiers remembered for the repair of the directory after a merge.
pub const MAX_IDENTIFIERS: usize = 200;
/// Largest stored document, in bytes of JSON.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// What is stored under a contact id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    Live(Box<Contact>),
    /// The contact was merged into another. Kept 90 days, so that late references still arrive.
    Moved {
        to: ContactId,
        at: Timestamp,
    },
    /// The person was erased. Kept 90 days, so that what is late does not bring them back.
    Erased {
        at: Timestamp,
    },
}

/// A person and where they stand in every journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub v: u8,
    pub id: ContactId,
    pub since: Timestamp,
    #[serde(default)]
    pub profile: Profile,
    /// The source's time of the newest profile update applied.
    pub profile_at: Timestamp,
    /// Tags that journeys set: no list of a storefront replaces them.
    #[serde(default, skip_serializing_if = "OwnTags::is_empty")]
    pub own_tags: OwnTags,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<Identifier>,
    /// What the person wishes of marketing mail beside yes and no.
    #[serde(default, skip_serializing_if = "Preferences::is_default")]
    pub preferences: Preferences,
    #[serde(default)]
    pub purchases: Purchases,
    /// Of these, what is known of orders whose rows are gone, by age.
    #[serde(default, skip_serializing_if = "Purchases::is_empty")]
    pub archived: Purchases,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enrollments: Vec<Enrollment>,
    /// Last start of each journey, for cooldowns.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub starts: BTreeMap<JourneyId, Timestamp>,
    /// The last moment of each journey that a time starts which was acted on, whether or not the journey began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fired: BTreeMap<JourneyId, Timestamp>,
    /// The next moment of each journey that a time starts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub armed: BTreeMap<JourneyId, Timestamp>,
    /// Marketing mails that went out lately, oldest first, for the frequency cap; and any whose run left it behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mailed: Vec<Mailed>,
    #[serde(default, skip_serializing_if = "Engagement::is_empty")]
    pub engagement: Engagement,
    #[serde(default, skip_serializing_if = "Standings::is_empty")]
    pub segments: Standings,
    /// Friends whose first order this contact was credited for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub referrals: u32,
    /// The id under which this contact's own first order was credited to somebody. It is done once for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referred_as: Option<ContactId>,
    /// Whoever had this id before was erased then: what happened until then is not this contact's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Where a contact stands in the store's segments.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Standings {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<SegmentName, Standing>,
    /// When time alone may change one of them; none when it never does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub look_again: Option<Timestamp>,
    /// Journeys that a backfill will start, each at its time, if the contact is in their segment then.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub starting: BTreeMap<JourneyId, Timestamp>,
}

/// Where a contact stands in one segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The definition it was asked by.
    pub version: String,
    /// Since when the contact is in it; none when they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// One run of one journey for one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Enrollment {
    pub id: EnrollmentId,
    pub journey: JourneyId,
    pub key: EnrollmentKey,
    pub started_at: Timestamp,
    pub step: StepId,
    /// When the step before was done: waits count from here.
    pub since: Timestamp,
    /// When the run really came here, where its time counts from an event before that: what follows is not late by the
    /// difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Timestamp>,
    pub position: Position,
    /// The newest triggering event, where the journey's trigger names several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EventKind>,
    /// What the emails see: the data of the newest triggering event. Shared, because a decision copies runs.
    #[serde(default)]
    pub data: Arc<EventData>,
    /// The source's time of `data`.
    pub data_at: Timestamp,
    /// The mail before `last`, while a send that asks for it is still to be decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<LastMail>,
    /// Awaited events that came before their wait was reached.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub seen: BTreeMap<EventKind, Timestamp>,
    /// An exit rule could not be decided, so that nobody knows whether the contact should still be here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<Doubt>,
    /// The last message of this run, for conditions and waits about opens and clicks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMail>,
    /// The arm taken at each split.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub arms: BTreeMap<StepId, String>,
    /// The coupon the run got last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<HeldCoupon>,
    /// What other systems answered, by the names the steps gave.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, serde_json::Value>,
    /// Jumps made by each `goto`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jumps: BTreeMap<StepId, u16>,
    /// Takes the same path as everyone and is sent nothing, so that the mails' effect can be measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held_out: bool,
    /// When the journey's goal was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_at: Option<Timestamp>,
    /// Since when a frozen journey keeps this run from counting its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<Timestamp>,
}

/// The event whose exit rule failed at run time. Holds the next send, until the same rule can be decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    pub on: EventKind,
    pub at: Timestamp,
}

/// What an enrollment is doing at its step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    Waiting {
        until: Timestamp,
    },
    Sending(Sending),
    /// Something is asked of somebody else, and the answer awaited.
    Asking(Asking),
}

/// An errand on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// The same on every try, so that whoever is asked does it once.
    pub errand: String,
    /// When to try it; moves on failure.
    pub due: Timestamp,
    pub since: Timestamp,
    /// Tries so far.
    pub attempts: u32,
}

/// How an enrollment ended. A row for ever, so that re-entry and reports know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub id: EnrollmentId,
    pub journey: JourneyId,
    pub key: EnrollmentKey,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub step: StepId,
    pub reason: EndReason,
    /// The arm taken at each split.
    pub arms: BTreeMap<StepId, String>,
    pub held_out: bool,
    pub goal_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    Completed,
    /// An exit rule's event.
    Exited(EventKind),
    /// An exit rule about a segment.
    EnteredSegment(SegmentName),
    LeftSegment(SegmentName),
    /// The awaited event did not come.
    TimedOut,
    Restarted,
    /// The checkout went on under another contact.
    CheckoutTaken,
    StepRemoved,
    JourneyRemoved,
    TooManyEnrollments,
    /// The journey ran too many steps without a wait.
    StepLimit,
    /// Two contacts turned out to be one and both were in it.
    Merged,
    /// A step led out.
    Left,
    /// The goal was reached, and the journey says that it is over then.
    GoalReached,
    /// Another journey stopped it.
    Stopped,
    /// The journey is retired.
    Retired,
}

/// Facts from outside the document, read before the turn.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// The event's row exists: it was applied before.
    pub seen: bool,
    /// The event is about a mail whose row keeps it.
    pub in_ledger: bool,
    /// The event's checkout or cart was bought.
    pub checkout_closed: bool,
    /// What is held against the event's address, where the contact does not have it yet.
    pub objection: Option<Objection>,
    /// The contact's orders, newest first, bounded.
    pub orders: Vec<Order>,
    /// The contact's ended enrollments.
    pub ended: Vec<Ended>,
    pub counted: Counted,
}

/// The times of the contact's events that conditions count, as far back as their windows reach.
pub type Counted = BTreeMap<EventKind, Vec<Timestamp>>;

impl Contact {
    pub fn new(id: ContactId, since: Timestamp) -> Self {
        Self {
            v: DOCUMENT_VERSION,
            id,
            since,
            profile: Profile::default(),
            profile_at: Timestamp::default(),
            own_tags: OwnTags::default(),
            addresses: Vec::new(),
            identifiers: Vec::new(),
            preferences: Preferences::default(),
            purchases: Purchases::default(),
            archived: Purchases::default(),
            enrollments: Vec::new(),
            starts: BTreeMap::new(),
            fired: BTreeMap::new(),
            armed: BTreeMap::new(),
            mailed: Vec::new(),
            engagement: Engagement::default(),
            segments: Standings::default(),
            referrals: 0,
            referred_as: None,
            erased_at: None,
        }
    }

    /// The address to write to: the one seen last.
    pub fn address(&self) -> Option<&Address> {
        self.addresses.iter().max_by_key(|address| address.seen_at)
    }

    pub fn address_of(&self, email: &EmailAddress) -> Option<&Address> {
        self.addresses.iter().find(|address| address.email.same_as(email))
    }

    pub fn address_mut(&mut self, email: &EmailAddress) -> Option<&mut Address> {
        self.addresses
            .iter_mut()
            .find(|address| address.email.same_as(email))
    }

    pub fn is_subscribed(&self) -> bool {
        self.address()
            .is_some_and(|address| address.consent.state == ConsentState::Subscribed)
    }

    pub fn sending(&self, message: &MessageId) -> Option<(&Enrollment, &Sending)> {
        self.enrollments
            .iter()
            .find_map(|enrollment| match &enrollment.position {
                Position::Sending(sending) if sending.message == *message => Some((enrollment, sending)),
                Position::Sending(_) | Position::Waiting { .. } | Position::Asking(_) => None,
            })
    }
}

impl Standings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Lets the next wake ask everything anew: facts changed outside of a decision.
    pub fn ask_again(&mut self, now: Timestamp) {
        if !self.of.is_empty() {
            self.look_again = Some(now);
        }
    }

    pub fn is_member(&self, segment: &SegmentName) -> bool {
        let standing = self.of.get(segment);
        standing.is_some_and(|standing| standing.since.is_some())
    }

    /// Names of the segments the contact is in.
    pub fn names(&self) -> impl Iterator<Item = &SegmentName> {
        let members = self.of.iter().filter(|(_, standing)| standing.since.is_some());
        members.map(|(name, _)| name)
    }
}

impl Position {
    /// Whether a run can stand so on a step of this kind. A wait is held until its time whatever became of its step.
    pub const fn fits(&self, kind: &StepKind) -> bool {
        match self {
            Self::Waiting { .. } => true,
            Self::Sending(_) => kind.as_send().is_some(),
            Self::Asking(_) => matches!(kind, StepKind::Coupon(_) | StepKind::Notify(_)),
        }
    }
}

impl Enrollment {
    /// The step before was done at this moment.
    pub fn pass(&mut self, at: Timestamp) {
        self.since = at;
        self.reached.take_if(|reached| *reached <= at);
    }

    /// Since when the step could have been done, if not for what it waited for.
    pub fn ready_at(&self) -> Timestamp {
        self.reached.map_or(self.since, |reached| reached.max(self.since))
    }

    /// A run that begins: it stands before `step`, as of `at`.
    pub fn new(
        id: EnrollmentId,
        journey: JourneyId,
        key: EnrollmentKey,
        step: StepId,
        at: Timestamp,
    ) -> Self {
        Self {
            id,
            journey,
            key,
            started_at: at,
            step,
            since: at,
            reached: None,
            position: Position::Waiting { until: at },
            kind: None,
            data: Arc::default(),
            data_at: at,
            earlier: None,
            seen: BTreeMap::new(),
            doubt: None,
            last: None,
            arms: BTreeMap::new(),
            coupon: None,
            answers: BTreeMap::new(),
            jumps: BTreeMap::new(),
            held_out: false,
            goal_at: None,
            frozen_at: None,
        }
    }

    /// The message this run is sending.
    pub const fn sending(&self) -> Option<&Sending> {
        match &self.position {
            Position::Sending(sending) => Some(sending),
            Position::Waiting { .. } | Position::Asking(_) => None,
        }
    }

    /// Rounds made by jumps so far, the one of a reached goal included: part of what names a message, so that a second
    /// round is another mail.
    pub fn rounds(&self) -> u32 {
        let jumps: u32 = self.jumps.values().map(|jumps| u32::from(*jumps)).sum();
        jumps.saturating_add(u32::from(self.goal_at.is_some()))
    }

    /// When this enrollment must be looked at again; none while a dispatch has the say.
    pub fn wake(&self) -> Option<Timestamp> {
        match &self.position {
            Position::Waiting { until } => Some(*until),
            Position::Sending(sending) if sending.dispatched => None,
            Position::Sending(sending) => Some(sending.due),
            Position::Asking(asking) => Some(asking.due),
        }
    }
}

impl EndReason {
    /// The word stored in the reason column and shown to people.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Exited(_) => "exited",
            Self::EnteredSegment(_) => "entered_segment",
            Self::LeftSegment(_) => "left_segment",
            Self::TimedOut => "timed_out",
            Self::Restarted => "restarted",
            Self::CheckoutTaken => "checkout_taken",
            Self::StepRemoved => "step_removed",
            Self::JourneyRemoved => "journey_removed",
            Self::TooManyEnrollments => "too_many_enrollments",
            Self::StepLimit => "step_limit",
            Self::Merged => "merged",
            Self::Left => "left",
            Self::GoalReached => "goal_reached",
            Self::Stopped => "stopped",
            Self::Retired => "retired",
        }
    }
}
