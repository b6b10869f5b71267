//! Postmark: one email to `POST /email`, several to `POST /email/batch`.
//!
//! Called through `ProviderKind`. A batch is no unit here: its answer is 200 with one result a message. There are no
//! idempotency keys. Sources, below `https://postmarkapp.com/developer`: `/api/email-api`, `/api/overview` (error codes),
//! `/user-guide/send-email-with-api/batch-emails`.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde::{Deserialize, Serialize};

/// `/user-guide/send-email-with-api/batch-emails`: 500 messages and 50 MB a call.
const BATCH_MAX: usize = 500;

const TRANSACTIONAL_STREAM: &str = "POSTMARK_TRANSACTIONAL_STREAM";
const BROADCAST_STREAM: &str = "POSTMARK_BROADCAST_STREAM";

pub const API: Api = Api {
    name: "postmark",
    capabilities: Capabilities {
        batch_max: BATCH_MAX,
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
        Setting::url("POSTMARK_URL", "https://api.postmarkapp.com"),
        Setting::secret("POSTMARK_SERVER_TOKEN", "token of the server"),
        Setting::optional(
            TRANSACTIONAL_STREAM,
            "id of the transactional stream, else `outbound`",
        ),
        Setting::optional(BROADCAST_STREAM, "id of the broadcast stream, else `broadcast`"),
    ],
    refusal: |email| wire_email(&Account::default(), email).err(),
    body: |account, _, members| {
        let emails = wire::each(members, BATCH_MAX, |email| wire_email(account, email))?;
        match emails.as_slice() {
            [one] => wire::json(one),
            several => wire::json(&several),
        }
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

/// One email of the request. Tracking is off: links in our mails are signed and counted by ourselves.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WireEmail<'a> {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    subject: &'a str,
    html_body: &'a str,
    text_body: &'a str,
    headers: Vec<WireHeader<'a>>,
    tag: String,
    metadata: Metadata,
    message_stream: String,
    track_opens: bool,
    track_links: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct WireHeader<'a> {
    name: &'a str,
    value: &'a str,
}

fn wire_email<'a>(account: &Account, email: &'a OutgoingEmail) -> Result<WireEmail<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // Marketing through a transactional stream is against Postmark's terms.
    let (setting, default) = match email.stream {
        Stream::Transactional => (TRANSACTIONAL_STREAM, "outbound"),
        Stream::Marketing => (BROADCAST_STREAM, "broadcast"),
    };
    let stream = Some(account.get(setting)).filter(|stream| !stream.is_empty());
    let metadata = Metadata::of(email);
    Ok(WireEmail {
        from: from.to_string(),
        to,
        reply_to,
        subject: &email.subject,
        html_body: &email.html,
        text_body: &email.text,
        headers: email
            .headers
            .iter()
            .map(|(name, value)| WireHeader { name, value })
            .collect(),
        tag: metadata.journey.clone(),
        metadata,
        message_stream: stream.unwrap_or(default).to_owned(),
        track_opens: false,
        track_links: "None",
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, members: usize, _: Timestamp) -> Result<Request, Error> {
    let path = if members > 1 { "/email/batch" } else { "/email" };
    let url = format!("{}{path}", account.url());
    Ok(wire::post(
        url,
        Some(("X-Postmark-Server-Token", account.key())),
        body,
    ))
}

/// A result, alone or in a batch's array: `{"ErrorCode": 0, "Message": "OK", "MessageID": "…"}`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireResult {
    /// Left out when delivery is delayed, says Anymail's issue 392.
    error_code: Option<u32>,
    #[serde(default)]
    message: String,
    #[serde(default, rename = "MessageID")]
    message_id: Option<String>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    if members > 1
        && (200..=299).contains(&status)
        && let Ok(results) = crate::http::json::<Vec<WireResult>>(&response.body)
        && results.len() == members
    {
        let outcomes = results.iter().map(|result| judge(status, result));
        return Answer::Each(outcomes.collect());
    }
    let outcome = match crate::http::json::<WireResult>(&response.body) {
        Ok(result) if result.error_code.is_some() || (200..=299).contains(&status) => judge(status, &result),
        // The edge in front of the API answers 403 with a page of its own: it did not see the account.
        Ok(_) | Err(_) if status == 403 => answer::slow_down(None),
        Ok(_) | Err(_) => answer::by_status(response, now),
    };
    answer::whole(outcome, members)
}

/// `/api/overview#error-codes`. Those that are not named here are about the account.
fn judge(status: u16, result: &WireResult) -> Outcome {
    let code = result.error_code.unwrap_or_default();
    let reason = answer::reason(status, &format!("{code} {}", result.message));
    match code {
        0 => answer::accepted(result.message_id.as_deref()),
        406 => answer::suppressed(reason),
        300 if names_sender(&result.message) => answer::misconfigured(reason),
        // An invalid email, JSON or field, a forbidden attachment; 410 is a batch that is too large.
        300 | 402 | 403 | 410 | 411 => answer::refused(reason),
        // Down for maintenance; too many requests.
        100 | 429 => answer::slow_down(None),
        _ if status >= 500 => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}

/// Code 300 covers every address of a mail: "Invalid 'From' address", "Error parsing 'Reply-To'".
fn names_sender(message: &str) -> bool {
    ["'From'", "'Reply-To'", "'ReplyTo'"]
        .iter()
        .any(|field| message.contains(field))
}
