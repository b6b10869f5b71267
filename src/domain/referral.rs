//! Referral codes: what a contact hands on to friends, and what a friend's first order says of whom it came from.
//!
//! A code is nothing stored: its first ten symbols are the first 50 bits of the contact's id, so the code alone says
//! which shard to ask, and a range of the key finds the contact there. Two more symbols check the ten. They are of the
//! same alphabet, so that a code can stand in a link and be a coupon's name; and they let one in a thousand of those
//! coupons pass that look like a code at all, of which next to none leads to a contact.

use super::ids::{ContactId, EventId, IdentifierHash, SourceName};
use super::money::Money;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Crockford's base 32: no I, L, O and U, which are misread or make words.
const SYMBOLS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols that hold bits of the id, and symbols that check them.
const DATA: usize = 10;
const CHECK: usize = 2;
/// Bits of an id that a code holds, and bits that it leaves out.
const BITS: u32 = 50;
const REST: u32 = 128 - BITS;
/// The largest prime that two symbols can count to: one wrong symbol, or two that changed places, always show.
const MODULUS: u64 = 1021;
/// Longest text that is looked at; a code with blanks and hyphens is far shorter.
const MAX_TEXT_BYTES: usize = 40;

/// The code of one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReferralCode(u64);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no referral code")]
pub struct Error;

/// A friend's first order, on its way to whom it is credited to. Nothing in it says who the friend is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    pub code: ReferralCode,
    /// The friend's id at that time: what makes the credit count once.
    pub friend: ContactId,
    pub source: SourceName,
    pub order_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// The source's time of the order.
    pub at: Timestamp,
    /// When waits count from, if not from `at`: only in development.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
}

impl ReferralCode {
    pub fn of(contact: &ContactId) -> Self {
        let id = u128::from_str_radix(contact.as_str(), 16).unwrap_or_default();
        Self(u64::try_from(id >> REST).unwrap_or_default())
    }

    /// Reads a code as people write it: in any case, with blanks and hyphens, O for 0, I and L for 1.
    ///
    /// # Errors
    /// When it is none, which an ordinary coupon is not.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Error);
        }
        let (mut read, mut data, mut check) = (0, 0_u64, 0_u64);
        for symbol in text.bytes().filter(|symbol| !matches!(symbol, b'-' | b' ')) {
            let value = value(symbol).ok_or(Error)?;
            let part = if read < DATA { &mut data } else { &mut check };
            *part = (*part << 5) | value;
            read += 1;
            if read > DATA + CHECK {
                return Err(Error);
            }
        }
        let whole = read == DATA + CHECK && check == data % MODULUS;
        whole.then_some(Self(data)).ok_or(Error)
    }

    pub fn is_of(self, contact: &ContactId) -> bool {
        self == Self::of(contact)
    }

    /// The smallest id that has this code: where to look, and which shard to ask.
    pub fn lowest(self) -> IdentifierHash {
        IdentifierHash::from_bytes((u128::from(self.0) << REST).to_be_bytes())
    }

    /// The largest id that has this code.
    pub fn highest(self) -> IdentifierHash {
        let rest = (1_u128 << REST) - 1;
        IdentifierHash::from_bytes(((u128::from(self.0) << REST) | rest).to_be_bytes())
    }
}

/// What a symbol counts; none for one that no code has.
fn value(symbol: u8) -> Option<u64> {
    let meant = match symbol.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        symbol => symbol,
    };
    let at = SYMBOLS.iter().position(|known| *known == meant)?;
    u64::try_from(at).ok()
}

impl fmt::Display for ReferralCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = (self.0 << (5 * CHECK)) | (self.0 % MODULUS);
        for place in (0..DATA + CHECK).rev() {
            let at = usize::try_from((whole >> (5 * place)) & 31).unwrap_or_default();
            let symbol = SYMBOLS.get(at).copied().unwrap_or(b'0');
            write!(f, "{}", char::from(symbol))?;
        }
        Ok(())
    }
}

impl TryFrom<String> for ReferralCode {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<ReferralCode> for String {
    fn from(code: ReferralCode) -> Self {
        code.to_string()
    }
}

/// Id of the event that credits this friend: the same for whatever of them arrives, so that they count once.
///
/// # Errors
/// Never for an id of ours.
pub fn credit_id(friend: &ContactId) -> Result<EventId, super::ids::Error> {
    EventId::parse(&format!("referral:{friend}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contact(id: u128) -> ContactId {
        ContactId::parse(&format!("{id:032x}")).unwrap()
    }

    fn code(id: u128) -> String {
        ReferralCode::of(&contact(id)).to_string()
    }

    /// Codes stand in links that were mailed: they must mean the same for ever.
    #[test]
    fn codes_are_pinned() {
        let nadia = contact(0x8c7f_0011_2233_4455_6677_8899_aabb_ccdd);
        assert_eq!(ReferralCode::of(&nadia).to_string(), "HHZG04926D80");
        assert_eq!(code(0), "000000000000");
        assert_eq!(code(u128::MAX), "ZZZZZZZZZZ7J");
    }

    #[test]
    fn what_people_write_is_read() {
        let ones: u128 = (0..9).map(|place| 1 << (5 * place)).sum();
        let own = ReferralCode::of(&contact(ones << REST));
        let text = own.to_string();
        assert!(text.starts_with("0111111111"), "{text}");
        let misread = text.replace('0', "o").replace('1', "l");
        let grouped = format!(" {}-{}-{} ", &text[..4], &text[4..8], &text[8..]);
        for written in [text.to_lowercase(), misread, text.replace('1', "I"), grouped] {
            assert_eq!(ReferralCode::parse(&written), Ok(own), "{written}");
        }
    }

    #[test]
    fn ordinary_coupons_are_none() {
        for coupon in [
            "",
            "-",
            "WELCOME10",
            "NORTH-7Q2K",
            "SUMMERSALE25",
            "FREESHIPPING",
            "BLACKFRIDAY24",
            "000000000001",
            "HHZG04926D8",
            "HHZG04926D800",
            "ÄÖÜ",
            "UUUUUUUUUUUU",
        ] {
            assert_eq!(ReferralCode::parse(coupon), Err(Error), "{coupon}");
        }
        assert!(ReferralCode::parse(&"0".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn every_code_comes_back(id: u128) {
            let own = ReferralCode::of(&contact(id));
            prop_assert_eq!(ReferralCode::parse(&own.to_string()), Ok(own));
            prop_assert_eq!(own.to_string().len(), DATA + CHECK);
            let json = serde_json::to_string(&own).unwrap();
            prop_assert_eq!(serde_json::from_str::<ReferralCode>(&json).unwrap(), own);
        }

        #[test]
        fn the_range_holds_exactly_the_ids_of_a_code(id: u128, other: u128) {
            let own = ReferralCode::of(&contact(id));
            let holds = |id: u128| {
                let id = IdentifierHash::from(contact(id));
                own.lowest() <= id && id <= own.highest()
            };
            prop_assert!(holds(id));
            prop_assert!(own.is_of(&own.lowest().into()) && own.is_of(&own.highest().into()));
            prop_assert_eq!(holds(other), own.is_of(&contact(other)));
        }

        #[test]
        fn one_wrong_symbol_and_two_that_changed_places_show(id: u128, place in 0_usize..12, symbol in 0_usize..32) {
            let right = code(id).into_bytes();
            let mut wrong = right.clone();
            wrong[place] = SYMBOLS[symbol];
            let mut swapped = right.clone();
            if place > 0 {
                swapped.swap(place - 1, place);
            }
            for text in [wrong, swapped] {
                let read = ReferralCode::parse(std::str::from_utf8(&text).unwrap());
                prop_assert_eq!(read.is_ok(), text == right);
            }
        }
    }
}
