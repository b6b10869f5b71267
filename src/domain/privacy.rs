//! What a storefront may ask about personal data: to tell all that is held of a person, to erase a person, to erase all.
//!
//! A source reads it, the edge looks for the people meant and has it done (`docs/privacy.md`).

use super::email::EmailAddress;
use super::identity::{Identifier, IdentifierKind};
use serde::{Deserialize, Serialize};

/// A request, as a source made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyRequest {
    /// The source's own id, which a repetition bears as well.
    pub id: String,
    pub kind: Kind,
    pub subject: Subject,
}

/// What is asked. The words are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All that is held of a person, for that person (Art. 15 GDPR).
    DataRequest,
    /// Erase a person (Art. 17 GDPR).
    Erase,
    /// Erase all people of the shop: the app was taken away from it.
    EraseShop,
}

/// Who is meant, by all that the one who asks knows of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subject {
    pub identifiers: Vec<Identifier>,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataRequest => "data_request",
            Self::Erase => "erase",
            Self::EraseShop => "erase_shop",
        }
    }
}

impl Subject {
    pub fn of_email(address: &EmailAddress) -> Self {
        Self {
            identifiers: vec![Identifier::email(address)],
        }
    }

    /// The addresses among the identifiers, in their canonical form.
    pub fn addresses(&self) -> impl Iterator<Item = String> {
        let emails = self.identifiers.iter();
        let emails = emails.filter(|identifier| identifier.kind == IdentifierKind::Email);
        emails.map(|identifier| identifier.value.clone())
    }
}
