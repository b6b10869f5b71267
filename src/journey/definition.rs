//! Journeys as plain data: what a checked file in `journeys/` means. The build writes these as JSON into the Worker.
//!
//! Everything here has been checked already (`parse`, `lint`): step ids are unique, emails exist, conditions have the
//! type bool. The engine reads it and never changes it.

use crate::domain::event::EventKind;
use crate::domain::ids::{EmailName, JourneyId, StepId};
use crate::domain::message::{Lane, Stream};
use crate::domain::time::Delay;
use serde::{Deserialize, Serialize};

/// One journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    pub id: JourneyId,
    pub title: String,
    pub stage: Stage,
    pub lane: Lane,
    pub trigger: Trigger,
    pub reenter: Reenter,
    /// Least time between two starts for one contact, whatever the key.
    pub cooldown: Option<Delay>,
    pub exit: Vec<ExitRule>,
    /// In order; an enrollment whose last step is done has ended.
    pub steps: Vec<Step>,
    /// Steps that were removed or renamed: where an enrollment that stands on one continues.
    pub moved: Vec<Moved>,
}

/// Stage of the customer's life, for reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Awareness,
    Consideration,
    Decision,
    Retention,
    Advocacy,
}

/// What starts an enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    pub on: Vec<EventKind>,
    pub key: Key,
    pub refresh: Refresh,
    /// Must hold for the event to start or refresh an enrollment.
    pub when: Option<Condition>,
}

/// What one enrollment is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Key {
    #[serde(rename = "contact")]
    Contact,
    #[serde(rename = "checkout_id")]
    Checkout,
    #[serde(rename = "order_id")]
    Order,
}

/// What a later event of the same key does to a running enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresh {
    #[serde(rename = "none")]
    None,
    /// Replaces the data the emails see.
    #[serde(rename = "data")]
    Data,
    /// Replaces the data, and starts the current wait anew from the later event.
    #[serde(rename = "data+wait")]
    DataAndWait,
}

/// What a triggering event does when its key was enrolled before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reenter {
    /// Never again for this key.
    Once,
    /// Ends the running enrollment and starts anew.
    Restart,
    /// Starts another beside it.
    Parallel,
    /// Starts anew when the last start is at least this long ago and none is running.
    After(Delay),
}

/// An event that takes a contact out of the journey, at any moment and also inside a wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitRule {
    pub on: EventKind,
    pub matching: Match,
    pub when: Option<Condition>,
}

/// Which enrollments an exit event concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// All of the contact's.
    Contact,
    /// Those of the same key.
    Key,
    /// Those of the same checkout or cart; and those whose cart is older than the event.
    Checkout,
}

/// A CEL expression of type bool, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition(pub String);

/// A step with its id, which never changes while people may stand on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub id: StepId,
    pub kind: StepKind,
}

/// What a step does. A new kind is a variant here, a file in `engine/steps/`, and its reading in `journey/parse.rs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    Send(Send),
    Wait(Wait),
}

/// Sends one email; done when it was accepted, dropped or given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Send {
    pub email: EmailName,
    pub stream: Stream,
    pub late: Late,
}

/// Holds the contact. Time counts from the moment the step before was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// For a length of time: `wait: 23h`.
    Delay(Delay),
    /// For an event of the same key, at most until the timeout: `wait: {for: Order Fulfilled, timeout: 60d, otherwise: exit}`.
    Event {
        on: EventKind,
        timeout: Delay,
        otherwise: Otherwise,
    },
}

/// What happens when the awaited event does not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    Continue,
    Exit,
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

/// `moved: {old-step: new-step}`: the step to continue at, or none to leave the journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub from: StepId,
    pub to: Option<StepId>,
}

impl Journey {
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// The step after `id`; none when `id` is the last one.
    pub fn step_after(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().skip_while(|step| step.id != *id).nth(1)
    }

    pub fn first_step(&self) -> Option<&Step> {
        self.steps.first()
    }

    /// Where an enrollment that stands on `id` is today: the step itself, the one it moved to, or none when it is gone.
    pub fn resolve(&self, id: &StepId) -> Option<&Step> {
        self.step(id).or_else(|| {
            let moved = self.moved.iter().find(|moved| moved.from == *id)?;
            moved.to.as_ref().and_then(|to| self.step(to))
        })
    }

    /// The events a running enrollment of this journey listens for.
    pub fn awaited(&self) -> impl Iterator<Item = &EventKind> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Wait(Wait::Event { on, .. }) => Some(on),
            StepKind::Wait(Wait::Delay(_)) | StepKind::Send(_) => None,
        })
    }
}
