//! What requests to HTTP APIs share: how many messages fit, JSON, the headers that every API wants.
//!
//! Called by the providers. It knows no API and no field of one.

use super::registry::Error;
use crate::domain::mail::OutgoingEmail;
use crate::domain::outcome::Rejection;
use crate::http::{Headers, Method, Request};
use serde::{Serialize, Serializer};

/// Requests without a `User-Agent` are refused at the edge of Resend (`/knowledge-base/403-error-1010`) and of Mailtrap
/// before they reach the API; a Worker sends none of its own.
pub const USER_AGENT: &str = concat!("wend/", env!("CARGO_PKG_VERSION"));

/// Longest name of a journey or step in a provider's metadata: Postmark's values end at 80 characters, and all others
/// take as much.
const LABEL_MAX: usize = 80;

/// Each member in the API's words.
///
/// # Errors
/// No member, more than `max`, or one that `translate` refuses.
pub fn each<'a, T>(
    members: &'a [OutgoingEmail],
    max: usize,
    translate: impl Fn(&'a OutgoingEmail) -> Result<T, Rejection>,
) -> Result<Vec<T>, Error> {
    if members.is_empty() {
        return Err(Error::NoMembers);
    }
    if members.len() > max {
        return Err(Error::TooManyMembers {
            members: members.len(),
            max,
        });
    }
    let translated = members
        .iter()
        .enumerate()
        .map(|(index, email)| translate(email).map_err(|rejection| Error::Refused { index, rejection }));
    translated.collect()
}

/// The only member, for an API that takes one message a request.
///
/// # Errors
/// As [`each`] with a `max` of 1.
pub fn only<'a, T>(
    members: &'a [OutgoingEmail],
    translate: impl Fn(&'a OutgoingEmail) -> Result<T, Rejection>,
) -> Result<T, Error> {
    each(members, 1, translate)?.pop().ok_or(Error::NoMembers)
}

/// # Errors
/// When the value has no JSON, which none of ours lacks.
pub fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Json(error.to_string()))
}

/// A POST of JSON, with the headers that say who asks.
pub fn post(url: String, authorization: Option<(&str, &str)>, body: Vec<u8>) -> Request {
    let mut headers: Headers = authorization.into_iter().collect();
    headers.push("Content-Type", "application/json");
    headers.push("Accept", "application/json");
    headers.push("User-Agent", USER_AGENT);
    Request {
        method: Method::Post,
        url,
        headers,
        body,
    }
}

/// What travels with a message and comes back in its events.
#[derive(Serialize)]
pub struct Metadata {
    pub message: String,
    pub journey: String,
    pub step: String,
}

impl Metadata {
    pub fn of(email: &OutgoingEmail) -> Self {
        let short = |text: &str| text.chars().take(LABEL_MAX).collect();
        Self {
            message: email.message.to_string(),
            journey: short(email.journey.as_str()),
            step: short(email.step.as_str()),
        }
    }
}

/// A text for APIs whose tags may hold ASCII letters, digits, `_` and `-` only; anything else becomes `_`.
pub fn word(text: &str, max: usize) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.chars()
        .map(|c| if kept(c) { c } else { '_' })
        .take(max)
        .collect()
}

/// Headers as one JSON object, in their order.
///
/// # Errors
/// Those of the serializer.
pub fn as_object<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, value)))
}
