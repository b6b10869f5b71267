//! SendGrid (Twilio): `POST /v3/mail/send`, one email a request.
//!
//! Called through `ProviderKind`. A request can hold a thousand recipients but one content only, so there are no batches
//! for us, and there are no idempotency keys. Sources, below `https://www.twilio.com/docs/sendgrid/api-reference`:
//! `/mail-send/mail-send`, `/mail-send/errors`, `/how-to-use-the-sendgrid-v3-api/rate-limits`.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, quota};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Request, Response};
use serde::{Deserialize, Serialize};

pub const API: Api = Api {
    name: "sendgrid",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: false,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; what is then unknown is never repeated blindly, \
                    and is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("SENDGRID_URL", "https://api.sendgrid.com"),
        Setting::secret("SENDGRID_API_KEY", "API key with the right to send"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

#[derive(Serialize)]
struct WireEmail<'a> {
    personalizations: [WirePersonalization; 1],
    from: WireAddress,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<WireAddress>,
    subject: &'a str,
    /// "They must be the first indices of the content array in the order text/plain, text/html."
    content: [WireContent<'a>; 2],
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "wire::as_object")]
    headers: &'a [(String, String)],
    tracking_settings: WireTracking,
}

#[derive(Serialize)]
struct WirePersonalization {
    to: [WireAddress; 1],
    custom_args: WireArgs,
}

/// Events carry these flattened among their own fields, hence the prefix.
#[derive(Serialize)]
struct WireArgs {
    wend_message: String,
    wend_journey: String,
    wend_step: String,
}

#[derive(Serialize)]
struct WireAddress {
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

#[derive(Serialize)]
struct WireContent<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    value: &'a str,
}

/// All off, whatever the account says: links in our mails are signed, and the unsubscribe link is ours.
#[derive(Serialize, Default)]
struct WireTracking {
    click_tracking: WireSwitch,
    open_tracking: WireSwitch,
    subscription_tracking: WireSwitch,
}

#[derive(Serialize, Default)]
struct WireSwitch {
    enable: bool,
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let Metadata {
        message,
        journey,
        step,
    } = Metadata::of(email);
    let plain = |email: String| WireAddress {
        email,
        name: String::new(),
    };
    Ok(WireEmail {
        personalizations: [WirePersonalization {
            to: [plain(to)],
            custom_args: WireArgs {
                wend_message: message,
                wend_journey: journey,
                wend_step: step,
            },
        }],
        from: WireAddress {
            email: from.address().as_str().to_owned(),
            name: from.name().to_owned(),
        },
        reply_to: reply_to.map(plain),
        subject: &email.subject,
        content: [
            WireContent {
                kind: "text/plain",
                value: &email.text,
            },
            WireContent {
                kind: "text/html",
                value: &email.html,
            },
        ],
        headers: &email.headers,
        tracking_settings: WireTracking::default(),
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/v3/mail/send", account.url());
    let bearer = format!("Bearer {}", account.key());
    Ok(wire::post(url, Some(("Authorization", &bearer)), body))
}

/// `{"errors": [{"message": "…", "field": "personalizations.0.to.0.email", "help": null}]}`
#[derive(Deserialize)]
struct WireErrors {
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    field: Option<String>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// 202 has no body: the id is in a header, and events carry it before the first dot of `sg_message_id`.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    if (200..=299).contains(&status) {
        return answer::accepted(response.headers.get("x-message-id"));
    }
    if status == 429 {
        return answer::slow_down(reset(&response.headers, now));
    }
    let Ok(WireErrors { errors }) = crate::http::json::<WireErrors>(&response.body) else {
        return answer::by_status(response, now);
    };
    let first = errors.first();
    let text = |part: Option<&String>| part.cloned().unwrap_or_default();
    let message = text(first.and_then(|error| error.message.as_ref()));
    let field = text(first.and_then(|error| error.field.as_ref()));
    let reason = answer::reason(status, &format!("{field} {message}"));
    match status {
        // The plan's allowance answers as a wrong key does.
        401 | 403 if message.contains("Maximum credits exceeded") => {
            Outcome::RetryLater(quota::daily(None, now))
        }
        400 | 422 if about_sender(&field, &message) => answer::misconfigured(reason),
        400 | 413 | 422 => answer::refused(reason),
        408 | 409 | 425 | 500.. => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}

fn about_sender(field: &str, message: &str) -> bool {
    let ours = ["from", "reply_to"];
    let named =
        |part: &str| field == part || field.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
    ours.into_iter().any(named) || message.contains("verified Sender Identity")
}

/// `Retry-After`, else `X-RateLimit-Reset`: the second since 1970 at which the limit is free again.
fn reset(headers: &Headers, now: Timestamp) -> Option<Delay> {
    answer::retry_after(headers, now).or_else(|| {
        let at: i64 = headers.get("x-ratelimit-reset")?.trim().parse().ok()?;
        // A far reset is no rate's: some other number.
        let pause = Timestamp::from_seconds(at).since(now);
        (pause <= Delay::from_hours(1)).then_some(pause)
    })
}
