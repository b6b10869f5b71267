//! Mailtrap: one email to `POST /api/send`, several to `POST /api/batch`; marketing at the host of the bulk stream.
//!
//! Called through `ProviderKind`. A batch is no unit here: its answer is 200 with one result a message. There are no
//! idempotency keys. Sources: `https://docs.mailtrap.io/developers/email-sending/transactional`, `/bulk`, `/batch`, and
//! github.com/mailtrap/mailtrap-openapi.

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
use serde_json::Value;

/// 500 messages and 50 MB a call.
const BATCH_MAX: usize = 500;

const TRANSACTIONAL_HOST: &str = "https://send.api.mailtrap.io";
const BULK_HOST: &str = "https://bulk.api.mailtrap.io";

pub const API: Api = Api {
    name: "mailtrap",
    capabilities: Capabilities {
        batch_max: BATCH_MAX,
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
        Setting::made(
            "MAILTRAP_URL",
            "base address of both streams, else `https://send.api.mailtrap.io` and `https://bulk.api.mailtrap.io`",
        ),
        Setting::secret("MAILTRAP_API_KEY", "API token of the sending domain"),
        Setting::proof(events::SECRET, "signature secret of the webhook"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| {
        let mut emails = wire::alone_or_list(wire::each(members, BATCH_MAX, wire_email)?);
        if let Json::List(_) = emails {
            emails = Json::Object(vec![("requests", emails)]);
        }
        wire::json(&emails)
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
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
    Ok(Json::Object(vec![
        ("from", wire::mailbox(ADDRESS, &from)),
        ("to", Json::List(vec![wire::address(ADDRESS, to)])),
        (
            "reply_to",
            reply_to.map(|reply_to| wire::address(ADDRESS, reply_to)).into(),
        ),
        ("subject", (&email.subject).into()),
        ("text", (&email.text).into()),
        ("html", (&email.html).into()),
        ("headers", Json::some(wire::headers(email))),
        ("category", journey.clone().into()),
        // Together at most 1,000 bytes. The stream is there for `repeat`, which has the kept bytes only.
        (
            "custom_variables",
            Json::Object(vec![
                ("message", message.into()),
                ("journey", journey.into()),
                ("step", step.into()),
                ("stream", email.stream.as_str().into()),
            ]),
        ),
    ]))
}

/// How the kept bytes of marketing differ. Within a text the quotes would have a backslash before them; and all of a batch
/// are of one stream.
const MARKETING: &[u8] = br#""stream":"marketing""#;

fn repeat(account: &Account, _: &str, body: Vec<u8>, members: usize, _: Timestamp) -> Result<Request, Error> {
    let bulk = body.windows(MARKETING.len()).any(|part| part == MARKETING);
    let base = match (account.url(), bulk) {
        ("", false) => TRANSACTIONAL_HOST,
        ("", true) => BULK_HOST,
        (set, _) => set,
    };
    let path = if members > 1 { "/api/batch" } else { "/api/send" };
    let bearer = format!("Bearer {}", account.key());
    Ok(wire::post(
        format!("{base}{path}"),
        Some(("Authorization", &bearer)),
        body,
    ))
}

/// `{"success": true, "message_ids": ["…"]}` or `{"success": false, "errors": ["…"]}`, alone or in a batch's `responses`.
fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    let told = told::by(response);
    let batch = told::list(&told, "/responses");
    if (200..=299).contains(&status) && members > 1 && batch.len() == members {
        return Answer::Each(batch.iter().map(|one| judge(status, one)).collect());
    }
    let in_own_words = told::flag(&told, "/success").is_some() || !told::list(&told, "/errors").is_empty();
    let outcome = match status {
        429 => {
            let words = told::first(&told, ["/errors/0", "/error"]);
            quota::or_rate(words, answer::retry_after(&response.headers, now), now)
        }
        _ if in_own_words => judge(status, &told),
        _ => answer::by_status(response, now),
    };
    answer::whole(outcome, members)
}

fn judge(status: u16, told: &Value) -> Outcome {
    let accepted = (200..=299).contains(&status);
    if accepted && told::flag(told, "/success") != Some(false) {
        return answer::accepted(Some(told::text(told, "/message_ids/0")));
    }
    let errors = told::list(told, "/errors").iter().filter_map(Value::as_str);
    let words = errors.collect::<Vec<&str>>().join("; ");
    // A batch's entry has no status of its own.
    let judged_as = if accepted { 400 } else { status };
    answer::by_words(judged_as, answer::reason(status, &words), about_account(&words))
}

/// "'from' …", "Sending from domain … is not allowed", "Unauthorized".
fn about_account(words: &str) -> bool {
    let ours = [
        "'from'",
        "'reply_to'",
        "sending",
        "domain",
        "unauthorized",
        "forbidden",
    ];
    !answer::mentions(words, &["'to'"]) && answer::mentions(words, &ours)
}
