//! Money: an exact decimal and the currency it is in. Never a float.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// ISO 4217 alphabetic code, upper case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// An amount in major units (`57.05`), exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    #[serde(with = "rust_decimal::serde::str")]
    pub amount: Decimal,
    pub currency: Currency,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("`{0}` is not a decimal amount such as 57.05")]
    Amount(String),
    #[error("`{0}` is not a three-letter currency code such as EUR")]
    Currency(String),
}

impl Currency {
    /// Parses a code in any case. `RUR` is read as `RUB`, as some feeds still write it.
    ///
    /// # Errors
    /// `Error::Currency` unless the text is three ASCII letters.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let upper = text.trim().to_ascii_uppercase();
        let code: [u8; 3] = upper
            .as_bytes()
            .try_into()
            .map_err(|_| Error::Currency(text.to_owned()))?;
        if !code.iter().all(u8::is_ascii_uppercase) {
            return Err(Error::Currency(text.to_owned()));
        }
        Ok(Self(if &code == b"RUR" { *b"RUB" } else { code }))
    }

    pub fn as_str(&self) -> &str {
        // Three ASCII letters, by `parse`, so the other is never used: ISO 4217's own code for none.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Decimal places of the minor unit (ISO 4217); 2 unless listed.
    pub fn decimals(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF"
            | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl Money {
    /// # Errors
    /// `Error::Amount` when the text is not a plain decimal.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, Error> {
        let amount = Decimal::from_str(amount.trim()).map_err(|_| Error::Amount(amount.to_owned()))?;
        Ok(Self { amount, currency })
    }

    pub fn zero(currency: Currency) -> Self {
        Self {
            amount: Decimal::ZERO,
            currency,
        }
    }

    /// For comparisons in conditions only; never stored, summed or shown.
    pub fn as_f64(&self) -> f64 {
        self.amount.to_f64().unwrap_or(0.0)
    }

    /// `self + other`, saturating; `self` unchanged when the currencies differ.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if self.currency == other.currency {
            Self {
                amount: self.amount.saturating_add(other.amount),
                ..self
            }
        } else {
            self
        }
    }

    #[must_use]
    pub fn negated(self) -> Self {
        Self {
            amount: -self.amount,
            ..self
        }
    }

    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self {
            amount: self.amount.saturating_mul(Decimal::from(count)),
            ..self
        }
    }
}

/// `57.05 GBP`, with the currency's own number of decimals.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.currency.decimals();
        let rounded = self.amount.round_dp(decimals);
        write!(f, "{rounded:.*} {}", decimals as usize, self.currency.as_str())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for Currency {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_show_their_minor_units() {
        let show = |amount: &str, code: &str| {
            Money::parse(amount, Currency::parse(code).unwrap()).map(|money| money.to_string())
        };
        assert_eq!(show("57.05", "gbp").unwrap(), "57.05 GBP");
        assert_eq!(show("5000", "JPY").unwrap(), "5000 JPY");
        assert_eq!(show("1.5", "KWD").unwrap(), "1.500 KWD");
        assert_eq!(show("179.1", "RUR").unwrap(), "179.10 RUB");
        assert!(show("1,5", "EUR").is_err());
        assert!(show("NaN", "EUR").is_err());
    }

    #[test]
    fn sums_never_mix_currencies() {
        let [eur, usd] =
            ["EUR", "USD"].map(|code| Money::parse("0.1", Currency::parse(code).unwrap()).unwrap());
        assert_eq!(eur.plus(eur).plus(eur).to_string(), "0.30 EUR");
        assert_eq!(eur.plus(usd), eur);
    }
}
