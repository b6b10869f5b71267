//! Values from outside, made fit to store, compare and print: texts, links, amounts, lines.
//!
//! Every source passes what it read through here. A value that cannot be made fit is absent; nothing here fails.

use super::loose::Text;
use crate::domain::civil::Zone;
use crate::domain::contact::MAX_TEXT_CHARS;
use crate::domain::entities;
use crate::domain::event::LineItem;
use crate::domain::money::{Currency, Money};
use crate::domain::referral::ReferralCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use std::str::FromStr as _;

/// Longest link kept, in bytes; a longer one would be broken by cutting it.
const MAX_URL_BYTES: usize = 2000;
/// Most lines of a cart or order kept, and most bytes of their texts: an event must fit into a database row.
const MAX_LINES: usize = 500;
const MAX_LINES_BYTES: usize = 200_000;
/// Digits after the point kept. No currency has more than three; shops keep a few more for unit prices, and a float
/// written out in full (`179.09999999999999`) has many.
const MAX_SCALE: u32 = 6;

/// One line of text: control characters become spaces, so that it can never break a header or a log; length is bounded.
pub fn line(text: &str) -> Option<String> {
    let spaced: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let cut: String = spaced.trim().chars().take(MAX_TEXT_CHARS).collect();
    Some(cut.trim_end().to_owned()).filter(|cut| !cut.is_empty())
}

/// As [`line`], of a text that a shop wrote with HTML entities. Decoded once: `&amp;lt;` is `&lt;`.
pub fn html_line(text: &str) -> Option<String> {
    line(&entities::decode(text))
}

/// A link that may stand in an email: http or https only.
pub fn url(text: &str) -> Option<String> {
    let absolute = match text.strip_prefix("//") {
        Some(rest) => format!("https://{rest}"),
        None => text.to_owned(),
    };
    let scheme = absolute.split_once("://").map(|(scheme, _)| scheme);
    let is_web = scheme.is_some_and(|s| s.eq_ignore_ascii_case("https") || s.eq_ignore_ascii_case("http"));
    let breaks = |c: char| c.is_control() || c.is_whitespace() || "<>\"".contains(c);
    Some(absolute).filter(|link| is_web && link.len() <= MAX_URL_BYTES && !link.contains(breaks))
}

/// A BCP 47 language tag; `pt_BR` and `PT_BR` are read as `pt-BR`.
pub fn locale(text: &str) -> Option<String> {
    let tag = text.replace('_', "-");
    let (language, rest) = tag.split_at(tag.find('-').unwrap_or(tag.len()));
    let tag = format!("{}{rest}", language.to_ascii_lowercase());
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let language = tag.split('-').next().is_some_and(|first| {
        (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic())
    });
    let fits = language && tag.len() <= 35 && tag.split('-').all(subtag);
    Some(tag).filter(|_| fits)
}

/// A name of the IANA time zone database.
pub fn timezone(text: &str) -> Option<String> {
    Zone::from_str(text).ok().map(|zone| zone.name().to_owned())
}

/// An ISO 3166-1 alpha-2 code.
pub fn country(text: &str) -> Option<String> {
    let fits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
    fits.then(|| text.to_ascii_uppercase())
}

/// The first of these texts that is a referral code. Most are ordinary coupons, and that is no mistake.
pub fn referral<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<ReferralCode> {
    texts.into_iter().find_map(|text| ReferralCode::parse(text).ok())
}

/// `ref` in the query of the page a shopper came to: how a referral link brings its code.
pub fn ref_of_page(page: &str) -> Option<&str> {
    let (_, query) = page.split_once('?')?;
    let query = query.split('#').next().unwrap_or_default();
    query.split('&').find_map(|part| part.strip_prefix("ref="))
}

pub fn currency(text: &Text) -> Option<Currency> {
    text.as_deref().and_then(|code| Currency::parse(code).ok())
}

pub fn money(amount: &Text, currency: Option<Currency>) -> Option<Money> {
    let money = Money::parse(amount.as_deref()?, currency?).ok()?;
    let amount = if money.amount.scale() > MAX_SCALE {
        money.amount.round_dp(MAX_SCALE).normalize()
    } else {
        money.amount
    };
    Some(Money { amount, ..money })
}

/// How many of a line. One when nothing readable is said; a part of a unit (cloth by the metre) counts as one more.
pub fn quantity(text: &Text) -> u32 {
    let Some(text) = text.as_deref() else { return 1 };
    match Decimal::from_str(text) {
        Ok(count) if count <= Decimal::ZERO => 0,
        Ok(count) => count.ceil().to_u32().unwrap_or(u32::MAX),
        Err(_) => 1,
    }
}

/// Whether a quantity can be read, or is not said.
pub fn is_quantity(text: &Text) -> bool {
    text.as_deref().is_none_or(|text| Decimal::from_str(text).is_ok())
}

/// The lines kept, without those of quantity 0, and how many did not fit.
pub fn lines(all: impl Iterator<Item = LineItem>) -> (Vec<LineItem>, usize) {
    let (mut kept, mut bytes, mut left_out) = (Vec::new(), 0_usize, 0_usize);
    for line in all.filter(|line| line.quantity > 0) {
        bytes = bytes.saturating_add(line_bytes(&line));
        if kept.len() < MAX_LINES && bytes <= MAX_LINES_BYTES {
            kept.push(line);
        } else {
            left_out += 1;
        }
    }
    (kept, left_out)
}

fn line_bytes(line: &LineItem) -> usize {
    let LineItem {
        title,
        variant,
        quantity: _,
        price: _,
        sku,
        product_id,
        variant_id,
        image_url,
        url,
    } = line;
    [variant, sku, product_id, variant_id, image_url, url]
        .into_iter()
        .flatten()
        .fold(title.len(), |sum, text| sum.saturating_add(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(literal: &str) -> Text {
        serde_json::from_str(literal).unwrap()
    }

    #[test]
    fn texts_cannot_break_a_header_and_entities_are_decoded_once() {
        assert_eq!(line("Ann\r\nBcc: x\u{0}").as_deref(), Some("Ann  Bcc: x"));
        assert_eq!(line(" \n "), None);
        assert_eq!(line(&"é".repeat(900)).map(|cut| cut.chars().count()), Some(500));
        assert_eq!(
            html_line("Tom &amp; Anna &ndash; &quot;Caf&eacute;&quot; &#8211; &amp;lt;").as_deref(),
            Some("Tom & Anna – \"Café\" – &lt;")
        );
    }

    #[test]
    fn only_web_links_pass() {
        for link in [
            "https://a.example/b?c=d#e",
            "HTTP://a.example",
            "https://пример.рф/путь",
        ] {
            assert_eq!(url(link).as_deref(), Some(link));
        }
        assert_eq!(
            url("//cdn.example/a.png").as_deref(),
            Some("https://cdn.example/a.png")
        );
        let long = format!("https://a.example/{}", "x".repeat(3000));
        for link in [
            "javascript:alert(1)",
            "/cart",
            "data:text/html,x",
            "https://a b",
            "",
            &long,
        ] {
            assert_eq!(url(link), None, "{link}");
        }
    }

    #[test]
    fn a_referral_link_brings_its_code() {
        for (page, code) in [
            ("/?ref=HHZG04926D80", Some("HHZG04926D80")),
            (
                "https://shop.example/a?utm_source=x&ref=AB#top?ref=CD",
                Some("AB"),
            ),
            ("/?href=AB", None),
            ("/ref=AB", None),
            ("?", None),
        ] {
            assert_eq!(ref_of_page(page), code, "{page}");
        }
        let own = ReferralCode::parse("HHZG04926D80").ok();
        assert_eq!(referral(["WELCOME10", "hhzg-0492-6d80"]), own);
        assert_eq!(referral(["WELCOME10"]), None);
    }

    #[test]
    fn tags_zones_and_countries() {
        assert_eq!(locale("pt_BR").as_deref(), Some("pt-BR"));
        assert_eq!(locale("PL_PL").as_deref(), Some("pl-PL"));
        assert_eq!(locale("en").as_deref(), Some("en"));
        assert!(
            ["", "e", "english", "en-", "en US", "../en"]
                .iter()
                .all(|t| locale(t).is_none())
        );
        assert_eq!(timezone("Europe/Warsaw").as_deref(), Some("Europe/Warsaw"));
        assert_eq!(timezone("Warsaw"), None);
        assert_eq!(country("pl").as_deref(), Some("PL"));
        assert_eq!(country("POL"), None);
    }

    #[test]
    fn amounts_are_exact_and_wild_ones_absent() {
        let jpy = Currency::parse("JPY").ok();
        let show = |literal: &str| money(&text(literal), jpy).map(|money| money.amount.to_string());
        assert_eq!(show("\"57.05\"").as_deref(), Some("57.05"));
        assert_eq!(show("179.1").as_deref(), Some("179.1"));
        assert_eq!(show("179.09999999999999").as_deref(), Some("179.1"));
        assert_eq!(show("9007199254740993").as_deref(), Some("9007199254740993"));
        for wild in [
            "\"NaN\"",
            "1e400",
            "\"1,50\"",
            "null",
            "99999999999999999999999999999999999",
        ] {
            assert_eq!(show(wild), None, "{wild}");
        }
        assert_eq!(money(&text("1"), None), None);
    }

    #[test]
    fn quantities_are_whole() {
        for (literal, count) in [
            ("2", 2),
            ("\"3\"", 3),
            ("0", 0),
            ("-1", 0),
            ("0.5", 1),
            ("null", 1),
            ("1e9", 1_000_000_000),
            ("1e99", 1),
        ] {
            assert_eq!(quantity(&text(literal)), count, "{literal}");
        }
    }
}
