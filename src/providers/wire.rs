//! What requests to HTTP APIs share: how many messages fit, JSON, the headers that every API wants.
//!
//! Called by the providers. It knows no API and no field of one.

use super::json::{Field, Json};
use super::registry::Error;
use crate::domain::mail::{Mailbox, OutgoingEmail};
use crate::domain::outcome::Rejection;
use crate::http::{Headers, Method, Request};

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

/// The bytes of a request.
///
/// # Errors
/// When the value has no JSON, which none of ours lacks.
pub fn json(value: &Json<'_>) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Json(error.to_string()))
}

/// The only one as it is, several as a list.
pub fn alone_or_list(mut values: Vec<Json<'_>>) -> Json<'_> {
    match values.pop() {
        Some(only) if values.is_empty() => only,
        last => {
            values.extend(last);
            Json::List(values)
        }
    }
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

    pub fn into_json(self) -> Json<'static> {
        Json::Object(vec![
            ("message", self.message.into()),
            ("journey", self.journey.into()),
            ("step", self.step.into()),
        ])
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

/// An email's headers by their names, in their order.
pub fn headers(email: &OutgoingEmail) -> Vec<Field<'_>> {
    let headers = email.headers.iter();
    headers
        .map(|(name, value)| (name.as_str(), value.into()))
        .collect()
}

/// An email's headers as a list, each with its name and value under the API's words for these.
pub fn header_list<'a>(email: &'a OutgoingEmail, words: [&'static str; 2]) -> Vec<Json<'a>> {
    let headers = email.headers.iter();
    headers
        .map(|(name, value)| pair(words, name.into(), value.into()))
        .collect()
}

/// An object of two fields.
pub fn pair<'a>(words: [&'static str; 2], first: Json<'a>, second: Json<'a>) -> Json<'a> {
    let [one, two] = words;
    Json::Object(vec![(one, first), (two, second)])
}

/// An address with its name, if it has one, under the API's words for these.
pub fn mailbox(words: [&'static str; 2], mailbox: &Mailbox) -> Json<'static> {
    let address = mailbox.address().as_str().to_owned();
    pair(words, address.into(), Json::filled(mailbox.name().to_owned()))
}

/// An address without a name, in the same form.
pub fn address(words: [&'static str; 2], address: String) -> Json<'static> {
    pair(words, address.into(), Json::Absent)
}
