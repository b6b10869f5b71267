//! A shard's run: everything due, in the order of the lanes, in slices. Called by alarm and by cron, one at a time.
//!
//! Requests leave only after the turn that claimed them has committed (the runtime's output gate holds them back), at
//! most six at a time, and every answer is written in a turn of its own.

use super::error::Error;
use super::shard_object::Shard;
use super::{log, runtime};
use crate::domain::message::Lane;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::traffic::{Doubt, Leave};
use crate::providers::ProviderKind;
use crate::turn::alarm;
use crate::turn::backlog::by_lane;
use crate::turn::baton::Grip;
use crate::turn::claim::Claimed;
use crate::turn::errand::DueErrand;
use crate::turn::schedule::DISPATCHES_AT_ONCE;
use crate::turn::wake::DueMessage;
use serde_json::json;
use std::collections::BTreeSet;

/// Requests waiting for an answer at once: the platform's limit for connections of one invocation.
pub(super) const REQUESTS_AT_ONCE: usize = 6;
/// Most errands of one slice: they wait for others, and mails must not wait long for them.
const ERRANDS_A_SLICE: usize = 12;
/// Most slices of one run; the rest is for the next alarm.
const SLICES_PER_RUN: usize = 50;

/// A run of a shard.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    pub me: ShardIndex,
    pub now: Timestamp,
    pub grip: Grip,
}

/// What a slice, or a lane in it, got done.
#[derive(Debug, Default)]
pub(super) struct Slice {
    pub worked: bool,
    /// Work is due that may not be done yet.
    pub blocked: bool,
}

/// What a run remembers from slice to slice.
#[derive(Debug, Default)]
struct Progress {
    /// The last dispatch that was looked at.
    looked: String,
    /// Lanes whose providers rest: nothing of them is woken again in this run.
    resting: BTreeSet<Lane>,
    /// Providers that rest: nothing is repeated to them in this run.
    not_to: BTreeSet<ProviderKind>,
}

impl Shard {
    /// Does all that is due at `now`; false when another run is under way.
    pub(super) async fn run_due(&self, me: ShardIndex, now: Timestamp) -> Result<bool, Error> {
        if !self.settings().usable() {
            // With a key or a name missing the gate would see things that are not there.
            log::error(
                "not set up",
                json!({ "hint": "GET /health says which settings to add" }),
            );
            self.floor.set(alarm::EMPTY_RUN_FLOOR);
            return Ok(true);
        }
        let before = self.sql()?.rows_written();
        let Some(grip) = self.running.take(runtime::wall_clock()) else {
            return Ok(false);
        };
        let result = self.run_slices(Run { me, now, grip }).await;
        self.running.give_back(grip);
        let idle = self.sql()?.rows_written() == before && self.rest_until.get() <= now;
        self.floor.set(alarm::floor_after(idle));
        result.map(|()| true)
    }

    async fn run_slices(&self, run: Run) -> Result<(), Error> {
        self.rest_until.set(Timestamp::default());
        self.fetch_documents(run.me, run.now).await?;
        let mut progress = Progress::default();
        for _ in 0..SLICES_PER_RUN {
            self.deliver_forwards(run.me, run.now).await?;
            if !self.still_runs(run.grip) || !self.slice(run, &mut progress).await? {
                break;
            }
        }
        Ok(())
    }

    /// No request before this, to a provider that rests: the run comes back for whichever is ready first.
    pub(super) fn rest(&self, until: Timestamp) {
        let held = self.rest_until.get();
        let none = held == Timestamp::default();
        self.rest_until.set(if none { until } else { held.min(until) });
    }

    /// Says that the run goes on; false when it hung for so long that another one took over.
    pub(super) fn still_runs(&self, grip: Grip) -> bool {
        self.running.hold(grip, runtime::wall_clock())
    }

    /// Does a part of what is due; false when nothing of it is left that may be done in this run.
    async fn slice(&self, run: Run, progress: &mut Progress) -> Result<bool, Error> {
        let Run { me, now, .. } = run;
        if self.turn(me, now, |turn| Ok(turn.stopped()))? {
            return Ok(false);
        }
        let mut worked = self.take_over_due(run, progress).await?;
        let mut due = self.wake_due(me, now, &progress.resting)?;
        worked |= due.woken > 0;
        let (routed, unroutable) = by_lane(&self.settings(), due.messages);
        self.turn(me, now, |turn| turn.hold_unroutable(&unroutable))?;
        let mut moved = BTreeSet::new();
        for ((lane, carriers), messages) in routed {
            let sent = self.send_all(run, lane, &carriers, messages).await?;
            if sent.worked {
                moved.insert(lane);
            }
            if sent.blocked {
                progress.resting.insert(lane);
            }
        }
        progress.resting.retain(|lane| !moved.contains(lane));
        // Those that are left over are due in the next slice as well.
        due.errands.truncate(ERRANDS_A_SLICE);
        self.run_errands(me, now, due.errands).await?;
        Ok(worked)
    }

    /// Looks at a page of the dispatches that are due, behind those looked at before. Returns whether there was work,
    /// or may be more of it.
    async fn take_over_due(&self, run: Run, progress: &mut Progress) -> Result<bool, Error> {
        let Run { me, now, grip } = run;
        let page = self.turn(me, now, |turn| turn.due_dispatches(&progress.looked))?;
        let mut worked = false;
        match page.last() {
            Some(last) if page.len() >= DISPATCHES_AT_ONCE as usize => {
                progress.looked.clone_from(last);
                worked = true;
            }
            Some(_) | None => progress.looked.clear(),
        }
        for id in page {
            if self.awaited.borrow().contains(&id) || !self.still_runs(grip) {
                continue;
            }
            match self.take_over(me, now, &id, &mut progress.not_to).await {
                Ok(Some((claimed, doubt))) => {
                    worked = true;
                    self.exchange(me, now, claimed, doubt).await.map(drop)?;
                }
                Ok(None) => {}
                // One that cannot be read must not hold up the others.
                Err(error) => {
                    log::error(
                        "dispatch failed",
                        json!({ "dispatch": id, "error": error.for_log() }),
                    );
                }
            }
        }
        Ok(worked)
    }

    /// Takes over a dispatch, once its provider may be asked and other shards have said whether the carts of its members
    /// were bought; with what is doubted of that provider.
    async fn take_over(
        &self,
        me: ShardIndex,
        now: Timestamp,
        id: &str,
        not_to: &mut BTreeSet<ProviderKind>,
    ) -> Result<Option<(Claimed, Doubt)>, Error> {
        let mut doubted = Doubt::default();
        let due = self.turn(me, now, |turn| turn.repeat_due(id))?;
        if let Some((provider, lane)) = due {
            if not_to.contains(&provider) {
                return Ok(None);
            }
            match self.permit(now, &[provider], lane, 1).await? {
                Leave::Go { doubt, .. } => doubted = doubt,
                Leave::Rest { again_at } => {
                    self.rest(again_at);
                    not_to.insert(provider);
                    return Ok(None);
                }
                Leave::Shut { until, .. } => {
                    self.turn(me, now, |turn| turn.put_off_repeat(id, until))?;
                    return Ok(None);
                }
            }
        }
        let questions = self.turn(me, now, |turn| turn.questions_of(id))?;
        let checkouts = self.checkout_facts(now, questions).await;
        let claimed = self.turn(me, now, |turn| turn.take_over_dispatch(id, &checkouts))?;
        if let (None, Some((provider, _))) = (&claimed, due) {
            self.put_back_probe(provider, doubted, now).await?;
        }
        Ok(claimed.map(|claimed| (claimed, doubted)))
    }

    /// Runs the due steps of due contacts, each in its own turn: one that fails is put aside alone.
    fn wake_due(&self, me: ShardIndex, now: Timestamp, resting: &BTreeSet<Lane>) -> Result<Woken, Error> {
        let mut woken = Woken::default();
        for due in self.turn(me, now, |turn| turn.due_contacts(resting))? {
            woken.woken += 1;
            match self.turn(me, now, |turn| turn.wake(&due.contact)) {
                Ok(due) => {
                    woken.messages.extend(due.messages);
                    woken.errands.extend(due.errands);
                }
                Err(error) => {
                    let problem = error.for_log();
                    log::error(
                        "contact failed",
                        json!({ "contact": due.contact, "error": problem }),
                    );
                    let failures = due.failures.saturating_add(1);
                    self.turn(me, now, |turn| turn.fail(&due.contact, failures, &problem))?;
                }
            }
        }
        Ok(woken)
    }
}

#[derive(Debug, Default)]
struct Woken {
    woken: usize,
    messages: Vec<DueMessage>,
    errands: Vec<DueErrand>,
}
