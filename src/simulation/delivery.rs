//! A shard's run, as `src/edge/deliver.rs` does it, without waiting: due dispatches, due contacts, lanes, forwards.

use super::crash::Point;
use super::error::Failure;
use super::world::World;
use crate::domain::message::{Lane, Stream};
use crate::domain::outcome::Outcome;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::delivery::rest;
use crate::engine::errand::Answer as Answered;
use crate::engine::traffic::{Doubt, Leave, Lesson};
use crate::engine::warm_up::{self, Places};
use crate::http;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::answer::Answer as Reply;
use crate::store;
use crate::turn::backlog::{by_lane, candidates, cut};
use crate::turn::bought::{CheckoutFacts, Questions, facts_from};
use crate::turn::call::{Answer, Call};
use crate::turn::claim::{Claimed, Terms};
use crate::turn::errand::{Ask, DueErrand};
use crate::turn::forward::{Delivery, Followed};
use crate::turn::wake::DueMessage;
use std::collections::BTreeSet;

const SLICES_PER_RUN: usize = 50;
const REQUESTS_AT_ONCE: usize = 6;
const MAILS_PER_TURN: usize = 20;
const FORWARD_ROUNDS: usize = 4;

impl World {
    pub(super) fn run_due(&self, me: ShardIndex) -> Result<(), Failure> {
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
        if let Some((provider, lane)) = self.turn(me, |turn| turn.repeat_due(id))? {
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
        if let Some(claimed) = self.turn(me, |turn| turn.take_over_dispatch(id, &checkouts))? {
            self.exchange(me, claimed, doubted)?;
        }
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
        let parts: Vec<&[DueMessage]> = match provider.capabilities().local {
            true => waiting.chunks(MAILS_PER_TURN).collect(),
            false if doubt.probe => waiting.chunks(1).collect(),
            false if doubt.silent > 0 => cut(waiting, 1, 1, &single),
            false => cut(waiting, requests, batch_max, &single),
        };
        let most: usize = parts.iter().map(|part| part.len()).sum();
        let asked = waiting.get(..most).unwrap_or_default();
        let questions = self.turn(me, |turn| Ok(turn.questions(asked)))?;
        let checkouts = self.checkout_facts(questions)?;
        let places = self.take_places(asked)?;
        let terms = Terms {
            provider,
            checkouts: &checkouts,
            places: &places,
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
        if let Some(today) = warm_up::today(&self.catalog.store, self.now).filter(|_| places.left() > 0) {
            store::warm_up::give_back(&self.store, &today.day, places.left())?;
        }
        for claimed in claimed {
            self.exchange(me, claimed, doubt)?;
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

    fn take_places(&self, asked: &[DueMessage]) -> Result<Places, Failure> {
        let Some(today) = warm_up::today(&self.catalog.store, self.now) else {
            return Ok(Places::unlimited());
        };
        let marketing = asked.iter().filter(|item| item.stream == Stream::Marketing);
        let wanted = u32::try_from(marketing.count()).unwrap_or(u32::MAX);
        let places = store::warm_up::take(&self.store, &today.day, today.limit, wanted)?;
        Ok(Places::of(places))
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

    fn exchange(&self, me: ShardIndex, claimed: Claimed, doubt: Doubt) -> Result<(), Failure> {
        let Claimed { dispatch, body } = claimed;
        let kind = ProviderKind::parse(&dispatch.provider)?;
        let members = dispatch.members.len();
        let account = Account::new("http://127.0.0.1:9", "re_test");
        let request = kind
            .request(&account, &dispatch.key, body, members, self.now)?
            .ok_or(Failure::Provider("it needs none"))?;
        self.reach(Point::Claimed)?;
        let response = self.provider.borrow_mut().answer(&request, self.now)?;
        self.reach(Point::Answered)?;
        let failed = response.as_ref().is_none_or(|response| response.status >= 500);
        let outcomes = match response.map(|response| kind.read(&response, members, self.now)) {
            Some(Reply::Split(reason)) => {
                self.host(me)?
                    .single
                    .borrow_mut()
                    .extend(dispatch.members.iter().cloned());
                return self.turn(me, |turn| turn.split(&dispatch, &reason));
            }
            Some(Reply::Each(outcomes)) => outcomes,
            None => vec![Outcome::Unknown("no answer".to_owned()); members],
        };
        self.turn(me, |turn| turn.conclude(&dispatch, &outcomes))?;
        let rests = outcomes
            .iter()
            .filter_map(|outcome| rest(outcome, &dispatch.id, self.now));
        let provider = dispatch.provider.as_str();
        let silence = failed.then(|| "no answer".to_owned());
        let settings = self.settings.fingerprint_of(kind);
        let lesson = Lesson::of_request((provider, settings), doubt, rests, silence);
        self.traffic.borrow_mut().learn(lesson, self.now);
        Ok(())
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
            let answer = match self.away.get() == Some(shard) {
                true => None,
                false => Some(self.call(shard, Call::Bought(hashes.iter().cloned().collect()))?),
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
        let result =
            (0..FORWARD_ROUNDS).try_for_each(|_| match store::forward::count(&self.host(me)?.sql)? {
                0 => Ok(()),
                _ => self.deliver_due(me),
            });
        forwarding.set(false);
        result
    }

    fn deliver_due(&self, me: ShardIndex) -> Result<(), Failure> {
        for (original, attempts) in self.turn(me, |turn| turn.due_forwards())? {
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
        Ok(())
    }
}
