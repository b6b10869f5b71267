//! Brevo: `POST /v3/smtp/email`, one email a request.
//!
//! Called through `ProviderKind`. The idempotency key is part of the body and therefore of the kept bytes. A batch would be
//! one key and one verdict for all of its versions, so there are none. Sources, below `https://developers.brevo.com`:
//! `/reference/sendtransacemail`, `/docs/heterogenous-versions-batch-emails` (idempotency),
//! `/changelog/email-api-now-supports-idempotency`, `/docs/limit-headers`; and Anymail's backend for what headers and names go through.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer, RateHint};
use super::envelope::{self, Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, told};
use crate::domain::mail::{Mailbox, OutgoingEmail};
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Request, Response};
use crate::signing::content_name;

/// Longest journey or step in the metadata.
const LABEL_MAX: usize = 80;

pub const API: Api = Api {
    name: "brevo",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::Keyed {
            // One page says 15 minutes, another 30.
            window: Delay::from_minutes(15),
        },
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: false,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once: for 15 minutes a repeated request is known as a duplicate and makes no \
                    second mail; what is still unknown after that is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("BREVO_URL", "https://api.brevo.com"),
        Setting::secret("BREVO_API_KEY", "API key"),
        Setting::proof(events::AUTH, "`user:password`, or a token, of the webhook"),
    ],
    refusal: |email| wire_email("", email).err(),
    body: |_, key, members| wire::json(&wire::only(members, |email| wire_email(key, email))?),
    repeat: Some(repeat),
    read,
    rate_hint,
    events: Some(&events::EVENTS),
};

const ADDRESS: [&str; 2] = ["email", "name"];

fn wire_email<'a>(key: &str, email: &'a OutgoingEmail) -> Result<Json<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // Brevo sends header bytes as they are, and even decodes what is encoded.
    envelope::check_ascii_headers(email)?;
    let metadata = Metadata::of(email);
    // Metadata is a header to Brevo, and a visible one; so it must be ASCII, and no escapes.
    let custom = Metadata {
        message: metadata.message,
        journey: wire::word(&metadata.journey, LABEL_MAX),
        step: wire::word(&metadata.step, LABEL_MAX),
    };
    let tag = custom.journey.clone();
    let custom =
        serde_json::to_string(&custom.into_json()).map_err(|error| Rejection::Message(error.to_string()))?;
    let mut headers = wire::headers(email);
    headers.push(("X-Mailin-custom", custom.into()));
    headers.push(("idempotencyKey", uuid(key).into()));
    let sender = Mailbox::new(&shown_name(&from), from.address().clone());
    Ok(Json::Object(vec![
        ("sender", wire::mailbox(ADDRESS, &sender)),
        ("to", Json::List(vec![wire::address(ADDRESS, to)])),
        (
            "replyTo",
            reply_to.map(|reply_to| wire::address(ADDRESS, reply_to)).into(),
        ),
        ("subject", (&email.subject).into()),
        ("htmlContent", (&email.html).into()),
        ("textContent", (&email.text).into()),
        ("headers", Json::Object(headers)),
        ("tags", Json::List(vec![tag.into()])),
    ]))
}

/// Brevo drops a name that has both letters beyond ASCII and marks that would be quoted, unless it is encoded already.
fn shown_name(from: &Mailbox) -> String {
    let marks = from.name().contains(|c: char| "()<>[]:;@\\,.\"".contains(c));
    if marks {
        envelope::encoded_name(from.name())
    } else {
        from.name().to_owned()
    }
}

/// "The `idempotencyKey` must be a UUID": one that the key decides, of version 8 (RFC 9562 §5.8).
fn uuid(key: &str) -> String {
    let name = content_name(&[b"wend/brevo/idempotency", key.as_bytes()]);
    let part = |from: usize, to: usize| name.get(from..to).unwrap_or_default().to_owned();
    [
        part(0, 8),
        part(8, 12),
        format!("8{}", part(13, 16)),
        format!("a{}", part(17, 20)),
        part(20, 32),
    ]
    .join("-")
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/v3/smtp/email", account.url());
    Ok(wire::post(url, Some(("api-key", account.key())), body))
}

/// `{"messageId": "<…>"}`; one with versions answers with several ids.
fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let outcome = if (200..=299).contains(&response.status) {
        let told = told::by(response);
        answer::accepted(Some(told::first(&told, ["/messageId", "/messageIds/0"])))
    } else {
        judge(response, now)
    };
    answer::whole(outcome, members)
}

/// `{"code": "invalid_parameter", "message": "…"}`
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    if status == 429 {
        let asked = answer::retry_after(&response.headers, now);
        return answer::slow_down(asked.or_else(|| reset(&response.headers)));
    }
    let told = told::by(response);
    let (code, message) = (told::text(&told, "/code"), told::text(&told, "/message"));
    let reason = answer::reason(status, &format!("{code} {message}"));
    match code {
        "" => answer::by_status(response, now),
        // The first request with this key was processed; its id is not told again.
        "duplicate_request" => Outcome::Accepted(None),
        "invalid_parameter" | "missing_parameter" | "out_of_range" | "bad_request" => {
            let ours = answer::mentions(message, &["sender", "replyto", "reply to"]);
            answer::by_words(status, reason, ours)
        }
        // No credits, a wrong key, a sender or account that is not validated, and what is added tomorrow.
        _ => answer::by_words(status, reason, true),
    }
}

/// "All rate-limited endpoints include" how much of the current window is left; its length differs by endpoint and plan.
fn rate_hint(headers: &Headers, _: Timestamp) -> Option<RateHint> {
    Some(RateHint {
        per_second: None,
        remaining: Some(headers.get("x-sib-ratelimit-remaining")?.trim().parse().ok()?),
        reset: Some(reset(headers)?),
    })
}

/// "Time remaining until the rate limit resets", in seconds.
fn reset(headers: &Headers) -> Option<Delay> {
    headers.get("x-sib-ratelimit-reset").and_then(answer::seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_gives_one_uuid() {
        let one = uuid("m-1");
        assert_eq!(one, uuid("m-1"));
        assert_ne!(one, uuid("m-1-2"));
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!((one.get(14..15), one.get(19..20)), (Some("8"), Some("a")));
    }
}
