//! Signatures and keyed hashes: HMAC-SHA256, Standard Webhooks, what is known of asymmetric signatures, route tokens,
//! operators' sessions, tokens of Cloudflare Access, the identity hash, and the secrets they need.
//!
//! Sources and providers call it. Keys and the time are arguments: nothing here reads a setting or a clock, and
//! nothing parses what it verifies.

pub mod access;
pub mod asn1;
pub mod asymmetric;
pub mod identity;
pub mod route_token;
pub mod secrets;
pub mod session;
pub mod sigv4;
pub mod standard_webhooks;

pub use secrets::Secrets;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Standard base64, with or without its padding, which senders leave out; then the last digit may hold spare bits, as in
/// a secret of the specification's own test suite.
pub const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// HMAC-SHA256 over the parts in a row.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    MacKey::new(key).mac(parts)
}

/// A key of HMAC-SHA256 that is used again and again. What is computed of the key alone is half of the work of a short message.
pub struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Of a key of any length: one longer than a block is hashed (RFC 2104 §2).
    pub fn new(key: &[u8]) -> Self {
        let mut block = Key::<Hmac<Sha256>>::default();
        if key.len() > block.len() {
            block
                .iter_mut()
                .zip(Sha256::digest(key))
                .for_each(|(to, from)| *to = from);
        } else {
            block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        }
        Self(Hmac::new(&block))
    }

    /// HMAC-SHA256 over the parts in a row.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().into()
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Whether `given` is the base64 of the HMAC-SHA256 of `message` under any of `keys`. An empty key never matches.
pub fn hmac_sha256_base64_matches<K: AsRef<[u8]>>(keys: &[K], message: &[u8], given: &str) -> bool {
    let given = BASE64.decode(given.trim());
    given.is_ok_and(|given| hmac_sha256_matches(keys, message, &given))
}

/// As [`hmac_sha256_base64_matches`], of one in hex.
pub fn hmac_sha256_hex_matches<K: AsRef<[u8]>>(keys: &[K], message: &[u8], given: &str) -> bool {
    let given = hex::decode(given.trim());
    given.is_ok_and(|given| hmac_sha256_matches(keys, message, &given))
}

fn hmac_sha256_matches<K: AsRef<[u8]>>(keys: &[K], message: &[u8], given: &[u8]) -> bool {
    keys.iter()
        .map(AsRef::as_ref)
        .filter(|key| !key.is_empty())
        .any(|key| same(&hmac_sha256(key, &[message]), given))
}

/// Seconds since 1970 as a signed time is written: digits only, where `i64::from_str` would also take a sign.
pub fn unix_seconds(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The first 128 bits of the SHA-256 of the parts, in hex: a name for content that has no id of its own. Each part is
/// preceded by its length, so that moving a boundary changes the name.
pub fn content_name(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut name = hex::encode(hash.finalize());
    name.truncate(32);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.3, test case 2.
    #[test]
    fn hmac_follows_the_rfc() {
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            hex::encode(mac),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        // Test case 6: a key that is longer than a block.
        let mac = hmac_sha256(
            &[0xaa; 131],
            &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
        );
        assert_eq!(
            hex::encode(mac),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn base64_matches_padded_or_not_and_never_under_an_empty_key() {
        let padded = BASE64.encode(hmac_sha256(b"key", &[b"body"]));
        let bare = padded.trim_end_matches('=');
        for given in [padded.as_str(), bare] {
            assert!(hmac_sha256_base64_matches(&["other", "key"], b"body", given));
            assert!(!hmac_sha256_base64_matches(&["other"], b"body", given));
            assert!(!hmac_sha256_base64_matches(&["key"], b"Body", given));
        }
        let unkeyed = BASE64.encode(hmac_sha256(b"", &[b"body"]));
        assert!(!hmac_sha256_base64_matches(&[""], b"body", &unkeyed));
        assert!(!hmac_sha256_base64_matches(&["key"], b"body", ""));
    }

    #[test]
    fn a_content_name_knows_where_its_parts_end() {
        assert_ne!(content_name(&[b"ab", b"c"]), content_name(&[b"a", b"bc"]));
        assert_eq!(content_name(&[b"ab"]).len(), 32);
    }
}
