//! Which shards an event concerns, in which order they are asked, and with what: the Worker's side of `ingest`.
//!
//! A state machine without I/O: the edge asks over fetch, host tests ask shards in memory. Calls of one step may run
//! at the same time; the next step begins when all have answered. When a call fails the event is given up and the
//! sender tries again: every call may be repeated.

use super::call::{Answer, Call, Ingest, Ingested, Meaning, Touch};
use crate::domain::event::Event;
use crate::domain::ids::ContactId;
use crate::domain::shard::{ShardCount, ShardIndex};
use crate::engine::identity::{Hashed, route};
use crate::settings::Settings;
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
    /// The shard asked first, which has not been touched; none once it was.
    first: Option<ShardIndex>,
    hops: usize,
    stage: Stage,
}

/// Whose answers are awaited.
#[derive(Debug, Clone, PartialEq)]
enum Stage {
    /// The other shards that hold identifiers of the event.
    Touching,
    Ingesting,
    /// The shards of contacts that seem to be one person: some may be the same by now.
    Finding {
        asked: Vec<ContactId>,
    },
    /// The shards of contacts that turned out to be this one.
    Absorbing {
        winner: ContactId,
    },
}

impl Routing {
    /// Takes up an event; none when it names nobody and nothing.
    pub fn start(settings: &Settings, event: Event) -> Option<(Self, Step)> {
        let identifiers: Vec<Hashed> = event
            .identifiers
            .iter()
            .map(|identifier| Hashed {
                identifier: identifier.clone(),
                hash: settings.hash(identifier),
            })
            .collect();
        let shard = settings.shards.of_identifier(route(&event, &identifiers)?);
        let strongest = event.strongest();
        let founder = identifiers
            .iter()
            .find(|hashed| Some(&hashed.identifier) == strongest)
            .map(|hashed| ContactId::from(hashed.hash.clone()));
        let touches = touches(settings.shards, &event, &identifiers, founder.as_ref(), |at| {
            at != shard
        });
        let routing = Self {
            shards: settings.shards,
            ingest: Ingest {
                event: event.into(),
                identifiers,
                known: Vec::new(),
                bought: false,
                objections: Vec::new(),
                erased_at: None,
                contact: None,
                released: false,
                named_at: None,
            },
            shard,
            first: Some(shard),
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
                    let Answer::Touched {
                        known,
                        bought,
                        objections,
                        erased_at,
                    } = answer
                    else {
                        return Err(Error::Answer);
                    };
                    self.ingest.known.extend(known);
                    self.ingest.bought |= bought;
                    self.ingest.objections.extend(objections);
                    self.ingest.erased_at = self.ingest.erased_at.max(erased_at);
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
            Stage::Finding { asked } => {
                let mut people = Vec::new();
                for answer in answers {
                    let Answer::Found(contact) = answer else {
                        return Err(Error::Answer);
                    };
                    people.push(contact);
                }
                if people != asked {
                    return self.find(people);
                }
                people.sort();
                people.dedup();
                match people.split_first() {
                    Some((only, [])) => {
                        self.stage = Stage::Ingesting;
                        Ok(self.go_to(only.clone()))
                    }
                    // The smallest id wins, so that two shards can never absorb each other.
                    Some((winner, losers)) => self.absorb(winner, losers.to_vec()),
                    None => Err(Error::Answer),
                }
            }
            Stage::Absorbing { winner } => {
                // A loser that went elsewhere meanwhile is absorbed there.
                let gone: Vec<ContactId> = answers.iter().filter_map(elsewhere).collect();
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
            Ingested::Same { winner, mut losers } => {
                losers.push(winner);
                self.find(losers)
            }
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

    /// An id may be a founding id that leads elsewhere, or one that was merged: follows each to its end.
    fn find(&mut self, people: Vec<ContactId>) -> Result<Step, Error> {
        self.hop()?;
        let calls = people
            .iter()
            .map(|contact| (self.shards.of_contact(contact), Call::Find(contact.clone())));
        let calls = calls.collect();
        self.stage = Stage::Finding { asked: people };
        Ok(Step::Ask(calls))
    }

    /// The contact lives in another shard than that of the identifier asked first: that one now is among the others
    /// that hold identifiers of the event, and has to tell, claim and close like them.
    fn go_to(&mut self, contact: ContactId) -> Step {
        self.shard = self.shards.of_contact(&contact);
        let left = self.first.take_if(|first| *first != self.shard);
        self.ingest.contact = Some(contact.clone());
        let Ingest {
            event, identifiers, ..
        } = &self.ingest;
        let touches = touches(self.shards, event, identifiers, Some(&contact), |at| {
            Some(at) == left
        });
        if touches.is_empty() {
            return self.ask_contact();
        }
        self.stage = Stage::Touching;
        Step::Ask(touches)
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

fn elsewhere(answer: &Answer) -> Option<ContactId> {
    match answer.meaning() {
        Meaning::Elsewhere(contact) => Some(contact),
        Meaning::Arrived | Meaning::NotNow => None,
    }
}

/// One call for each shard of `of` that holds identifiers of the event. Unknown ones are claimed for `founder`.
fn touches(
    shards: ShardCount,
    event: &Event,
    identifiers: &[Hashed],
    founder: Option<&ContactId>,
    of: impl Fn(ShardIndex) -> bool,
) -> Vec<(ShardIndex, Call)> {
    let bought_at = event.closes_at();
    let mut by_shard: BTreeMap<ShardIndex, Touch> = BTreeMap::new();
    for hashed in identifiers {
        let shard = shards.of_identifier(&hashed.hash);
        if of(shard) {
            let touch = by_shard.entry(shard).or_insert_with(|| Touch {
                identifiers: Vec::new(),
                founder: founder.cloned(),
                bought_at,
                named_at: event.told_at(),
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
