//! Signed links in mails. A token names the message, and through it the contact; it never holds an address.
//!
//! ```text
//! version (1 byte) | key id (2) | message id (20) | MAC (16)      39 bytes, 52 characters of base64url
//! ```
//!
//! `render::email` makes the links, the edge verifies what comes back. A link must work for years, so the version
//! and the key id are part of it: while an old `LINK_KEY` stays listed, every link made with it is good. Forwarding
//! a mail forwards its links: whoever has one may use it, which for unsubscribing is the safe side.

use crate::domain::ids::MessageId;
use crate::signing::{hmac_sha256, same};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 2;
const MESSAGE_BYTES: usize = MessageId::LEN / 2;
/// Half of SHA-256: 2^128 guesses for a forger, and a link short enough for a text part.
const MAC_BYTES: usize = 16;
const SIGNED_BYTES: usize = 1 + KEY_ID_BYTES + MESSAGE_BYTES;
const TOKEN_BYTES: usize = SIGNED_BYTES + MAC_BYTES;
/// Shortest key we take: a shorter one can be guessed.
const MIN_KEY_BYTES: usize = 16;

/// What a link is for. Each purpose has a key of its own, so a token of one is nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `/u/<token>`: no marketing mail any more.
    Unsubscribe,
}

/// The values of `LINK_KEY`: the first signs, all verify.
pub struct LinkKeys(Vec<LinkKey>);

struct LinkKey {
    id: [u8; KEY_ID_BYTES],
    secret: Vec<u8>,
}

/// `LINK_KEY` cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("LINK_KEY is empty; set it to the output of `openssl rand -hex 32`")]
    Missing,
    #[error(
        "a value of LINK_KEY is shorter than {MIN_KEY_BYTES} characters; use the output of `openssl rand -hex 32`"
    )]
    TooShort,
}

/// Why a token is not one of ours. The page shown is the same for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the link is cut off or altered")]
    Malformed,
    #[error("the link has version {0}, which this version of Wend does not know")]
    Version(u8),
    #[error("the link was signed with a key that LINK_KEY no longer lists")]
    UnknownKey,
    #[error("the link's signature is wrong")]
    Forged,
}

impl Purpose {
    const fn label(self) -> &'static str {
        match self {
            Self::Unsubscribe => "wend/1/link/unsubscribe",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Unsubscribe => "/u/",
        }
    }
}

impl LinkKeys {
    /// Reads the values of `LINK_KEY`, separated by spaces, the newest first.
    ///
    /// # Errors
    /// When there is none, or one is too short to be a secret.
    pub fn parse(values: &str) -> Result<Self, KeyError> {
        let keys = values
            .split_whitespace()
            .map(LinkKey::new)
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            Err(KeyError::Missing)
        } else {
            Ok(Self(keys))
        }
    }

    /// The token for a message. Empty only if there were no keys, which `parse` rules out.
    pub fn token(&self, purpose: Purpose, message: &MessageId) -> String {
        self.0
            .first()
            .map(|key| key.token(purpose, message))
            .unwrap_or_default()
    }

    /// The absolute address of a link: `https://mail.shop.example/u/AR3v…`.
    pub fn url(&self, base: &str, purpose: Purpose, message: &MessageId) -> String {
        let (base, path) = (base.trim_end_matches('/'), purpose.path());
        format!("{base}{path}{}", self.token(purpose, message))
    }

    /// The message a token was made for. The signature is compared in constant time.
    ///
    /// # Errors
    /// See [`Error`]; a token of another purpose is `Forged`.
    pub fn verify(&self, purpose: Purpose, token: &str) -> Result<MessageId, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Malformed)?;
        let version = *bytes.first().ok_or(Error::Malformed)?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        if bytes.len() != TOKEN_BYTES {
            return Err(Error::Malformed);
        }
        let (signed, mac) = bytes.split_at_checked(SIGNED_BYTES).ok_or(Error::Malformed)?;
        let key_id = signed.get(1..=KEY_ID_BYTES).ok_or(Error::Malformed)?;
        let message = signed.get(1 + KEY_ID_BYTES..).ok_or(Error::Malformed)?;
        let mut keys = self.0.iter().filter(|key| key.id == key_id).peekable();
        keys.peek().ok_or(Error::UnknownKey)?;
        if keys.any(|key| same(&key.mac(purpose, signed), mac)) {
            MessageId::parse(&hex::encode(message)).map_err(|_| Error::Malformed)
        } else {
            Err(Error::Forged)
        }
    }
}

/// Shows how many keys there are, never one of them.
impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LinkKeys({} hidden)", self.0.len())
    }
}

impl LinkKey {
    fn new(value: &str) -> Result<Self, KeyError> {
        let secret = value.as_bytes().to_vec();
        if secret.len() < MIN_KEY_BYTES {
            return Err(KeyError::TooShort);
        }
        let mut id = [0; KEY_ID_BYTES];
        for (byte, digest) in id.iter_mut().zip(hmac_sha256(&secret, &[b"wend/1/link/key-id"])) {
            *byte = digest;
        }
        Ok(Self { id, secret })
    }

    fn token(&self, purpose: Purpose, message: &MessageId) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.push(VERSION);
        bytes.extend(self.id);
        // A message id is hex by its type, so this never falls back.
        bytes.extend(hex::decode(message.as_str()).unwrap_or_default());
        let mac = self.mac(purpose, &bytes);
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn mac(&self, purpose: Purpose, signed: &[u8]) -> Vec<u8> {
        let key = hmac_sha256(&self.secret, &[purpose.label().as_bytes()]);
        let mac = hmac_sha256(&key, &[signed]);
        mac.into_iter().take(MAC_BYTES).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn keys(values: &str) -> LinkKeys {
        LinkKeys::parse(values).unwrap()
    }

    fn message() -> MessageId {
        MessageId::parse("00112233445566778899aabbccddeeff00112233").unwrap()
    }

    fn verify(values: &str, token: &str) -> Result<MessageId, Error> {
        keys(values).verify(Purpose::Unsubscribe, token)
    }

    /// Links in mails sent years ago must still work: this text may never change.
    #[test]
    fn version_1_is_pinned() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message());
        assert_eq!(token, "AcTFABEiM0RVZneImaq7zN3u_wARIjMXH837Y7wxk5PchWYM00YG");
        assert_eq!(verify(OLD, &token), Ok(message()));
    }

    #[test]
    fn links_have_one_slash_and_no_address() {
        let url = keys(OLD).url("https://mail.shop.example/", Purpose::Unsubscribe, &message());
        assert!(url.starts_with("https://mail.shop.example/u/Ac"), "{url}");
    }

    #[test]
    fn an_old_key_verifies_while_it_is_listed() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message());
        let rotated = format!("{NEW} {OLD}");
        assert_eq!(verify(&rotated, &token), Ok(message()));
        assert_ne!(keys(&rotated).token(Purpose::Unsubscribe, &message()), token);
        assert_eq!(verify(NEW, &token), Err(Error::UnknownKey));
    }

    #[test]
    fn no_byte_may_change_and_none_may_be_missing() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert_eq!(bytes.len(), TOKEN_BYTES);
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 0x40;
            assert!(
                verify(OLD, &URL_SAFE_NO_PAD.encode(&altered)).is_err(),
                "byte {place}"
            );
            assert!(
                verify(OLD, &URL_SAFE_NO_PAD.encode(&bytes[..place])).is_err(),
                "{place} bytes"
            );
        }
        assert_eq!(verify(OLD, &format!("{token}AAAA")), Err(Error::Malformed));
        assert_eq!(verify(OLD, ""), Err(Error::Malformed));
        assert_eq!(verify(OLD, "not a token"), Err(Error::Malformed));
        let mut newer = bytes;
        newer[0] = 2;
        assert_eq!(
            verify(OLD, &URL_SAFE_NO_PAD.encode(&newer)),
            Err(Error::Version(2))
        );
    }

    #[test]
    fn keys_must_be_secrets_and_stay_so() {
        assert_eq!(LinkKeys::parse("  ").unwrap_err(), KeyError::Missing);
        assert_eq!(LinkKeys::parse("secret").unwrap_err(), KeyError::TooShort);
        assert_eq!(format!("{:?}", keys(OLD)), "LinkKeys(1 hidden)");
    }

    proptest! {
        #[test]
        fn nothing_made_up_verifies(token in "[A-Za-z0-9_-]{52}") {
            prop_assert!(verify(OLD, &token).is_err());
        }

        #[test]
        fn any_text_is_answered(token in ".{0,80}") {
            prop_assert!(verify(OLD, &token).is_err());
        }
    }
}
