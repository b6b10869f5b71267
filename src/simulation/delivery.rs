//! A shard's run, as `src/edge/deliver.rs` does it, without waiting: due dispatches, due contacts, lanes, forwards.

use super::error::Failure;
use super::world::World;
use crate::domain::message::Lane;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::errand::Answer as Answered;
use crate::engine::traffic::{Doubt, Leave};
use crate::engine::warm_up::{self, Places};
use crate::http;
use crate::providers::ProviderKind;
use crate::store;
use crate::turn::alarm;
use crate::turn::backlog::{by_lane, candidates, cut, places_wanted};
use crate::turn::bought::{CheckoutFacts, Questions, facts_from};
use crate::turn::call::{Answer, Call};
use crate::turn::claim::Terms;
use crate::turn::errand::{Ask, DueErrand};
use crate::turn::forward::{Delivery, Followed};
use crate::turn::offers::by_id;
use crate::turn::wake::DueMessage;
use std::collections::BTreeSet;

const SLICES_PER_RUN: usize = 50;
const REQUESTS_AT_ONCE: usize = 6;
const MAILS_PER_TURN: usize = 20;
const FORWARD_ROUNDS: usize = 4;

impl World {
    /// Does all that is due; false when another run is under way.
    pub(super) fn run_due(&self, me: ShardIndex) -> Result<bool, Failure> {
        let host = self.host(me)?;
        let before = host.sql.rows_written();
        let Some(grip) = host.running.take(self.now) else {
            return Ok(false);
        };
        let result = self.run_slices(me);
        if !matches!(result, Err(Failure::Hangs)) {
            host.running.give_back(grip);
        }
        let idle = host.sql.rows_written() == before && host.rest_until.get() <= self.now;
        host.floor.set(alarm::floor_after(idle));
        result.map(|()| true)
    }

    fn run_slices(&self, me: ShardIndex) -> Result<(), Failure> {
        self.host(me)?.rest_until.set(Timestamp::default());
        let mut resting = BTreeSet::new();
        for _ in 0..SLICES_PER_RUN {
            self.deliver_forwards(me)?;
            if !self.slice(me, &mut resting)? {
                break;
            }
        }
        Ok(())
    }

    fn slice(&self, me: ShardIndex, resting: &mut BTreeSet<Lane>) -> Result<bool, Failure> {
        let mut worked = false;
        if store::switches::of_shard(&self.host(me)?.sql)?.stopped {
            return Ok(worked);
        }
        let mut after = String::new();
        loop {
            let page = self.turn(me, |turn| turn.due_dispatches(&after))?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            for id in page {
                if self.host(me)?.awaited.borrow().contains(&id) {
                    continue;
                }
                worked |= self.take_over(me, &id)?;
            }
        }
        let (mut messages, mut errands) = (Vec::new(), Vec::new());
        for due in self.turn(me, |turn| turn.due_contacts(resting))? {
            worked = true;
            match self.turn(me, |turn| turn.wake(&due.contact)) {
                Ok(due) => {
                    messages.extend(due.messages);
                    errands.extend(due.errands);
                }
                Err(Failure::Turn(error)) => {
                    let problem = error.to_string();
                    self.turn(me, |turn| turn.fail(&due.contact, due.failures + 1, &problem))?;
                }
                Err(failure) => return Err(failure),
            }
        }
        let (routed, unroutable) = by_lane(&self.settings, messages);
        self.turn(me, |turn| turn.hold_unroutable(&unroutable))?;
        let mut moved = BTreeSet::new();
        for ((lane, carriers), messages) in routed {
            let (sent, blocked) = self.send(me, lane, &carriers, &messages)?;
            if sent {
                moved.insert(lane);
            }
            if blocked {
                resting.insert(lane);
            }
        }
        resting.retain(|lane| !moved.contains(lane));
        for errand in errands {
            let answer = self.ask(&errand)?;
            self.turn(me, |turn| turn.run(&errand, answer))?;
        }
        Ok(worked)
    }

    fn take_over(&self, me: ShardIndex, id: &str) -> Result<bool, Failure> {
        let mut doubted = Doubt::default();
        let due = self.turn(me, |turn| turn.repeat_due(id))?;
        if let Some((provider, lane)) = due {
            match self.permit(&[provider], lane, 1) {
                Leave::Go { doubt, .. } => doubted = doubt,
                Leave::Rest { again_at } => {
                    self.rest(me, again_at)?;
                    return Ok(false);
                }
                Leave::Shut { until, .. } => {
                    self.turn(me, |turn| turn.put_off_repeat(id, until))?;
                    return Ok(false);
                }
            }
        }
        let questions = self.turn(me, |turn| turn.questions_of(id))?;
        let checkouts = self.checkout_facts(questions)?;
        let claimed = self.turn(me, |turn| turn.take_over_dispatch(id, &checkouts))?;
        if let (None, Some((provider, _)), true) = (&claimed, due, doubted.probe) {
            self.put_back_probe(provider);
        }
        self.exchange(me, claimed.into_iter().collect(), doubted)?;
        Ok(true)
    }

    /// Sends messages of one lane as far as there are permits; whether any went and whether some must wait.
    fn send(
        &self,
        me: ShardIndex,
        lane: Lane,
        carriers: &[ProviderKind],
        messages: &[DueMessage],
    ) -> Result<(bool, bool), Failure> {
        let (mut sent, mut waiting) = (false, messages);
        while !waiting.is_empty() {
            let (provider, requests, doubt) = match self.permit(carriers, lane, waiting.len()) {
                Leave::Go {
                    provider,
                    requests,
                    doubt,
                } => (ProviderKind::parse(&provider)?, requests as usize, doubt),
                Leave::Rest { again_at } => {
                    self.rest(me, again_at)?;
                    return Ok((sent, true));
                }
                Leave::Shut { until, cause } => {
                    self.turn(me, |turn| turn.hold_back(waiting, until, cause.into()))?;
                    return Ok((true, false));
                }
            };
            let taken = self.round(me, (provider, requests, doubt), waiting)?;
            sent = true;
            waiting = waiting.get(taken..).unwrap_or_default();
        }
        Ok((sent, false))
    }

    fn round(
        &self,
        me: ShardIndex,
        (provider, requests, doubt): (ProviderKind, usize, Doubt),
        waiting: &[DueMessage],
    ) -> Result<usize, Failure> {
        let single = self.host(me)?.single.borrow().clone();
        let batch_max = provider.capabilities().batch_max.min(MAILS_PER_TURN);
        let shadow = self.turn(me, |turn| Ok(turn.is_shadow()))?;
        let parts: Vec<&[DueMessage]> = match provider.capabilities().local || shadow {
            true => waiting.chunks(MAILS_PER_TURN).collect(),
            false if doubt.probe => waiting.chunks(1).collect(),
            false if doubt.silent > 0 => cut(waiting, 1, 1, &single),
            false => cut(waiting, requests, batch_max, &single),
        };
        let most: usize = parts.iter().map(|part| part.len()).sum();
        let asked = waiting.get(..most).unwrap_or_default();
        let questions = self.turn(me, |turn| Ok(turn.questions(asked)))?;
        let checkouts = self.checkout_facts(questions)?;
        let bare = self.turn(me, |turn| Ok(turn.bare_lines(asked)))?;
        let spaces = ["", "shopify"].map(str::to_owned);
        let offers = by_id(store::offer::find(&self.store, &spaces, &bare)?);
        let today = warm_up::today(&self.catalog.store, self.now).filter(|_| !shadow);
        let places = match &today {
            Some(today) => {
                let wanted = places_wanted(asked, doubt);
                let taken = store::warm_up::take(&self.store, &today.day, today.limit, wanted)?;
                Places::of(taken)
            }
            None => Places::unlimited(),
        };
        let terms = Terms {
            provider,
            checkouts: &checkouts,
            offers: &offers,
            places: &places,
            shadow,
        };
        // All are claimed before the first request leaves, as when six are in flight.
        let (mut claimed, mut taken) = (Vec::new(), 0);
        for part in parts {
            claimed.extend(self.turn(me, |turn| turn.claim_messages(part, terms))?);
            taken += part.len();
            if doubt.probe && !claimed.is_empty() {
                break;
            }
        }
        if doubt.probe && claimed.is_empty() {
            self.put_back_probe(provider);
        }
        let free = places.left() + self.exchange(me, claimed, doubt)?;
        if let Some(today) = today.filter(|_| free > 0) {
            store::warm_up::give_back(&self.store, &today.day, free)?;
        }
        Ok(taken)
    }

    fn permit(&self, carriers: &[ProviderKind], lane: Lane, wanted: usize) -> Leave {
        let wanted = u32::try_from(wanted.min(REQUESTS_AT_ONCE)).unwrap_or(1);
        let candidates = candidates(&self.settings, carriers);
        self.traffic
            .borrow_mut()
            .leave(&candidates, lane, wanted, self.now)
    }

    fn put_back_probe(&self, provider: ProviderKind) {
        let mut traffic = self.traffic.borrow_mut();
        traffic.put_back_probe(provider.as_str(), self.now);
    }

    /// What the `Store` and the other systems answer.
    fn ask(&self, errand: &DueErrand) -> Result<Answered, Failure> {
        self.spark()?;
        Ok(match &errand.ask {
            Ask::Nobody => Answered::Said(serde_json::Value::Null),
            Ask::Coupon { pool } => {
                Answered::Code(store::coupon::take(&self.store, pool, &errand.id, self.now)?)
            }
            Ask::Notify { url, body } => {
                let body = http::json(body)?;
                self.notified
                    .borrow_mut()
                    .push((url.clone(), errand.id.clone(), body));
                self.hook
                    .borrow()
                    .clone()
                    .map_or(Answered::Failed, Answered::Said)
            }
        })
    }

    fn rest(&self, me: ShardIndex, until: Timestamp) -> Result<(), Failure> {
        let rest = &self.host(me)?.rest_until;
        let held = rest.get();
        let none = held == Timestamp::default();
        rest.set(if none { until } else { held.min(until) });
        Ok(())
    }

    fn checkout_facts(&self, questions: Questions) -> Result<CheckoutFacts, Failure> {
        let mut facts = CheckoutFacts::new();
        for (shard, hashes) in questions {
            let answer = match self.call(shard, Call::Bought(hashes.iter().cloned().collect())) {
                Ok(answer) => Some(answer),
                Err(Failure::Silent(_)) => None,
                Err(failure) => return Err(failure),
            };
            facts.extend(facts_from(hashes, answer.as_ref()));
        }
        Ok(facts)
    }

    pub(super) fn deliver_forwards(&self, me: ShardIndex) -> Result<(), Failure> {
        let forwarding = &self.host(me)?.forwarding;
        if forwarding.replace(true) {
            return Ok(());
        }
        let result = self.deliver_rounds(me);
        forwarding.set(false);
        result
    }

    fn deliver_rounds(&self, me: ShardIndex) -> Result<(), Failure> {
        for _ in 0..FORWARD_ROUNDS {
            if store::forward::count(&self.host(me)?.sql)? == 0 || !self.deliver_due(me)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One round; whether there was anything due.
    fn deliver_due(&self, me: ShardIndex) -> Result<bool, Failure> {
        let due = self.turn(me, |turn| turn.due_forwards())?;
        let any = !due.is_empty();
        for (original, attempts) in due {
            let mut delivery = Delivery::new(original.clone());
            let followed = loop {
                let forward = delivery.forward.clone();
                let shard = self.settings.shards.of_identifier(&forward.to);
                let answer = if shard == me {
                    self.turn(me, |turn| turn.receive(&forward)).map(Answer::from)
                } else {
                    self.call(shard, Call::Receive(Box::new(forward)))
                };
                match answer {
                    Ok(answer) => match delivery.answered(&answer) {
                        Followed::Again => {}
                        followed => break followed,
                    },
                    Err(Failure::Crash) => return Err(Failure::Crash),
                    Err(_) => break Followed::Kept,
                }
            };
            self.turn(me, |turn| {
                turn.delivered(&original, attempts, followed == Followed::Arrived)
            })?;
        }
        Ok(any)
    }
}
