//! The step from bytes that anyone may have sent to bytes that the source signed.
//!
//! Source modules call the `verify_…` methods; only these make a [`Verified`], and only a `Verified` shows its body.
//! No scheme is named after a source here: a source says which header and which keys.

mod write_key;

pub use write_key::{Rights, WriteKeys};

use super::{Error, Keys};
use crate::http::{Headers, Request};
use crate::signing::asymmetric::Asymmetric;
use crate::signing::{self, Secrets, route_token, standard_webhooks};
use serde::Deserialize;

/// A delivery as it came. Its body cannot be read, so it cannot be parsed by mistake:
///
/// ```compile_fail,E0599
/// let headers = wend::http::Headers::new();
/// wend::sources::Unverified::new(&headers, b"{}").body();
/// ```
///
/// and nothing outside this file can call it verified:
///
/// ```compile_fail,E0451
/// let headers = wend::http::Headers::new();
/// wend::sources::Verified { headers: &headers, body: b"{}", signed: None };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Unverified<'a> {
    headers: &'a Headers,
    body: &'a [u8],
    token: Option<&'a str>,
}

/// A delivery whose signature holds for exactly these bytes, as far as its scheme goes.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    headers: &'a Headers,
    body: &'a [u8],
    signed: Option<standard_webhooks::Delivery<'a>>,
}

/// How far a delivery is known to be genuine.
pub enum Proof<'a> {
    Genuine(Verified<'a>),
    /// All but an asymmetric signature has been checked.
    Pending(Pending<'a>),
    /// The source's public keys are needed first, which stand at this address; it is one of the store's own.
    NeedsKeys {
        url: String,
    },
    /// The sender only asked whether we are there. Nothing may be stored because of it.
    Ping,
}

/// A delivery that is genuine if its asymmetric signature holds, which the platform's own cryptography must say.
pub struct Pending<'a> {
    pub signed: Asymmetric,
    verified: Verified<'a>,
}

impl<'a> Pending<'a> {
    /// Ends the check: `holds` is whether the signature held under any of the keys.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it did not.
    pub fn settle(self, holds: bool) -> Result<Verified<'a>, Error> {
        let hint = "the signature does not match; check that the key is that of this shop";
        holds
            .then_some(self.verified)
            .ok_or_else(|| Error::unauthorized(hint))
    }
}

impl<'a> Unverified<'a> {
    pub fn new(headers: &'a Headers, body: &'a [u8]) -> Self {
        Self {
            headers,
            body,
            token: None,
        }
    }

    /// As it came to `/hooks/<source>/<token>`.
    #[must_use]
    pub fn at(self, token: Option<&'a str>) -> Self {
        Self { token, ..self }
    }

    /// The number in a form-encoded body of exactly `<name>=<digits>`, from a sender that signs nothing yet.
    /// Nothing may be stored because of it.
    pub(super) fn is_bare_form(self, name: &str) -> bool {
        self.body
            .strip_prefix(name.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"="))
            .is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
    }

    pub(super) fn has_header_starting(self, prefix: &str) -> bool {
        self.headers.iter().any(|(name, _)| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    }

    /// The first present of several headers that mean the same.
    pub(super) fn header(self, names: &[&str]) -> Result<&'a str, Error> {
        let given = names.iter().find_map(|name| self.headers.get(name));
        let missing = || Error::unauthorized(format!("the header `{}` is missing", names.join("` or `")));
        given.map(str::trim).ok_or_else(missing)
    }

    /// Base64 of the HMAC-SHA256 of the raw body, in the first present of `headers`.
    pub(super) fn verify_body_hmac<K: AsRef<[u8]>>(
        self,
        headers: &[&'static str],
        keys: &[K],
    ) -> Result<Proof<'a>, Error> {
        let given = self.header(headers)?;
        self.genuine_if(signing::hmac_sha256_base64_matches(keys, self.body, given))
    }

    /// As [`Self::verify_body_hmac`], in hex.
    pub(super) fn verify_body_hmac_hex<K: AsRef<[u8]>>(
        self,
        headers: &[&'static str],
        keys: &[K],
    ) -> Result<Proof<'a>, Error> {
        let given = self.header(headers)?;
        self.genuine_if(signing::hmac_sha256_hex_matches(keys, self.body, given))
    }

    /// Genuine, if a signature that covers what the source's own scheme says `holds`.
    pub(super) fn genuine_if(self, holds: bool) -> Result<Proof<'a>, Error> {
        let hint = "the signature does not match the body; check that the secret is that of this webhook";
        holds
            .then(|| Proof::Genuine(self.verified()))
            .ok_or_else(|| Error::unauthorized(hint))
    }

    /// The Standard Webhooks headers, signed under one of `keys`; of secrets that are written in the specification's form
    /// [`standard_webhooks::keys`] makes these.
    pub(super) fn verify_standard_webhooks<K: AsRef<[u8]>>(
        self,
        setting: &'static str,
        signed_with: &[K],
        keys: &Keys<'_>,
    ) -> Result<Proof<'a>, Error> {
        match standard_webhooks::verify_with_keys(signed_with, self.headers, self.body, keys.now) {
            Ok(delivery) => Ok(Proof::Genuine(Verified {
                signed: Some(delivery),
                ..self.verified()
            })),
            Err(standard_webhooks::Error::Secret) => Err(Error::Unconfigured { setting }),
            Err(refused) => Err(Error::unauthorized(refused.to_string())),
        }
    }

    /// The token that is derived for this route, of a source that signs nothing.
    pub(super) fn verify_route_token(self, source: &str, secrets: &Secrets) -> Result<Proof<'a>, Error> {
        let given = self.token.unwrap_or_default();
        if route_token::matches(secrets, &format!("hooks/{source}"), given) {
            return Ok(Proof::Genuine(self.verified()));
        }
        let hint = "the address must end in the token that is derived for it";
        Err(Error::unauthorized(hint))
    }

    /// The body behind what else is signed with it.
    pub(super) fn after(self, prefix: &str) -> Vec<u8> {
        [prefix.as_bytes(), self.body].concat()
    }

    /// Genuine if the platform's cryptography says so.
    pub(super) fn pending(self, signed: Asymmetric) -> Proof<'a> {
        Proof::Pending(Pending {
            signed,
            verified: self.verified(),
        })
    }

    /// The body as a text, for the schemes whose signature stands in it or covers only a part of it. What is read of it
    /// before the proof serves the proof alone.
    pub(super) fn text(self) -> Option<&'a str> {
        std::str::from_utf8(self.body).ok()
    }

    pub(super) fn is_empty(self) -> bool {
        self.body.is_empty()
    }

    fn verified(self) -> Verified<'a> {
        Verified {
            headers: self.headers,
            body: self.body,
            signed: None,
        }
    }
}

impl<'a> From<&'a Request> for Unverified<'a> {
    fn from(request: &'a Request) -> Self {
        Self::new(&request.headers, &request.body)
    }
}

const TOPICS: [&str; 5] = [
    "X-Shopify-Topic",
    "Shopify-Topic",
    "X-WC-Webhook-Topic",
    "Saleor-Event",
    "X-Saleor-Event",
];
/// Not WooCommerce's: two of its deliveries may share one.
const NAMES: [&str; 4] = [
    "X-Shopify-Webhook-Id",
    "Shopify-Webhook-Id",
    "webhook-id",
    "svix-id",
];

/// Of what came without any.
static NO_HEADERS: Headers = Headers::new();

impl<'a> Verified<'a> {
    /// A document that the shop's own API listed, asked at the address that the store set and under its key: who answered
    /// there is its proof.
    pub(super) fn listed(body: &'a [u8]) -> Self {
        Self {
            headers: &NO_HEADERS,
            body,
            signed: None,
        }
    }

    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Its topic, where it says one in a header, and what it is called, for the logbook: by its sender, where each delivery
    /// has a name of its own, else by its content.
    pub fn named(&self) -> (String, String) {
        let topic = self.header(&TOPICS).unwrap_or_default();
        let id = self.header(&NAMES).filter(|id| !id.is_empty());
        let content = || signing::content_name(&[topic.as_bytes(), self.body]);
        (topic.to_owned(), id.map_or_else(content, str::to_owned))
    }

    /// What a Standard Webhooks delivery says of itself.
    pub(super) fn signed(&self) -> Option<standard_webhooks::Delivery<'a>> {
        self.signed
    }

    /// The first present of several headers that mean the same.
    pub fn header(&self, names: &[&str]) -> Option<&'a str> {
        names
            .iter()
            .find_map(|name| self.headers.get(name))
            .map(str::trim)
    }

    /// The body as a text.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when it is none.
    pub fn text(&self) -> Result<&'a str, Error> {
        let text = std::str::from_utf8(self.body).map_err(|_| Error::unreadable("it is not UTF-8"))?;
        // A byte order mark is no JSON, but some scripts on Windows write one.
        Ok(text.trim_start_matches('\u{feff}').trim())
    }

    /// Parses the body as one JSON object.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with the place where reading stopped.
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        let text = self.text()?;
        if !text.starts_with('{') {
            return Err(Error::unreadable("it is not a JSON object"));
        }
        serde_json::from_str(text).map_err(|error| Error::unreadable(error.to_string()))
    }
}
