//! A shard's run, as `src/edge/deliver.rs` does it, without waiting: due dispatches, due contacts, lanes, forwards.

use super::crash::Point;
use super::error::Failure;
use super::world::World;
use crate::domain::outcome::Outcome;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::errand::Answer as Answered;
use crate::http;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::answer::Answer as Reply;
use crate::store;
use crate::turn::backlog::{by_lane, cut};
use crate::turn::bought::{CheckoutFacts, Questions, facts_from};
use crate::turn::call::{Answer, Call};
use crate::turn::claim::Claimed;
use crate::turn::errand::{Ask, DueErrand};
use crate::turn::forward::{Delivery, Followed};
use crate::turn::wake::DueMessage;

const SLICES_PER_RUN: usize = 50;
const REQUESTS_AT_ONCE: usize = 6;
const MAILS_PER_TURN: usize = 20;
const FORWARD_ROUNDS: usize = 4;

impl World {
    pub(super) fn run_due(&self, me: ShardIndex) -> Result<(), Failure> {
        self.host(me)?.rest_until.set(Timestamp::default());
        for _ in 0..SLICES_PER_RUN {
            self.deliver_forwards(me)?;
            let (worked, blocked) = self.slice(me)?;
            if !worked || blocked {
                break;
            }
        }
        Ok(())
    }

    fn slice(&self, me: ShardIndex) -> Result<(bool, bool), Failure> {
        let mut worked = false;
        if store::switches::of_shard(&self.host(me)?.sql)?.stopped {
            return Ok((worked, false));
        }
        let mut after = String::new();
        loop {
            let page = self.turn(me, |turn| turn.due_dispatches(&after))?;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            for id in page {
                worked = true;
                let questions = self.turn(me, |turn| turn.questions_of(&id))?;
                let checkouts = self.checkout_facts(questions)?;
                if let Some(claimed) = self.turn(me, |turn| turn.take_over_dispatch(&id, &checkouts))? {
                    self.exchange(me, claimed)?;
                }
            }
        }
        let (mut messages, mut errands) = (Vec::new(), Vec::new());
        for due in self.turn(me, |turn| turn.due_contacts())? {
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
        let blocked = self.send(me, messages)?;
        for errand in errands {
            let answer = self.ask(&errand)?;
            self.turn(me, |turn| turn.run(&errand, answer))?;
        }
        Ok((worked, blocked))
    }

    /// Sends what is due, lane by lane, as far as there are permits; true when there were too few.
    fn send(&self, me: ShardIndex, messages: Vec<DueMessage>) -> Result<bool, Failure> {
        let mut blocked = false;
        let (routed, unroutable) = by_lane(&self.settings, messages);
        self.turn(me, |turn| turn.hold_unroutable(&unroutable))?;
        for ((lane, provider), messages) in routed {
            let questions = self.turn(me, |turn| Ok(turn.questions(&messages)))?;
            let checkouts = self.checkout_facts(questions)?;
            if provider.capabilities().local {
                for part in messages.chunks(MAILS_PER_TURN) {
                    self.turn(me, |turn| turn.claim_messages(part, provider, &checkouts))?;
                }
                continue;
            }
            let mut waiting = messages.as_slice();
            while !waiting.is_empty() {
                let wanted = u32::try_from(waiting.len().min(REQUESTS_AT_ONCE)).unwrap_or(1);
                let lease = self.bucket.borrow_mut().lease(lane, wanted, self.now);
                if lease.granted == 0 {
                    self.rest(me, lease.again_at)?;
                    blocked = true;
                    break;
                }
                let batch_max = provider.capabilities().batch_max.min(MAILS_PER_TURN);
                let single = self.host(me)?.single.borrow().clone();
                let parts = cut(waiting, lease.granted as usize, batch_max, &single);
                let taken: usize = parts.iter().map(|part| part.len()).sum();
                // All are claimed before the first request leaves, as when six are in flight.
                let mut claimed = Vec::new();
                for part in parts {
                    claimed.extend(self.turn(me, |turn| turn.claim_messages(part, provider, &checkouts))?);
                }
                for claimed in claimed {
                    self.exchange(me, claimed)?;
                }
                waiting = waiting.get(taken..).unwrap_or_default();
            }
        }
        Ok(blocked)
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

    fn exchange(&self, me: ShardIndex, claimed: Claimed) -> Result<(), Failure> {
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
        let concluded = self.turn(me, |turn| turn.conclude(&dispatch, &outcomes))?;
        if let Some(until) = concluded.pause {
            self.bucket.borrow_mut().pause(until);
            self.rest(me, until)?;
        }
        Ok(())
    }

    fn rest(&self, me: ShardIndex, until: Timestamp) -> Result<(), Failure> {
        let rest = &self.host(me)?.rest_until;
        rest.set(rest.get().max(until));
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
