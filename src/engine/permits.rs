//! How fast a provider may be asked: one bucket a provider, kept in memory by the `Store` object and leased to shards.
//!
//! Learned from the provider's own answers, never configured. A lost bucket is only a fresh start at the careful rate.

use crate::domain::message::Lane;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};

/// Requests a second before a provider told us its limit: the lowest published one we know (Resend, 2 a second).
pub const CAREFUL_RATE: u32 = 2;
/// Highest rate we take over from a header.
pub const MAX_RATE: u32 = 1_000;
/// A token in the bucket's own unit, so that fractions of a second count exactly.
const TOKEN: i64 = 1_000;

/// Requests still allowed to one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    rate: u32,
    /// In thousandths of a request.
    level: i64,
    filled_at: Timestamp,
    paused_until: Timestamp,
}

/// The answer to a shard that wants to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Requests it may make now.
    pub granted: u32,
    /// When to ask again, if it wanted more.
    pub again_at: Timestamp,
}

impl Bucket {
    pub fn new(now: Timestamp) -> Self {
        Self {
            rate: CAREFUL_RATE,
            level: i64::from(CAREFUL_RATE) * TOKEN,
            filled_at: now,
            paused_until: Timestamp::default(),
        }
    }

    /// Leases up to `wanted` requests to a lane. The slower lanes leave some of the second to the faster ones, so that
    /// an order confirmation never waits behind a holiday mailing.
    pub fn lease(&mut self, lane: Lane, wanted: u32, now: Timestamp) -> Lease {
        if now < self.paused_until {
            return Lease {
                granted: 0,
                again_at: self.paused_until,
            };
        }
        self.fill(now);
        let reserve = match lane {
            Lane::Transactional => 0,
            Lane::Cart => self.capacity() / 10,
            Lane::Marketing => self.capacity() / 4,
        };
        let free = (self.level.saturating_sub(reserve) / TOKEN).max(0);
        let granted = u32::try_from(free).unwrap_or(u32::MAX).min(wanted);
        self.level = self.level.saturating_sub(i64::from(granted) * TOKEN);
        let missing = TOKEN.saturating_add(reserve).saturating_sub(self.level).max(0);
        let wait = Delay::from_millis(missing / i64::from(self.rate.max(1)) + 1);
        Lease {
            granted,
            again_at: now.plus(wait),
        }
    }

    /// Takes over the limit a provider stated, in requests a second.
    pub fn learn(&mut self, per_second: u32, now: Timestamp) {
        self.fill(now);
        self.rate = per_second.clamp(1, MAX_RATE);
        self.level = self.level.min(self.capacity());
    }

    /// Lets the provider rest. A later pause never shortens an earlier one.
    pub fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(until);
    }

    pub const fn paused_until(&self) -> Timestamp {
        self.paused_until
    }

    fn capacity(&self) -> i64 {
        i64::from(self.rate) * TOKEN
    }

    fn fill(&mut self, now: Timestamp) {
        let gained = now
            .since(self.filled_at)
            .as_millis()
            .saturating_mul(i64::from(self.rate));
        self.level = self.level.saturating_add(gained).min(self.capacity());
        self.filled_at = self.filled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_000);

    #[test]
    fn a_second_holds_as_many_requests_as_the_rate() {
        let mut bucket = Bucket::new(START);
        bucket.learn(10, START);
        let mut granted = 0;
        for tenth in 0..100 {
            let now = START.plus(Delay::from_millis(tenth * 100));
            granted += bucket.lease(Lane::Transactional, 5, now).granted;
        }
        // Ten seconds less the last tick, and what was in the bucket at the start.
        assert_eq!(granted, 99 + 2);
    }

    #[test]
    fn slower_lanes_leave_room_for_faster_ones() {
        let mut bucket = Bucket::new(START);
        bucket.learn(100, START);
        let later = START.plus(Delay::from_seconds(5));
        assert_eq!(bucket.lease(Lane::Marketing, 1_000, later).granted, 75);
        assert_eq!(bucket.lease(Lane::Cart, 1_000, later).granted, 15);
        assert_eq!(bucket.lease(Lane::Transactional, 1_000, later).granted, 10);
        let refused = bucket.lease(Lane::Marketing, 1, later);
        assert_eq!(refused.granted, 0);
        assert!(bucket.lease(Lane::Marketing, 1, refused.again_at).granted == 1);
    }

    #[test]
    fn a_pause_holds_everyone() {
        let mut bucket = Bucket::new(START);
        let until = START.plus(Delay::from_minutes(1));
        bucket.pause(until);
        bucket.pause(START);
        assert_eq!(
            bucket.lease(Lane::Transactional, 1, START),
            Lease {
                granted: 0,
                again_at: until
            }
        );
        assert_eq!(bucket.lease(Lane::Transactional, 1, until).granted, 1);
    }
}
