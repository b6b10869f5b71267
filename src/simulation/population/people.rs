//! One contact of a population, and what it does in its life that no mail causes.

use super::draw::Draw;
use super::rates::Rates;
use crate::domain::civil::Zone;
use crate::domain::time::{Delay, Timestamp};

const FEW_MINUTES: Delay = Delay::from_minutes(2);
const AN_HOUR: Delay = Delay::from_minutes(55);

/// Who it is.
#[derive(Debug, Clone)]
pub struct Person {
    pub number: u32,
    pub email: String,
    pub(super) zone: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) subscribes: bool,
    pub arrives: Timestamp,
    guest: bool,
    /// What is drawn for the mails the person gets.
    pub draw: Draw,
}

/// Something that a person does at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    pub at: Timestamp,
    pub person: u32,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Signup,
    View,
    Checkout(u32),
    Order {
        number: u32,
        checkout: Option<u32>,
    },
    Fulfilled(u32),
    Delivered(u32),
    Refunded(u32),
    /// The mail of this message.
    Open(String),
    Click(String),
    Unsubscribe(String),
}

impl Person {
    pub fn draw(seed: u64, number: u32, rates: &Rates, start: Timestamp, days: u32) -> Self {
        let mut draw = Draw::new(seed, number);
        let zone = draw.one_of(&rates.zones).map(str::to_owned);
        let locale = draw.one_of(&rates.locales).map(str::to_owned);
        #[expect(clippy::cast_possible_truncation, reason = "a number of seconds")]
        let span = Delay::from_seconds((rates.arrivals * 86_400.0 * f64::from(days)) as i64);
        let day = start.plus(draw.between(Delay::ZERO, span));
        let clock = zone.as_deref().and_then(|zone| zone.parse().ok());
        Self {
            number,
            email: format!("p{number}@example.com"),
            arrives: draw.awake(day, clock.unwrap_or(Zone::UTC)),
            subscribes: draw.chance(rates.subscribed),
            guest: draw.chance(rates.guests),
            zone,
            locale,
            draw,
        }
    }

    fn clock(&self) -> Zone {
        let zone = self.zone.as_deref().and_then(|zone| zone.parse().ok());
        zone.unwrap_or(Zone::UTC)
    }

    /// All deeds until `end` that nobody's mail causes.
    pub fn life(&mut self, rates: &Rates, end: Timestamp) -> Vec<Deed> {
        let mut deeds = Vec::new();
        let (mut count, zone) = (0, self.clock());
        if !self.guest {
            self.does(self.arrives, What::Signup, &mut deeds);
        }
        let mut at = self.arrives;
        if self.guest {
            // Who is known by a checkout has one.
            self.visit(at, rates, true, &mut count, &mut deeds);
        }
        while let Some(pause) = self.draw.pause(rates.visits_per_week) {
            let day = at.plus(pause);
            if day >= end {
                break;
            }
            at = self.draw.awake(day, zone);
            self.visit(at, rates, false, &mut count, &mut deeds);
        }
        deeds.retain(|deed| deed.at < end);
        deeds
    }

    fn does(&self, at: Timestamp, what: What, deeds: &mut Vec<Deed>) {
        deeds.push(Deed {
            at,
            person: self.number,
            what,
        });
    }

    fn visit(&mut self, at: Timestamp, rates: &Rates, surely: bool, count: &mut u32, deeds: &mut Vec<Deed>) {
        self.does(at, What::View, deeds);
        if !surely && !self.draw.chance(rates.checkout) {
            return;
        }
        *count += 1;
        let checkout = *count;
        let at = at.plus(self.draw.between(FEW_MINUTES, Delay::from_minutes(15)));
        self.does(at, What::Checkout(checkout), deeds);
        let fate = self.draw.share();
        let wait = if fate < rates.order_at_once {
            self.draw.between(FEW_MINUTES, AN_HOUR)
        } else if fate < rates.order_at_once + rates.order_later {
            self.draw.between(AN_HOUR, Delay::from_days(3))
        } else {
            return;
        };
        self.order(at.plus(wait), checkout, Some(checkout), rates, deeds);
        if self.draw.chance(rates.repeat) {
            *count += 1;
            let again = self.draw.between(Delay::from_days(5), Delay::from_days(30));
            self.order(at.plus(again), *count, None, rates, deeds);
        }
    }

    fn order(
        &mut self,
        at: Timestamp,
        number: u32,
        checkout: Option<u32>,
        rates: &Rates,
        deeds: &mut Vec<Deed>,
    ) {
        let days = Delay::from_days;
        self.does(at, What::Order { number, checkout }, deeds);
        if self.draw.chance(rates.fulfilled) {
            let sent = at.plus(self.draw.between(Delay::from_hours(8), days(3)));
            self.does(sent, What::Fulfilled(number), deeds);
            if self.draw.chance(rates.delivered) {
                let arrived = sent.plus(self.draw.between(days(1), days(5)));
                self.does(arrived, What::Delivered(number), deeds);
            }
        }
        if self.draw.chance(rates.refunded) {
            let back = at.plus(self.draw.between(days(6), days(20)));
            self.does(back, What::Refunded(number), deeds);
        }
    }
}
