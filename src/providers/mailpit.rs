//! Mailpit, a catcher of test mail: `POST /api/v1/send`, one email a request. It shows mails and reaches nobody.
//!
//! Called through `ProviderKind`. There are no batches, keys or events. Source: github.com/axllent/mailpit,
//! `server/apiv1/send.go`.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::{Api, Capabilities, Idempotency, told, wire};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use crate::signing::BASE64;
use base64::Engine as _;

/// Longest tag, in characters.
const TAG_MAX: usize = 80;

pub const API: Api = Api {
    name: "mailpit",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: false,
        metadata: false,
        local: false,
        reaches_people: false,
        guarantee: "each message is shown once unless an answer is lost; it is for development, and reaches nobody \
                    unless Mailpit itself is told to relay",
    },
    settings: &[
        Setting::url("MAILPIT_URL", "http://127.0.0.1:8025"),
        Setting::optional_secret("MAILPIT_AUTH", "`user:password`, when Mailpit asks for them"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
    events: None,
};

const ADDRESS: [&str; 2] = ["Email", "Name"];

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let tag = wire::word(email.journey.as_str(), TAG_MAX);
    Ok(Json::Object(vec![
        ("From", wire::mailbox(ADDRESS, &from)),
        ("To", Json::List(vec![wire::address(ADDRESS, to)])),
        (
            "ReplyTo",
            reply_to
                .map(|reply_to| Json::List(vec![wire::address(ADDRESS, reply_to)]))
                .into(),
        ),
        ("Subject", (&email.subject).into()),
        ("Text", (&email.text).into()),
        ("HTML", (&email.html).into()),
        ("Headers", Json::some(wire::headers(email))),
        ("Tags", Json::List(vec![tag.into()])),
    ]))
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/api/v1/send", account.url());
    let basic = format!("Basic {}", BASE64.encode(account.key()));
    let authorization = (!account.key().is_empty()).then_some(("Authorization", basic.as_str()));
    Ok(wire::post(url, authorization, body))
}

/// `{"ID": "…"}` or `{"Error": "…"}`
fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    let told = told::by(response);
    let error = told::text(&told, "/Error");
    let outcome = match status {
        200..=299 => answer::accepted(Some(told::text(&told, "/ID"))),
        400 if !error.is_empty() => answer::refused(answer::reason(status, error)),
        _ => answer::by_status(response, now),
    };
    answer::whole(outcome, members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_sent_only_when_there_is_one() {
        let authorization = |key| {
            let account = Account::new("http://127.0.0.1:8025", key);
            let request = repeat(&account, "k", Vec::new(), 1, Timestamp::default()).unwrap();
            request.headers.get("authorization").map(str::to_owned)
        };
        assert_eq!(authorization(""), None);
        assert_eq!(authorization("user:pass").as_deref(), Some("Basic dXNlcjpwYXNz"));
    }
}
