//! `wait`: for a length of time, or for an event with a timeout.

use crate::domain::time::Timestamp;
use crate::engine::progress::StepOutcome;
use crate::engine::state::{EndReason, Enrollment, Position};
use crate::journey::step::{Target, Wait};

/// A wait whose time has passed already is done as of that time, so that a late start catches up step by step and
/// each send sees how late it is.
pub(in crate::engine) fn enter(now: Timestamp, enrollment: &Enrollment, wait: &Wait) -> StepOutcome {
    if let Wait::Event { on, then, .. } = wait
        && let Some(at) = enrollment.seen.get(on)
    {
        return StepOutcome::Go {
            to: then.clone(),
            at: *at,
        };
    }
    let until = until(enrollment.since, wait);
    if until > now {
        StepOutcome::Hold(Position::Waiting { until })
    } else {
        over(wait, until)
    }
}

/// When the wait of somebody who came to it at `since` is over.
pub(in crate::engine) fn until(since: Timestamp, wait: &Wait) -> Timestamp {
    match wait {
        Wait::Delay(length) | Wait::Event { timeout: length, .. } => since.plus(*length),
    }
}

/// What happens when its time is up.
pub(in crate::engine) fn over(wait: &Wait, at: Timestamp) -> StepOutcome {
    match wait {
        Wait::Delay(_) => StepOutcome::done(at),
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
