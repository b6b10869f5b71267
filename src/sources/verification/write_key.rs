//! Write keys of the Segment-compatible API: who sends, and what they may say.
//!
//! `sources::segment` asks. A library of a server sends its key by HTTP Basic, with no password; a page has to send it in
//! the body, where `navigator.sendBeacon` leaves no header to put it:
//! <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#authentication>.

use super::{Unverified, Verified};
use crate::signing::{BASE64, Secrets, same};
use crate::sources::loose::Text;
use base64::Engine as _;
use serde::Deserialize;

/// What the sender may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// The store's own server: everything.
    Trusted,
    /// Anybody, since the key stands in a page for all to read: what `segment::browser` lets through.
    Browser,
}

/// The keys of an installation.
#[derive(Debug, Clone, Copy)]
pub struct WriteKeys<'a> {
    pub trusted: &'a Secrets,
    pub public: &'a Secrets,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Keyed {
    #[serde(rename = "writeKey")]
    write_key: Text,
}

impl<'a> Unverified<'a> {
    /// None where the key is neither of the two. Nothing else of the body is read before.
    pub(in crate::sources) fn verify_write_key(self, keys: WriteKeys<'_>) -> Option<(Verified<'a>, Rights)> {
        let given = self.write_key()?;
        let is_one_of = |secrets: &Secrets| secrets.iter().any(|key| same(key.as_bytes(), given.as_bytes()));
        let rights = if is_one_of(keys.trusted) {
            Rights::Trusted
        } else if is_one_of(keys.public) {
            Rights::Browser
        } else {
            return None;
        };
        Some((self.verified(), rights))
    }

    fn write_key(self) -> Option<String> {
        if let Some(given) = self.headers.get("authorization") {
            let (scheme, encoded) = given.split_once(' ')?;
            let decoded = BASE64.decode(encoded.trim()).ok()?;
            let key = String::from_utf8(decoded).ok()?;
            let key = key.split_once(':').map_or(key.as_str(), |(key, _)| key);
            return scheme.eq_ignore_ascii_case("basic").then(|| key.to_owned());
        }
        let keyed: Keyed = crate::http::json(self.body).ok()?;
        keyed.write_key.as_deref().map(str::to_owned)
    }
}
