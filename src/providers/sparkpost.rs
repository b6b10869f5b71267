//! SparkPost (Bird): `POST /api/v1/transmissions`, one email a request.
//!
//! Called through `ProviderKind`. A transmission has one content for all recipients, so there are no batches for us, and
//! there are no idempotency keys. Marketing gets SparkPost's own List-Unsubscribe, whatever header we send. Sources:
//! `https://developers.sparkpost.com/api/transmissions`, `/api/#header-error-codes`, and Anymail's backend.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, quota};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde::{Deserialize, Serialize};

/// `/api/transmissions`: a `campaign_id` has at most 64 bytes.
const CAMPAIGN_MAX: usize = 64;

pub const API: Api = Api {
    name: "sparkpost",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: true,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; what is then unknown is never repeated blindly, \
                    and is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("SPARKPOST_URL", "https://api.sparkpost.com"),
        Setting::secret("SPARKPOST_API_KEY", "API key with `Transmissions: Read/Write`"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

#[derive(Serialize)]
struct WireEmail<'a> {
    campaign_id: String,
    recipients: [WireRecipient; 1],
    content: WireContent<'a>,
    options: WireOptions,
}

#[derive(Serialize)]
struct WireRecipient {
    address: WireAddress,
    metadata: Metadata,
}

#[derive(Serialize)]
struct WireAddress {
    email: String,
}

#[derive(Serialize)]
struct WireContent<'a> {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "wire::as_object")]
    headers: &'a [(String, String)],
}

/// Tracking is off: links in our mails are signed and counted by ourselves.
#[derive(Serialize)]
struct WireOptions {
    transactional: bool,
    open_tracking: bool,
    click_tracking: bool,
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let metadata = Metadata::of(email);
    Ok(WireEmail {
        campaign_id: wire::word(&metadata.journey, CAMPAIGN_MAX),
        recipients: [WireRecipient {
            address: WireAddress { email: to },
            metadata,
        }],
        content: WireContent {
            from: from.to_string(),
            reply_to,
            subject: &email.subject,
            text: &email.text,
            html: &email.html,
            headers: &email.headers,
        },
        options: WireOptions {
            transactional: email.stream == Stream::Transactional,
            open_tracking: false,
            click_tracking: false,
        },
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/api/v1/transmissions", account.url());
    Ok(wire::post(url, Some(("Authorization", account.key())), body))
}

/// `{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "…"}}`, or `{"errors": […]}`.
#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default)]
    results: Option<WireResults>,
    #[serde(default)]
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireResults {
    #[serde(default)]
    total_rejected_recipients: u32,
    #[serde(default)]
    total_accepted_recipients: u32,
    #[serde(default)]
    id: Option<String>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    message: String,
    #[serde(default)]
    description: Option<String>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = crate::http::json::<WireAnswer>(&response.body).ok();
    if (200..=299).contains(&status) {
        return told
            .and_then(|told| told.results)
            .map_or(Outcome::Accepted(None), |results| {
                // One recipient a request: a rejected one is ours.
                if results.total_rejected_recipients > 0 && results.total_accepted_recipients == 0 {
                    let reason = answer::reason(status, "the recipient is on SparkPost's suppression list");
                    return answer::suppressed(reason);
                }
                answer::accepted(results.id.as_deref())
            });
    }
    let asked = || answer::retry_after(&response.headers, now);
    match status {
        // "Exceed Sending Limit": the hour's, the day's or the month's.
        420 => return Outcome::RetryLater(quota::daily(asked(), now)),
        429 => return answer::slow_down(asked()),
        _ => {}
    }
    let Some(error) = told.and_then(|told| told.errors.into_iter().next()) else {
        return answer::by_status(response, now);
    };
    let words = format!("{} {}", error.message, error.description.unwrap_or_default());
    let reason = answer::reason(status, &words);
    match status {
        400 | 422 if about_account(&words) => answer::misconfigured(reason),
        400 | 413 | 422 => answer::refused(reason),
        408 | 409 | 425 | 500.. => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}

/// "Unconfigured Sending Domain", "content.from.email … domain", "reply_to".
fn about_account(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["sending domain", "content.from", "reply_to", "subaccount"]
        .iter()
        .any(|part| words.contains(part))
}
