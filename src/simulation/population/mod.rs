//! A made-up population that lives for some weeks through the real turns, and what its mails would have come to.
//!
//! It is driven by what is due next, of the shard or of the people, and never looks at everybody before the end.

mod clashes;
mod deeds;
pub mod draw;
mod figures;
mod life;
mod overlap;
pub mod people;
pub mod rates;
mod reactions;
mod report;
pub mod shop;

pub use figures::Figures;

use crate::domain::ids::MessageId;
use crate::domain::message::Stream;
use crate::domain::time::{Delay, Timestamp};
use crate::providers::ProviderKind;
use crate::render::emails::asks;
use crate::simulation::cast::Cast;
use crate::simulation::error::Failure;
use crate::simulation::gifts::Inside;
use crate::simulation::provider::Taken;
use crate::simulation::world::World;
use crate::store::coupon;
use crate::turn::answer::Given;
use crate::turn::call::Call;
use crate::turn::choice::{By, Choice};
use clashes::Mark;
use life::Setting;
use people::{Choosing, Deed, Person, SHOP, What};
use rates::Rates;
use reactions::{Letter, reactions};
use shop::Shop;
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
    shop: &'a Shop,
    world: World,
    end: Timestamp,
    people: Vec<Person>,
    deeds: BinaryHeap<Reverse<Deed>>,
    unsubscribed: BTreeMap<u32, Timestamp>,
    /// What happened to whom, after which a mail may be out of place.
    marks: BTreeMap<u32, Vec<(Timestamp, Mark)>>,
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
    let shop = Shop::draw(plan.seed, start, end);
    let mut people: Vec<Person> = (1..=plan.contacts)
        .map(|number| Person::draw(plan.seed, number, &plan.rates, start, plan.days))
        .collect();
    let arrivals: Vec<Timestamp> = people.iter().map(|person| person.arrives).collect();
    let setting = Setting {
        rates: &plan.rates,
        shop: &shop,
        arrivals: &arrivals,
        end,
    };
    let mut deeds: BinaryHeap<Reverse<Deed>> = people
        .iter_mut()
        .flat_map(|person| person.life(setting))
        .map(Reverse)
        .collect();
    deeds.extend(shop_deeds(&shop, start).map(Reverse));
    fill_pools(&world, plan.contacts)?;
    let mut life = Life {
        rates: &plan.rates,
        shop: &shop,
        world,
        end,
        people,
        deeds,
        unsubscribed: BTreeMap::new(),
        marks: BTreeMap::new(),
        unwanted: 0,
        events: 0,
        tidy_at: start,
    };
    life.pass()?;
    Figures::of(&life, plan)
}

/// The shelves as they are at first, and all that changes on them.
fn shop_deeds(shop: &Shop, start: Timestamp) -> impl Iterator<Item = Deed> {
    let first = shop::all().map(move |product| (start, product));
    first.chain(shop.changes()).map(|(at, product)| Deed {
        at,
        person: SHOP,
        what: What::Offer(product),
    })
}

/// A code of every gift for everybody.
fn fill_pools(world: &World, contacts: u32) -> Result<(), Failure> {
    for gift in &world.catalog.store.gifts {
        let codes: Vec<String> = (1..=contacts).map(|number| format!("GIFT{number}")).collect();
        coupon::import(&world.store, &gift.pool, &codes)?;
    }
    Ok(())
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
        if let Some(mark) = Mark::of(&deed.what) {
            let marks = self.marks.entry(deed.person).or_default();
            marks.push((self.world.now, mark));
        }
        match &deed.what {
            What::Offer(product) => {
                let offer = self.shop.offer(*product, self.world.now);
                let offer = offer.map_err(|error| Failure::Asked(error.to_string()))?;
                return self
                    .world
                    .tell_offer(offer, format!("shop:{}", deed.at.as_millis()));
            }
            What::Chooses(choosing) => {
                let Some((message, choice)) = self.choice(choosing)? else {
                    return Ok(());
                };
                let shard = self.world.settings.shards.of_message(&message);
                let by = By::default();
                let unsubscribes = choice == Choice::Unsubscribe;
                self.world.call(shard, Call::Choose { message, choice, by })?;
                if unsubscribes {
                    self.unsubscribed.entry(deed.person).or_insert(self.world.now);
                }
            }
            What::Shops(shopping) => {
                let Some(person) = self.person(deed.person) else {
                    return Ok(());
                };
                let key = self.world.settings.hash_key.iter().next().unwrap_or_default();
                self.world
                    .ingest(person.event(deed.at, shopping, key.as_bytes())?)?;
            }
            What::Reads(reading) => {
                let Some(person) = self.person(deed.person) else {
                    return Ok(());
                };
                self.world.hear(vec![person.report(deed.at, reading)?])?;
            }
        }
        self.events += 1;
        Ok(())
    }

    /// What is chosen by a link in a mail; none where there is nothing to choose.
    fn choice(&self, choosing: &Choosing) -> Result<Option<(MessageId, Choice)>, Failure> {
        let id = |message: &str| MessageId::parse(message).map_err(crate::turn::Error::from);
        Ok(match choosing {
            Choosing::Unsubscribe(message) => Some((id(message)?, Choice::Unsubscribe)),
            Choosing::Answer {
                message,
                question,
                answer,
                comment,
            } => {
                let given = Given {
                    question: question.clone(),
                    answer: answer.clone(),
                    comment: comment.then(|| "It took too long to come.".to_owned()),
                };
                Some((id(message)?, Choice::Answer(given)))
            }
            Choosing::Unwrap { message, gift } => {
                let message = id(message)?;
                let mut gifts = self.world.catalog.store.gifts.iter();
                let Some(gift) = gifts.find(|declared| declared.id == *gift) else {
                    return Ok(None);
                };
                match self.world.look_into(&message, gift)? {
                    Inside::Code(revealed) => Some((message, Choice::Reveal(revealed))),
                    Inside::Nothing | Inside::NotFound => None,
                }
            }
        })
    }

    /// What people do with the mails that went out just now; says how many these were.
    fn react(&mut self) -> Result<usize, Failure> {
        let taken: Vec<Taken> = self.world.provider.borrow_mut().taken.drain(..).collect();
        let left = taken.len();
        for mail in taken {
            let number = number_of(&mail.to);
            let id = MessageId::parse(&mail.message).map_err(crate::turn::Error::from)?;
            let stored = self.world.message(&id)?;
            let marketing = stored.filter(|stored| stored.message.stream == Stream::Marketing);
            let (Some(number), Some(stored)) = (number, marketing) else {
                continue;
            };
            if self.unsubscribed.contains_key(&number) {
                self.unwanted += 1;
            }
            let index = usize::try_from(number).unwrap_or(usize::MAX).wrapping_sub(1);
            let Some(person) = self.people.get_mut(index) else {
                continue;
            };
            let catalog = &self.world.catalog;
            let (questions, gifts) = asks(stored.message.email.as_str());
            let declared = catalog.store.questions.iter();
            let letter = Letter {
                message: &mail.message,
                at: mail.at,
                questions: declared
                    .filter(|question| questions.contains(&question.id.as_str()))
                    .collect(),
                gifts: gifts.to_vec(),
            };
            let does = reactions(person, self.rates, &letter);
            self.deeds.extend(does.into_iter().map(Reverse));
        }
        Ok(left)
    }
}

/// Whose address it is.
fn number_of(address: &str) -> Option<u32> {
    address.strip_prefix('p')?.split('@').next()?.parse().ok()
}
