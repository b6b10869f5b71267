//! How fast a provider may be asked: one bucket a provider, kept in memory by `traffic` and leased to shards.
//!
//! Learned from the provider's own answers, never configured. A lost bucket is only a fresh start at the careful rate.

use crate::domain::message::Lane;
use crate::domain::time::{Delay, Timestamp};
use std::collections::BTreeMap;

/// Requests a second before a provider told us its limit: the lowest published one we know (Resend, 2 a second).
pub const CAREFUL_RATE: u32 = 2;
/// Highest rate we take over from a header.
pub const MAX_RATE: u32 = 1_000;
/// A token in the bucket's own unit, so that fractions of a second count exactly.
const TOKEN: i64 = 1_000;

/// How long a lane that got nothing keeps its place after it asked: longer than any `again_at` of a short bucket, and
/// short enough that a lane whose work is gone holds nobody up.
const PATIENCE: Delay = Delay::from_seconds(3);

/// Requests still allowed to one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    rate: u32,
    /// In thousandths of a request.
    level: i64,
    filled_at: Timestamp,
    paused_until: Timestamp,
    /// Lanes that asked lately and still have work.
    queued: BTreeMap<Lane, Queued>,
}

/// A lane that asked lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Queued {
    asked_at: Timestamp,
    /// Whether it got nothing when it asked last.
    refused: bool,
    /// What the others have had ahead of it, in thousandths of a request. Whole ones are its turn.
    owed: i64,
}

/// What a lane gets of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            queued: BTreeMap::new(),
        }
    }

    /// Leases up to `wanted` requests to a lane. The faster lanes go first, and the slower ones leave some of the second
    /// to them, so that an order confirmation never waits behind a holiday mailing. But a lane that waits is owed a part
    /// of what the others get, and once that is a whole request nobody else takes it.
    pub fn lease(&mut self, lane: Lane, wanted: u32, now: Timestamp) -> Lease {
        if now < self.paused_until {
            return Lease {
                granted: 0,
                again_at: self.paused_until,
            };
        }
        self.fill(now);
        self.queued
            .retain(|_, queued| now < queued.asked_at.plus(PATIENCE));
        let turns = self.queued.get(&lane).map_or(0, Queued::turns);
        let reserve = if turns > 0 { 0 } else { self.reserve(lane) };
        let free = self.level.saturating_sub(reserve) / TOKEN - self.kept_from(lane);
        // A turn is taken whoever else waits: each of them has theirs.
        let free = free.max(turns.min(self.level / TOKEN)).max(0);
        let granted = u32::try_from(free).unwrap_or(u32::MAX).min(wanted);
        self.level = self.level.saturating_sub(i64::from(granted) * TOKEN);
        self.note(lane, granted, now);
        let missing = TOKEN.saturating_add(reserve).saturating_sub(self.level);
        // Where there is enough and it is somebody else's, the next request is the one to wait for.
        let missing = if missing > 0 { missing } else { TOKEN };
        let wait = Delay::from_millis(missing / i64::from(self.rate.max(1)) + 1);
        Lease {
            granted,
            again_at: now.plus(wait),
        }
    }

    /// What a lane leaves to faster ones that may come within the second. Never so much that a full bucket holds no
    /// request for it: at one request a second there is nothing to spare.
    fn reserve(&self, lane: Lane) -> i64 {
        let reserve = match lane {
            Lane::Transactional => 0,
            Lane::Cart => self.capacity() / 10,
            Lane::Marketing => self.capacity() / 4,
        };
        reserve.min(self.capacity().saturating_sub(TOKEN))
    }

    /// Whole requests that are for others: their turns, and one for each faster lane that was just refused.
    fn kept_from(&self, lane: Lane) -> i64 {
        let others = self.queued.iter().filter(|(other, _)| **other != lane);
        others
            .map(|(other, queued)| queued.turns().max(i64::from(queued.refused && *other < lane)))
            .sum()
    }

    /// Writes down that a lane got so many requests: its own turns are taken, and those who wait come nearer to theirs.
    fn note(&mut self, lane: Lane, granted: u32, now: Timestamp) {
        let granted = i64::from(granted);
        let most = self.capacity();
        for (other, queued) in &mut self.queued {
            if *other == lane {
                queued.owed = queued.owed.saturating_sub(granted * TOKEN).max(0);
            } else if queued.refused {
                // Nobody is owed more than its part of a second, or the one request that makes a turn.
                let cap = (most * share(*other) / TOKEN).max(TOKEN);
                queued.owed = queued.owed.saturating_add(granted * share(*other)).min(cap);
            }
        }
        let queued = self.queued.entry(lane).or_insert(Queued {
            asked_at: now,
            refused: false,
            owed: 0,
        });
        queued.asked_at = now;
        queued.refused = granted == 0;
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

impl Queued {
    const fn turns(&self) -> i64 {
        self.owed / TOKEN
    }
}

/// What a lane that waits is owed for each request of another lane, in thousandths: one in five for carts, one in ten
/// for the rest. The fastest lane is owed nothing, since it is always first.
const fn share(lane: Lane) -> i64 {
    match lane {
        Lane::Transactional => 0,
        Lane::Cart => TOKEN / 5,
        Lane::Marketing => TOKEN / 10,
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

    /// Requests each lane got in `seconds`. Those in `lanes` always have work, and ask when they were told to.
    fn play(rate: u32, seconds: i64, lanes: &[Lane], wanted: u32) -> BTreeMap<Lane, u32> {
        let mut bucket = Bucket::new(START);
        bucket.learn(rate, START);
        let mut got: BTreeMap<Lane, u32> = lanes.iter().map(|lane| (*lane, 0)).collect();
        let mut ask_at: BTreeMap<Lane, Timestamp> = lanes.iter().map(|lane| (*lane, START)).collect();
        let end = START.plus(Delay::from_seconds(seconds));
        let mut now = START;
        while now < end {
            for (lane, at) in &mut ask_at {
                while *at <= now {
                    let lease = bucket.lease(*lane, wanted, now);
                    *got.get_mut(lane).unwrap() += lease.granted;
                    if lease.granted == 0 {
                        assert!(
                            lease.again_at > now,
                            "{rate} a second: {lane:?} would ask again at once"
                        );
                        *at = lease.again_at;
                    }
                }
            }
            now = ask_at.values().min().copied().unwrap();
        }
        got
    }

    const ALL: [Lane; 3] = [Lane::Transactional, Lane::Cart, Lane::Marketing];

    #[test]
    fn every_lane_with_work_gets_its_share_at_any_rate() {
        for rate in [1, 2, 3, 10, 100] {
            for wanted in [1, 6] {
                let got = play(rate, 60, &ALL, wanted);
                let whole = rate * 60;
                let shares: Vec<u32> = got.values().copied().collect();
                let told = format!("{rate} a second, {wanted} at a time: {shares:?}");
                let [orders, carts, rest] = shares.try_into().unwrap();
                // The bucket is full at the start.
                assert!(orders + carts + rest <= whole + rate, "{told}");
                assert!(
                    orders + carts + rest >= whole * 9 / 10,
                    "nothing is wasted; {told}"
                );
                assert!(orders > carts && carts > rest, "{told}");
                assert!(orders >= whole / 2, "{told}");
                assert!(carts >= whole / 8 && rest >= whole / 15, "{told}");
            }
        }
    }

    #[test]
    fn a_lane_alone_has_the_whole_rate() {
        for rate in [1, 2, 3, 10] {
            for lane in ALL {
                let got = play(rate, 60, &[lane], 6)[&lane];
                assert!(
                    got >= rate * 59 && got <= rate * 61,
                    "{lane:?} at {rate} a second: {got}"
                );
            }
            let got = play(rate, 60, &[Lane::Cart, Lane::Marketing], 6);
            assert!(got[&Lane::Marketing] >= rate * 4, "{got:?}");
            assert!(got[&Lane::Cart] > got[&Lane::Marketing] * 3, "{got:?}");
        }
    }

    #[test]
    fn the_rate_holds_in_every_second_however_the_lanes_ask() {
        for rate in [1_u32, 2, 3, 10] {
            let mut bucket = Bucket::new(START);
            bucket.learn(rate, START);
            let mut grants: Vec<(i64, u32)> = Vec::new();
            for tick in 0..1_200_i64 {
                // Any order and any size will do; this one repeats after 21 ticks.
                let lane = ALL[usize::try_from(tick % 7 % 3).unwrap()];
                let wanted = u32::try_from(tick % 3).unwrap() * 5 + 1;
                let millis = tick * 50;
                let lease = bucket.lease(lane, wanted, START.plus(Delay::from_millis(millis)));
                assert!(lease.granted <= wanted);
                grants.push((millis, lease.granted));
            }
            for (start, _) in &grants {
                let within = |(at, _): &&(i64, u32)| (*start..start + 1_000).contains(at);
                let sum: u32 = grants.iter().filter(within).map(|(_, granted)| granted).sum();
                // What the bucket held, and what ran in meanwhile.
                assert!(sum <= rate * 2, "{sum} in the second from {start} at {rate}");
            }
            let total: u32 = grants.iter().map(|(_, granted)| granted).sum();
            assert!(total <= rate * 61, "{total} in a minute at {rate}");
        }
    }

    #[test]
    fn an_order_goes_before_what_waited_longer() {
        let mut bucket = Bucket::new(START);
        bucket.learn(1, START);
        let second = |n| START.plus(Delay::from_seconds(n));
        assert_eq!(bucket.lease(Lane::Marketing, 1, START).granted, 1);
        assert_eq!(bucket.lease(Lane::Marketing, 1, START).granted, 0);
        assert_eq!(bucket.lease(Lane::Transactional, 1, START).granted, 0);
        // Another shard asks first: what comes in is for the order that was refused.
        assert_eq!(bucket.lease(Lane::Marketing, 1, second(1)).granted, 0);
        assert_eq!(bucket.lease(Lane::Transactional, 1, second(1)).granted, 1);
        assert_eq!(bucket.lease(Lane::Marketing, 1, second(2)).granted, 1);
    }

    #[test]
    fn a_lane_whose_work_is_gone_holds_nobody_up() {
        let mut bucket = Bucket::new(START);
        bucket.learn(1, START);
        let second = |n| START.plus(Delay::from_seconds(n));
        // Marketing waits until it is its turn, and never comes back for it.
        for n in 0..11 {
            assert_eq!(bucket.lease(Lane::Transactional, 1, second(n)).granted, 1);
            assert_eq!(bucket.lease(Lane::Marketing, 1, second(n)).granted, 0);
        }
        let refused = bucket.lease(Lane::Transactional, 1, second(11));
        assert_eq!((refused.granted, refused.again_at > second(11)), (0, true));
        let given_up = second(10).plus(PATIENCE);
        assert_eq!(bucket.lease(Lane::Transactional, 1, given_up).granted, 1);
    }
}
