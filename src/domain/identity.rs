//! Identifiers: what a source knows a person, a checkout or an order by.

use super::email::EmailAddress;
use super::ids::{self, SourceName};
use serde::{Deserialize, Serialize};

/// Kinds of identifier, strongest first. `Email` and `Customer` name a person; the rest only lead to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentifierKind {
    Email,
    Customer,
    Order,
    Checkout,
    Cart,
    Anonymous,
}

/// One identifier. Addresses are the same person in every source; the rest belong to the source that gave them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identifier {
    pub kind: IdentifierKind,
    /// Empty for addresses.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    pub value: String,
}

impl IdentifierKind {
    /// A strong identifier may found a contact. A weak one only joins an event to a contact already known.
    pub const fn is_strong(self) -> bool {
        match self {
            Self::Email | Self::Customer => true,
            Self::Order | Self::Checkout | Self::Cart | Self::Anonymous => false,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Customer => "customer",
            Self::Order => "order",
            Self::Checkout => "checkout",
            Self::Cart => "cart",
            Self::Anonymous => "anonymous",
        }
    }
}

impl Identifier {
    pub fn email(address: &EmailAddress) -> Self {
        Self {
            kind: IdentifierKind::Email,
            source: String::new(),
            value: address.canonical(),
        }
    }

    /// An identifier that a source gave.
    ///
    /// # Errors
    /// When the value is not usable as an id (empty, too long, control characters).
    pub fn of_source(kind: IdentifierKind, source: &SourceName, value: &str) -> Result<Self, ids::Error> {
        let value = ids::EnrollmentKey::parse(value)?;
        Ok(Self {
            kind,
            source: source.as_str().to_owned(),
            value: value.as_str().to_owned(),
        })
    }

    /// The text that is hashed. Version 1, pinned by a test in `signing`: changing it would lose every contact.
    pub fn canonical(&self) -> String {
        format!("1\n{}\n{}\n{}", self.kind.as_str(), self.source, self.value)
    }
}
