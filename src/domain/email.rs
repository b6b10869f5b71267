//! An email address, parsed once. Matched by a canonical form, written to in the spelling its owner uses.

use serde::{Deserialize, Serialize};
use std::fmt;

/// RFC 5321 §4.5.3.1: 64 octets of local part, 254 of path.
const MAX_BYTES: usize = 254;
const MAX_LOCAL_BYTES: usize = 64;

/// An address that passed parsing. `Debug` hides it; logs must never show one.
///
/// Two spellings are one address when their canonical forms are equal: lower-cased throughout. A plus tag is kept,
/// since some people's mailboxes differ by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the address is empty")]
    Empty,
    #[error("the address is not of the form name@domain")]
    Malformed,
}

impl EmailAddress {
    /// # Errors
    /// `Empty` for blank text, `Malformed` for what cannot be an address on the internet.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::Empty);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(Error::Malformed)?;
        let forbidden = |c: char| c.is_control() || c.is_whitespace() || "<>()[],;:\\\"@".contains(c);
        let labels_ok = domain.contains('.')
            && domain
                .split('.')
                .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'));
        let local_ok = !local.is_empty() && local.len() <= MAX_LOCAL_BYTES;
        if text.len() > MAX_BYTES
            || !local_ok
            || !labels_ok
            || local.contains(forbidden)
            || domain.contains(forbidden)
        {
            return Err(Error::Malformed);
        }
        Ok(Self(text.to_owned()))
    }

    /// The spelling to write to.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form to compare and hash by.
    pub fn canonical(&self) -> String {
        self.0.to_lowercase()
    }

    /// The domain, lower-cased.
    pub fn domain(&self) -> String {
        self.0
            .rsplit_once('@')
            .map(|(_, domain)| domain.to_lowercase())
            .unwrap_or_default()
    }

    pub fn same_as(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(hidden)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_addresses_pass() {
        for text in [
            "a@example.com",
            "Nadia.Okafor+shop@Example.CO.uk",
            "иван@почта.рф",
            "o'neil@example.ie",
        ] {
            assert!(EmailAddress::parse(text).is_ok(), "{text}");
        }
        let [one, two] = ["A@Example.com", "a@example.COM"].map(|text| EmailAddress::parse(text).unwrap());
        assert!(one.same_as(&two));
        assert_eq!(one.as_str(), "A@Example.com");
    }

    #[test]
    fn what_cannot_be_an_address_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.c",
            "x@y.z\r\nBcc: q@r.s",
            "<a@b.c>",
        ] {
            assert!(EmailAddress::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn debug_never_shows_it() {
        assert_eq!(
            format!("{:?}", EmailAddress::parse("a@example.com").unwrap()),
            "EmailAddress(hidden)"
        );
    }
}
