//! What somebody does of itself, which no mail causes: signs up, looks, fills a cart, buys, and what the shop then does
//! with the order. Drawn as a whole before the time begins.

use super::people::{Deed, Person, Sale, Shopping, What};
use super::rates::Rates;
use super::shop::{self, Shop};
use crate::domain::time::{Delay, Timestamp};

const FEW_MINUTES: Delay = Delay::from_minutes(2);
const AN_HOUR: Delay = Delay::from_minutes(55);
/// Of payments that were refused, how many are tried again with success.
const PAID_AFTER_ALL: f64 = 0.67;
/// How often somebody looks for a friend who was there before.
const TRIES: u32 = 4;

/// What a life is drawn in.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    pub rates: &'a Rates,
    pub shop: &'a Shop,
    /// When everybody comes, in the order of their numbers.
    pub arrivals: &'a [Timestamp],
    pub end: Timestamp,
}

/// A life that is being drawn.
struct Draft<'a> {
    person: &'a mut Person,
    setting: Setting<'a>,
    deeds: Vec<Deed>,
    /// Sales so far.
    count: u32,
    /// Whose link brought the person, until the first order.
    friend: Option<u32>,
}

impl Person {
    /// All deeds until the end that nobody's mail causes.
    pub fn life(&mut self, setting: Setting<'_>) -> Vec<Deed> {
        let (end, pace) = (setting.end, setting.rates.visits_per_week * self.keenness);
        let (mut at, zone, guest) = (self.arrives, self.clock(), self.guest);
        let friend = self.friend(&setting);
        let mut draft = Draft {
            person: self,
            setting,
            deeds: Vec::new(),
            count: 0,
            friend,
        };
        match guest {
            // Who is known by a checkout has one.
            true => draft.visit(at, true),
            false => draft.sign_up(at),
        }
        while let Some(pause) = draft.person.draw.pause(pace) {
            let day = at.plus(pause);
            if day >= end {
                break;
            }
            at = draft.person.draw.awake(day, zone);
            draft.visit(at, false);
        }
        let mut deeds = draft.deeds;
        deeds.retain(|deed| deed.at < end);
        deeds
    }

    /// Somebody who was there before.
    fn friend(&mut self, setting: &Setting<'_>) -> Option<u32> {
        if !self.draw.chance(setting.rates.friends) {
            return None;
        }
        (0..TRIES).find_map(|_| {
            #[expect(clippy::cast_possible_truncation, reason = "below their number")]
            #[expect(clippy::cast_sign_loss, reason = "never negative")]
            #[expect(clippy::cast_precision_loss, reason = "nobody plays so many")]
            let index = (self.draw.share() * setting.arrivals.len() as f64) as usize;
            let came = setting.arrivals.get(index).filter(|came| **came < self.arrives);
            came.and_then(|_| u32::try_from(index + 1).ok())
        })
    }
}

impl Draft<'_> {
    fn does(&mut self, at: Timestamp, what: Shopping) {
        self.deeds.push(Deed {
            at,
            person: self.person.number,
            what: What::Shops(what),
        });
    }

    fn after(&mut self, at: Timestamp, least: Delay, most: Delay) -> Timestamp {
        at.plus(self.person.draw.between(least, most))
    }

    fn sign_up(&mut self, at: Timestamp) {
        let rates = self.setting.rates;
        self.does(at, Shopping::Signup);
        if self.person.draw.chance(rates.guides) {
            let soon = self.after(at, FEW_MINUTES, AN_HOUR);
            self.does(soon, Shopping::Guide);
        }
        if self.person.draw.chance(rates.codes) {
            let soon = self.after(at, FEW_MINUTES, AN_HOUR);
            self.does(soon, Shopping::Code);
        }
        if self.person.draw.chance(rates.courses) {
            let later = self.after(at, AN_HOUR, Delay::from_days(20));
            self.does(later, Shopping::Course);
        }
    }

    fn visit(&mut self, at: Timestamp, surely: bool) {
        let rates = self.setting.rates;
        let product = shop::any(&mut self.person.draw);
        self.does(at, Shopping::View(product));
        let soon = self.after(at, FEW_MINUTES, Delay::from_minutes(15));
        if !surely && self.setting.shop.is_sold_out(product, at) {
            if self.person.draw.chance(rates.stock_requests) {
                self.does(soon, Shopping::Ask(product));
            }
            return;
        }
        let how_far = self.person.draw.share();
        if !surely && how_far >= rates.checkout {
            if how_far < rates.checkout + rates.carts {
                self.does(soon, Shopping::Add(product));
            }
            return;
        }
        self.count += 1;
        let sale = Sale {
            number: self.count,
            product,
        };
        self.does(soon, Shopping::Checkout(sale));
        let fate = self.person.draw.share();
        let ordered = if fate < rates.order_at_once {
            self.after(soon, FEW_MINUTES, AN_HOUR)
        } else if fate < rates.order_at_once + rates.order_later {
            self.after(soon, AN_HOUR, Delay::from_days(3))
        } else {
            return;
        };
        self.pay(ordered, sale, Some(sale.number));
        if self.person.draw.chance(rates.repeat) {
            self.count += 1;
            let again = self.after(ordered, Delay::from_days(5), Delay::from_days(30));
            let sale = Sale {
                number: self.count,
                product: shop::any(&mut self.person.draw),
            };
            self.pay(again, sale, None);
        }
    }

    fn pay(&mut self, at: Timestamp, sale: Sale, checkout: Option<u32>) {
        let mut paid = at;
        if self.person.draw.chance(self.setting.rates.refused) {
            self.does(at, Shopping::Refused(sale));
            if !self.person.draw.chance(PAID_AFTER_ALL) {
                return;
            }
            paid = self.after(at, FEW_MINUTES, Delay::from_hours(5));
        }
        let friend = self.friend.take();
        let order = Shopping::Order {
            sale,
            checkout,
            friend,
        };
        self.does(paid, order);
        if shop::is_file(sale.product) {
            let ready = paid.plus(Delay::from_minutes(1));
            self.does(ready, Shopping::Download(sale));
        } else {
            self.handle(paid, sale);
        }
    }

    /// What the shop does with an order, and what its customer sends back.
    fn handle(&mut self, at: Timestamp, sale: Sale) {
        let (rates, days) = (self.setting.rates, Delay::from_days);
        if self.person.draw.chance(rates.cancelled) {
            let given_up = self.after(at, AN_HOUR, days(1));
            self.does(given_up, Shopping::Cancelled(sale));
            return;
        }
        if self.person.draw.chance(rates.fulfilled) {
            let sent = self.after(at, Delay::from_hours(8), days(3));
            self.does(sent, Shopping::Fulfilled(sale));
            if self.person.draw.chance(rates.delivered) {
                let arrived = self.after(sent, days(1), days(5));
                self.does(arrived.minus(Delay::from_hours(6)), Shopping::OnTheWay(sale));
                self.does(arrived, Shopping::Delivered(sale));
            }
        }
        if self.person.draw.chance(rates.refunded) {
            let back = self.after(at, days(6), days(20));
            self.does(back, Shopping::Refunded(sale));
        }
    }
}
