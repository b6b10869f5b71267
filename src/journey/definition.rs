//! Journeys as plain data: what a checked file in `journeys/` means. The build writes these as JSON into the Worker.
//!
//! Everything here has been checked already (`parse`, `lint`): step ids are unique, emails exist, conditions have the
//! type bool. The engine reads it and never changes it.

use super::segment::Crossing;
use super::step::{Send, Step, Target};
use super::store_file::GENERAL;
use crate::domain::civil::{Feb29, Recurrence, TimeOfDay, Window, Zone};
use crate::domain::event::EventKind;
use crate::domain::ids::{JourneyId, SegmentName, StepId, TopicName};
use crate::domain::message::Lane;
use crate::domain::time::Delay;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::str::FromStr;

/// One journey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Journey {
    pub id: JourneyId,
    pub title: String,
    pub stage: Stage,
    pub lane: Lane,
    /// What its marketing is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicName>,
    pub trigger: Trigger,
    pub reenter: Reenter,
    /// Least time between two starts for one contact, whatever the key.
    pub cooldown: Option<Delay>,
    pub exit: Vec<ExitRule>,
    /// Segments whose border ends every run of the contact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exit_segments: Vec<Border>,
    /// What the journey is for, measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// Percent of contacts who take the same path and are sent nothing, to measure what the mails bring.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub holdout: u8,
    /// Which of two mails due at once goes first where a cap lets only one through: the higher.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: u8,
    #[serde(default, skip_serializing_if = "Status::is_active")]
    pub status: Status,
    /// For contacts whose own zone is not known; else the store's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<Zone>,
    /// How many of its mails go out at most in a length of time, over all contacts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    /// When its marketing mails may go out, by the contact's clock; others are held until it opens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What its emails can show besides what every email can, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// In the order of the file, branches laid out flat; the first is where an enrollment starts.
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
    /// A time instead of an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moment: Option<Moment>,
    pub key: Key,
    pub refresh: Refresh,
    /// Must hold for the event to start or refresh an enrollment.
    pub when: Option<Condition>,
    /// The borders that start it, in place of events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Border>,
    /// Members who were never in it are taken in by the next sweep, a few at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
}

/// A segment's border, in one direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Border {
    pub crossing: Crossing,
    pub segment: SegmentName,
}

/// A time that starts an enrollment, for each contact by itself. One run a date: its key names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// A date among the contact's attributes, by the contact's clock.
    Date {
        of: String,
        offset_days: i32,
        at: TimeOfDay,
        yearly: bool,
        leap: Feb29,
    },
    /// A recurring date, by the store's clock.
    Schedule(Recurrence),
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
    #[serde(rename = "product_id")]
    Product,
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

/// A text that the journey's emails can show, made anew for each mail when it is rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Emails write `variables.<name>`.
    pub name: String,
    /// A CEL expression that comes to a text or a number.
    pub value: Condition,
    /// Shown where the expression comes to nothing or to an empty text.
    pub otherwise: String,
}

/// `100 per 1h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Throttle {
    pub mails: u32,
    pub per: Delay,
}

/// The event that shows that a run did what it was for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    pub on: EventKind,
    /// Counted from enrollment.
    pub within: Delay,
    pub when: Option<Condition>,
    /// Where a run goes on that reaches it: on as it was, to a step, or out.
    pub then: Target,
}

/// Whether people come in and go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Active,
    /// Everyone stays in place and nobody comes in; times that pass meanwhile have passed.
    Paused,
    /// Everyone stays in place and nobody comes in; waits go on where they stopped.
    Frozen,
    /// Nobody comes in; who is in goes on to the end.
    Draining,
    /// Nobody comes in; who is in leaves.
    Retired,
    /// No part of the Worker yet. Where it is played, on a developer's machine, it is as active.
    Draft,
}

/// A CEL expression, as written: of type bool wherever something depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition(pub String);

/// `moved: {old-step: new-step}`: the step to continue at, or none to leave the journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub from: StepId,
    pub to: Option<StepId>,
}

impl Key {
    /// As journeys write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Checkout => "checkout_id",
            Self::Order => "order_id",
            Self::Product => "product_id",
        }
    }
}

impl FromStr for Throttle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = || format!("expected so many mails in a length of time, as `100 per 1h`, found `{text}`");
        let (mails, per) = text.split_once(" per ").ok_or_else(form)?;
        let mails = mails.parse().ok().filter(|mails| *mails > 0).ok_or_else(form)?;
        let per = Delay::parse(per).map_err(|error| error.to_string())?;
        if per == Delay::ZERO {
            return Err(form());
        }
        Ok(Self { mails, per })
    }
}

impl Status {
    fn is_active(&self) -> bool {
        *self == Self::Active
    }

    /// Whether people come in.
    pub const fn admits(self) -> bool {
        match self {
            Self::Active | Self::Draft => true,
            Self::Paused | Self::Frozen | Self::Draining | Self::Retired => false,
        }
    }

    /// Whether everyone stays where they are.
    pub const fn holds(self) -> bool {
        match self {
            Self::Paused | Self::Frozen => true,
            Self::Active | Self::Draining | Self::Retired | Self::Draft => false,
        }
    }
}

const fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl Journey {
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// What a marketing mail of this journey is about.
    pub fn topic_of<'a>(&'a self, send: &'a Send) -> &'a str {
        let topic = send.topic.as_ref().or(self.topic.as_ref());
        topic.map_or(GENERAL, TopicName::as_str)
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

    /// Every expression in it.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let exits = self.exit.iter().map(|rule| &rule.when);
        let goal = self.goal.iter().map(|goal| &goal.when);
        let of_steps = self.steps.iter().flat_map(|step| step.kind.conditions());
        let first = exits.chain(goal).filter_map(Option::as_ref);
        let all = first.chain(of_steps).chain(&self.trigger.when);
        let of_variables = self.variables.iter().map(|variable| &variable.value);
        all.chain(of_variables)
    }

    /// The steps that are come to from these, themselves with them, without going on behind one that `stops` people.
    pub fn reached<'a>(
        &'a self,
        from: impl IntoIterator<Item = &'a StepId>,
        stops: impl Fn(&Step) -> bool,
    ) -> BTreeSet<&'a StepId> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&StepId> = from.into_iter().collect();
        while let Some(id) = open.pop() {
            let step = self.step(id).filter(|_| reached.insert(id));
            let goes_on = step.filter(|step| !stops(step));
            open.extend(goes_on.into_iter().flat_map(Step::successors).flatten());
        }
        reached
    }

    /// Where a reached goal moves people.
    pub fn goal_step(&self) -> Option<&StepId> {
        match &self.goal.as_ref()?.then {
            Target::Step(id) => Some(id),
            Target::Next | Target::Leave => None,
        }
    }

    /// Whether it starts when a contact crosses the border.
    pub fn starts_at(&self, border: &Border) -> bool {
        self.trigger.segments.contains(border)
    }

    /// The events a running enrollment of this journey listens for.
    pub fn awaited(&self) -> impl Iterator<Item = &EventKind> {
        self.steps.iter().filter_map(|step| step.kind.awaits())
    }
}
