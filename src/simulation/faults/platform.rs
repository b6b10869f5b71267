//! The platform of a story: it fires alarms and beats for cron, and has bad days.

use super::super::error::Failure;
use super::broken::Broken;
use super::check::{earliest_due, rests_until};
use super::play::Play;
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::turn::call::{Answer, Call};

/// Cron's beat.
pub(super) const CRON: Delay = Delay::from_minutes(5);
/// A platform that lost a handler calls it again.
const ALARM_AGAIN: Delay = Delay::from_seconds(2);
/// When an alarm fires that was dropped.
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX / 2);

/// The next alarm will not fire when it should.
#[derive(Debug, Clone, Copy)]
pub(super) enum Odd {
    Late(Delay),
    Twice,
    Dropped,
}

impl Play<'_> {
    /// When the alarm of a shard fires.
    pub fn alarm_at(&self, shard: ShardIndex) -> Option<Timestamp> {
        let set = self.world.alarm_of(shard)?;
        let fires = match self.in_hand.get(&shard) {
            Some((held, fires)) if *held == set => *fires,
            Some(_) | None => self.theirs(set),
        };
        Some(fires.max(self.no_alarm_before))
    }

    /// When cron next has something to do for a shard: a beat that finds nothing is left out.
    fn cron_at(&self, shard: ShardIndex) -> Option<Timestamp> {
        let due = match self.unswept.contains(&shard) {
            true => Some(self.now),
            false => self.world.next_run_of(shard).map(|due| self.theirs(due)),
        };
        let from = due?
            .max(self.now.plus(Delay::from_millis(1)))
            .max(self.no_cron_before);
        let beat = CRON.as_millis();
        let beats = from.as_millis().div_euclid(beat) + i64::from(from.as_millis().rem_euclid(beat) > 0);
        Some(Timestamp::from_millis(beats * beat))
    }

    /// When something happens next.
    pub fn next(&self) -> Option<Timestamp> {
        let coming = self.coming.keys().next().map(|(at, _)| *at);
        let shards = self.world.indices().into_iter();
        let platform = shards.flat_map(|shard| [self.alarm_at(shard), self.cron_at(shard)]);
        platform.chain([coming]).flatten().min()
    }

    pub fn alarm(&mut self, shard: ShardIndex) -> Result<(), Broken> {
        let held = self.in_hand.remove(&shard);
        if let (None, Some(set)) = (held, self.world.alarm_of(shard)) {
            match self.odd.take() {
                Some(Odd::Late(by)) => {
                    self.in_hand.insert(shard, (set, self.now.plus(by)));
                    return Ok(());
                }
                Some(Odd::Dropped) => {
                    self.in_hand.insert(shard, (set, NEVER));
                    return Ok(());
                }
                Some(Odd::Twice) => {
                    self.fire(shard)?;
                }
                None => {}
            }
        }
        if self.fire(shard)? {
            self.world.set_alarm(shard, self.world.now.plus(ALARM_AGAIN));
        }
        Ok(())
    }

    /// Calls a shard by its alarm; whether the process died of it.
    fn fire(&mut self, shard: ShardIndex) -> Result<bool, Broken> {
        let due = earliest_due(&self.world, shard)?;
        let done = self.world.alarm(shard);
        if done.is_ok() && due.is_none_or(|due| due > self.world.now) {
            rests_until(&self.world, shard, due)?;
        }
        let died = matches!(done, Err(Failure::Crash));
        self.survive(done)?;
        Ok(died)
    }

    /// A beat of cron, for the shards it finds something to do for.
    pub fn cron(&mut self) -> Result<(), Broken> {
        for shard in self.world.indices() {
            let now = self.world.now;
            if self.world.next_run_of(shard).is_some_and(|due| due <= now) {
                let done = self.world.call(shard, Call::RunDue);
                self.survive(done)?;
            }
            while self.unswept.contains(&shard) {
                let done = self.world.call(shard, Call::Sweep);
                match self.survive(done)? {
                    Some(Answer::Swept { done: false }) => {}
                    Some(_) => {
                        self.unswept.remove(&shard);
                    }
                    None => break,
                }
            }
        }
        Ok(())
    }
}
