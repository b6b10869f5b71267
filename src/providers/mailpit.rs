//! Mailpit, a catcher of test mail: `POST /api/v1/send`, one email a request. It shows mails and reaches nobody.
//!
//! Called through `ProviderKind`. There are no batches, keys or events. Source: github.com/axllent/mailpit,
//! `server/apiv1/send.go`.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire;
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use crate::signing::BASE64;
use base64::Engine as _;
use serde::{Deserialize, Serialize};

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
    rate_hint: |_| None,
};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WireEmail<'a> {
    from: WireAddress,
    to: [WireAddress; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reply_to: Vec<WireAddress>,
    subject: &'a str,
    text: &'a str,
    #[serde(rename = "HTML")]
    html: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "wire::as_object")]
    headers: &'a [(String, String)],
    tags: [String; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WireAddress {
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let plain = |email: String| WireAddress {
        email,
        name: String::new(),
    };
    Ok(WireEmail {
        from: WireAddress {
            email: from.address().as_str().to_owned(),
            name: from.name().to_owned(),
        },
        to: [plain(to)],
        reply_to: reply_to.map(plain).into_iter().collect(),
        subject: &email.subject,
        text: &email.text,
        html: &email.html,
        headers: &email.headers,
        tags: [wire::word(email.journey.as_str(), TAG_MAX)],
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/api/v1/send", account.url());
    let basic = format!("Basic {}", BASE64.encode(account.key()));
    let authorization = (!account.key().is_empty()).then_some(("Authorization", basic.as_str()));
    Ok(wire::post(url, authorization, body))
}

/// `{"ID": "…"}` or `{"Error": "…"}`
#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default, rename = "ID")]
    id: Option<String>,
    #[serde(default, rename = "Error")]
    error: Option<String>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    let told = crate::http::json::<WireAnswer>(&response.body).ok();
    let outcome = match told {
        Some(WireAnswer { id, .. }) if (200..=299).contains(&status) => answer::accepted(id.as_deref()),
        Some(WireAnswer {
            error: Some(error), ..
        }) if status == 400 => answer::refused(answer::reason(status, &error)),
        Some(_) | None => answer::by_status(response, now),
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
