//! Which shard holds what. The rule is version 1 and pinned by a test: changing it would lose every contact.

use super::ids::{ContactId, IdentifierHash, MessageId};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most shards a store may be installed with.
pub const MAX_SHARDS: u16 = 1024;

/// Number of shards, a power of two from 1 to [`MAX_SHARDS`], fixed at install.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct ShardCount(u16);

/// One shard. Its object is named `g1-000`: generation, then index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardIndex(u16);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("SHARDS is `{0}`; use a power of two from 1 to {MAX_SHARDS}")]
pub struct Error(pub String);

impl ShardCount {
    pub const ONE: Self = Self(1);

    /// # Errors
    /// Unless the text is a power of two within the limit.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let count: u16 = text.trim().parse().map_err(|_| Error(text.to_owned()))?;
        Self::try_from(count)
    }

    pub const fn get(self) -> u16 {
        self.0
    }

    pub fn all(self) -> impl Iterator<Item = ShardIndex> {
        (0..self.0).map(ShardIndex)
    }

    /// The shard of an identifier's directory row.
    pub fn of_identifier(self, hash: &IdentifierHash) -> ShardIndex {
        self.of_prefix(hash.as_str())
    }

    /// The shard of a contact's document.
    pub fn of_contact(self, contact: &ContactId) -> ShardIndex {
        self.of_prefix(contact.as_str())
    }

    /// The shard of a message's ledger row, from the contact digits in its id.
    pub fn of_message(self, message: &MessageId) -> ShardIndex {
        self.of_prefix(message.as_str())
    }

    /// Rule 1: the first four hex digits, modulo the count.
    fn of_prefix(self, hex: &str) -> ShardIndex {
        let bits = hex
            .get(..4)
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
            .unwrap_or(0);
        ShardIndex(bits & (self.0 - 1))
    }
}

impl ShardIndex {
    /// A hash that leads to this shard: for work that goes to all shards, whoever it is about.
    pub fn any_hash(self) -> IdentifierHash {
        IdentifierHash::from_hash(&self.0.to_be_bytes())
    }
}

impl TryFrom<u16> for ShardCount {
    type Error = Error;

    fn try_from(count: u16) -> Result<Self, Error> {
        if count.is_power_of_two() && count <= MAX_SHARDS {
            Ok(Self(count))
        } else {
            Err(Error(count.to_string()))
        }
    }
}

impl From<ShardCount> for u16 {
    fn from(count: ShardCount) -> Self {
        count.0
    }
}

impl fmt::Display for ShardIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g1-{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_pinned() {
        let contact = ContactId::parse("8c7f00112233445566778899aabbccdd").unwrap();
        let name = |count: u16| {
            ShardCount::try_from(count)
                .unwrap()
                .of_contact(&contact)
                .to_string()
        };
        assert_eq!(
            [name(1), name(4), name(16), name(1024)],
            ["g1-000", "g1-003", "g1-015", "g1-127"]
        );
    }

    #[test]
    fn only_powers_of_two() {
        for text in ["0", "3", "2048", "-4", "four", ""] {
            assert!(ShardCount::parse(text).is_err(), "{text}");
        }
        assert_eq!(ShardCount::parse(" 4 ").unwrap().get(), 4);
    }
}
