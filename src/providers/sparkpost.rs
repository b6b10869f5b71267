//! SparkPost (Bird): `POST /api/v1/transmissions`, one email a request.
//!
//! Called through `ProviderKind`. A transmission has one content for all recipients, so there are no batches for us, and
//! there are no idempotency keys. Marketing gets SparkPost's own List-Unsubscribe, whatever header we send. Sources:
//! `https://developers.sparkpost.com/api/transmissions`, `/api/#header-error-codes`, and Anymail's backend.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, quota, told};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};

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
        Setting::proof(events::AUTH, "`user:password`, or a token, of the webhook"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let metadata = Metadata::of(email);
    let campaign = wire::word(&metadata.journey, CAMPAIGN_MAX);
    let address = Json::Object(vec![("email", to.into())]);
    let recipient = wire::pair(["address", "metadata"], address, metadata.into_json());
    Ok(Json::Object(vec![
        ("campaign_id", campaign.into()),
        ("recipients", Json::List(vec![recipient])),
        (
            "content",
            Json::Object(vec![
                ("from", from.to_string().into()),
                ("reply_to", reply_to.into()),
                ("subject", (&email.subject).into()),
                ("text", (&email.text).into()),
                ("html", (&email.html).into()),
                ("headers", Json::some(wire::headers(email))),
            ]),
        ),
        // Tracking is off: links in our mails are signed and counted by ourselves.
        (
            "options",
            Json::Object(vec![
                ("transactional", Json::Flag(email.stream == Stream::Transactional)),
                ("open_tracking", Json::Flag(false)),
                ("click_tracking", Json::Flag(false)),
            ]),
        ),
    ]))
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/api/v1/transmissions", account.url());
    Ok(wire::post(url, Some(("Authorization", account.key())), body))
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// `{"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "…"}}`, or `{"errors": […]}`.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = told::by(response);
    let asked = || answer::retry_after(&response.headers, now);
    match status {
        200..=299 => {
            let count = |name| told::number(&told, name).unwrap_or_default();
            // One recipient a request: a rejected one is ours.
            let rejected = count("/results/total_rejected_recipients") > 0;
            return if rejected && count("/results/total_accepted_recipients") == 0 {
                answer::suppressed(answer::reason(
                    status,
                    "the recipient is on SparkPost's suppression list",
                ))
            } else {
                answer::accepted(Some(told::text(&told, "/results/id")))
            };
        }
        // "Exceed Sending Limit": the hour's, the day's or the month's.
        420 => return Outcome::RetryLater(quota::daily(asked(), now)),
        429 => return answer::slow_down(asked()),
        _ => {}
    }
    if told::list(&told, "/errors").is_empty() {
        return answer::by_status(response, now);
    }
    let text = |name| told::text(&told, name);
    let words = format!("{} {}", text("/errors/0/message"), text("/errors/0/description"));
    answer::by_words(
        status,
        answer::reason(status, &words),
        answer::mentions(&words, &ABOUT_ACCOUNT),
    )
}

/// "Unconfigured Sending Domain", "content.from.email … domain", "reply_to".
const ABOUT_ACCOUNT: [&str; 4] = ["sending domain", "content.from", "reply_to", "subaccount"];
