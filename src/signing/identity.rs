//! The identity hash: how an email address or a storefront's id becomes the key it is stored under.
//!
//! Called before anything is looked up or stored. The same identifier under the same key gives the same hash for ever:
//! a change here would lose every contact.

use super::hmac_sha256;
use crate::domain::identity::Identifier;
use crate::domain::ids::IdentifierHash;

/// The first 128 bits of HMAC-SHA256 over [`Identifier::canonical`], under `HASH_KEY`.
pub fn identity_hash(key: &[u8], identifier: &Identifier) -> IdentifierHash {
    let mac = hmac_sha256(key, &[identifier.canonical().as_bytes()]);
    let mut half = [0; 16];
    half.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
    IdentifierHash::from_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::email::EmailAddress;
    use crate::domain::identity::IdentifierKind;
    use crate::domain::ids::SourceName;

    /// Stored for ever. The expected values come from
    /// `printf '1\nemail\n\nnadia@example.com' | openssl dgst -sha256 -hmac pinned-key`.
    #[test]
    fn the_hash_is_pinned() {
        let email = Identifier::email(&EmailAddress::parse("Nadia@Example.com").unwrap());
        let shopify = SourceName::parse("shopify").unwrap();
        let customer = Identifier::of_source(IdentifierKind::Customer, &shopify, "7311905521811").unwrap();
        assert_eq!(
            identity_hash(b"pinned-key", &email).as_str(),
            "b91d1ab719156ebc633645826091f6c7"
        );
        assert_eq!(
            identity_hash(b"pinned-key", &customer).as_str(),
            "f778629996b0b054e8bcaef63e5110ca"
        );
        assert_ne!(
            identity_hash(b"other-key", &email),
            identity_hash(b"pinned-key", &email)
        );
    }
}
