//! An offer: what the store's catalogue knows of one variant. Made by feeds and product webhooks, kept by the `Store`
//! object, read for the lines of mails. It decides nothing about people.

use super::event::LineItem;
use super::money::Money;
use super::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A variant as the shop offers it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// The variant's id, as carts of its source name it.
    pub id: String,
    /// The product that it is a variant of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// What it cost before, where the shop says that it is reduced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_at: Option<Money>,
    /// Whether it can be bought and is there.
    pub available: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// From the widest to the narrowest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The shop's own time of a delivery that told it: an older one that comes later is not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_at: Option<Timestamp>,
    /// The shop took it away at `told_at`: what is told of an earlier time does not bring it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
}

/// Whose ids an offer's is one of: a source's, or, with the empty name, those of the whole store.
pub type Space = String;

/// What changed about an offer that people may want to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    BackInStock,
    PriceDropped { was: Money },
}

/// A change, with the offer as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    pub change: Change,
    #[serde(default)]
    pub space: Space,
    pub offer: Offer,
}

impl Offer {
    /// What holds once this was told, where `before` was known. A file does not say when it was made: what was told at
    /// `fresh` or later may be newer than it, and then its word counts neither for the stock nor for the price.
    pub fn over(&self, before: &Self, fresh: Option<Timestamp>) -> Self {
        if before.is_fresh(fresh) {
            return Self {
                title: self.title.clone().or_else(|| before.title.clone()),
                url: self.url.clone().or_else(|| before.url.clone()),
                image: self.image.clone().or_else(|| before.image.clone()),
                ..before.clone()
            };
        }
        Self {
            // Who names no time does not make an older delivery newer.
            told_at: self.told_at.or(before.told_at),
            ..self.clone()
        }
    }

    /// Whether a webhook told it so lately that a file, which `fresh` is the age of, may not know it yet.
    pub fn is_fresh(&self, fresh: Option<Timestamp>) -> bool {
        self.told_at.zip(fresh).is_some_and(|(told, fresh)| told >= fresh)
    }

    /// Whether something newer is known.
    pub fn is_older_than(&self, before: &Self) -> bool {
        self.told_at.is_some() && self.told_at < before.told_at
    }

    /// What people may want to hear, since it was as `before`. A price counts when it fell by `percent` of itself or more,
    /// and only of what can be bought.
    pub fn news(&self, before: &Self, percent: u8) -> Option<Change> {
        if !self.available {
            return None;
        }
        if !before.available {
            return Some(Change::BackInStock);
        }
        let (is, was) = (self.price?, before.price?);
        let most = was
            .amount
            .saturating_mul(Decimal::from(100_u8.saturating_sub(percent)));
        let fell = is.amount < was.amount && is.amount.saturating_mul(Decimal::ONE_HUNDRED) <= most;
        (is.currency == was.currency && fell).then_some(Change::PriceDropped { was })
    }

    /// Whether it is the mark of a product that was taken away, of which nothing else is known.
    pub fn is_bare_mark(&self) -> bool {
        self.deleted && self.title.is_none() && self.url.is_none() && self.image.is_none()
    }

    /// The offer as a line of an event: one of it.
    pub fn line(&self) -> LineItem {
        LineItem {
            title: self.title.clone().unwrap_or_else(|| self.id.clone()),
            variant: None,
            quantity: 1,
            price: self.price,
            sku: self.sku.clone(),
            product_id: self.product.clone(),
            variant_id: Some(self.id.clone()),
            image_url: self.image.clone(),
            url: self.url.clone(),
        }
    }

    /// Fills in what a line of a cart does not say: its name, its picture and its page. What it says, stays.
    pub fn fill(&self, line: &mut LineItem) {
        if let (true, Some(title)) = (line.title.is_empty(), &self.title) {
            line.title.clone_from(title);
        }
        if line.image_url.is_none() {
            line.image_url.clone_from(&self.image);
        }
        if line.url.is_none() {
            line.url.clone_from(&self.url);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    fn offer(available: bool, price: Option<&str>) -> Offer {
        let gbp = Currency::parse("GBP").unwrap();
        Offer {
            available,
            price: price.map(|price| Money::parse(price, gbp).unwrap()),
            ..Offer::default()
        }
    }

    #[test]
    fn what_is_back_is_news_and_what_goes_is_not() {
        let (out, back) = (offer(false, Some("20")), offer(true, Some("10")));
        assert_eq!(back.news(&out, 5), Some(Change::BackInStock));
        assert_eq!(out.news(&back, 5), None);
        assert_eq!(back.news(&back, 5), None);
    }

    #[test]
    fn a_price_is_news_when_it_fell_by_the_threshold_to_the_penny() {
        let was = offer(true, Some("20.00"));
        let change = |price| offer(true, Some(price)).news(&was, 5);
        assert_eq!(change("19.01"), None);
        assert!(matches!(change("19.00"), Some(Change::PriceDropped { .. })));
        assert_eq!(change("20.00"), None);
        assert_eq!(change("21.00"), None);
        assert_eq!(offer(false, Some("1")).news(&was, 5), None);
        assert_eq!(offer(true, None).news(&was, 5), None);
        let mut other = offer(true, Some("1"));
        other.price = Some(Money::parse("1", Currency::parse("EUR").unwrap()).unwrap());
        assert_eq!(other.news(&was, 5), None);
    }
    #[test]
    fn what_is_newer_than_a_file_keeps_its_stock_and_its_price() {
        let at = |hour: i64| Some(Timestamp::from_seconds(hour * 3_600));
        let webhook = Offer {
            told_at: at(9),
            ..offer(false, Some("30"))
        };
        let file = Offer {
            title: Some("Mug".to_owned()),
            ..offer(true, Some("20"))
        };
        let kept = Offer {
            title: file.title.clone(),
            ..webhook.clone()
        };
        assert_eq!(file.over(&webhook, at(9)), kept);
        assert_eq!(webhook.over(&kept, None), webhook);
        let told_at = at(9);
        assert_eq!(
            file.over(&webhook, at(10)),
            Offer {
                told_at,
                ..file.clone()
            }
        );
        assert_eq!(file.over(&webhook, None), Offer { told_at, ..file });
    }
}
