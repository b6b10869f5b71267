//! Money as a shopper reads it: `£57.05`, `¥5,000`, `1,299.00 PLN`.
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

/// The amount with the currency's own decimals and thousands apart; the code follows, without a line break
/// between, where no sign is common.
pub fn price(money: Money) -> String {
    let decimals = money.currency.decimals();
    let rounded = money.amount.round_dp(decimals);
    let digits = format!("{:.*}", decimals as usize, rounded.abs());
    let amount = grouped(&digits);
    let minus = if rounded.is_sign_negative() && !rounded.is_zero() {
        "\u{2212}"
    } else {
        ""
    };
    match sign(money.currency) {
        Some(sign) => format!("{minus}{sign}{amount}"),
        None => format!("{minus}{amount}\u{a0}{}", money.currency),
    }
}

fn sign(currency: Currency) -> Option<&'static str> {
    SIGNS
        .iter()
        .find(|(code, _)| *code == currency.as_str())
        .map(|(_, sign)| *sign)
}

/// `1234567.50` as `1,234,567.50`.
fn grouped(digits: &str) -> String {
    let (whole, fraction) = digits
        .split_once('.')
        .map_or((digits, None), |(w, f)| (w, Some(f)));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if let Some(fraction) = fraction {
        text.push('.');
        text.push_str(fraction);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_read_like_on_a_label() {
        let shown =
            |amount: &str, code: &str| price(Money::parse(amount, Currency::parse(code).unwrap()).unwrap());
        assert_eq!(shown("57.05", "GBP"), "£57.05");
        assert_eq!(shown("1234567.5", "USD"), "$1,234,567.50");
        assert_eq!(shown("5000", "JPY"), "¥5,000");
        assert_eq!(shown("57.05", "PLN"), "57.05\u{a0}PLN");
        assert_eq!(shown("1.5", "KWD"), "1.500\u{a0}KWD");
        assert_eq!(shown("-12", "EUR"), "\u{2212}€12.00");
        assert_eq!(shown("-0.001", "EUR"), "€0.00");
        assert_eq!(shown("0", "EUR"), "€0.00");
    }
}
