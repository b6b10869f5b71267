//! Signed links in mails. A token names the message, and through it the contact; it never holds an address.
//!
//! ```text
//! version (1 byte) | key id (2) | message id (20) | MAC (16)            39 bytes, 52 characters of base64url
//! version (1 byte) | key id (2) | message id (20) | mark (8) | MAC (16) where a yes is given by the link, or the mail shown
//! version (1 byte) | key id (2) | message id (20) | target | MAC (16)   of a click
//! target = 0 for `https://`, 1 for `http://`, then the rest of the address
//! version (1 byte) | key id (2) | message id (20) | text | MAC (16)     of a question's answer, and of a gift
//! ```
//!
//! A no is for all that a contact has; a yes only for the mailbox that the mail went to. So links that can say yes carry
//! a mark, a keyed hash of the address, by which it is found among those of the contact; and so does the link that shows the
//! mail, which is shown as it went to that address. A click's target is among the
//! signed bytes: what nobody signed redirects nowhere.
//!
//! `render::email` makes the links, the edge verifies what comes back. A link must work for years, so the version
//! and the key id are part of it: while an old `LINK_KEY` stays listed, every link made with it is good. Forwarding
//! a mail forwards its links: whoever has one may use it, which for unsubscribing is the safe side.

use crate::domain::email::EmailAddress;
use crate::domain::ids::MessageId;
use crate::signing::{MacKey, hmac_sha256, same};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;

const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 2;
const MESSAGE_BYTES: usize = MessageId::LEN / 2;
/// Half of SHA-256: 2^128 guesses for a forger, and a link short enough for a text part.
const MAC_BYTES: usize = 16;
const SIGNED_BYTES: usize = 1 + KEY_ID_BYTES + MESSAGE_BYTES;
const TOKEN_BYTES: usize = SIGNED_BYTES + MAC_BYTES;
/// Longest token read at all: that of a target of 2,048 bytes, which is more than is ever linked.
const MAX_TOKEN_CHARS: usize = (TOKEN_BYTES + 1 + MAX_TARGET_BYTES).div_ceil(3) * 4;
/// Longest address that a click may lead to. Some mail programs and proxies cut off what is much longer.
pub const MAX_TARGET_BYTES: usize = 2048;
/// What a target may begin with, each by its number.
const SCHEMES: [&str; 2] = ["https://", "http://"];
/// Enough to tell a contact's few addresses apart.
const MARK_BYTES: usize = 8;
/// Shortest key we take: a shorter one can be guessed.
const MIN_KEY_BYTES: usize = 16;

/// What a link is for. Each purpose has a key of its own, so a token of one is nothing to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// `/u/<token>`: no marketing mail any more.
    Unsubscribe,
    /// `/c/<token>`: on to where a link of the mail leads.
    Click,
    /// `/o/<token>`: the picture that tells of an open.
    Open,
    /// `/m/<token>`: the mail, in a browser.
    View,
    /// `/p/<token>`: topics, frequency, a rest, language.
    Preferences,
    /// `/confirm/<token>`: yes, I asked for marketing mail (double opt-in).
    Confirm,
    /// `/n/<token>`: an answer to a question of the mail.
    Question,
    /// `/g/<token>`: a gift to open.
    Gift,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub message: MessageId,
    /// The address the mail went to, where the purpose carries it; else empty.
    pub mark: Mark,
}

/// A keyed hash of an address, in hex: tells which of a contact's addresses a mail went to, and nothing to anybody else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mark(String);

/// The values of `LINK_KEY`: the first signs, all verify.
pub struct LinkKeys(Vec<LinkKey>);

/// All that is made of one value. A mail has dozens of links, so the keys are made once.
struct LinkKey {
    id: [u8; KEY_ID_BYTES],
    purposes: [(Purpose, MacKey); Purpose::ALL.len()],
    address: MacKey,
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
    const ALL: [Self; 8] = [
        Self::Unsubscribe,
        Self::Click,
        Self::Open,
        Self::View,
        Self::Preferences,
        Self::Confirm,
        Self::Question,
        Self::Gift,
    ];

    const fn label(self) -> &'static str {
        match self {
            Self::Unsubscribe => "wend/1/link/unsubscribe",
            Self::Click => "wend/1/link/click",
            Self::Open => "wend/1/link/open",
            Self::View => "wend/1/link/view",
            Self::Preferences => "wend/1/link/preferences",
            Self::Confirm => "wend/1/link/confirm",
            Self::Question => "wend/1/link/question",
            Self::Gift => "wend/1/link/gift",
        }
    }

    /// Where links of this purpose lead, before the token.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Unsubscribe => "/u/",
            Self::Click => "/c/",
            Self::Open => "/o/",
            Self::View => "/m/",
            Self::Preferences => "/p/",
            Self::Confirm => "/confirm/",
            Self::Question => "/n/",
            Self::Gift => "/g/",
        }
    }

    /// Whether tokens of this purpose carry a text of any length.
    const fn says_more(self) -> bool {
        match self {
            Self::Click | Self::Question | Self::Gift => true,
            Self::Unsubscribe | Self::Open | Self::View | Self::Preferences | Self::Confirm => false,
        }
    }

    const fn mark_bytes(self) -> usize {
        match self {
            Self::Unsubscribe | Self::Click | Self::Open | Self::Question | Self::Gift => 0,
            Self::View | Self::Preferences | Self::Confirm => MARK_BYTES,
        }
    }
}

/// Whether an address is one of our own links: those are never led over another.
pub fn is_own(base: &str, url: &str) -> bool {
    let path = url.strip_prefix(base.trim_end_matches('/'));
    path.is_some_and(|path| {
        Purpose::ALL
            .iter()
            .any(|purpose| path.starts_with(purpose.path()))
    })
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

    /// The token for a message to an address. Empty only if there were no keys, which `parse` rules out.
    pub fn token(&self, purpose: Purpose, message: &MessageId, to: &EmailAddress) -> String {
        self.0
            .first()
            .map(|key| key.token(purpose, message, &key.extra(purpose, to)))
            .unwrap_or_default()
    }

    /// The absolute address of a link that says something more: which answer, which gift.
    pub fn url_saying(&self, base: &str, purpose: Purpose, message: &MessageId, text: &str) -> String {
        let key = self.0.first();
        let token = key.map(|key| key.token(purpose, message, text.as_bytes()));
        let (base, path) = (base.trim_end_matches('/'), purpose.path());
        format!("{base}{path}{}", token.unwrap_or_default())
    }

    /// The message and the text of a link that says something more.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_saying(&self, purpose: Purpose, token: &str) -> Result<(MessageId, String), Error> {
        let (message, text) = self.read(purpose, token)?;
        let text = String::from_utf8(text).map_err(|_| Error::Malformed)?;
        Ok((message, text))
    }

    /// Whether a mark was made for the address, with any key that is listed.
    pub fn is_mark_of(&self, mark: &Mark, address: &EmailAddress) -> bool {
        self.0.iter().any(|key| key.mark(address) == *mark)
    }

    /// The address that leads on to `target` and tells of the click; none for a target that is no web address, or longer
    /// than [`MAX_TARGET_BYTES`].
    pub fn click_url(&self, base: &str, message: &MessageId, target: &str) -> Option<String> {
        let (scheme, rest) = (0..).zip(SCHEMES).find_map(|(number, scheme)| {
            let start = target.get(..scheme.len())?;
            let rest = target.get(scheme.len()..)?;
            start.eq_ignore_ascii_case(scheme).then_some((number, rest))
        })?;
        if target.len() > MAX_TARGET_BYTES {
            return None;
        }
        let mut bytes = vec![scheme];
        bytes.extend(rest.as_bytes());
        let token = self.0.first()?.token(Purpose::Click, message, &bytes);
        let (base, path) = (base.trim_end_matches('/'), Purpose::Click.path());
        Some(format!("{base}{path}{token}"))
    }

    /// The absolute address of a link: `https://mail.shop.example/u/AR3v…`.
    pub fn url(&self, base: &str, purpose: Purpose, message: &MessageId, to: &EmailAddress) -> String {
        let (base, path) = (base.trim_end_matches('/'), purpose.path());
        format!("{base}{path}{}", self.token(purpose, message, to))
    }

    /// What a token was made for. The signature is compared in constant time.
    ///
    /// # Errors
    /// See [`Error`]; a token of another purpose is `Forged`.
    pub fn verify(&self, purpose: Purpose, token: &str) -> Result<Named, Error> {
        let (message, mark) = self.read(purpose, token)?;
        if mark.len() != purpose.mark_bytes() {
            return Err(Error::Malformed);
        }
        Ok(Named {
            message,
            mark: Mark(hex::encode(mark)),
        })
    }

    /// The message and the target of a click.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_click(&self, token: &str) -> Result<(MessageId, String), Error> {
        let (message, target) = self.read(Purpose::Click, token)?;
        let (scheme, rest) = target.split_first().ok_or(Error::Malformed)?;
        let scheme = SCHEMES.get(usize::from(*scheme)).ok_or(Error::Malformed)?;
        let rest = std::str::from_utf8(rest).map_err(|_| Error::Malformed)?;
        Ok((message, format!("{scheme}{rest}")))
    }

    /// What was signed: the message, and what stands behind it.
    fn read(&self, purpose: Purpose, token: &str) -> Result<(MessageId, Vec<u8>), Error> {
        if token.len() > MAX_TOKEN_CHARS {
            return Err(Error::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Malformed)?;
        let version = *bytes.first().ok_or(Error::Malformed)?;
        if version != VERSION {
            return Err(Error::Version(version));
        }
        if !purpose.says_more() && bytes.len() != TOKEN_BYTES + purpose.mark_bytes() {
            return Err(Error::Malformed);
        }
        let end = bytes.len().checked_sub(MAC_BYTES).ok_or(Error::Malformed)?;
        let (signed, mac) = bytes.split_at_checked(end).ok_or(Error::Malformed)?;
        let (named, extra) = signed.split_at_checked(SIGNED_BYTES).ok_or(Error::Malformed)?;
        let (key_id, message) = named
            .get(1..)
            .and_then(|rest| rest.split_at_checked(KEY_ID_BYTES))
            .ok_or(Error::Malformed)?;
        let mut keys = self.0.iter().filter(|key| key.id == key_id).peekable();
        keys.peek().ok_or(Error::UnknownKey)?;
        if !keys.any(|key| same(&key.mac(purpose, signed), mac)) {
            return Err(Error::Forged);
        }
        let message = MessageId::parse(&hex::encode(message)).map_err(|_| Error::Malformed)?;
        Ok((message, extra.to_vec()))
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
        let secret = value.as_bytes();
        if secret.len() < MIN_KEY_BYTES {
            return Err(KeyError::TooShort);
        }
        let mut id = [0; KEY_ID_BYTES];
        for (byte, digest) in id.iter_mut().zip(hmac_sha256(secret, &[b"wend/1/link/key-id"])) {
            *byte = digest;
        }
        let derived = |label: &str| MacKey::new(&hmac_sha256(secret, &[label.as_bytes()]));
        Ok(Self {
            id,
            purposes: Purpose::ALL.map(|purpose| (purpose, derived(purpose.label()))),
            address: derived("wend/1/link/address"),
        })
    }

    fn token(&self, purpose: Purpose, message: &MessageId, extra: &[u8]) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES + extra.len());
        bytes.push(VERSION);
        bytes.extend(self.id);
        // A message id is hex by its type, so this never falls back.
        bytes.extend(hex::decode(message.as_str()).unwrap_or_default());
        bytes.extend(extra);
        let mac = self.mac(purpose, &bytes);
        bytes.extend(mac);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What stands behind the message in a token of this purpose.
    fn extra(&self, purpose: Purpose, to: &EmailAddress) -> Vec<u8> {
        if purpose.mark_bytes() > 0 {
            self.mark_of(to)
        } else {
            Vec::new()
        }
    }

    fn mark(&self, address: &EmailAddress) -> Mark {
        Mark(hex::encode(self.mark_of(address)))
    }

    fn mark_of(&self, address: &EmailAddress) -> Vec<u8> {
        let mark = self.address.mac(&[address.canonical().as_bytes()]);
        mark.into_iter().take(MARK_BYTES).collect()
    }

    fn mac(&self, purpose: Purpose, signed: &[u8]) -> Vec<u8> {
        let of = self.purposes.iter().find(|(of, _)| *of == purpose);
        // Every purpose has its key. An empty one would verify nothing.
        let mac = of.map(|(_, key)| key.mac(&[signed]));
        mac.into_iter().flatten().take(MAC_BYTES).collect()
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

    fn nadia() -> EmailAddress {
        EmailAddress::parse("nadia@example.com").unwrap()
    }

    fn verify(values: &str, token: &str) -> Result<MessageId, Error> {
        let named = keys(values).verify(Purpose::Unsubscribe, token);
        named.map(|named| named.message)
    }

    /// Links in mails sent years ago must still work: this text may never change.
    #[test]
    fn version_1_is_pinned() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message(), &nadia());
        assert_eq!(token, "AcTFABEiM0RVZneImaq7zN3u_wARIjMXH837Y7wxk5PchWYM00YG");
        assert_eq!(verify(OLD, &token), Ok(message()));
    }

    #[test]
    fn version_1_of_opens_views_and_clicks_is_pinned() {
        let keys = keys(OLD);
        for (purpose, token) in [
            (
                Purpose::Open,
                "AcTFABEiM0RVZneImaq7zN3u_wARIjMrfgCdb9bwPIl-GAeermyt",
            ),
            (
                Purpose::View,
                "AcTFABEiM0RVZneImaq7zN3u_wARIjMOBDSH4MLErvuTI-mJn4eNlWy4t_jogIc",
            ),
        ] {
            assert_eq!(keys.token(purpose, &message(), &nadia()), token);
            assert_eq!(
                keys.verify(purpose, token).map(|named| named.message),
                Ok(message())
            );
        }
        let target = "https://shop.example/cart?id=8f2c#top";
        let url = "https://mail.shop.example/c/AcTFABEiM0RVZneImaq7zN3u_wARIjMAc2hvcC5leGFtcGxlL2NhcnQ_aWQ9OGYyYyN0b3DkLJX11qLITSby8EzhcYFI";
        assert_eq!(
            keys.click_url("https://mail.shop.example", &message(), target),
            Some(url.to_owned())
        );
        let token = url.rsplit('/').next().unwrap();
        assert_eq!(keys.verify_click(token), Ok((message(), target.to_owned())));
    }

    #[test]
    fn only_a_web_address_of_bearable_length_is_led_to() {
        let click = |target: &str| keys(OLD).click_url("https://m.example", &message(), target);
        let long = format!("https://shop.example/{}", "x".repeat(MAX_TARGET_BYTES));
        for target in [
            "javascript:alert(1)",
            "//shop.example",
            "mailto:a@b.example",
            "",
            "https:/",
            &long,
        ] {
            assert_eq!(click(target), None, "{target}");
        }
        let longest = &long[..MAX_TARGET_BYTES];
        let url = click(longest).unwrap();
        let token = url.rsplit('/').next().unwrap();
        assert_eq!(keys(OLD).verify_click(token).unwrap().1, longest);
        assert_eq!(
            keys(OLD).verify_click(&format!("{token}AAAA")),
            Err(Error::Forged)
        );
    }

    #[test]
    fn a_token_is_nothing_to_another_purpose() {
        let keys = keys(OLD);
        let url = keys
            .click_url("https://m.example", &message(), "https://shop.example/")
            .unwrap();
        let click = url.rsplit('/').next().unwrap();
        for made in Purpose::ALL {
            let token = keys.token(made, &message(), &nadia());
            for asked in Purpose::ALL {
                assert_eq!(
                    keys.verify(asked, &token).is_ok(),
                    made == asked,
                    "{made:?} as {asked:?}"
                );
            }
            assert!(
                keys.verify(made, click).is_err() && keys.verify_click(&token).is_err(),
                "{made:?}"
            );
        }
    }

    #[test]
    fn our_own_links_are_known_by_their_paths() {
        let base = "https://shop.example/";
        for purpose in Purpose::ALL {
            assert!(
                is_own(base, &keys(OLD).url(base, purpose, &message(), &nadia())),
                "{purpose:?}"
            );
        }
        for other in [
            "https://shop.example/cart",
            "https://shop.example/",
            "https://other.example/u/x",
            "/u/x",
        ] {
            assert!(!is_own(base, other), "{other}");
        }
    }

    #[test]
    fn links_have_one_slash_and_no_address() {
        let url = keys(OLD).url(
            "https://mail.shop.example/",
            Purpose::Unsubscribe,
            &message(),
            &nadia(),
        );
        assert!(url.starts_with("https://mail.shop.example/u/Ac"), "{url}");
    }

    #[test]
    fn an_old_key_verifies_while_it_is_listed() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message(), &nadia());
        let rotated = format!("{NEW} {OLD}");
        assert_eq!(verify(&rotated, &token), Ok(message()));
        assert_ne!(
            keys(&rotated).token(Purpose::Unsubscribe, &message(), &nadia()),
            token
        );
        assert_eq!(verify(NEW, &token), Err(Error::UnknownKey));
    }

    #[test]
    fn no_byte_may_change_and_none_may_be_missing() {
        let token = keys(OLD).token(Purpose::Unsubscribe, &message(), &nadia());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        assert_eq!(bytes.len(), SIGNED_BYTES + MAC_BYTES);
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

    /// As long as the mails are good, so are these.
    #[test]
    fn links_that_say_yes_name_their_mailbox_and_no_other() {
        let other = EmailAddress::parse("tomas@example.com").unwrap();
        for (purpose, foreign) in [
            (Purpose::Confirm, Purpose::Preferences),
            (Purpose::Preferences, Purpose::Confirm),
        ] {
            let token = keys(OLD).token(purpose, &message(), &nadia());
            assert_eq!(token.len(), 63);
            let rotated = keys(&format!("{NEW} {OLD}"));
            let named = rotated.verify(purpose, &token).unwrap();
            assert_eq!(named.message, message());
            assert!(rotated.is_mark_of(&named.mark, &nadia()));
            assert!(!rotated.is_mark_of(&named.mark, &other));
            assert!(!keys(NEW).is_mark_of(&named.mark, &nadia()));
            assert_eq!(keys(OLD).verify(foreign, &token), Err(Error::Forged));
            assert_eq!(
                keys(OLD).verify(Purpose::Unsubscribe, &token),
                Err(Error::Malformed)
            );
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[SIGNED_BYTES] ^= 1;
            let altered = URL_SAFE_NO_PAD.encode(bytes);
            assert_eq!(keys(OLD).verify(purpose, &altered), Err(Error::Forged));
        }
        let token = keys(OLD).token(Purpose::Confirm, &message(), &nadia());
        assert_eq!(
            token,
            "AcTFABEiM0RVZneImaq7zN3u_wARIjMOBDSH4MLErjDu25zvR1ilh5ieTSutEeo"
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
            prop_assert!(keys(OLD).verify_click(&token).is_err());
        }

        #[test]
        fn a_target_comes_back_byte_for_byte_and_no_other_does(
            rest in "[!-~а-яü]{1,60}",
            http in any::<bool>(),
            place in any::<prop::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let target = format!("{}{rest}", if http { "http://" } else { "https://" });
            let url = keys(OLD).click_url("https://m.example/", &message(), &target).unwrap();
            let token = url.strip_prefix("https://m.example/c/").unwrap();
            prop_assert_eq!(keys(OLD).verify_click(token), Ok((message(), target)));
            let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= 1 << bit;
            prop_assert!(keys(OLD).verify_click(&URL_SAFE_NO_PAD.encode(&bytes)).is_err());
            prop_assert!(keys(OLD).verify_click(&URL_SAFE_NO_PAD.encode(&bytes[..place])).is_err());
        }
    }
}
