//! Chance that comes out the same: every draw is a function of the seed, the contact and what is drawn.

use crate::domain::civil::{TimeOfDay, Weekdays, Zone, next_time_of_day};
use crate::domain::time::{Delay, Timestamp};
use std::collections::BTreeMap;

/// Steele, Lea and Flood's `SplitMix64`: small, and the same on every machine.
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// The draws of one contact, which those of another do not touch.
    pub fn new(seed: u64, contact: u32) -> Self {
        let mut draw = Self(seed ^ (u64::from(contact) << 32));
        draw.next();
        Self(draw.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, 1 left out.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn chance(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// A whole number below `most`, each as likely.
    #[expect(clippy::cast_possible_truncation, reason = "below `most`")]
    #[expect(clippy::cast_sign_loss, reason = "never negative")]
    pub fn below(&mut self, most: u8) -> u8 {
        (self.share() * f64::from(most)) as u8
    }

    /// Evenly between two spans.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "spans are far below 2^53 milliseconds"
    )]
    #[expect(clippy::cast_precision_loss, reason = "spans are far below 2^53 milliseconds")]
    pub fn between(&mut self, least: Delay, most: Delay) -> Delay {
        let width = (most.as_millis() - least.as_millis()).max(0) as f64;
        let seconds = (self.share() * width / 1_000.0) as i64;
        Delay::from_millis(least.as_millis() + seconds * 1_000)
    }

    /// The time to the next of events that come so often in a week.
    pub fn pause(&mut self, per_week: f64) -> Option<Delay> {
        if per_week <= 0.0 {
            return None;
        }
        let weeks = -(1.0 - self.share()).ln() / per_week;
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and then never comes")]
        let seconds = (weeks * 604_800.0) as i64;
        Some(Delay::from_seconds(seconds))
    }

    /// One of these by their shares, or none.
    pub fn one_of<'a>(&mut self, shares: &'a BTreeMap<String, f64>) -> Option<&'a str> {
        let mut left = self.share();
        for (name, share) in shares {
            if left < *share {
                return Some(name);
            }
            left -= share;
        }
        None
    }

    /// A moment of the same day at which people are awake: from eight to midnight, most in the evening.
    pub fn awake(&mut self, day: Timestamp, zone: Zone) -> Timestamp {
        let (one, two) = (self.share(), self.share());
        #[expect(clippy::cast_possible_truncation, reason = "below 960")]
        #[expect(clippy::cast_sign_loss, reason = "never negative")]
        let minute = (one.max(two) * 960.0) as u16 + 480;
        let time = TimeOfDay::new(minute / 60, minute % 60).unwrap_or_default();
        let seconds = self.between(Delay::ZERO, Delay::from_seconds(59));
        next_time_of_day(day, time, Weekdays::EVERY_DAY, zone).plus(seconds)
    }
}
