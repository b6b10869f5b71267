//! Names for things. Each is a newtype, so that one can never stand where another belongs.
//!
//! Ids from outside are text: storefronts use numbers beyond 2^53 and strings that look like numbers. A decision copies
//! ids all the time, so their text is shared.

use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::sync::Arc;

/// Longest id we take from outside, in bytes. Real ones stay below 100.
pub const MAX_ID_BYTES: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("an id must not be empty")]
    Empty,
    #[error("an id is longer than {MAX_ID_BYTES} bytes")]
    TooLong,
    #[error("an id holds a control character")]
    Control,
    #[error("`{0}` is not an id of ours")]
    Malformed(String),
}

fn checked(text: &str) -> Result<&str, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::Empty);
    }
    if text.len() > MAX_ID_BYTES {
        return Err(Error::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(Error::Control);
    }
    Ok(text)
}

/// The text of a stored id: made once, where it is read.
fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    struct Text;

    impl serde::de::Visitor<'_> for Text {
        type Value = Arc<str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(text.into())
        }
    }

    deserializer.deserialize_str(Text)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(deserialize_with = "read")] Arc<str>);

        impl $name {
            /// Trims and checks the text.
            ///
            /// # Errors
            /// Empty, longer than [`MAX_ID_BYTES`], or with control characters.
            pub fn parse(text: &str) -> Result<Self, Error> {
                checked(text).map(|text| Self(text.into()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Names one occurrence for deduplication within a contact, for example `shopify:order:6120:completed`.
    EventId
);
text_id!(
    /// A journey: the stem of its file in `journeys/`.
    JourneyId
);
text_id!(
    /// A step's stable id within its journey.
    StepId
);
text_id!(
    /// A segment: its name in `segments.yaml`.
    SegmentName
);
text_id!(
    /// What a marketing mail is about, as contacts choose it: its id in `store.yaml`.
    TopicName
);
text_id!(
    /// An email: the name of its folder in `templates/emails/`.
    EmailName
);
text_id!(
    /// The thing an enrollment is about: a checkout token, an order key, or the contact itself.
    EnrollmentKey
);
text_id!(
    /// A storefront or app that posts webhooks: `shopify`, `woocommerce`, `events`.
    SourceName
);
text_id!(
    /// An order, unique over sources: `<source>:<order id>`.
    OrderKey
);

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(#[serde(deserialize_with = "read")] Arc<str>);

        impl $name {
            /// Length of the text form, in lower-case hex digits.
            pub const LEN: usize = $len;

            /// # Errors
            /// `Error::Malformed` unless the text is exactly [`Self::LEN`] lower-case hex digits.
            pub fn parse(text: &str) -> Result<Self, Error> {
                let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if hex && text.len() == Self::LEN {
                    Ok(Self(text.into()))
                } else {
                    Err(Error::Malformed(text.chars().take(64).collect()))
                }
            }

            /// From the leading digits of a longer lower-case hex digest; a shorter one is filled up with zeros.
            pub fn from_digest(digest: &str) -> Self {
                let own = digest.get(..Self::LEN).unwrap_or(digest);
                Self(format!("{own:0<length$}", length = Self::LEN).into())
            }

            /// From the leading bytes of a hash.
            pub fn from_hash(hash: &[u8]) -> Self {
                let mut digits = [b'0'; $len];
                write_hex(&mut digits, hash);
                Self(text_of(&digits))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn text_of(digits: &[u8]) -> Arc<str> {
    // Digits are text.
    std::str::from_utf8(digits).unwrap_or_default().into()
}

/// As many bytes as there is room for, in lower-case digits.
fn write_hex(digits: &mut [u8], bytes: &[u8]) {
    let digit = |nibble: u8| {
        if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' - 10 + nibble
        }
    };
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
    }
}

hex_id!(
    /// A person. The keyed hash of the first strong identifier seen; it never changes.
    ContactId, 32
);
hex_id!(
    /// The keyed hash of one identifier: key of the directory, and of a new contact.
    IdentifierHash, 32
);
hex_id!(
    /// One contact's run of one journey for one key.
    EnrollmentId, 24
);
hex_id!(
    /// One email intended for one contact. The first [`MessageId::CONTACT_BITS`] digits are the contact's.
    MessageId, 40
);

impl From<IdentifierHash> for ContactId {
    fn from(hash: IdentifierHash) -> Self {
        Self(hash.0)
    }
}

impl From<ContactId> for IdentifierHash {
    /// Every contact id is the hash of an identifier, so a contact may be looked up in the directory by its own id.
    fn from(contact: ContactId) -> Self {
        Self(contact.0)
    }
}

impl IdentifierHash {
    /// The text form of a 128-bit hash; the hash itself is made in `signing`, which holds the key.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_hash(&bytes)
    }
}

impl SourceName {
    /// A name written in our code, which needs no check.
    pub fn built_in(name: &'static str) -> Self {
        Self(name.into())
    }
}

impl MessageId {
    /// How many leading hex digits are those of the contact id: enough to find the shard.
    pub const CONTACT_BITS: usize = 16;

    /// The leading digits shared with the contact id.
    pub fn contact_prefix(&self) -> &str {
        self.0.get(..Self::CONTACT_BITS).unwrap_or_default()
    }

    /// The contact's leading digits, then those of the hash.
    pub fn of_contact(contact: &ContactId, hash: &[u8]) -> Self {
        let mut digits = [b'0'; Self::LEN];
        let (prefix, own) = digits.split_at_mut(Self::CONTACT_BITS);
        for (digit, contact) in prefix.iter_mut().zip(contact.0.bytes()) {
            *digit = contact;
        }
        write_hex(own, hash);
        Self(text_of(&digits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_text_and_never_empty() {
        assert_eq!(
            EventId::parse(" 820982911946154508 ").unwrap().as_str(),
            "820982911946154508"
        );
        assert_eq!(EventId::parse("  "), Err(Error::Empty));
        assert_eq!(EventId::parse("a\nb"), Err(Error::Control));
        assert_eq!(EventId::parse(&"x".repeat(300)), Err(Error::TooLong));
    }

    #[test]
    fn our_own_ids_have_one_spelling() {
        let hash = IdentifierHash::from_bytes([0x0a; 16]);
        assert_eq!(IdentifierHash::parse(hash.as_str()), Ok(hash));
        assert!(ContactId::parse(&"0a".repeat(16)).is_ok());
        assert!(ContactId::parse(&"0A".repeat(16)).is_err());
        assert!(ContactId::parse("short").is_err());
    }
}
