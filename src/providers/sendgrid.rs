//! SendGrid (Twilio): `POST /v3/mail/send`, one email a request.
//!
//! Called through `ProviderKind`. A request can hold a thousand recipients but one content only, so there are no batches
//! for us, and there are no idempotency keys. Sources, below `https://www.twilio.com/docs/sendgrid/api-reference`:
//! `/mail-send/mail-send`, `/mail-send/errors`, `/how-to-use-the-sendgrid-v3-api/rate-limits`.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer, RateHint};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, quota, told};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Request, Response};
use serde_json::Value;

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
        Setting::proof(events::PUBLIC_KEY, "verification key of the signed event webhook"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint,
    events: Some(&events::EVENTS),
};

const ADDRESS: [&str; 2] = ["email", "name"];

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let Metadata {
        message,
        journey,
        step,
    } = Metadata::of(email);
    // Events carry these flattened among their own fields, hence the prefix.
    let arguments = Json::Object(vec![
        ("wend_message", message.into()),
        ("wend_journey", journey.into()),
        ("wend_step", step.into()),
    ]);
    let to = Json::List(vec![wire::address(ADDRESS, to)]);
    let content = |kind: &'static str, text| wire::pair(["type", "value"], kind.into(), text);
    // All off, whatever the account says: links in our mails are signed, and the unsubscribe link is ours.
    let off = |tracking| (tracking, Json::Object(vec![("enable", Json::Flag(false))]));
    Ok(Json::Object(vec![
        (
            "personalizations",
            Json::List(vec![wire::pair(["to", "custom_args"], to, arguments)]),
        ),
        ("from", wire::mailbox(ADDRESS, &from)),
        (
            "reply_to",
            reply_to.map(|reply_to| wire::address(ADDRESS, reply_to)).into(),
        ),
        ("subject", (&email.subject).into()),
        // "They must be the first indices of the content array in the order text/plain, text/html."
        (
            "content",
            Json::List(vec![
                content("text/plain", (&email.text).into()),
                content("text/html", (&email.html).into()),
            ]),
        ),
        ("headers", Json::some(wire::headers(email))),
        (
            "tracking_settings",
            Json::Object(
                ["click_tracking", "open_tracking", "subscription_tracking"]
                    .map(off)
                    .into(),
            ),
        ),
    ]))
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/v3/mail/send", account.url());
    let bearer = format!("Bearer {}", account.key());
    Ok(wire::post(url, Some(("Authorization", &bearer)), body))
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// 202 has no body: the id is in a header, and events carry it before the first dot of `sg_message_id`. Errors are
/// `{"errors": [{"message": "…", "field": "personalizations.0.to.0.email", "help": null}]}`.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    if (200..=299).contains(&status) {
        return answer::accepted(response.headers.get("x-message-id"));
    }
    if status == 429 {
        return answer::slow_down(reset(&response.headers, now));
    }
    let told = told::by(response);
    if !told.get("errors").is_some_and(Value::is_array) {
        return answer::by_status(response, now);
    }
    let message = told::text(&told, "/errors/0/message");
    let field = told::text(&told, "/errors/0/field");
    let reason = answer::reason(status, &format!("{field} {message}"));
    match status {
        // The plan's allowance answers as a wrong key does.
        401 | 403 if message.contains("Maximum credits exceeded") => {
            Outcome::RetryLater(quota::daily(None, now))
        }
        _ => answer::by_words(status, reason, about_sender(field, message)),
    }
}

fn about_sender(field: &str, message: &str) -> bool {
    let ours = ["from", "reply_to"];
    let named =
        |part: &str| field == part || field.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
    ours.into_iter().any(named) || message.contains("verified Sender Identity")
}

/// "Each Web API request returns" how much of the refresh period's allowance is left; how long a period is, no page says.
fn rate_hint(headers: &Headers, now: Timestamp) -> Option<RateHint> {
    Some(RateHint {
        per_second: None,
        remaining: Some(headers.get("x-ratelimit-remaining")?.trim().parse().ok()?),
        reset: Some(window_left(headers, now)?),
    })
}

/// `Retry-After`, else the end of the period.
fn reset(headers: &Headers, now: Timestamp) -> Option<Delay> {
    answer::retry_after(headers, now).or_else(|| window_left(headers, now))
}

/// `X-RateLimit-Reset`: the second since 1970 at which the limit is free again.
fn window_left(headers: &Headers, now: Timestamp) -> Option<Delay> {
    let at: i64 = headers.get("x-ratelimit-reset")?.trim().parse().ok()?;
    // A far reset is no rate's: some other number.
    let left = Timestamp::from_seconds(at).since(now);
    (left <= Delay::from_hours(1)).then_some(left)
}
