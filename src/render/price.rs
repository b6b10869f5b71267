//! Money as a shopper reads it: `£57.05`, `¥5,000`, `1,299.00 PLN`; in Russian `1 299 ₽`, in German `57,05 €`.
//!
//! Called by the model of an email. Not for storing or comparing: that is `domain::money`.

use crate::domain::money::{Currency, Money};

/// Currencies with a sign that leads the amount and is understood without the code.
const SIGNS: [(&str, &str); 11] = [
    ("AUD", "A$"),
    ("BRL", "R$"),
    ("CAD", "CA$"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("HKD", "HK$"),
    ("INR", "₹"),
    ("JPY", "¥"),
    ("KRW", "₩"),
    ("NZD", "NZ$"),
    ("USD", "$"),
];

/// Signs that are common only behind the amount, where amounts are written so.
const SIGNS_BEHIND: [(&str, &str); 6] = [
    ("BYN", "Br"),
    ("CZK", "Kč"),
    ("KZT", "₸"),
    ("PLN", "zł"),
    ("RUB", "₽"),
    ("UAH", "₴"),
];

/// How a language writes amounts.
struct Manner {
    thousands: char,
    decimal: char,
    /// The sign stands behind the amount, as every code does.
    behind: bool,
    /// Whole amounts have no decimals: `1 299 ₽`.
    whole: bool,
}

/// Those of the languages that `templates/words/` speaks; any other reads amounts as English writes them.
fn manner(language: &str) -> Manner {
    let (thousands, decimal, behind, whole) = match language.split(['-', '_']).next().unwrap_or_default() {
        "ru" => ('\u{a0}', ',', true, true),
        "de" | "es" => ('.', ',', true, false),
        // Typographers in France ask for the narrow one.
        "fr" => ('\u{202f}', ',', true, false),
        _ => (',', '.', false, false),
    };
    Manner {
        thousands,
        decimal,
        behind,
        whole,
    }
}

/// The amount as the language writes it, with the currency's own decimals and thousands apart; the code follows, without a
/// line break between, where no sign is common.
pub fn price(money: Money, language: &str) -> String {
    let manner = manner(language);
    let decimals = money.currency.decimals();
    let rounded = money.amount.round_dp(decimals);
    let shown = if manner.whole && rounded.fract().is_zero() {
        0
    } else {
        decimals
    };
    let digits = format!("{:.*}", shown as usize, rounded.abs());
    let amount = grouped(&digits, &manner);
    let minus = if rounded.is_sign_negative() && !rounded.is_zero() {
        "\u{2212}"
    } else {
        ""
    };
    let currency = money.currency;
    match sign(&SIGNS, currency) {
        Some(sign) if !manner.behind => format!("{minus}{sign}{amount}"),
        Some(sign) => format!("{minus}{amount}\u{a0}{sign}"),
        None => {
            let sign = sign(&SIGNS_BEHIND, currency).filter(|_| manner.behind);
            format!("{minus}{amount}\u{a0}{}", sign.unwrap_or(currency.as_str()))
        }
    }
}

fn sign(signs: &[(&str, &'static str)], currency: Currency) -> Option<&'static str> {
    let known = signs.iter().find(|(code, _)| *code == currency.as_str());
    known.map(|(_, sign)| *sign)
}

/// `1234567.50` as `1,234,567.50`.
fn grouped(digits: &str, manner: &Manner) -> String {
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(manner.thousands);
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push(manner.decimal);
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(amount: &str, code: &str, language: &str) -> String {
        let currency = Currency::parse(code).unwrap();
        price(Money::parse(amount, currency).unwrap(), language)
    }

    #[test]
    fn prices_read_like_on_a_label() {
        let shown = |amount: &str, code: &str| written(amount, code, "en-GB");
        assert_eq!(shown("57.05", "GBP"), "£57.05");
        assert_eq!(shown("1234567.5", "USD"), "$1,234,567.50");
        assert_eq!(shown("5000", "JPY"), "¥5,000");
        assert_eq!(shown("57.05", "PLN"), "57.05\u{a0}PLN");
        assert_eq!(shown("1.5", "KWD"), "1.500\u{a0}KWD");
        assert_eq!(shown("-12", "EUR"), "\u{2212}€12.00");
        assert_eq!(shown("-0.001", "EUR"), "€0.00");
        assert_eq!(shown("0", "EUR"), "€0.00");
    }

    #[test]
    fn each_language_writes_them_its_own_way() {
        assert_eq!(written("1299", "RUB", "ru"), "1\u{a0}299\u{a0}₽");
        assert_eq!(written("1299.5", "RUB", "ru-RU"), "1\u{a0}299,50\u{a0}₽");
        assert_eq!(written("-1299", "USD", "ru"), "\u{2212}1\u{a0}299\u{a0}$");
        assert_eq!(written("1299", "RUB", "en-GB"), "1,299.00\u{a0}RUB");
        assert_eq!(written("1299", "EUR", "de-AT"), "1.299,00\u{a0}€");
        assert_eq!(written("57.05", "PLN", "de"), "57,05\u{a0}zł");
        assert_eq!(written("1299", "EUR", "fr"), "1\u{202f}299,00\u{a0}€");
        assert_eq!(written("1299", "EUR", "es_ES"), "1.299,00\u{a0}€");
        assert_eq!(written("12", "CHF", "de-CH"), "12,00\u{a0}CHF");
        assert_eq!(written("1299", "USD", "ja"), "$1,299.00");
    }
}
