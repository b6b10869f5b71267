//! Mailtrap: one email to `POST /api/send`, several to `POST /api/batch`; marketing at the host of the bulk stream.
//!
//! Called through `ProviderKind`. A batch is no unit here: its answer is 200 with one result a message. There are no
//! idempotency keys. Sources: `https://docs.mailtrap.io/developers/email-sending/transactional`, `/bulk`, `/batch`, and
//! github.com/mailtrap/mailtrap-openapi.

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

/// 500 messages and 50 MB a call.
const BATCH_MAX: usize = 500;

const TRANSACTIONAL_HOST: &str = "https://send.api.mailtrap.io";
const BULK_HOST: &str = "https://bulk.api.mailtrap.io";

const MARKETING: &str = "marketing";

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
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| {
        let requests = wire::each(members, BATCH_MAX, wire_email)?;
        match requests.as_slice() {
            [one] => wire::json(one),
            [] | [_, _, ..] => wire::json(&WireBatch { requests }),
        }
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

#[derive(Serialize)]
struct WireBatch<'a> {
    requests: Vec<WireEmail<'a>>,
}

#[derive(Serialize)]
struct WireEmail<'a> {
    from: WireAddress,
    to: [WireAddress; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<WireAddress>,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "wire::as_object")]
    headers: &'a [(String, String)],
    category: String,
    custom_variables: WireVariables,
}

#[derive(Serialize)]
struct WireAddress {
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
}

/// Together at most 1,000 bytes. The stream is there for [`repeat`], which has the kept bytes only.
#[derive(Serialize)]
struct WireVariables {
    #[serde(flatten)]
    metadata: Metadata,
    stream: &'static str,
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let metadata = Metadata::of(email);
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
        reply_to: reply_to.map(plain),
        subject: &email.subject,
        text: &email.text,
        html: &email.html,
        headers: &email.headers,
        category: metadata.journey.clone(),
        custom_variables: WireVariables {
            metadata,
            stream: match email.stream {
                Stream::Transactional => "transactional",
                Stream::Marketing => MARKETING,
            },
        },
    })
}

/// As much of the kept bytes as tells their stream; all of a batch have the same.
#[derive(Deserialize)]
struct Kept {
    #[serde(default)]
    custom_variables: Option<KeptVariables>,
    #[serde(default)]
    requests: Vec<Kept>,
}

#[derive(Deserialize)]
struct KeptVariables {
    #[serde(default)]
    stream: String,
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, members: usize, _: Timestamp) -> Result<Request, Error> {
    let kept = crate::http::json::<Kept>(&body).map_err(|error| Error::Json(error.to_string()))?;
    let first = kept
        .requests
        .into_iter()
        .next()
        .and_then(|first| first.custom_variables);
    let variables = kept.custom_variables.or(first);
    let bulk = variables.is_some_and(|variables| variables.stream == MARKETING);
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
#[derive(Deserialize)]
struct WireAnswer {
    #[serde(default)]
    success: Option<bool>,
    #[serde(default)]
    message_ids: Vec<String>,
    #[serde(default)]
    errors: Vec<String>,
    #[serde(default)]
    responses: Vec<WireAnswer>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    let status = response.status;
    let told = crate::http::json::<WireAnswer>(&response.body).ok();
    if (200..=299).contains(&status)
        && members > 1
        && let Some(batch) = &told
        && batch.responses.len() == members
    {
        let outcomes = batch.responses.iter().map(|one| judge(status, one));
        return Answer::Each(outcomes.collect());
    }
    let outcome = match told {
        _ if status == 429 => answer::slow_down(answer::retry_after(&response.headers, now)),
        Some(told) if told.success.is_some() || !told.errors.is_empty() => judge(status, &told),
        Some(_) | None => answer::by_status(response, now),
    };
    answer::whole(outcome, members)
}

fn judge(status: u16, told: &WireAnswer) -> Outcome {
    let accepted = (200..=299).contains(&status) && told.success != Some(false);
    if accepted {
        return answer::accepted(told.message_ids.first().map(String::as_str));
    }
    let words = told.errors.join("; ");
    let reason = answer::reason(status, &words);
    match status {
        // A batch's entry has no status of its own.
        200..=299 | 400 | 422 if !about_account(&words) => answer::refused(reason),
        413 => answer::refused(reason),
        408 | 409 | 425 | 500.. => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}

/// "'from' …", "Sending from domain … is not allowed", "Unauthorized".
fn about_account(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    if words.contains("'to'") {
        return false;
    }
    [
        "'from'",
        "'reply_to'",
        "sending",
        "domain",
        "unauthorized",
        "forbidden",
    ]
    .iter()
    .any(|part| words.contains(part))
}
