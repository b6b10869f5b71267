//! `wait`: for a length of time, or for an event with a timeout.

use crate::domain::time::Timestamp;
use crate::engine::progress::StepOutcome;
use crate::engine::state::{EndReason, Enrollment, Position};
use crate::journey::definition::{Otherwise, Wait};

/// A wait whose time has passed already is done as of that time, so that a late start catches up step by step and
/// each send sees how late it is.
pub(in crate::engine) fn enter(now: Timestamp, enrollment: &Enrollment, wait: &Wait) -> StepOutcome {
    match wait {
        Wait::Delay(delay) => hold_until(enrollment.since.plus(*delay), now),
        Wait::Event {
            on,
            timeout,
            otherwise,
        } => {
            if let Some(at) = enrollment.seen.get(on) {
                return StepOutcome::Done(*at);
            }
            let until = enrollment.since.plus(*timeout);
            if until > now {
                return StepOutcome::Hold(Position::Waiting { until });
            }
            match otherwise {
                Otherwise::Continue => StepOutcome::Done(until),
                Otherwise::Exit => StepOutcome::End(EndReason::TimedOut),
            }
        }
    }
}

fn hold_until(until: Timestamp, now: Timestamp) -> StepOutcome {
    if until > now {
        StepOutcome::Hold(Position::Waiting { until })
    } else {
        StepOutcome::Done(until)
    }
}
