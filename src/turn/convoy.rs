//! Many events brought to their contacts together: one call a shard and step in place of one an event.
//!
//! The Worker's side of an import. Without I/O, like `routing`, whose steps it makes for each event: those of one shard go
//! as one call, which is one storage turn. When a call fails all of them are given up, and may be sent again.

use super::call::{Answer, Call, Ingested};
use super::routing::{Error, Routing, Step};
use crate::domain::event::Event;
use crate::domain::shard::ShardIndex;
use crate::settings::Settings;
use std::collections::BTreeMap;

/// Events on their way.
#[derive(Debug)]
pub struct Convoy {
    members: Vec<Member>,
    /// The shards that were asked last, in the order of the calls.
    asked: Vec<ShardIndex>,
}

#[derive(Debug)]
enum Member {
    /// Where its answers will stand: the shard, and the place among that shard's answers.
    Asking(Box<Routing>, Vec<(ShardIndex, usize)>),
    Ready(Box<Routing>, Vec<(ShardIndex, Call)>),
    Arrived(Ingested),
}

impl Convoy {
    pub fn start(settings: &Settings, events: impl IntoIterator<Item = Event>) -> Self {
        let start = |event| match Routing::start(settings, event) {
            Some((routing, step)) => Member::after(routing, step),
            None => Member::Arrived(Ingested::Ignored),
        };
        Self {
            members: events.into_iter().map(start).collect(),
            asked: Vec::new(),
        }
    }

    /// The calls to make now, at the same time, one a shard; none when all have arrived.
    pub fn calls(&mut self) -> Vec<(ShardIndex, Call)> {
        let mut by_shard: BTreeMap<ShardIndex, Vec<Call>> = BTreeMap::new();
        for member in &mut self.members {
            let Member::Ready(routing, calls) = member else {
                continue;
            };
            let mut places = Vec::with_capacity(calls.len());
            for (shard, call) in std::mem::take(calls) {
                let all = by_shard.entry(shard).or_default();
                places.push((shard, all.len()));
                all.push(call);
            }
            *member = Member::Asking(routing.clone(), places);
        }
        self.asked = by_shard.keys().copied().collect();
        by_shard
            .into_iter()
            .map(|(shard, calls)| (shard, Call::Together(calls)))
            .collect()
    }

    /// Goes on with the answers to the last calls, in their order.
    ///
    /// # Errors
    /// When an answer does not fit its call, or a contact keeps moving away.
    pub fn answer(&mut self, answers: Vec<Answer>) -> Result<(), Error> {
        let mut told: BTreeMap<(ShardIndex, usize), Answer> = BTreeMap::new();
        for (shard, answer) in self.asked.drain(..).zip(answers) {
            let Answer::Together(answers) = answer else {
                return Err(Error::Answer);
            };
            let placed = answers.into_iter().enumerate();
            told.extend(placed.map(|(place, answer)| ((shard, place), answer)));
        }
        for member in &mut self.members {
            let Member::Asking(routing, places) = member else {
                continue;
            };
            let own: Option<Vec<Answer>> = places.iter().map(|place| told.remove(place)).collect();
            let step = routing.answer(own.ok_or(Error::Answer)?)?;
            *member = Member::after(Routing::clone(routing), step);
        }
        Ok(())
    }

    /// What became of each event, in their order; what has not arrived is left out.
    pub fn outcomes(&self) -> impl Iterator<Item = &Ingested> {
        self.members.iter().filter_map(|member| match member {
            Member::Arrived(ingested) => Some(ingested),
            Member::Ready(..) | Member::Asking(..) => None,
        })
    }
}

impl Member {
    fn after(routing: Routing, step: Step) -> Self {
        match step {
            Step::Done(ingested) => Self::Arrived(ingested),
            Step::Ask(calls) => Self::Ready(Box::new(routing), calls),
        }
    }
}
