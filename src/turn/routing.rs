//! Which shards an event concerns, in which order they are asked, and with what: the Worker's side of `ingest`.
//!
//! A state machine without I/O: the edge asks over fetch, host tests ask shards in memory. Calls of one step may run
//! at the same time; the next step begins when all have answered. When a call fails the event is given up and the
//! sender tries again: every call may be repeated.

use super::call::{Answer, Call, Ingest, Ingested, Touch};
use crate::domain::event::Event;
use crate::domain::ids::ContactId;
use crate::domain::shard::{ShardCount, ShardIndex};
use crate::engine::identity::{Hashed, route};
use crate::settings::Settings;
use crate::signing::identity::identity_hash;
use std::collections::BTreeMap;

/// Most times an event is sent on to where its contact went.
const MAX_HOPS: usize = 8;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("a shard answered something else than it was asked")]
    Answer,
    #[error("the event's contact could not be found in {MAX_HOPS} hops")]
    Hops,
}

/// What the caller must do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Ask these, all of them, and bring the answers in this order.
    Ask(Vec<(ShardIndex, Call)>),
    Done(Ingested),
}

/// An event on its way.
#[derive(Debug, Clone, PartialEq)]
pub struct Routing {
    shards: ShardCount,
    ingest: Ingest,
    /// Where the contact is believed to be.
    shard: ShardIndex,
    hops: usize,
    stage: Stage,
}

/// Whose answers are awaited.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// The other shards that hold identifiers of the event.
    Touching,
    Ingesting,
    /// The shards of contacts that turned out to be this one.
    Absorbing {
        winner: ContactId,
    },
}

impl Routing {
    /// Takes up an event; none when it names nobody and nothing.
    pub fn start(settings: &Settings, event: Event) -> Option<(Self, Step)> {
        let key = settings.hash_key.iter().next().unwrap_or_default().as_bytes();
        let identifiers: Vec<Hashed> = event
            .identifiers
            .iter()
            .map(|identifier| Hashed {
                identifier: identifier.clone(),
                hash: identity_hash(key, identifier),
            })
            .collect();
        let shard = settings.shards.of_identifier(route(&event, &identifiers)?);
        let touches = touches(settings.shards, &event, &identifiers, shard);
        let routing = Self {
            shards: settings.shards,
            ingest: Ingest {
                event,
                identifiers,
                known: Vec::new(),
                bought: false,
                contact: None,
                released: false,
            },
            shard,
            hops: 0,
            stage: Stage::Touching,
        };
        if touches.is_empty() {
            let routing = Self {
                stage: Stage::Ingesting,
                ..routing
            };
            let step = routing.ask_contact();
            return Some((routing, step));
        }
        Some((routing, Step::Ask(touches)))
    }

    /// Goes on with the answers to the last step, in its order.
    ///
    /// # Errors
    /// When an answer does not fit its call, or the contact keeps moving away.
    pub fn answer(&mut self, answers: Vec<Answer>) -> Result<Step, Error> {
        match self.stage.clone() {
            Stage::Touching => {
                for answer in answers {
                    let Answer::Touched { known, bought } = answer else {
                        return Err(Error::Answer);
                    };
                    self.ingest.known.extend(known);
                    self.ingest.bought |= bought;
                }
                self.stage = Stage::Ingesting;
                Ok(self.ask_contact())
            }
            Stage::Ingesting => {
                let Some(Answer::Ingested(ingested)) = answers.into_iter().next() else {
                    return Err(Error::Answer);
                };
                self.ingested(ingested)
            }
            Stage::Absorbing { winner } => {
                // A loser that went elsewhere meanwhile is absorbed there.
                let gone: Vec<ContactId> = answers.into_iter().filter_map(elsewhere).collect();
                if gone.is_empty() {
                    self.stage = Stage::Ingesting;
                    return Ok(self.go_to(winner));
                }
                self.absorb(&winner, gone)
            }
        }
    }

    fn ingested(&mut self, ingested: Ingested) -> Result<Step, Error> {
        match ingested {
            Ingested::Elsewhere(contact) => {
                self.hop()?;
                Ok(self.go_to(contact))
            }
            Ingested::Same { winner, losers } => self.absorb(&winner, losers),
            Ingested::Applied | Ingested::Duplicate | Ingested::Parked | Ingested::Ignored => {
                Ok(Step::Done(ingested))
            }
        }
    }

    fn absorb(&mut self, winner: &ContactId, losers: Vec<ContactId>) -> Result<Step, Error> {
        self.hop()?;
        self.stage = Stage::Absorbing {
            winner: winner.clone(),
        };
        let calls = losers.into_iter().map(|loser| {
            let shard = self.shards.of_contact(&loser);
            let winner = winner.clone();
            (shard, Call::Absorb { loser, winner })
        });
        Ok(Step::Ask(calls.collect()))
    }

    fn go_to(&mut self, contact: ContactId) -> Step {
        self.shard = self.shards.of_contact(&contact);
        self.ingest.contact = Some(contact);
        self.ask_contact()
    }

    fn ask_contact(&self) -> Step {
        Step::Ask(vec![(self.shard, Call::Ingest(Box::new(self.ingest.clone())))])
    }

    fn hop(&mut self) -> Result<(), Error> {
        self.hops += 1;
        if self.hops > MAX_HOPS {
            return Err(Error::Hops);
        }
        Ok(())
    }
}

fn elsewhere(answer: Answer) -> Option<ContactId> {
    match answer {
        Answer::Ingested(Ingested::Elsewhere(contact)) => Some(contact),
        Answer::Touched { .. }
        | Answer::Ingested(_)
        | Answer::Done
        | Answer::NotYet
        | Answer::Bought(_)
        | Answer::Ran { .. }
        | Answer::Pruned(_)
        | Answer::Swept { .. }
        | Answer::Unsubscribed { .. }
        | Answer::Mails(_)
        | Answer::Reasons { .. }
        | Answer::Overview(_)
        | Answer::Refused { .. } => None,
    }
}

/// One call for each other shard that holds identifiers of the event.
fn touches(
    shards: ShardCount,
    event: &Event,
    identifiers: &[Hashed],
    own: ShardIndex,
) -> Vec<(ShardIndex, Call)> {
    let strongest = event.strongest();
    let founder = identifiers
        .iter()
        .find(|hashed| Some(&hashed.identifier) == strongest)
        .map(|hashed| ContactId::from(hashed.hash.clone()));
    let bought_at = event.closes_at();
    let mut by_shard: BTreeMap<ShardIndex, Touch> = BTreeMap::new();
    for hashed in identifiers {
        let shard = shards.of_identifier(&hashed.hash);
        if shard != own {
            let touch = by_shard.entry(shard).or_insert_with(|| Touch {
                identifiers: Vec::new(),
                founder: founder.clone(),
                bought_at,
            });
            touch
                .identifiers
                .push((hashed.hash.clone(), hashed.identifier.kind));
        }
    }
    by_shard
        .into_iter()
        .map(|(shard, touch)| (shard, Call::Touch(touch)))
        .collect()
}
