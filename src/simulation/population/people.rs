//! One contact of a population: who it is, and what can be done by it and for it.
//!
//! Drawn before anything happens. What it does of itself is in `life`, what mails make it do in `reactions`.

use super::draw::Draw;
use super::rates::Rates;
use crate::domain::civil::Zone;
use crate::domain::time::{Delay, Timestamp};

/// Of all contacts, and how many times as often as the average they come: one in twenty is a good customer.
const KEENNESS: [(f64, f64); 3] = [(0.65, 0.4), (0.30, 1.2), (0.05, 7.6)];
/// The person number of what the shop does by itself.
pub const SHOP: u32 = 0;

/// Who it is.
#[derive(Debug, Clone)]
pub struct Person {
    pub number: u32,
    pub email: String,
    pub(super) zone: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) subscribes: bool,
    pub arrives: Timestamp,
    pub(super) guest: bool,
    pub(super) birthday: Option<String>,
    pub(super) name_day: Option<String>,
    /// How many times as often as others it comes.
    pub(super) keenness: f64,
    /// Whether it never opens a mail.
    pub(super) sleeps: bool,
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

/// A checkout or an order: its number among the person's own, and what is bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sale {
    pub number: u32,
    pub product: u8,
}

/// By whom Wend hears of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Shops(Shopping),
    Reads(Reading),
    Chooses(Choosing),
    /// The shop tells of a product as it is from now on.
    Offer(u8),
}

/// What a storefront tells of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shopping {
    Signup,
    /// Asks for the guide; for the code of the sign-up form; for the course.
    Guide,
    Code,
    Course,
    View(u8),
    Add(u8),
    /// Wants to be told when it is there again.
    Ask(u8),
    Checkout(Sale),
    /// The payment of an order is refused.
    Refused(Sale),
    Order {
        sale: Sale,
        checkout: Option<u32>,
        /// By whose referral link.
        friend: Option<u32>,
    },
    /// A file can be fetched.
    Download(Sale),
    Fulfilled(Sale),
    OnTheWay(Sale),
    Delivered(Sale),
    Cancelled(Sale),
    Refunded(Sale),
}

/// What the email API reports of the mail of a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reading {
    Open(String),
    Click(String),
}

/// What is done by the links of a message's mail, on pages of Wend's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choosing {
    Unsubscribe(String),
    Answer {
        message: String,
        question: String,
        answer: String,
        comment: bool,
    },
    Unwrap {
        message: String,
        gift: String,
    },
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
        let born = 1950 + u32::from(draw.below(56));
        let birthday = format!("{born}-{}", day_of_year(&mut draw));
        let name_day = format!("--{}", day_of_year(&mut draw));
        Self {
            number,
            email: format!("p{number}@example.com"),
            arrives: draw.awake(day, clock.unwrap_or(Zone::UTC)),
            subscribes: draw.chance(rates.subscribed),
            guest: draw.chance(rates.guests),
            birthday: draw.chance(rates.birthdays).then_some(birthday),
            name_day: draw.chance(rates.name_days).then_some(name_day),
            keenness: keenness(&mut draw),
            sleeps: draw.chance(rates.sleepers),
            zone,
            locale,
            draw,
        }
    }

    pub(super) fn clock(&self) -> Zone {
        let zone = self.zone.as_deref().and_then(|zone| zone.parse().ok());
        zone.unwrap_or(Zone::UTC)
    }
}

/// `05-17`
fn day_of_year(draw: &mut Draw) -> String {
    format!("{:02}-{:02}", draw.below(12) + 1, draw.below(28) + 1)
}

fn keenness(draw: &mut Draw) -> f64 {
    let mut left = draw.share();
    for (share, times) in KEENNESS {
        if left < share {
            return times;
        }
        left -= share;
    }
    1.0
}
