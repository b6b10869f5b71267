//! Requests to the provider, as `src/edge/exchange.rs` makes them: what happens while they are out, what their answers
//! come to, and runs that wait for an answer for ever.

use super::crash::Point;
use super::error::Failure;
use super::world::World;
use crate::domain::event::Event;
use crate::domain::outcome::Outcome;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::traffic::Doubt;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::answer::{Answer as Reply, RateHint};
use crate::turn::call::Ingested;
use crate::turn::claim::Claimed;
use crate::turn::lesson::{Taught, lesson_of};

/// Lowest status of a server that failed.
const SERVER_ERROR: u16 = 500;

/// A request that was made, and what was answered; nothing when no answer came.
#[derive(Debug)]
pub(super) struct Asked {
    /// Its body is gone.
    claimed: Claimed,
    doubt: Doubt,
    rate: Option<RateHint>,
    reply: Option<(u16, Reply)>,
}

/// An event that arrived while a request was out.
#[derive(Debug)]
pub struct Overtook {
    pub event: Event,
    pub outcome: Result<Ingested, Failure>,
    /// Mails that the provider had taken by then.
    pub after: usize,
}

/// A run that waits for the answer to a request.
#[derive(Debug)]
pub(super) struct Hanging {
    shard: ShardIndex,
    /// Its clock stands still.
    now: Timestamp,
    asked: Asked,
}

impl World {
    /// Makes requests, all of them before the first answer is heard, as when six are in flight, and writes what came of
    /// each. Says how many places of the warm-up they leave free.
    pub(super) fn exchange(
        &self,
        me: ShardIndex,
        claimed: Vec<Claimed>,
        doubt: Doubt,
    ) -> Result<u32, Failure> {
        if claimed.is_empty() {
            return Ok(0);
        }
        let asked: Result<Vec<Asked>, Failure> = claimed
            .into_iter()
            .map(|claimed| self.request(me, claimed, doubt))
            .collect();
        let asked = asked?;
        self.overtake()?;
        if self.hang.take() {
            let hangs = |asked| Hanging {
                shard: me,
                now: self.now,
                asked,
            };
            self.hanging.borrow_mut().extend(asked.into_iter().map(hangs));
            return Err(Failure::Hangs);
        }
        asked
            .into_iter()
            .try_fold(0, |free, asked| Ok(free + self.conclude(me, self.now, asked)?))
    }

    fn request(&self, me: ShardIndex, mut claimed: Claimed, doubt: Doubt) -> Result<Asked, Failure> {
        let body = std::mem::take(&mut claimed.body);
        let dispatch = &claimed.dispatch;
        let kind = ProviderKind::parse(&dispatch.provider)?;
        let members = dispatch.members.len();
        let account = Account::new("http://127.0.0.1:9", "re_test");
        let request = kind
            .request(&account, &dispatch.key, body, members, self.now)?
            .ok_or(Failure::Provider("it needs none"))?;
        self.reach(Point::Claimed)?;
        self.host(me)?.awaited.borrow_mut().insert(dispatch.id.clone());
        let its_clock = self.now.minus(self.drift.get());
        let response = self.provider.borrow_mut().answer(&request, its_clock)?;
        self.reach(Point::Answered)?;
        let rate = response
            .as_ref()
            .and_then(|response| kind.rate_hint(&response.headers, self.now));
        let reply = response.map(|response| (response.status, kind.read(&response, members, self.now)));
        Ok(Asked {
            claimed,
            doubt,
            rate,
            reply,
        })
    }

    /// Lets an event in that arrives while requests are out.
    fn overtake(&self) -> Result<(), Failure> {
        let Some(mut event) = self.meanwhile.borrow_mut().pop_front() else {
            return Ok(());
        };
        event.received_at = self.now;
        let after = self.provider.borrow().taken.len();
        let outcome = self.ingest(event.clone());
        let died = matches!(outcome, Err(Failure::Crash));
        self.overtook.borrow_mut().push(Overtook {
            event,
            outcome,
            after,
        });
        if died { Err(Failure::Crash) } else { Ok(()) }
    }

    /// The runs that hang hear their answers after all, and find that others run.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn come_back(&self) -> Result<(), Failure> {
        for Hanging { shard, now, asked } in self.hanging.take() {
            self.conclude(shard, now, asked)?;
            self.arm(shard)?;
        }
        Ok(())
    }

    /// How many places of the warm-up the request leaves free.
    fn conclude(&self, me: ShardIndex, now: Timestamp, asked: Asked) -> Result<u32, Failure> {
        let Asked {
            claimed,
            doubt,
            rate,
            reply,
        } = asked;
        let dispatch = &claimed.dispatch;
        self.host(me)?.awaited.borrow_mut().remove(&dispatch.id);
        let silence = match &reply {
            Some((status, _)) => (*status >= SERVER_ERROR).then(|| format!("status {status}")),
            None => Some("no answer".to_owned()),
        };
        let outcomes = match reply {
            Some((_, Reply::Split(reason))) => {
                let mut single = self.host(me)?.single.borrow_mut();
                single.extend(dispatch.members.iter().cloned());
                drop(single);
                self.turn_at(me, now, |turn| turn.split(dispatch, &reason))?;
                Vec::new()
            }
            Some((_, Reply::Each(outcomes))) => outcomes,
            None => vec![Outcome::Unknown("no answer".to_owned()); dispatch.members.len()],
        };
        if !outcomes.is_empty() {
            self.turn_at(me, now, |turn| turn.conclude(dispatch, &outcomes))?;
        }
        let kind = ProviderKind::parse(&dispatch.provider)?;
        let taught = Taught {
            settings: self.settings.fingerprint_of(kind),
            doubt,
            outcomes: &outcomes,
            rate,
            silence,
        };
        let lesson = lesson_of(dispatch, taught, now);
        self.traffic.borrow_mut().learn(lesson, now);
        Ok(claimed.places_freed(&outcomes))
    }
}
