//! Asks a condition about a contact: what it can see at a trigger, an exit rule, a branch and a send.
//!
//! A condition that fails at run time has no answer. The caller says what that means: everywhere no, in an exit rule
//! doubt.

use super::condition::{
    Compiled, ContactScope, EnrollmentScope, Error, EventScope, LastScope, LooksAt, Scope, Wanted,
};
use super::decision::Remark;
use super::state::{Contact, Enrollment};
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::ids::EnrollmentKey;
use crate::journey::definition::{Condition, Journey};

/// What a condition may look at, as it lies there: only what it names is made ready for it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    contact: &'a Contact,
    journey: &'a Journey,
    key: &'a EnrollmentKey,
    event: Seen<'a>,
    run: Option<&'a Enrollment>,
}

/// What stands for the event.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Nothing,
    Event(&'a Event),
    /// The data of the event that started or last refreshed a run.
    Data(&'a EventData),
}

/// What a trigger sees: there is no run yet.
pub(super) fn of_event<'a>(
    contact: &'a Contact,
    journey: &'a Journey,
    event: &'a Event,
    key: &'a EnrollmentKey,
) -> View<'a> {
    View {
        contact,
        journey,
        key,
        event: Seen::Event(event),
        run: None,
    }
}

/// What a trigger sees that a time pulls: there is no event.
pub(super) fn of_moment<'a>(contact: &'a Contact, journey: &'a Journey, key: &'a EnrollmentKey) -> View<'a> {
    View {
        contact,
        journey,
        key,
        event: Seen::Nothing,
        run: None,
    }
}

/// What an exit rule sees: the event that came, and the run it may end.
pub(super) fn of_exit<'a>(
    contact: &'a Contact,
    journey: &'a Journey,
    event: &'a Event,
    run: &'a Enrollment,
) -> View<'a> {
    View {
        run: Some(run),
        ..of_event(contact, journey, event, &run.key)
    }
}

/// What a step sees.
pub(super) fn of_enrollment<'a>(contact: &'a Contact, journey: &'a Journey, run: &'a Enrollment) -> View<'a> {
    View {
        contact,
        journey,
        key: &run.key,
        event: Seen::Data(&run.data),
        run: Some(run),
    }
}

impl View<'_> {
    fn scope(&self, of: &LooksAt) -> Scope {
        let mut scope = Scope::default();
        if of.contact {
            scope.contact = of_contact(self.contact, &of.fields);
        }
        if of.event {
            scope.event = self.event(&of.fields);
        }
        if of.enrollment {
            let answers = self.run.map(|run| &run.answers);
            scope.enrollment = EnrollmentScope::new(&self.journey.id, self.key, answers, &of.fields);
        }
        if of.last {
            scope.last = LastScope::new(self.run.and_then(|run| run.last.as_ref()));
        }
        scope
    }

    fn event(&self, wanted: &Wanted) -> EventScope {
        match self.event {
            Seen::Nothing => {
                let nothing = EventKind::from(String::new());
                EventScope::of_data(&nothing, false, &EventData::default(), wanted)
            }
            Seen::Event(event) => EventScope::new(event, wanted),
            Seen::Data(data) => {
                let kind = self.journey.trigger.on.first().cloned();
                let kind = kind.unwrap_or_else(|| EventKind::from(String::new()));
                EventScope::of_data(&kind, false, data, wanted)
            }
        }
    }
}

fn of_contact(contact: &Contact, wanted: &Wanted) -> ContactScope {
    let spend = contact.purchases.spend.map_or(0.0, |spend| spend.as_f64());
    ContactScope::new(
        &contact.profile,
        contact.address().map(|address| &address.email),
        contact.purchases.orders as usize,
        spend,
        contact.is_subscribed(),
        wanted,
    )
}

/// What a condition says, or why it says nothing.
pub(super) fn answer(condition: &Condition, view: &View<'_>) -> Result<bool, Error> {
    let compiled = Compiled::of(condition)?;
    compiled.holds(&view.scope(&compiled.looks_at))
}

/// What a condition says; none when it fails at run time, which is remarked.
pub(super) fn holds(
    when: Option<&Condition>,
    view: &View<'_>,
    journey: &Journey,
    remarks: &mut Vec<Remark>,
) -> Option<bool> {
    let Some(condition) = when else {
        return Some(true);
    };
    match answer(condition, view) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            let (journey, error) = (journey.id.to_string(), error.to_string());
            remarks.push(Remark::ConditionFailed { journey, error });
            None
        }
    }
}
