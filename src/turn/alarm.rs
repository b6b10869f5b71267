//! When a shard's alarm should stand. The object of `edge` sets it so after each call and run, and so does the
//! simulated installation. It reads no clock and sets nothing.
//!
//! The alarm is a promise, not a need: cron makes the same run, whatever became of it.

use super::{Error, Turn};
use crate::domain::time::{Delay, Timestamp};

/// Shortest time between two runs by alarm: the floor that keeps a mistake from costing money.
pub const FLOOR: Delay = Delay::from_millis(50);
/// Shortest time between two runs by alarm of a shard that had work due and got nothing done: a mistake must not cost
/// money. Any call to the shard ends it.
pub const EMPTY_RUN_FLOOR: Delay = Delay::from_minutes(1);
/// How much later than wanted an alarm may stand. The caller's clock and ours differ by some milliseconds, which would
/// otherwise set it anew, a billed row, at every second call.
const SLACK: Delay = Delay::from_millis(100);
/// Longest rest that is believed: then the provider is asked again.
const MAX_REST: Delay = Delay::from_hours(1);

impl Turn<'_> {
    /// When there will be something to do: later than the earliest due work while its provider rests, and never while
    /// all is stopped.
    ///
    /// # Errors
    /// When storage fails.
    pub fn next_run(&self, rest_until: Timestamp) -> Result<Option<Timestamp>, Error> {
        if self.stopped() {
            return Ok(None);
        }
        let rest_until = rest_until.min(self.now.plus(MAX_REST));
        Ok(self.next_due()?.map(|next| next.max(rest_until)))
    }
}

/// How long it is from now to the alarm for what is to be done at `next`.
pub fn pause(next: Timestamp, now: Timestamp, floor: Delay) -> Delay {
    if planted!(AlarmComesEarly) {
        return next.min(now.plus(EMPTY_RUN_FLOOR)).since(now).max(floor);
    }
    // The longer floor is for what is due and does not get done, not for what is due later.
    let floor = if next > now { FLOOR } else { floor };
    next.since(now).max(floor)
}

/// Whether the alarm may stay as it is `held`: it is neither later than wanted nor past.
pub fn stands(held: Option<Timestamp>, wanted: Timestamp, now: Timestamp) -> bool {
    held.is_some_and(|held| (held <= wanted.plus(SLACK) || planted!(AlarmStaysLate)) && held > now)
}

/// The floor after a run.
pub const fn floor_after(idle: bool) -> Delay {
    if idle { EMPTY_RUN_FLOOR } else { FLOOR }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn the_alarm_stands_at_what_comes_next_and_never_in_the_past() {
        assert_eq!(pause(at(90), at(30), EMPTY_RUN_FLOOR), Delay::from_minutes(1));
        assert_eq!(pause(at(31), at(30), EMPTY_RUN_FLOOR), Delay::from_seconds(1));
        assert_eq!(pause(at(20), at(30), EMPTY_RUN_FLOOR), EMPTY_RUN_FLOOR);
        assert_eq!(pause(at(20), at(30), FLOOR), FLOOR);
        assert!(!stands(None, at(90), at(30)));
        assert!(stands(Some(at(60)), at(90), at(30)), "it comes early");
        assert!(stands(Some(at(90).plus(SLACK)), at(90), at(30)));
        assert!(!stands(Some(at(91)), at(90), at(30)), "it comes late");
        assert!(!stands(Some(at(30)), at(90), at(30)), "it is over");
    }
}
