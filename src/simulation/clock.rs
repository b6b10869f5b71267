//! The virtual clock: it stops wherever something falls due, and nothing happens between two stops.

use super::error::Failure;
use super::world::World;
use crate::domain::time::{Delay, Timestamp};
use crate::turn::call::{Answer, Call};

/// Most moments a stretch of time may hold: beyond it something goes round in circles.
const MAX_MOMENTS: usize = 5_000;

impl World {
    /// Runs everything due on every shard, and returns when the next thing will be.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn run_all(&self) -> Result<Option<Timestamp>, Failure> {
        let mut next = None;
        for shard in self.indices() {
            let due = self.turn(shard, |turn| turn.next_run(Timestamp::default()))?;
            if due.is_none_or(|due| due > self.now) {
                next = [next, due].into_iter().flatten().min();
                continue;
            }
            if let Answer::Ran { next_due, .. } = self.call(shard, Call::RunDue)? {
                next = [next, next_due].into_iter().flatten().min();
            }
        }
        let floor = self.now.plus(Delay::from_seconds(1));
        Ok(next.map(|next: Timestamp| next.max(floor)))
    }

    /// Moves the clock, stopping wherever something falls due; `each` sees the world at every stop.
    ///
    /// # Errors
    /// When a turn or `each` fails, and `Failure::Livelock` when there is no end of it.
    pub fn run_until(
        &mut self,
        until: Timestamp,
        mut each: impl FnMut(&Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for _ in 0..MAX_MOMENTS {
            let next = self.run_all()?;
            each(self)?;
            match next.filter(|next| *next <= until) {
                Some(next) => self.now = next,
                None if self.now < until => self.now = until,
                None => return Ok(()),
            }
        }
        Err(Failure::Livelock {
            moments: MAX_MOMENTS,
            until,
        })
    }
}
