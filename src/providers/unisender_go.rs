//! UniSender Go: `POST /email/send.json`, one email a request.
//!
//! Called through `ProviderKind`. A request has one content for all recipients, so there are no batches for us. It takes an
//! idempotency key in the body, but it is written nowhere for how long: nothing is repeated in reliance on it. Sources:
//! `https://godocs.unisender.ru/web-api-ref#email-send`, and Anymail's backend for what its pages leave out.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{self, Envelope, envelope};
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const SKIP_UNSUBSCRIBE: &str = "UNISENDER_GO_SKIP_UNSUBSCRIBE";

pub const API: Api = Api {
    name: "unisender_go",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: true,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; its request carries a key against doubles, but \
                    as its lifetime is not published, what is unknown is settled by `on_unknown`",
    },
    settings: &[
        Setting::url(
            "UNISENDER_GO_URL",
            "https://go1.unisender.ru/ru/transactional/api/v1",
        ),
        Setting::secret("UNISENDER_GO_API_KEY", "API key of the account or project"),
        Setting::optional(
            SKIP_UNSUBSCRIBE,
            "`1` once support has allowed mails without their unsubscribe block; ours is then in the mail alone",
        ),
    ],
    refusal: |email| wire_email(&Account::default(), "", email).err(),
    body: |account, key, members| {
        let message = wire::only(members, |email| wire_email(account, key, email))?;
        wire::json(&WireRequest { message })
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

#[derive(Serialize)]
struct WireRequest<'a> {
    message: WireEmail<'a>,
}

#[derive(Serialize)]
struct WireEmail<'a> {
    recipients: [WireRecipient; 1],
    from_email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    subject: &'a str,
    body: WireBody<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    /// Tracking is off: links in our mails are signed and counted by ourselves.
    track_links: u8,
    track_read: u8,
    #[serde(skip_serializing_if = "is_zero")]
    skip_unsubscribe: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<WireOptions<'a>>,
    idempotence_key: &'a str,
}

#[derive(Serialize)]
struct WireRecipient {
    email: String,
    metadata: Metadata,
}

#[derive(Serialize)]
struct WireBody<'a> {
    html: &'a str,
    plaintext: &'a str,
}

/// Where the forced unsubscribe block leads: to our page.
#[derive(Serialize)]
struct WireOptions<'a> {
    unsubscribe_url: &'a str,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(flag: &u8) -> bool {
    *flag == 0
}

fn wire_email<'a>(
    account: &Account,
    key: &'a str,
    email: &'a OutgoingEmail,
) -> Result<WireEmail<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // Others go out as ISO-8859-1, without encoding.
    envelope::check_ascii_headers(email)?;
    let own_block = account.get(SKIP_UNSUBSCRIBE) == "1";
    let is_list = |name: &str| name.to_ascii_lowercase().starts_with("list-unsubscribe");
    let headers = email
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let ours = headers
        .clone()
        .find(|(name, _)| name.eq_ignore_ascii_case("list-unsubscribe"))
        .map(|(_, value)| value.trim_matches(['<', '>']));
    Ok(WireEmail {
        recipients: [WireRecipient {
            email: to,
            metadata: Metadata::of(email),
        }],
        from_email: from.address().as_str().to_owned(),
        from_name: from.name().to_owned(),
        reply_to,
        subject: &email.subject,
        body: WireBody {
            html: &email.html,
            plaintext: &email.text,
        },
        // Beside their block our List-Unsubscribe is not allowed.
        headers: headers.filter(|(name, _)| own_block || !is_list(name)).collect(),
        track_links: 0,
        track_read: 0,
        skip_unsubscribe: u8::from(own_block),
        options: ours
            .filter(|_| !own_block)
            .map(|unsubscribe_url| WireOptions { unsubscribe_url }),
        idempotence_key: key,
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/email/send.json", account.url());
    Ok(wire::post(url, Some(("X-API-KEY", account.key())), body))
}

/// `{"status": "success", "job_id": "…", "emails": […], "failed_emails": {"…": "unsubscribed"}}`, or
/// `{"status": "error", "code": 114, "message": "…"}`.
#[derive(Deserialize)]
struct WireAnswer {
    status: String,
    #[serde(default)]
    job_id: Option<String>,
    #[serde(default)]
    failed_emails: BTreeMap<String, String>,
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let asked = || answer::retry_after(&response.headers, now);
    if status == 429 {
        return answer::slow_down(asked());
    }
    let Ok(told) = crate::http::json::<WireAnswer>(&response.body) else {
        return answer::by_status(response, now);
    };
    if (200..=299).contains(&status) && told.status != "error" {
        // One recipient a request: a failed one is ours.
        return match told.failed_emails.values().next() {
            Some(failure) => failed(status, failure, &told),
            None => answer::accepted(told.job_id.as_deref()),
        };
    }
    let reason = answer::reason(status, &format!("{} {}", told.code, told.message));
    match status {
        408 | 409 | 425 | 500.. => Outcome::Unknown(reason),
        413 => answer::refused(reason),
        // 114 is an account of the other data centre.
        200..=299 | 400 | 422 if told.code != 114 && !about_account(&told.message) => answer::refused(reason),
        _ => answer::misconfigured(reason),
    }
}

/// The recipient is in `failed_emails`, and the HTTP status is 200 all the same.
fn failed(status: u16, failure: &str, told: &WireAnswer) -> Outcome {
    let reason = answer::reason(status, failure);
    match failure {
        // Named among those that were taken as well.
        "duplicate" => answer::accepted(told.job_id.as_deref()),
        "temporary_unavailable" => Outcome::RetryLater(RetryLater {
            after: None,
            reason: RetryReason::Address,
        }),
        "unsubscribed" | "permanent_unavailable" => answer::suppressed(reason),
        _ => answer::refused(reason),
    }
}

fn about_account(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "from_email",
        "domain",
        "user with id",
        "decode key",
        "reply_to",
        "not allowed",
        "balance",
    ]
    .iter()
    .any(|words| message.contains(words))
}
