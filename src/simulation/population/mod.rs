//! A made-up population that lives for some weeks through the real turns, and what its mails would have come to.
//!
//! It is driven by what is due next, of the shard or of the people, and never looks at everybody before the end.

mod deeds;
pub mod draw;
mod figures;
mod overlap;
pub mod people;
pub mod rates;
mod report;

pub use figures::Figures;

use crate::domain::ids::MessageId;
use crate::domain::message::Stream;
use crate::domain::time::{Delay, Timestamp};
use crate::providers::ProviderKind;
use crate::simulation::cast::Cast;
use crate::simulation::error::Failure;
use crate::simulation::provider::Taken;
use crate::simulation::world::World;
use crate::turn::call::Call;
use crate::turn::choice::{By, Choice};
use people::{Deed, Person, What};
use rates::Rates;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Most stops in a row at which mails wait for a permit and none leaves: an hour of the provider's time.
const MAX_STARVED: u32 = 3_600;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    pub contacts: u32,
    pub seed: u64,
    pub days: u32,
    pub rates: Rates,
}

/// A population in the middle of its life.
struct Life<'a> {
    rates: &'a Rates,
    world: World,
    end: Timestamp,
    people: Vec<Person>,
    deeds: BinaryHeap<Reverse<Deed>>,
    unsubscribed: BTreeMap<u32, Timestamp>,
    /// Marketing mails to people who had unsubscribed: there may be none.
    unwanted: u64,
    events: u64,
    /// When the provider's memory is cleared of what it would have forgotten.
    tidy_at: Timestamp,
}

/// Lets a population live.
///
/// # Errors
/// When the world fails: a population asks nothing of it that a store does not.
pub fn run(cast: &Cast, plan: &Plan) -> Result<Figures, Failure> {
    let mut world = cast.world(ProviderKind::Resend)?;
    world.allow(plan.rates.requests_per_second);
    world.sweep()?;
    let (start, end) = (
        world.start,
        world.start.plus(Delay::from_days(i64::from(plan.days))),
    );
    let mut people: Vec<Person> = (1..=plan.contacts)
        .map(|number| Person::draw(plan.seed, number, &plan.rates, start, plan.days))
        .collect();
    let lives = people.iter_mut().flat_map(|person| person.life(&plan.rates, end));
    let deeds = lives.map(Reverse).collect();
    let mut life = Life {
        rates: &plan.rates,
        world,
        end,
        people,
        deeds,
        unsubscribed: BTreeMap::new(),
        unwanted: 0,
        events: 0,
        tidy_at: start,
    };
    life.pass()?;
    Figures::of(&life, plan)
}

impl Life<'_> {
    fn pass(&mut self) -> Result<(), Failure> {
        let mut starved = 0;
        loop {
            let due = self.world.run_all()?;
            let left = self.react()?;
            starved = if left == 0 && self.world.is_resting() {
                starved + 1
            } else {
                0
            };
            if starved > MAX_STARVED {
                return Err(Failure::Starved(self.rates.requests_per_second, self.world.now));
            }
            let deed = self.deeds.peek().map(|Reverse(deed)| deed.at);
            match [due, deed].into_iter().flatten().min() {
                Some(next) if next < self.end => self.world.now = next.max(self.world.now),
                Some(_) | None => return Ok(()),
            }
            while let Some(Reverse(deed)) = self.deeds.pop() {
                if deed.at > self.world.now {
                    self.deeds.push(Reverse(deed));
                    break;
                }
                self.perform(&deed)?;
            }
            if self.world.now >= self.tidy_at {
                self.world.provider.borrow_mut().forget(self.world.now);
                self.world.remarks.borrow_mut().clear();
                self.tidy_at = self.world.now.plus(Delay::from_hours(6));
            }
        }
    }

    fn person(&self, number: u32) -> Option<&Person> {
        self.people.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    fn perform(&mut self, deed: &Deed) -> Result<(), Failure> {
        if let What::Unsubscribe(message) = &deed.what {
            let message = MessageId::parse(message).map_err(crate::turn::Error::from)?;
            let shard = self.world.settings.shards.of_message(&message);
            self.world.call(
                shard,
                Call::Choose {
                    message,
                    choice: Choice::Unsubscribe,
                    by: By::default(),
                },
            )?;
            self.unsubscribed.entry(deed.person).or_insert(self.world.now);
            self.events += 1;
            return Ok(());
        }
        let Some(person) = self.person(deed.person) else {
            return Ok(());
        };
        if let Some(event) = person.event(deed)? {
            self.world.ingest(event)?;
            self.events += 1;
        } else if let Some(report) = person.report(deed)? {
            self.world.hear(vec![report])?;
            self.events += 1;
        }
        Ok(())
    }

    /// What people do with the mails that went out just now; says how many these were.
    fn react(&mut self) -> Result<usize, Failure> {
        let taken: Vec<Taken> = self.world.provider.borrow_mut().taken.drain(..).collect();
        let left = taken.len();
        for mail in taken {
            let number = mail
                .to
                .strip_prefix('p')
                .and_then(|rest| rest.split('@').next()?.parse().ok());
            let id = MessageId::parse(&mail.message).map_err(crate::turn::Error::from)?;
            let marketing = self
                .world
                .message(&id)?
                .is_some_and(|stored| stored.message.stream == Stream::Marketing);
            let (Some(number), true) = (number, marketing) else {
                continue;
            };
            if self.unsubscribed.contains_key(&number) {
                self.unwanted += 1;
            }
            let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
            let Some(person) = self.people.get_mut(index) else {
                continue;
            };
            let does = reactions(person, self.rates, &mail);
            self.deeds.extend(does.into_iter().map(Reverse));
        }
        Ok(left)
    }
}

/// Opens, clicks and unsubscribes: the next one only after the one before.
fn reactions(person: &mut Person, rates: &Rates, mail: &Taken) -> Vec<Deed> {
    let draw = &mut person.draw;
    let opened = mail
        .at
        .plus(draw.between(Delay::from_minutes(3), Delay::from_hours(20)));
    let clicked = opened.plus(draw.between(Delay::from_seconds(5), Delay::from_minutes(5)));
    let left = opened.plus(draw.between(Delay::from_seconds(5), Delay::from_minutes(2)));
    let message = || mail.message.clone();
    let opens = draw.chance(rates.opens);
    let conditional = |share: f64| {
        if rates.opens > 0.0 {
            (share / rates.opens).min(1.0)
        } else {
            0.0
        }
    };
    let all = [
        (opens, opened, What::Open(message())),
        (
            opens && draw.chance(conditional(rates.clicks)),
            clicked,
            What::Click(message()),
        ),
        (
            opens && draw.chance(conditional(rates.unsubscribes)),
            left,
            What::Unsubscribe(message()),
        ),
    ];
    let number = person.number;
    all.into_iter()
        .filter(|(does, _, _)| *does)
        .map(|(_, at, what)| Deed {
            at,
            person: number,
            what,
        })
        .collect()
}
