//! What stands between the lines of a cart or an order and its total, so that a reader's own sum comes out.
//!
//! Called by the model of a mail. Rows are shown only where with them the lines make exactly the total; where they do not, one
//! line of an order says what else the total counts. Nothing here is rounded or guessed.

use super::price::price;
use super::words::Words;
use crate::domain::event::EventData;
use crate::domain::money::Money;
use serde_json::Value;

/// A row above the total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub title: &'static str,
    /// As `£4.95`; what is taken off has its minus.
    pub amount: String,
}

/// What a mail says of the way from its lines to the total.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub charges: Vec<Charge>,
    /// Said where the lines do not come to the total and nothing tells why.
    pub note: Option<&'static str>,
}

/// Of the cart or order of a mail in this language.
pub fn sums(data: &EventData, words: &'static Words, language: &str) -> Sums {
    let Some((total, lines)) = data.value.and_then(|total| Some((total, of_lines(data, total)?))) else {
        return Sums::default();
    };
    let named = |name: &str, title| Some((title, charge(data, name, total)?));
    let shipping = named("shipping", words.mail_shipping);
    let discount = named("discount", words.mail_discount).map(|(title, amount)| (title, amount.negated()));
    let tax = named("tax", words.mail_tax);
    // In many countries the prices hold the tax already: then it is part of the lines, and no row.
    for rows in [[shipping, discount, tax], [shipping, discount, None]] {
        let rows: Vec<_> = rows.into_iter().flatten().collect();
        let sum = rows.iter().fold(lines, |sum, (_, amount)| sum.plus(*amount));
        if sum == total {
            let charges = rows.into_iter().map(|(title, amount)| Charge {
                title,
                amount: price(amount, language),
            });
            return Sums {
                charges: charges.collect(),
                note: None,
            };
        }
    }
    // What an unfinished cart's total counts, nobody has said: delivery often comes at the checkout only.
    let is_order = data.order_id.is_some() || data.order_number.is_some();
    Sums {
        charges: Vec::new(),
        note: (is_order && lines != total).then_some(words.mail_total_note),
    }
}

/// What all lines come to; none where one has no price, or one in another currency: nobody can add those up.
fn of_lines(data: &EventData, total: Money) -> Option<Money> {
    if data.items.is_empty() {
        return None;
    }
    data.items
        .iter()
        .try_fold(Money::zero(total.currency), |sum, line| {
            let price = line.price.filter(|price| price.currency == total.currency)?;
            Some(sum.plus(price.times(line.quantity)))
        })
}

/// An amount by the name that Segment's specification gives it, of those that the events API keeps as they came: a text, or a
/// number, of which JSON's shortest spelling has every digit that a sum of money has.
fn charge(data: &EventData, name: &str, total: Money) -> Option<Money> {
    let text = match data.properties.get(name)? {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let amount = Money::parse(&text, total.currency).ok()?;
    (!amount.amount.is_zero()).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;
    use crate::domain::money::Currency;
    use crate::render::sample;
    use serde_json::json;
    use std::sync::Arc;

    /// Lines of 37.50, a total, and what the event says besides.
    fn shown(total: &str, properties: Value) -> Sums {
        let gbp = Currency::parse("GBP").unwrap();
        let data = EventData {
            value: Money::parse(total, gbp).ok(),
            properties: serde_json::from_value(properties).unwrap(),
            ..sample::data("order-confirmation", "https://northfold.example", gbp)
        };
        sums(&data, words(["en"], "en"), "en-GB")
    }

    fn rows(sums: &Sums) -> String {
        let rows = sums.charges.iter();
        let rows: Vec<String> = rows.map(|row| format!("{} {}", row.title, row.amount)).collect();
        rows.join(", ")
    }

    #[test]
    fn rows_are_shown_where_the_sum_comes_out() {
        for (total, properties, expected) in [
            ("37.50", json!({}), ""),
            ("42.45", json!({"shipping": 4.95}), "Delivery £4.95"),
            (
                "38.45",
                json!({"shipping": "4.95", "discount": 4, "tax": 0}),
                "Delivery £4.95, Discount \u{2212}£4.00",
            ),
            ("45.00", json!({"tax": "7.5"}), "Tax £7.50"),
            // The tax is in the prices.
            ("42.45", json!({"shipping": 4.95, "tax": 6.25}), "Delivery £4.95"),
            ("37.50", json!({"tax": 6.25}), ""),
        ] {
            let sums = shown(total, properties.clone());
            assert_eq!(
                (rows(&sums).as_str(), sums.note),
                (expected, None),
                "{properties}"
            );
        }
    }

    #[test]
    fn a_total_that_nothing_explains_is_explained_in_a_line() {
        for properties in [
            json!({}),
            json!({"shipping": 3}),
            json!({"shipping": [4.95], "tax": "much"}),
        ] {
            let sums = shown("42.45", properties);
            assert_eq!(sums.charges, []);
            assert!(sums.note.unwrap().starts_with("Delivery"));
        }
    }

    #[test]
    fn of_a_cart_nothing_is_said() {
        let gbp = Currency::parse("GBP").unwrap();
        let data = EventData {
            value: Money::parse("42.45", gbp).ok(),
            ..sample::data("checkout-nudge", "https://northfold.example", gbp)
        };
        assert_eq!(sums(&data, words(["en"], "en"), "en-GB"), Sums::default());
    }

    #[test]
    fn what_cannot_be_added_up_is_left_as_it_is() {
        let gbp = Currency::parse("GBP").unwrap();
        let of = |change: fn(&mut EventData)| {
            let mut data = sample::data("order-confirmation", "https://northfold.example", gbp);
            change(&mut data);
            sums(&data, words(["en"], "en"), "en-GB")
        };
        for change in [
            |data: &mut EventData| data.items = Arc::default(),
            |data: &mut EventData| data.value = None,
            |data: &mut EventData| Arc::make_mut(&mut data.items)[0].price = None,
            |data: &mut EventData| {
                data.value = Money::parse("99", Currency::parse("EUR").unwrap()).ok();
            },
        ] {
            assert_eq!(of(change), Sums::default());
        }
    }
}
