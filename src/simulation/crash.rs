//! Processes that die: at a turn or request that is counted down to, or at the points where it matters most.

use super::error::Failure;
use super::setup::{REQUESTS_PER_SECOND, traffic};
use super::world::World;
use crate::domain::time::Timestamp;
use crate::turn::alarm;
use crate::turn::baton::Baton;

/// Where a process may die besides within a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The request is written down and has not left.
    Claimed,
    /// The provider has answered and nobody has heard it.
    Answered,
}

impl World {
    /// Lets the process die after so many further turns and requests; the last one leaves no trace.
    pub fn crash_after(&self, turns: u32) {
        self.fuse.set(Some(turns));
    }

    /// Lets the process die at the next such point.
    pub fn crash_at(&self, point: Point) {
        self.fatal.set(Some(point));
    }

    /// What was only in memory is gone.
    pub fn restart(&mut self) {
        self.fuse.set(None);
        self.fatal.set(None);
        self.hanging.borrow_mut().clear();
        // The breakers are kept.
        let breakers = self.traffic.borrow().breakers().clone();
        self.traffic
            .replace(traffic(breakers, REQUESTS_PER_SECOND, self.now));
        for host in &mut self.shards {
            host.forwarding.set(false);
            host.armed.set(false);
            host.single.borrow_mut().clear();
            host.rest_until.set(Timestamp::default());
            host.floor.set(alarm::FLOOR);
            host.running = Baton::default();
            host.awaited.borrow_mut().clear();
        }
    }

    pub(super) fn reach(&self, point: Point) -> Result<(), Failure> {
        if self.fatal.get() == Some(point) {
            return Err(Failure::Crash);
        }
        self.spark()
    }

    pub(super) fn spark(&self) -> Result<(), Failure> {
        match self.fuse.get() {
            Some(0) => Err(Failure::Crash),
            Some(left) => {
                self.fuse.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}
