//! The step from bytes that anyone may have sent to bytes that the provider sent.
//!
//! The providers' `events.rs` call these, each naming its header and its setting. Only what is proven becomes [`Genuine`],
//! and only a `Genuine` can be read.

use super::{Error, Keys, Verified};
use crate::domain::time::Timestamp;
use crate::http::Headers;
use crate::signing::asymmetric::Asymmetric;
use crate::signing::{self, BASE64, Secrets, route_token, standard_webhooks};
use base64::Engine as _;

/// A post as it came. Its body cannot be read by [`super::Events::read`]:
///
/// ```compile_fail,E0308
/// let headers = wend::http::Headers::new();
/// let post = wend::providers::events::Post { headers: &headers, body: b"{}", query: "", token: None };
/// let events = wend::providers::ProviderKind::Resend.events().unwrap();
/// events.read(&post, Default::default());
/// ```
#[derive(Clone, Copy)]
pub struct Post<'a> {
    pub headers: &'a Headers,
    pub body: &'a [u8],
    /// What stood behind the `?`, undecoded.
    pub query: &'a str,
    /// What stood behind the provider's name in the path.
    pub token: Option<&'a str>,
}

/// A post that the provider sent, to the byte as far as its scheme goes.
#[derive(Clone, Copy)]
pub struct Genuine<'a>(Post<'a>);

/// A post that is genuine if its asymmetric signature holds, which the platform's own cryptography must say.
pub struct Pending<'a> {
    pub signed: Asymmetric,
    post: Post<'a>,
}

impl<'a> Genuine<'a> {
    pub(in crate::providers) fn body(&self) -> &'a [u8] {
        self.0.body
    }

    pub(in crate::providers) fn header(&self, name: &str) -> Option<&'a str> {
        self.0.headers.get(name).map(str::trim)
    }

    pub(in crate::providers) fn query(&self) -> &'a str {
        self.0.query
    }
}

impl<'a> Pending<'a> {
    pub(in crate::providers) fn new(post: Post<'a>, signed: Asymmetric) -> Self {
        Self { signed, post }
    }

    /// Ends the check: `holds` is whether the signature held under any of the keys.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] when it did not.
    pub fn settle(self, holds: bool) -> Result<Genuine<'a>, Error> {
        holds
            .then_some(Genuine(self.post))
            .ok_or_else(|| Error::unauthorized("the signature does not match the body"))
    }
}

/// Genuine, if it `holds`.
pub fn genuine_if<'a>(post: Post<'a>, holds: bool, hint: &str) -> Result<Verified<'a>, Error> {
    if holds {
        Ok(Verified::Genuine(Genuine(post)))
    } else {
        Err(Error::unauthorized(hint))
    }
}

/// The values of a setting.
pub fn secrets<'k>(keys: &Keys<'k>, setting: &'static str) -> Result<&'k Secrets, Error> {
    let set = keys.account.secrets(setting);
    set.ok_or(Error::Unconfigured { setting })
}

pub fn header<'a>(post: Post<'a>, name: &str) -> Result<&'a str, Error> {
    post.headers
        .get(name)
        .map(str::trim)
        .ok_or_else(|| Error::unauthorized(format!("the header `{name}` is missing")))
}

/// Standard Webhooks, under its own or Svix's names.
pub fn signed_by_standard_webhooks<'a>(
    post: Post<'a>,
    keys: &Keys<'_>,
    setting: &'static str,
) -> Result<Verified<'a>, Error> {
    let secrets = secrets(keys, setting)?;
    match standard_webhooks::verify(secrets, post.headers, post.body, keys.now) {
        Ok(_) => Ok(Verified::Genuine(Genuine(post))),
        Err(standard_webhooks::Error::Secret) => Err(Error::Unconfigured { setting }),
        Err(refused) => Err(Error::unauthorized(refused.to_string())),
    }
}

/// A fixed `Authorization` header: of a value `user:password` Basic (RFC 7617), of any other Bearer.
pub fn authorized<'a>(post: Post<'a>, keys: &Keys<'_>, setting: &'static str) -> Result<Verified<'a>, Error> {
    let secrets = secrets(keys, setting)?;
    let given = header(post, "authorization")?;
    let (scheme, credentials) = given.split_once(' ').unwrap_or((given, ""));
    let credentials = credentials.trim();
    let basic = scheme.eq_ignore_ascii_case("basic");
    let bytes = if basic {
        BASE64.decode(credentials).unwrap_or_default()
    } else if scheme.eq_ignore_ascii_case("bearer") {
        credentials.as_bytes().to_vec()
    } else {
        Vec::new()
    };
    let holds = secrets
        .iter()
        .any(|secret| secret.contains(':') == basic && signing::same(secret.as_bytes(), &bytes));
    let hint = format!("the `Authorization` header does not hold what `{setting}` says");
    genuine_if(post, holds, &hint)
}

/// The HMAC-SHA256 of the raw body in hex, in the header `name`.
pub fn signed_by_hmac<'a>(
    post: Post<'a>,
    keys: &Keys<'_>,
    setting: &'static str,
    name: &str,
) -> Result<Verified<'a>, Error> {
    let secrets = secrets(keys, setting)?;
    let holds = hmac_holds(secrets, post.body, header(post, name)?);
    let hint =
        format!("`{name}` does not match the body; check that `{setting}` is the secret of this webhook");
    genuine_if(post, holds, &hint)
}

/// Whether `given` is the hex of the HMAC-SHA256 of `message` under any of the secrets.
pub fn hmac_holds(secrets: &Secrets, message: &[u8], given: &str) -> bool {
    let keys: Vec<&str> = secrets.iter().collect();
    signing::hmac_sha256_hex_matches(&keys, message, given)
}

/// The token that is derived for this route, of providers that sign nothing and send no header of ours.
pub fn came_by_token<'a>(post: Post<'a>, keys: &Keys<'_>, provider: &str) -> Result<Verified<'a>, Error> {
    if keys.hook_token.is_empty() {
        return Err(Error::Unconfigured { setting: HOOK_TOKEN });
    }
    let route = format!("delivery/{provider}");
    let given = post.token.unwrap_or_default();
    let hint = "the address must end in the token that `npm run doctor` prints for it";
    genuine_if(post, route_token::matches(keys.hook_token, &route, given), hint)
}

/// The setting that route tokens are derived from.
pub const HOOK_TOKEN: &str = route_token::SETTING;

/// Whether a time that was signed is neither older than `age` seconds nor further in our future than five minutes.
pub fn is_recent(signed_at: &str, age: i64, now: Timestamp) -> bool {
    const AHEAD: i64 = 300;
    signing::unix_seconds(signed_at).is_some_and(|at| {
        let past = now.as_seconds().saturating_sub(at);
        (-AHEAD..=age).contains(&past)
    })
}
