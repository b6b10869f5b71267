//! The step from bytes that anyone may have sent to bytes that the source signed.
//!
//! Source modules call the `verify_…` methods; only these make a [`Verified`], and only a `Verified` shows its body.
//! No scheme is named after a source here: a source says which header and which keys.

use super::{Error, SourceKind};
use crate::domain::time::Timestamp;
use crate::http::{Headers, Request};
use crate::signing::{self, Secrets, standard_webhooks};
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
/// wend::sources::Verified { headers: &headers, body: b"{}" };
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Unverified<'a> {
    headers: &'a Headers,
    body: &'a [u8],
}

/// A delivery whose signature holds for exactly these bytes.
#[derive(Clone, Copy)]
pub struct Verified<'a> {
    headers: &'a Headers,
    body: &'a [u8],
}

impl<'a> Unverified<'a> {
    pub fn new(headers: &'a Headers, body: &'a [u8]) -> Self {
        Self { headers, body }
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

    /// Base64 of the HMAC-SHA256 of the raw body, in the first present of `headers`.
    pub(super) fn verify_body_hmac<K: AsRef<[u8]>>(
        self,
        headers: &[&'static str],
        keys: &[K],
    ) -> Result<Verified<'a>, Error> {
        let refuse = |hint: String| Error::Unauthorized { hint };
        let given = headers
            .iter()
            .find_map(|name| self.headers.get(name))
            .ok_or_else(|| refuse(format!("the header `{}` is missing", headers.join("` or `"))))?;
        if !signing::hmac_sha256_base64_matches(keys, self.body, given) {
            let hint = "the signature does not match the body; check that the secret is that of this webhook";
            return Err(refuse(hint.to_owned()));
        }
        Ok(self.verified())
    }

    /// The Standard Webhooks headers. Also returns what they say of the delivery.
    pub(super) fn verify_standard_webhooks(
        self,
        source: SourceKind,
        secrets: &Secrets,
        now: Timestamp,
    ) -> Result<(Verified<'a>, standard_webhooks::Delivery<'a>), Error> {
        match standard_webhooks::verify(secrets, self.headers, self.body, now) {
            Ok(delivery) => Ok((self.verified(), delivery)),
            Err(standard_webhooks::Error::Secret) => Err(Error::Unconfigured {
                setting: source.setting(),
            }),
            Err(refused) => Err(Error::Unauthorized {
                hint: refused.to_string(),
            }),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.body.is_empty()
    }

    fn verified(self) -> Verified<'a> {
        Verified {
            headers: self.headers,
            body: self.body,
        }
    }
}

impl<'a> From<&'a Request> for Unverified<'a> {
    fn from(request: &'a Request) -> Self {
        Self::new(&request.headers, &request.body)
    }
}

impl<'a> Verified<'a> {
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// The first present of several headers that mean the same.
    pub fn header(&self, names: &[&str]) -> Option<&'a str> {
        names
            .iter()
            .find_map(|name| self.headers.get(name))
            .map(str::trim)
    }

    /// Parses the body as one JSON object.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with the place where reading stopped.
    pub fn json<T: Deserialize<'a>>(&self) -> Result<T, Error> {
        let text = std::str::from_utf8(self.body).map_err(|_| Error::unreadable("it is not UTF-8"))?;
        // A byte order mark is no JSON, but some scripts on Windows write one.
        let text = text.trim_start_matches('\u{feff}');
        if !text.trim_start().starts_with('{') {
            return Err(Error::unreadable("it is not a JSON object"));
        }
        serde_json::from_str(text).map_err(|error| Error::unreadable(error.to_string()))
    }
}
