//! The baton: who may run, one at a time, and nobody for ever.
//!
//! Held in a shard's memory by its runs. A run that hangs, or is lost with the request that carried it, does not give the
//! baton back: when it has not been heard of for a while another takes it, and the first one, should it come back, finds
//! that it no longer holds it. Two runs at once do no harm, since every claim is a turn; they only cost more.

use crate::domain::time::{Delay, Timestamp};
use std::cell::Cell;

/// How long a holder may be silent. Longer than the longest single wait: a request and what is noted after it.
const SILENCE: Delay = Delay::from_minutes(3);

/// See the module.
#[derive(Debug, Default)]
pub struct Baton {
    heard_at: Cell<Option<Timestamp>>,
    holder: Cell<u64>,
}

/// Proof of having taken the baton.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grip(u64);

impl Baton {
    /// Takes the baton; none while another holds it and is heard of.
    pub fn take(&self, now: Timestamp) -> Option<Grip> {
        let held = self.heard_at.get();
        // The clocks of two requests in one isolate stand still at different moments, so `now` may be the earlier one.
        if held.is_some_and(|at| now.max(at).since(now.min(at)) < SILENCE) {
            return None;
        }
        self.heard_at.set(Some(now));
        self.holder.set(self.holder.get().wrapping_add(1));
        Some(Grip(self.holder.get()))
    }

    /// Says that the holder goes on; false when it lost the baton, and must stop.
    pub fn hold(&self, grip: Grip, now: Timestamp) -> bool {
        let holds = self.holder.get() == grip.0;
        if holds {
            self.heard_at.set(Some(now));
        }
        holds
    }

    /// Gives the baton back, if it is still held.
    pub fn give_back(&self, grip: Grip) {
        if self.holder.get() == grip.0 {
            self.heard_at.set(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_runs_at_a_time_and_gives_it_back() {
        let (baton, now) = (Baton::default(), Timestamp::from_seconds(1_000));
        let grip = baton.take(now).unwrap();
        assert_eq!(baton.take(now), None);
        // Another request's clock may be a little behind.
        assert_eq!(baton.take(now.minus(Delay::from_millis(20))), None);
        baton.give_back(grip);
        assert!(baton.take(now).is_some());
    }

    #[test]
    fn a_run_that_is_not_heard_of_loses_it() {
        let (baton, start) = (Baton::default(), Timestamp::from_seconds(1_000));
        let lost = baton.take(start).unwrap();
        let later = start.plus(SILENCE).minus(Delay::from_millis(1));
        assert_eq!(baton.take(later), None);
        assert!(baton.hold(lost, later), "it is alive");
        assert_eq!(baton.take(start.plus(SILENCE)), None);
        let next = baton.take(later.plus(SILENCE)).unwrap();
        // The first one comes back: it must stop, and cannot take the baton from the other.
        assert!(!baton.hold(lost, later.plus(SILENCE)));
        baton.give_back(lost);
        assert_eq!(baton.take(later.plus(SILENCE)), None);
        assert!(baton.hold(next, later.plus(SILENCE)));
    }
}
