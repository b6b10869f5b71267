//! Lets something go wrong in a story, and all be well again.

use super::broken::Broken;
use super::plan::Trouble;
use super::platform::Odd;
use super::play::{Coming, Play};
use crate::domain::event::Event;
use crate::domain::time::Delay;
use std::collections::VecDeque;

impl Play<'_> {
    pub fn trouble(&mut self, trouble: Trouble) -> Result<(), Broken> {
        match trouble {
            Trouble::AlarmLate(by) => self.odd = Some(Odd::Late(by)),
            Trouble::AlarmTwice => self.odd = Some(Odd::Twice),
            Trouble::AlarmDropped => self.odd = Some(Odd::Dropped),
            Trouble::NoAlarms(time) => self.no_alarm_before = self.now.plus(time),
            Trouble::NoCron(time) => self.no_cron_before = self.now.plus(time),
            Trouble::Crash(after) => self.world.crash_after(after),
            Trouble::CrashAt(point) => self.world.crash_at(point),
            Trouble::Provider(fault, times) => {
                let faults = (0..times).map(|_| fault);
                self.world.provider.borrow_mut().faults.extend(faults);
            }
            Trouble::Away(shard, time) => {
                let shard = self
                    .world
                    .indices()
                    .into_iter()
                    .nth(usize::from(shard % self.plan.shards));
                self.world.away.set(shard);
                self.add(self.now.plus(time), Coming::Returned);
            }
            Trouble::Clock(by, time) => {
                self.turn_clock(by);
                self.add(self.now.plus(time), Coming::ClockRight);
            }
            Trouble::Hang(time) => {
                self.world.hang.set(true);
                self.add(self.now.plus(time), Coming::ComeBack);
            }
            Trouble::Deploy(which) => {
                if let Some(catalog) = self.stage.after.get(which) {
                    self.world.catalog = catalog.clone();
                    self.world.restart();
                    self.unswept = self.world.indices().into_iter().collect();
                }
            }
        }
        Ok(())
    }

    /// Nothing goes wrong any more; what was held up arrives.
    pub fn heal(&mut self) -> Result<(), Broken> {
        self.world.restart();
        self.world.provider.borrow_mut().faults.clear();
        self.world.away.set(None);
        self.world.hang.set(false);
        self.turn_clock(Delay::ZERO);
        (self.odd, self.no_cron_before, self.no_alarm_before) = (None, self.now, self.now);
        let late: VecDeque<Event> = self.world.meanwhile.take();
        late.into_iter().try_for_each(|event| self.webhook(event, 0))?;
        Ok(self.world.look_what_is_due()?)
    }
}
