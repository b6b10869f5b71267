//! Postmark: one email to `POST /email`, several to `POST /email/batch`.
//!
//! Called through `ProviderKind`. A batch is no unit here: its answer is 200 with one result a message. There are no
//! idempotency keys. Sources, below `https://postmarkapp.com/developer`: `/api/email-api`, `/api/overview` (error codes),
//! `/user-guide/send-email-with-api/batch-emails`.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, told};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde_json::Value;

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
        Setting::proof(events::AUTH, "`user:password` of the webhook"),
    ],
    refusal: |email| wire_email(&Account::default(), email).err(),
    body: |account, _, members| {
        let emails = wire::each(members, BATCH_MAX, |email| wire_email(account, email))?;
        wire::json(&wire::alone_or_list(emails))
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

/// One email of the request. Tracking is off: links in our mails are signed and counted by ourselves.
fn wire_email<'a>(account: &Account, email: &'a OutgoingEmail) -> Result<Json<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // Marketing through a transactional stream is against Postmark's terms.
    let (setting, default) = match email.stream {
        Stream::Transactional => (TRANSACTIONAL_STREAM, "outbound"),
        Stream::Marketing => (BROADCAST_STREAM, "broadcast"),
    };
    let stream = Some(account.get(setting)).filter(|stream| !stream.is_empty());
    let metadata = Metadata::of(email);
    Ok(Json::Object(vec![
        ("From", from.to_string().into()),
        ("To", to.into()),
        ("ReplyTo", reply_to.into()),
        ("Subject", (&email.subject).into()),
        ("HtmlBody", (&email.html).into()),
        ("TextBody", (&email.text).into()),
        ("Headers", Json::List(wire::header_list(email, ["Name", "Value"]))),
        ("Tag", metadata.journey.clone().into()),
        ("Metadata", metadata.into_json()),
        ("MessageStream", stream.unwrap_or(default).to_owned().into()),
        ("TrackOpens", Json::Flag(false)),
        ("TrackLinks", "None".into()),
    ]))
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

/// A result, alone or in a batch's array: `{"ErrorCode": 0, "Message": "OK", "MessageID": "…"}`. The code is left out when
/// delivery is delayed, says Anymail's issue 392.
fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    let accepted = (200..=299).contains(&status);
    let told = told::by(response);
    let batch = told::list(&told, "");
    if members > 1 && accepted && batch.len() == members {
        return Answer::Each(batch.iter().map(|result| judge(status, result)).collect());
    }
    let outcome = match status {
        _ if accepted || told::number(&told, "/ErrorCode").is_some() => judge(status, &told),
        // The edge in front of the API answers 403 with a page of its own: it did not see the account.
        403 => answer::slow_down(None),
        _ => answer::by_status(response, now),
    };
    answer::whole(outcome, members)
}

/// `/api/overview#error-codes`. Those that are not named here are about the account.
fn judge(status: u16, result: &Value) -> Outcome {
    let code = told::number(result, "/ErrorCode").unwrap_or_default();
    let message = told::text(result, "/Message");
    let reason = answer::reason(status, &format!("{code} {message}"));
    match code {
        // A failing server's zero is none of its words about the mail.
        0 if status < 300 => answer::accepted(Some(told::text(result, "/MessageID"))),
        406 => answer::suppressed(reason),
        // It covers every address of a mail: "Invalid 'From' address", "Error parsing 'Reply-To'".
        300 if answer::mentions(message, &["'from'", "'reply-to'", "'replyto'"]) => {
            answer::misconfigured(reason)
        }
        // An invalid email, JSON or field, a forbidden attachment; 410 is a batch that is too large.
        300 | 402 | 403 | 410 | 411 => answer::refused(reason),
        // Down for maintenance; too many requests.
        100 | 429 => answer::slow_down(None),
        _ if status >= 500 => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}
