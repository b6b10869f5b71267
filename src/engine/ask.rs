//! Asks a condition about a contact: what it can see at a trigger, an exit rule, a branch and a send.
//!
//! A condition that fails at run time has no answer. The caller says what that means: everywhere no, in an exit rule
//! doubt.

use super::condition::{self, ContactScope, EnrollmentScope, EventScope, LastScope, Scope};
use super::decision::Remark;
use super::state::{Contact, Enrollment};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::EnrollmentKey;
use crate::journey::definition::{Condition, Journey};

/// What a trigger sees: there is no run yet.
pub(super) fn of_event(contact: &Contact, journey: &Journey, event: &Event, key: &EnrollmentKey) -> Scope {
    Scope {
        contact: of_contact(contact),
        event: EventScope::new(event),
        enrollment: EnrollmentScope::new(&journey.id, key),
        last: LastScope::default(),
    }
}

/// What a trigger sees that a time pulls: there is no event.
pub(super) fn of_moment(contact: &Contact, journey: &Journey, key: &EnrollmentKey) -> Scope {
    Scope {
        contact: of_contact(contact),
        event: EventScope::default(),
        enrollment: EnrollmentScope::new(&journey.id, key),
        last: LastScope::default(),
    }
}

/// What an exit rule sees: the event that came, and the run it may end.
pub(super) fn of_exit(contact: &Contact, journey: &Journey, event: &Event, enrollment: &Enrollment) -> Scope {
    Scope {
        enrollment: EnrollmentScope::new(&journey.id, &enrollment.key).with_answers(&enrollment.answers),
        last: LastScope::new(enrollment.last.as_ref()),
        ..of_event(contact, journey, event, &enrollment.key)
    }
}

/// What a step sees: the data of the event that started or last refreshed the run.
pub(super) fn of_enrollment(contact: &Contact, journey: &Journey, enrollment: &Enrollment) -> Scope {
    let kind = journey.trigger.on.first().cloned();
    let kind = kind.unwrap_or_else(|| EventKind::from(String::new()));
    Scope {
        contact: of_contact(contact),
        event: EventScope::of_data(&kind, false, &enrollment.data),
        enrollment: EnrollmentScope::new(&journey.id, &enrollment.key).with_answers(&enrollment.answers),
        last: LastScope::new(enrollment.last.as_ref()),
    }
}

fn of_contact(contact: &Contact) -> ContactScope {
    let spend = contact.purchases.spend.map_or(0.0, |spend| spend.as_f64());
    ContactScope::new(
        &contact.profile,
        contact.address().map(|address| &address.email),
        contact.purchases.orders as usize,
        spend,
        contact.is_subscribed(),
    )
}

/// What a condition says; none when it fails at run time, which is remarked.
pub(super) fn holds(
    when: Option<&Condition>,
    scope: &Scope,
    journey: &Journey,
    remarks: &mut Vec<Remark>,
) -> Option<bool> {
    let Some(condition) = when else {
        return Some(true);
    };
    match condition::holds(condition, scope) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            let (journey, error) = (journey.id.to_string(), error.to_string());
            remarks.push(Remark::ConditionFailed { journey, error });
            None
        }
    }
}
