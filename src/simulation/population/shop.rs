//! What the pretend shop sells, when something of it is sold out, and when it costs less for a while.
//!
//! Drawn from the seed before anybody comes, so that people meet the same shelves whoever else is there.

use super::draw::Draw;
use crate::domain::event::LineItem;
use crate::domain::money::{self, Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::time::{Delay, Timestamp};

/// Title, price, and what it costs where it is reduced; the last one is a file.
const PRODUCTS: [(&str, &str, &str); 12] = [
    ("Mug", "14.00", "11.00"),
    ("Coffee beans", "11.50", "9.50"),
    ("Tea towel", "9.00", "7.00"),
    ("Candle", "18.00", "14.00"),
    ("Teapot", "39.00", "32.00"),
    ("Cushion", "32.00", "25.00"),
    ("Wool blanket", "95.00", "76.00"),
    ("Lamp", "120.00", "95.00"),
    ("Soap", "6.50", "5.00"),
    ("Print", "45.00", "36.00"),
    ("Notebook", "12.00", "9.00"),
    ("Knitting pattern", "7.00", "5.50"),
];
const FILE: u8 = 11;
/// The draws of the shop, which those of no contact touch.
const NOBODY: u32 = 0;

/// A stretch of time that is different for a product.
#[derive(Debug, Clone, Copy)]
struct Spell {
    product: u8,
    from: Timestamp,
    to: Timestamp,
}

impl Spell {
    fn holds(&self, product: u8, at: Timestamp) -> bool {
        self.product == product && self.from <= at && at < self.to
    }
}

/// The shelves, and what becomes of them.
#[derive(Debug)]
pub struct Shop {
    sold_out: Vec<Spell>,
    /// About a fifth less.
    reduced: Vec<Spell>,
}

impl Shop {
    /// Every fortnight something sells out for one to three weeks, and every month something costs less for ten days.
    pub fn draw(seed: u64, start: Timestamp, end: Timestamp) -> Self {
        let mut draw = Draw::new(seed, NOBODY);
        let mut spells = |every: Delay, least: Delay, most: Delay| {
            let mut spells = Vec::new();
            let mut at = start.plus(every);
            while at < end {
                let from = at.plus(draw.between(Delay::ZERO, Delay::from_days(2)));
                spells.push(Spell {
                    product: draw.below(FILE),
                    from,
                    to: from.plus(draw.between(least, most)),
                });
                at = at.plus(every);
            }
            spells
        };
        let days = Delay::from_days;
        Self {
            sold_out: spells(days(14), days(7), days(21)),
            reduced: spells(days(30), days(10), days(10)),
        }
    }

    /// When something changes, and for which product.
    pub fn changes(&self) -> Vec<(Timestamp, u8)> {
        let spells = self.sold_out.iter().chain(&self.reduced);
        spells
            .flat_map(|spell| [(spell.from, spell.product), (spell.to, spell.product)])
            .collect()
    }

    pub fn is_sold_out(&self, product: u8, at: Timestamp) -> bool {
        self.sold_out.iter().any(|spell| spell.holds(product, at))
    }

    /// A product as it stands in the shop's catalogue at that time.
    ///
    /// # Errors
    /// When a price of ours is none.
    pub fn offer(&self, product: u8, at: Timestamp) -> Result<Offer, money::Error> {
        let (title, full, less) = of(product);
        let is_reduced = self.reduced.iter().any(|spell| spell.holds(product, at));
        let price = Money::parse(if is_reduced { less } else { full }, currency()?)?;
        Ok(Offer {
            id: product.to_string(),
            product: Some(product.to_string()),
            title: Some(title.to_owned()),
            price: Some(price),
            available: !self.is_sold_out(product, at),
            ..Offer::default()
        })
    }
}

pub fn all() -> impl Iterator<Item = u8> {
    0..=FILE
}

/// One of them, as somebody comes upon it.
pub fn any(draw: &mut Draw) -> u8 {
    draw.below(FILE + 1)
}

pub const fn is_file(product: u8) -> bool {
    product == FILE
}

/// The line of a cart or an order, and what it comes to.
///
/// # Errors
/// When a price of ours is none.
pub fn line(product: u8) -> Result<(LineItem, Money), money::Error> {
    let (title, price, _) = of(product);
    let price = Money::parse(price, currency()?)?;
    let line = LineItem {
        title: title.to_owned(),
        variant: None,
        quantity: 1,
        price: Some(price),
        sku: None,
        product_id: Some(product.to_string()),
        variant_id: None,
        image_url: None,
        url: None,
    };
    Ok((line, price))
}

fn of(product: u8) -> (&'static str, &'static str, &'static str) {
    let [first, ..] = PRODUCTS;
    PRODUCTS.get(usize::from(product)).copied().unwrap_or(first)
}

fn currency() -> Result<Currency, money::Error> {
    Currency::parse("GBP")
}
