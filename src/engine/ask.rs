//! Asks a condition about a contact: what it can see at a trigger, an exit rule, a branch and a send.
//!
//! A condition that fails at run time has no answer. The caller says what that means: everywhere no, in an exit rule
//! doubt.

use super::condition::{self, ContactScope, EnrollmentScope, EventScope, LastScope, Scope};
use super::decision::Remark;
use super::state::{Contact, Counted, Enrollment};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::EnrollmentKey;
use crate::domain::time::Timestamp;
use crate::journey::definition::{Condition, Journey};
use std::sync::Arc;

/// What every condition of a decision sees: the contact at this moment.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub contact: &'a Contact,
    pub counted: &'a Arc<Counted>,
    pub now: Timestamp,
}

impl View<'_> {
    /// What the trigger of a segment or of a moment sees: there is neither an event nor a run.
    pub fn alone(self, journey: &Journey, key: &EnrollmentKey) -> Scope {
        Scope {
            contact: ContactScope::new(self.contact, self.now),
            event: EventScope::default(),
            enrollment: EnrollmentScope::new(&journey.id, key),
            last: LastScope::default(),
            counted: Arc::clone(self.counted),
            now: self.now,
        }
    }

    /// What a trigger sees: there is no run yet.
    pub fn of_event(self, journey: &Journey, event: &Event, key: &EnrollmentKey) -> Scope {
        Scope {
            event: EventScope::new(event),
            ..self.alone(journey, key)
        }
    }

    /// What an exit rule sees: the event that came, and the run it may end.
    pub fn of_exit(self, journey: &Journey, event: &Event, enrollment: &Enrollment) -> Scope {
        Scope {
            event: EventScope::new(event),
            ..self.of_run(journey, enrollment)
        }
    }

    /// What a step sees: the data of the event that started or last refreshed the run.
    pub fn of_enrollment(self, journey: &Journey, enrollment: &Enrollment) -> Scope {
        let kind = journey.trigger.on.first().cloned();
        let kind = kind.unwrap_or_else(|| EventKind::from(String::new()));
        Scope {
            event: EventScope::of_data(&kind, false, &enrollment.data),
            ..self.of_run(journey, enrollment)
        }
    }

    fn of_run(self, journey: &Journey, enrollment: &Enrollment) -> Scope {
        let run = EnrollmentScope::new(&journey.id, &enrollment.key);
        Scope {
            enrollment: run.with_answers(&enrollment.answers),
            last: LastScope::new(enrollment.last.as_ref()),
            ..self.alone(journey, &enrollment.key)
        }
    }
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
