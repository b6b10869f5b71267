//! `wait`: for a length of time, until a time by the contact's clock, or for an event with a timeout.

use crate::domain::time::{Delay, Timestamp};
use crate::engine::civil::{Calendar, date_named};
use crate::engine::progress::{Course, StepOutcome};
use crate::engine::state::{Contact, EndReason, Enrollment, Position};
use crate::journey::step::{Target, Wait};

/// A wait whose time has passed already is done as of that time, so that a late start catches up step by step and
/// each send sees how late it is. An event that came before its wait ends it at once, and no other wait.
pub(in crate::engine) fn enter(course: &Course<'_>, enrollment: &mut Enrollment, wait: &Wait) -> StepOutcome {
    if let Wait::Event { on, then, .. } = wait
        && let Some(at) = enrollment.seen.remove(on)
    {
        enrollment.reached = Some(enrollment.ready_at());
        return StepOutcome::Go { to: then.clone(), at };
    }
    let since = enrollment.since;
    match until(wait, enrollment, course.calendar, course.contact) {
        Some(until) if until > course.now => StepOutcome::Hold(Position::Waiting { until }),
        Some(until) => over(wait, enrollment, until),
        None => no_date(wait, since),
    }
}

/// From when on an hour counts for somebody who came to the wait: one that came by the striking of that very hour waits
/// for the next, or a circle of such waits would be run through in a moment.
fn after(wait: &Wait, enrollment: &Enrollment) -> Timestamp {
    const MOMENT: Delay = Delay::from_millis(1);
    match wait {
        Wait::Until { .. } if enrollment.since > enrollment.started_at => enrollment.since.plus(MOMENT),
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Date { .. } | Wait::Event { .. } => {
            enrollment.since
        }
    }
}

/// When the wait of a run that came to it at its `since` is over; none when it waits for a date that nobody knows.
pub(in crate::engine) fn until(
    wait: &Wait,
    run: &Enrollment,
    calendar: Calendar,
    contact: &Contact,
) -> Option<Timestamp> {
    let since = after(wait, run);
    match wait {
        Wait::Event { .. } if planted!(WaitsForEver) => Some(since.plus(Delay::from_days(3_650))),
        Wait::Delay(length) | Wait::Event { timeout: length, .. } => Some(since.plus(*length)),
        Wait::Calendar(length) => Some(length.after(since, calendar.contact)),
        Wait::Until { at, days } => Some(calendar.next(since, *at, *days)),
        Wait::Date {
            of, offset_days, at, ..
        } => {
            let date = date_named(of, contact, &run.data, calendar.contact)?;
            date.once(*offset_days, *at, calendar.contact)
                .or_else(|| Some(calendar.yearly(date, since, *offset_days, *at)))
        }
    }
}

/// Ends a wait whose event came while it could not: the journey was held, or it came to another contact that was merged into
/// this one. What follows counts from the event, and is not late by what it took to be heard of.
pub(in crate::engine) fn heard(
    wait: &Wait,
    enrollment: &mut Enrollment,
    now: Timestamp,
) -> Option<StepOutcome> {
    let Wait::Event { on, then, .. } = wait else {
        return None;
    };
    let at = enrollment.seen.remove(on)?;
    enrollment.reached = Some(now);
    let to = then.clone();
    Some(StepOutcome::Go { to, at })
}

/// What happens when its time is up.
pub(in crate::engine) fn over(wait: &Wait, enrollment: &mut Enrollment, at: Timestamp) -> StepOutcome {
    if let Some(outcome) = heard(wait, enrollment, at) {
        return outcome;
    }
    match wait {
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Date { .. } => StepOutcome::done(at),
        Wait::Event {
            otherwise: Target::Leave,
            ..
        } => StepOutcome::End(EndReason::TimedOut),
        Wait::Event { otherwise, .. } => StepOutcome::Go {
            to: otherwise.clone(),
            at,
        },
    }
}

fn no_date(wait: &Wait, at: Timestamp) -> StepOutcome {
    match wait {
        Wait::Date { otherwise, .. } => StepOutcome::Go {
            to: otherwise.clone(),
            at,
        },
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Event { .. } => StepOutcome::done(at),
    }
}
