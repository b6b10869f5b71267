//! A shard's run: everything due, in the order of the lanes, in slices. Called by alarm and by cron, one at a time.
//!
//! Requests leave only after the turn that claimed them has committed (the runtime's output gate holds them back), at
//! most six at a time, and every answer is written in a turn of its own.

use super::error::Error;
use super::shard_object::{ALARM_FLOOR, Shard};
use super::store_call::{StoreAnswer, StoreCall};
use super::{http_client, log, runtime};
use crate::domain::message::Lane;
use crate::domain::outcome::Outcome;
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::delivery::REQUEST_TIMEOUT;
use crate::engine::permits::Lease;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::answer::Answer as Reply;
use crate::store;
use crate::turn::backlog::{by_lane, cut};
use crate::turn::baton::Grip;
use crate::turn::bought::{CheckoutFacts, Questions, facts_from};
use crate::turn::call::{Answer, Call};
use crate::turn::claim::Claimed;
use crate::turn::errand::DueErrand;
use crate::turn::forward::{Delivery, Followed};
use crate::turn::outcome::Concluded;
use crate::turn::schedule::DISPATCHES_AT_ONCE;
use crate::turn::wake::DueMessage;
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use std::collections::BTreeSet;

/// Requests waiting for an answer at once: the platform's limit for connections of one invocation.
pub(super) const REQUESTS_AT_ONCE: usize = 6;
/// Most errands of one slice: they wait for others, and mails must not wait long for them.
const ERRANDS_A_SLICE: usize = 12;
/// Most slices of one run; the rest is for the next alarm.
const SLICES_PER_RUN: usize = 50;
/// Most rounds of forwards in one go.
const FORWARD_ROUNDS: usize = 4;
/// Most mails rendered between two turns.
const MAILS_PER_TURN: usize = 20;

/// Shortest time between two runs by alarm of a shard that had work due and got nothing done: a mistake must not cost
/// money. Any call to the shard ends it.
const EMPTY_RUN_FLOOR: Delay = Delay::from_minutes(1);

/// What a slice got done.
#[derive(Debug, Default)]
struct Slice {
    worked: bool,
    /// Work is due that may not be done yet.
    blocked: bool,
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
            self.floor.set(EMPTY_RUN_FLOOR);
            return Ok(true);
        }
        let before = self.sql()?.rows_written();
        let Some(grip) = self.running.take(runtime::wall_clock()) else {
            return Ok(false);
        };
        let result = self.run_slices(me, now, grip).await;
        self.running.give_back(grip);
        let idle = self.sql()?.rows_written() == before && self.rest_until.get() <= now;
        self.floor.set(if idle { EMPTY_RUN_FLOOR } else { ALARM_FLOOR });
        result.map(|()| true)
    }

    async fn run_slices(&self, me: ShardIndex, now: Timestamp, grip: Grip) -> Result<(), Error> {
        self.rest_until.set(Timestamp::default());
        let mut looked = String::new();
        for _ in 0..SLICES_PER_RUN {
            self.deliver_forwards(me, now).await?;
            if !self.still_runs(grip) {
                break;
            }
            let slice = self.slice(me, now, grip, &mut looked).await?;
            if !slice.worked || slice.blocked {
                break;
            }
        }
        Ok(())
    }

    /// Says that the run goes on; false when it hung for so long that another one took over.
    fn still_runs(&self, grip: Grip) -> bool {
        self.running.hold(grip, runtime::wall_clock())
    }

    async fn slice(
        &self,
        me: ShardIndex,
        now: Timestamp,
        grip: Grip,
        looked: &mut String,
    ) -> Result<Slice, Error> {
        let mut slice = Slice::default();
        if self.turn(me, now, |turn| Ok(turn.stopped()))? {
            return Ok(slice);
        }
        slice.worked |= self.take_over_due(me, now, grip, looked).await?;
        let mut due = self.wake_due(me, now)?;
        slice.worked |= due.woken > 0;
        let (routed, unroutable) = by_lane(&self.settings(), due.messages);
        self.turn(me, now, |turn| turn.hold_unroutable(&unroutable))?;
        for ((lane, provider), messages) in routed {
            let sent = self.send_all(me, now, grip, (provider, lane), messages).await?;
            slice.blocked |= !sent;
        }
        // Those that are left over are due in the next slice as well.
        due.errands.truncate(ERRANDS_A_SLICE);
        self.run_errands(me, now, due.errands).await?;
        Ok(slice)
    }

    /// Looks at a page of the dispatches that are due, behind those `looked` at before. Returns whether there was work,
    /// or may be more of it.
    async fn take_over_due(
        &self,
        me: ShardIndex,
        now: Timestamp,
        grip: Grip,
        looked: &mut String,
    ) -> Result<bool, Error> {
        let page = self.turn(me, now, |turn| turn.due_dispatches(looked))?;
        let mut worked = false;
        match page.last() {
            Some(last) if page.len() >= DISPATCHES_AT_ONCE as usize => {
                looked.clone_from(last);
                worked = true;
            }
            Some(_) | None => looked.clear(),
        }
        for id in page {
            if self.awaited.borrow().contains(&id) || !self.still_runs(grip) {
                continue;
            }
            match self.take_over(me, now, &id).await {
                Ok(Some(claimed)) => {
                    worked = true;
                    self.exchange(me, now, claimed).await?;
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

    /// Takes over a dispatch, once other shards have said whether the carts of its members were bought.
    async fn take_over(&self, me: ShardIndex, now: Timestamp, id: &str) -> Result<Option<Claimed>, Error> {
        let questions = self.turn(me, now, |turn| turn.questions_of(id))?;
        let checkouts = self.checkout_facts(now, questions).await;
        self.turn(me, now, |turn| turn.take_over_dispatch(id, &checkouts))
    }

    /// Runs the due steps of due contacts, each in its own turn: one that fails is put aside alone.
    fn wake_due(&self, me: ShardIndex, now: Timestamp) -> Result<Woken, Error> {
        let mut woken = Woken::default();
        for due in self.turn(me, now, |turn| turn.due_contacts())? {
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

    /// Claims and sends the messages of one lane; false when some must wait for the provider.
    async fn send_all(
        &self,
        me: ShardIndex,
        now: Timestamp,
        grip: Grip,
        (provider, lane): (ProviderKind, Lane),
        messages: Vec<DueMessage>,
    ) -> Result<bool, Error> {
        let shadow = self.turn(me, now, |turn| Ok(turn.is_shadow()))?;
        if provider.capabilities().local || shadow {
            let questions = self.turn(me, now, |turn| Ok(turn.questions(&messages)))?;
            let checkouts = self.checkout_facts(now, questions).await;
            for part in messages.chunks(MAILS_PER_TURN) {
                self.claim(me, now, part, provider, &checkouts)?;
            }
            return Ok(true);
        }
        let mut waiting = messages.as_slice();
        while !waiting.is_empty() && self.still_runs(grip) {
            let wanted = u32::try_from(waiting.len().min(REQUESTS_AT_ONCE)).unwrap_or(1);
            let lease = self.permits(provider, lane, wanted, now).await?;
            if lease.granted == 0 {
                self.rest_until.set(self.rest_until.get().max(lease.again_at));
                return Ok(false);
            }
            let granted = usize::try_from(lease.granted).unwrap_or(1);
            let batch_max = provider.capabilities().batch_max.min(MAILS_PER_TURN);
            let parts = cut(waiting, granted, batch_max, &self.single.borrow());
            let taken: usize = parts.iter().map(|part| part.len()).sum();
            // Asked anew for each round: a request may take half a minute, and a cart may be bought in it.
            let asked = waiting.get(..taken).unwrap_or_default();
            let questions = self.turn(me, now, |turn| Ok(turn.questions(asked)))?;
            let checkouts = self.checkout_facts(now, questions).await;
            let mut claimed = Vec::new();
            for part in parts {
                claimed.extend(self.claim(me, now, part, provider, &checkouts)?);
            }
            let answers = stream::iter(claimed)
                .map(|claimed| self.exchange(me, now, claimed))
                .buffer_unordered(REQUESTS_AT_ONCE)
                .collect::<Vec<_>>()
                .await;
            answers.into_iter().collect::<Result<Vec<()>, Error>>()?;
            waiting = waiting.get(taken..).unwrap_or_default();
        }
        Ok(true)
    }

    /// Claims messages for one request. Where that fails they are claimed singly, and one that fails alone is put aside
    /// with its contact: it must not hold up the shard.
    fn claim(
        &self,
        me: ShardIndex,
        now: Timestamp,
        part: &[DueMessage],
        provider: ProviderKind,
        checkouts: &CheckoutFacts,
    ) -> Result<Vec<Claimed>, Error> {
        let problem = match self.turn(me, now, |turn| turn.claim_messages(part, provider, checkouts)) {
            Ok(claimed) => return Ok(claimed.into_iter().collect()),
            Err(error) => error.for_log(),
        };
        if let [only] = part {
            log::error(
                "message failed",
                json!({ "message": only.message, "error": problem }),
            );
            let failures = self
                .turn(me, now, |turn| turn.failures(&only.contact))?
                .saturating_add(1);
            self.turn(me, now, |turn| turn.fail(&only.contact, failures, &problem))?;
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        for single in part.chunks(1) {
            claimed.extend(self.claim(me, now, single, provider, checkouts)?);
        }
        Ok(claimed)
    }

    /// Makes a claimed request and writes what came of it.
    async fn exchange(&self, me: ShardIndex, now: Timestamp, claimed: Claimed) -> Result<(), Error> {
        let Claimed { dispatch, body } = claimed;
        self.awaited.borrow_mut().insert(dispatch.id.clone());
        let reply = self
            .request(
                &dispatch.provider,
                &dispatch.key,
                body,
                dispatch.members.len(),
                now,
            )
            .await;
        self.awaited.borrow_mut().remove(&dispatch.id);
        let (members, answered) = (dispatch.members.len(), reply.is_ok());
        let (outcomes, per_second) = match reply {
            Ok((Reply::Split(reason), _)) => {
                self.single.borrow_mut().extend(dispatch.members.iter().cloned());
                return self.turn(me, now, |turn| turn.split(&dispatch, &reason));
            }
            Ok((Reply::Each(outcomes), rate)) => (outcomes, rate),
            Err(error) => (vec![Outcome::Unknown(error.to_string()); members], None),
        };
        let concluded = self.turn(me, now, |turn| turn.conclude(&dispatch, &outcomes))?;
        let names: Vec<&str> = outcomes.iter().map(outcome_name).collect();
        log::line(
            "sent",
            json!({
                "dispatch": dispatch.id, "provider": dispatch.provider, "attempt": dispatch.attempt, "outcomes": names,
            }),
        );
        if answered {
            self.learn(&dispatch.provider, per_second, concluded, now).await?;
        }
        Ok(())
    }

    async fn request(
        &self,
        provider: &str,
        key: &str,
        body: Vec<u8>,
        members: usize,
        now: Timestamp,
    ) -> Result<(Reply, Option<u32>), Error> {
        let provider = ProviderKind::parse(provider).map_err(|error| Error::NoAnswer(error.to_string()))?;
        let settings = self.settings();
        let account = settings.account(provider);
        if let Some(missing) = account.lacks(provider).next() {
            let reason = format!("{} of provider {} is not set", missing.name, provider.as_str());
            let refused = Outcome::Rejected(crate::domain::outcome::Rejection::Configuration(reason));
            return Ok((Reply::Each(vec![refused; members]), None));
        }
        let request = build(provider, account, key, body, members)?;
        let response = http_client::send(request, REQUEST_TIMEOUT).await?;
        let rate = provider
            .rate_hint(&response.headers)
            .and_then(|hint| hint.per_second);
        Ok((provider.read(&response, members, now), rate))
    }

    async fn permits(
        &self,
        provider: ProviderKind,
        lane: Lane,
        wanted: u32,
        now: Timestamp,
    ) -> Result<Lease, Error> {
        let provider = provider.as_str().to_owned();
        let call = StoreCall::Permit {
            provider,
            lane,
            wanted,
            now,
        };
        let StoreAnswer::Lease(lease) = self.peers(now).store(&call).await? else {
            return Err(Error::NoAnswer("the Store gave no permits".to_owned()));
        };
        Ok(lease)
    }

    /// Tells the `Store` what an answer taught us, when it taught anything.
    async fn learn(
        &self,
        provider: &str,
        per_second: Option<u32>,
        concluded: Concluded,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Concluded { pause, fault } = concluded;
        let mended = fault.is_none() && self.faulty.borrow_mut().remove(provider);
        if pause.is_none() && fault.is_none() && per_second.is_none() && !mended {
            return Ok(());
        }
        if fault.is_some() {
            self.faulty.borrow_mut().insert(provider.to_owned());
        }
        if let Some(until) = pause {
            self.rest_until.set(self.rest_until.get().max(until));
        }
        let call = StoreCall::Learn {
            provider: provider.to_owned(),
            per_second,
            pause,
            fault,
            now,
        };
        self.peers(now).store(&call).await.map(drop)
    }

    /// Asks other shards whether carts were bought, all at once. One that does not answer leaves its carts unreadable: the
    /// gate then defers.
    async fn checkout_facts(&self, now: Timestamp, questions: Questions) -> CheckoutFacts {
        let peers = self.peers(now);
        let answers = questions.into_iter().map(|(shard, hashes)| {
            let call = Call::Bought(hashes.iter().cloned().collect());
            let asked = peers.shard(shard, call);
            async move { facts_from(hashes, asked.await.ok().as_ref()) }
        });
        let answers = stream::iter(answers).buffer_unordered(REQUESTS_AT_ONCE);
        answers.concat().await
    }

    /// Delivers work for other shards, and for this one. What cannot be delivered now stays and is tried again.
    ///
    /// One at a time: a delivery may bring a call back to this shard, which must not start on the same rows again.
    pub(super) async fn deliver_forwards(&self, me: ShardIndex, now: Timestamp) -> Result<(), Error> {
        let Some(grip) = self.forwarding.take(runtime::wall_clock()) else {
            return Ok(());
        };
        let result = self.deliver_rounds(me, now, grip).await;
        self.forwarding.give_back(grip);
        result
    }

    /// A delivery may bring more work; what is left after the last round waits for the alarm.
    async fn deliver_rounds(&self, me: ShardIndex, now: Timestamp, grip: Grip) -> Result<(), Error> {
        for _ in 0..FORWARD_ROUNDS {
            if store::forward::count(self.sql()?)? == 0 {
                return Ok(());
            }
            self.deliver_due(me, now, grip).await?;
        }
        Ok(())
    }

    async fn deliver_due(&self, me: ShardIndex, now: Timestamp, grip: Grip) -> Result<(), Error> {
        let mut silent = BTreeSet::new();
        for (original, attempts) in self.turn(me, now, |turn| turn.due_forwards())? {
            if !self.forwarding.hold(grip, runtime::wall_clock()) {
                break;
            }
            let mut delivery = Delivery::new(original.clone());
            let followed = loop {
                let forward = delivery.forward.clone();
                let shard = self.settings().shards.of_identifier(&forward.to);
                if silent.contains(&shard) {
                    break Followed::Kept;
                }
                let answer = if shard == me {
                    self.turn(me, now, |turn| turn.receive(&forward))
                        .map(Answer::from)
                } else {
                    self.peers(now)
                        .shard(shard, Call::Receive(Box::new(forward)))
                        .await
                };
                match answer.map(|answer| delivery.answered(&answer)) {
                    Ok(Followed::Again) => {}
                    Ok(followed) => break followed,
                    Err(error) => {
                        // Waiting for it once is enough: behind this delivery waits the call that caused it.
                        if matches!(error, Error::Silent) {
                            silent.insert(shard);
                        }
                        log::error(
                            "forward failed",
                            json!({ "forward": original.id, "error": error.for_log() }),
                        );
                        break Followed::Kept;
                    }
                }
            };
            let arrived = followed == Followed::Arrived;
            self.turn(me, now, |turn| turn.delivered(&original, attempts, arrived))?;
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Woken {
    woken: usize,
    messages: Vec<DueMessage>,
    errands: Vec<DueErrand>,
}

fn build(
    provider: ProviderKind,
    account: &Account,
    key: &str,
    body: Vec<u8>,
    members: usize,
) -> Result<crate::http::Request, Error> {
    provider
        .request(account, key, body, members, runtime::wall_clock())
        .map_err(|error| Error::NoAnswer(error.to_string()))?
        .ok_or_else(|| Error::NoAnswer("this provider makes no requests".to_owned()))
}

const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Rejected(_) => "rejected",
        Outcome::RetryLater(_) => "retry_later",
        Outcome::Unknown(_) => "unknown",
        Outcome::KeyMismatch => "key_mismatch",
    }
}
