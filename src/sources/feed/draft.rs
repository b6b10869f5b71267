//! The fields of one offer as a feed writes them, made fit: bounded, clean, exact. Called by the dialects.
//!
//! A field that cannot be made fit is absent; an offer without an id is none.

use super::super::clean;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::time::Timestamp;
use chrono::DateTime;

/// Longest field kept while it is read. Longer ones are descriptions, which nobody asks for.
pub(super) const MAX_FIELD_BYTES: usize = 8 << 10;
/// Longest id. A feed's own limit is 50 at Google, 80 at Yandex.
const MAX_ID_BYTES: usize = 100;
/// Most categories of one offer, and characters of one.
const MAX_CATEGORIES: usize = 8;
const MAX_CATEGORY_CHARS: usize = 100;
/// Places after the point. No currency has more than three.
const MAX_SCALE: u32 = 6;

pub(super) fn id(text: &str) -> Option<String> {
    let id = text.trim();
    let fits = !id.is_empty() && id.len() <= MAX_ID_BYTES && !id.chars().any(char::is_control);
    fits.then(|| id.to_owned())
}

/// A sum as people write it: `2045`, `2 045.50`, `1,299.00`, `15,90`.
pub(super) fn amount(text: &str, currency: Currency) -> Option<Money> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = match (plain.rfind('.'), plain.rfind(',')) {
        // The last of the two is the point.
        (Some(point), Some(comma)) if comma > point => plain.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => plain.replace(',', ""),
        (None, Some(comma)) if plain.len() - comma <= 3 && plain.matches(',').count() == 1 => {
            plain.replace(',', ".")
        }
        (None, Some(_)) => plain.replace(',', ""),
        (_, None) => plain,
    };
    // No sign, no exponent: nobody sells below nothing.
    if !plain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let money = Money::parse(&plain, currency).ok()?;
    Some(Money {
        amount: money.amount.round_dp(MAX_SCALE),
        ..money
    })
}

/// A sum with its currency, as `15.00 GBP` or `GBP 15.00`; without one it is in the store's.
pub(super) fn price(text: &str, own: Currency) -> Option<Money> {
    let text = text.trim();
    let named = text
        .split(|c: char| !c.is_ascii_alphabetic())
        .find(|word| word.len() == 3);
    match named {
        Some(code) => amount(&text.replacen(code, "", 1), Currency::parse(code).ok()?),
        None => amount(text, own),
    }
}

/// Categories from the widest to the narrowest, of a path such as `Hats > Knit`.
pub(super) fn path(text: &str) -> Vec<String> {
    categories(text.split('>'))
}

pub(super) fn categories<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let named = names.filter_map(clean::line);
    let cut = named.map(|name| name.chars().take(MAX_CATEGORY_CHARS).collect());
    cut.take(MAX_CATEGORIES).collect()
}

/// Whether a span of two times, as `2026-01-05T00:00+0000/2026-01-31T23:59+0000`, holds now. What cannot be read does not.
pub(super) fn is_within(span: &str, now: Timestamp) -> bool {
    let Some((from, until)) = span.split_once('/') else {
        return false;
    };
    let (Some(from), Some(until)) = (time(from), time(until)) else {
        return false;
    };
    from <= now && now <= until
}

fn time(text: &str) -> Option<Timestamp> {
    const FORMS: [&str; 2] = ["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"];
    let text = text.trim();
    let read = |form: &&str| DateTime::parse_from_str(text, form).ok();
    let at = FORMS.iter().find_map(read)?;
    Some(Timestamp::from_millis(at.timestamp_millis()))
}

/// An offer whose texts are fit to store, compare and print.
pub(super) fn fit(offer: Offer) -> Offer {
    let line = |text: Option<String>| text.as_deref().and_then(clean::line);
    let url = |text: Option<String>| text.as_deref().map(str::trim).and_then(clean::url);
    Offer {
        product: offer.product.as_deref().and_then(id),
        sku: offer.sku.as_deref().and_then(id),
        title: line(offer.title),
        url: url(offer.url),
        image: url(offer.image),
        // One that is not higher is no reduction.
        compare_at: offer.compare_at.filter(|before| {
            let lower = |price: Money| price.currency == before.currency && price.amount < before.amount;
            offer.price.is_some_and(lower)
        }),
        brand: line(offer.brand),
        ..offer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_however_they_are_written() {
        let gbp = Currency::parse("GBP").unwrap();
        for (text, shown) in [
            ("2045", Some("2045 GBP")),
            ("2 045.50", Some("2045.50 GBP")),
            ("2\u{a0}045,50 EUR", Some("2045.50 EUR")),
            ("15.00 gbp", Some("15.00 GBP")),
            ("USD 1,299.00", Some("1299.00 USD")),
            ("1.299,00 RUR", Some("1299.00 RUB")),
            ("1,299 JPY", Some("1299 JPY")),
            ("9007199254740993.01", Some("9007199254740993.01 GBP")),
            ("-1", None),
            ("1e3", None),
            ("free", None),
            ("", None),
            ("12 XX", None),
        ] {
            let read = price(text, gbp).map(|money| format!("{} {}", money.amount, money.currency.as_str()));
            assert_eq!(read.as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn a_sale_holds_between_its_times() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        let span = "2026-01-05T00:00+0000/2026-01-31T23:59+0000";
        assert!(is_within(span, at("2026-01-05T00:00:00Z")));
        assert!(!is_within(span, at("2026-02-01T00:00:00Z")));
        assert!(is_within(
            "2026-01-05T00:00:00+01:00/2026-01-31T23:59:59+01:00",
            at("2026-01-05T00:00:00Z")
        ));
        assert!(!is_within("always", at("2026-01-05T00:00:00Z")));
    }
}
