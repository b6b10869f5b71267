//! The steps of a journey as plain data: a graph whose nodes name their successors.
//!
//! A file nests branches; the parser lays them out flat, so that the engine follows ids and never a position in a tree.
//! A new kind is a variant of [`StepKind`], its reading in `parse/steps`, its checks in `lint`, and one file in
//! `engine/steps/` (`docs/adding-a-step.md`).

mod kind;

use super::definition::Condition;
use crate::domain::civil::{CalendarDelay, TimeOfDay, Weekdays};
use crate::domain::event::EventKind;
use crate::domain::ids::{EmailName, JourneyId, StepId, TopicName};
use crate::domain::message::Stream;
use crate::domain::time::Delay;
use serde::{Deserialize, Serialize};

/// A step with its id, which never changes while people may stand on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub kind: StepKind,
    /// The step after this one; none when the journey is over then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<StepId>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Send(Send),
    Wait(Wait),
    /// The first arm whose condition holds; none of them: on behind the branch.
    Branch(Vec<Arm>),
    Split(Split),
    Set(Set),
    Coupon(Coupon),
    Notify(Notify),
    /// Starts another journey for the contact, as if its trigger had come.
    Start(JourneyId),
    /// Ends the contact's runs of another journey.
    Stop(JourneyId),
    Goto(Goto),
    /// Leaves the journey.
    Exit,
}

/// Where a step leads, other than straight on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// On behind the step that asks.
    Next,
    Step(StepId),
    /// Out of the journey.
    Leave,
}

/// Sends one email; done when it was accepted, dropped or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    pub email: EmailName,
    pub stream: Stream,
    pub late: Late,
    /// Asked right before the mail leaves; when it does not hold, the mail is dropped and the journey goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    #[serde(default, skip_serializing_if = "Recipient::is_contact")]
    pub to: Recipient,
    /// What it is about, where that is not the journey's topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicName>,
}

/// Whom a mail goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recipient {
    #[default]
    Contact,
    /// The store's own people: `team:` in `store.yaml`.
    Team,
}

/// What a send does when its time came and went, because the runtime, the storefront or we were late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Late {
    /// Sends whatever the delay; the default for transactional mail.
    Send,
    /// Drops the message when it is later than this; for marketing mail 24 hours unless said.
    SkipAfter(Delay),
}

/// Holds the contact. Time counts from the moment the step before was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// For a length of time: `wait: 23h`.
    Delay(Delay),
    /// For days or months of the calendar, to the same time by the clock: `wait: 2 calendar days`.
    Calendar(CalendarDelay),
    /// Until a time of day, on certain days of the week.
    Until { at: TimeOfDay, days: Weekdays },
    /// Until a date that is known of the contact or came with the event, and an offset.
    Date {
        /// Name of a property of the event or an attribute of the contact, in this order.
        of: String,
        offset_days: i32,
        at: TimeOfDay,
        /// Where to go when there is no such date. No delay is implied.
        otherwise: Target,
    },
    /// For an event of the same key, at most until the timeout.
    Event {
        on: EventKind,
        timeout: Delay,
        /// Where to go when it comes.
        then: Target,
        /// Where to go when it does not.
        otherwise: Target,
    },
}

/// An alternative of a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arm {
    /// None for `else`.
    pub when: Option<Condition>,
    pub to: Target,
}

/// Shares people out by a hash, the same way on every run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub arms: Vec<Share>,
    pub by: Sticky,
}

/// An arm of a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its name in reports.
    pub name: String,
    /// Percent; those of one split make 100.
    pub weight: u8,
    pub to: Target,
}

/// What keeps its arm of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sticky {
    /// The contact: in this journey always the same arm.
    #[default]
    Contact,
    /// The run: another run may be in another arm.
    Enrollment,
}

/// Writes something down about the contact.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Set {
    pub attributes: Vec<(String, serde_json::Value)>,
    pub tags: Vec<String>,
    pub untag: Vec<String>,
}

/// Gets the contact a code for the mails that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coupon {
    pub code: Code,
    /// What it takes off, for the mails to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// How long it is good for, counted from the step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Delay>,
}

/// Where a coupon's code comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The same for everyone.
    Shared(String),
    /// One of its own for everyone, out of an imported pool.
    Pool { name: String, exhausted: Exhausted },
}

/// What happens when a pool has no code left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// This code instead, the same for everyone.
    Shared(String),
    Go(Target),
}

/// Tells another system, and keeps its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// The name of a webhook in `store.yaml`.
    pub webhook: String,
    /// The name conditions find the answer under: `enrollment.answers["stock"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// Jumps to another step, but only so often in one run; then straight on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goto {
    pub to: StepId,
    pub times: u16,
}

impl Wait {
    /// Whether its end depends on the contact's zone or dates, so that it must be worked out anew when they change.
    pub const fn is_civil(&self) -> bool {
        match self {
            Self::Calendar(_) | Self::Until { .. } | Self::Date { .. } => true,
            Self::Delay(_) | Self::Event { .. } => false,
        }
    }
}

impl Recipient {
    fn is_contact(&self) -> bool {
        *self == Self::Contact
    }
}
