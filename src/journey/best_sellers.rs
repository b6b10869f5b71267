//! `best_sellers:` of `store.yaml`: what the store sells most, picked by hand, as mails show it.
//!
//! `render` puts it into mails; `best_sellers_check` says at build what is wrong with it.

use crate::domain::money::{Currency, Money};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// More than a mail shows, so that what its reader has just bought can be left out.
pub const MOST: usize = 6;

/// A product, as a mail shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestSeller {
    /// What the store calls it: no two have the same.
    pub id: String,
    pub title: String,
    /// Titles in other languages than the store's, by tag.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, BestSellerText>,
    /// Its page in the shop.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestSellerText {
    pub title: String,
}

/// An exact amount in the store's currency, written as `"24.00"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Price(Decimal);

impl Price {
    /// Digits after the point that say something.
    pub fn decimals(self) -> u32 {
        self.0.normalize().scale()
    }

    pub const fn in_currency(self, currency: Currency) -> Money {
        Money {
            amount: self.0,
            currency,
        }
    }
}

impl TryFrom<String> for Price {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let amount = text.parse::<Decimal>().ok();
        let amount = amount.filter(|amount| plain && !amount.is_zero());
        amount.map(Self).ok_or_else(|| {
            format!("expected a price in the store's currency, in digits alone, as \"24.00\", found `{text}`")
        })
    }
}

impl From<Price> for String {
    fn from(price: Price) -> Self {
        price.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_exact_and_in_digits_alone() {
        let read = |text: &str| serde_saphyr::from_str::<Price>(text).map(String::from);
        assert_eq!(read("\"24.00\"").unwrap(), "24.00");
        // Without its quotes it is the same text, and never a float.
        assert_eq!(read("24.10").unwrap(), "24.10");
        assert_eq!(read("1299").unwrap(), "1299");
        for wrong in ["\"£24\"", "\"24,00\"", "-3", "0.00", "1e3", "\"\"", "\".\""] {
            let said = read(wrong).unwrap_err().to_string();
            assert!(said.contains("as \"24.00\""), "{wrong}: {said}");
        }
        let gbp = Currency::parse("GBP").unwrap();
        let price = serde_saphyr::from_str::<Price>("24.5").unwrap();
        assert_eq!(price.in_currency(gbp), Money::parse("24.50", gbp).unwrap());
    }

    #[test]
    fn what_it_says_is_kept_as_the_worker_reads_it() {
        let text = "{id: jug, title: Jug, url: 'https://northfold.example/jug', price: '24.00',
                     translations: {ru: {title: Кувшин}}}";
        let product: BestSeller = serde_saphyr::from_str(text).unwrap();
        let json = serde_json::to_string(&product).unwrap();
        assert_eq!(serde_json::from_str::<BestSeller>(&json).unwrap(), product);
    }
}
