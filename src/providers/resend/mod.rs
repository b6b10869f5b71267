//! Resend: one email to `POST /emails`, several to `POST /emails/batch`.
//!
//! Called through `ProviderKind`. The body is built once, kept from claim to outcome, and put into each attempt's
//! request unchanged, since Resend compares it under the idempotency key. Sources: Resend's OpenAPI file
//! (github.com/resend/resend-openapi) and the pages named at each item below `https://resend.com/docs`.

mod answers;
mod events;

pub use answers::{rate_hint, read};

use super::account::{Account, Setting};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, USER_AGENT};
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::Delay;
use crate::http::{Headers, Method, Request};

/// Base address without `RESEND_URL`.
pub const DEFAULT_URL: &str = "https://api.resend.com";

/// `/api-reference/emails/send-batch-emails`: up to 100 emails in a call.
pub const BATCH_MAX: usize = 100;

/// `/dashboard/emails/idempotency-keys`: 1 to 256 characters, kept for 24 hours.
const KEY_MAX: usize = 256;
/// `/api-reference/emails/send-email`, `tags`: at most 256 characters.
const TAG_MAX: usize = 256;

pub const API: Api = Api {
    name: "resend",
    capabilities: CAPABILITIES,
    settings: &[
        Setting::url("RESEND_URL", DEFAULT_URL),
        Setting::secret("RESEND_API_KEY", "API key"),
        Setting::proof(events::SECRET, "secret of the webhook, `whsec_…`"),
    ],
    refusal,
    body: |_, _, members| body(members),
    repeat: Some(|account, key, body, members, _| repeat(account, key, body, members)),
    read,
    rate_hint: |headers, _| rate_hint(headers),
    events: Some(&events::EVENTS),
};

const CAPABILITIES: Capabilities = Capabilities {
    batch_max: BATCH_MAX,
    idempotency: Idempotency::Keyed {
        window: Delay::from_hours(24),
    },
    streams: &[Stream::Transactional, Stream::Marketing],
    own_unsubscribe: false,
    metadata: true,
    local: false,
    reaches_people: true,
    guarantee: "each message is taken once: for 24 hours a repeated request gets the first one's answer and no second \
                mail; what is still unknown after that is settled by `on_unknown`",
};

/// The request for one message or a batch: [`body`] and [`repeat`] in one.
///
/// # Errors
/// As those two.
pub fn request(account: &Account, key: &str, members: &[OutgoingEmail]) -> Result<Request, Error> {
    repeat(account, key, body(members)?, members.len())
}

/// The bytes to keep from claim to outcome.
///
/// # Errors
/// No member, more than [`BATCH_MAX`], or one that cannot be sent here.
pub fn body(members: &[OutgoingEmail]) -> Result<Vec<u8>, Error> {
    let emails = wire::each(members, BATCH_MAX, wire_email)?;
    wire::json(&wire::alone_or_list(emails))
}

/// The request around bytes that [`body`] made for this many members.
///
/// A batch says `strict`, so that either all of it is taken or nothing: a refusal can then be split and sent singly.
/// It is the default, but said nowhere in the reference (github.com/resend/resend-node, `src/batch/batch.ts`).
///
/// # Errors
/// `Error::Key` unless the key has 1 to 256 visible ASCII characters.
pub fn repeat(account: &Account, key: &str, body: Vec<u8>, members: usize) -> Result<Request, Error> {
    if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Error::Key { max: KEY_MAX });
    }
    let mut headers = Headers::new()
        .with("Authorization", &format!("Bearer {}", account.key()))
        .with("Content-Type", "application/json")
        .with("Idempotency-Key", key)
        .with("User-Agent", USER_AGENT);
    let path = if members > 1 {
        headers.push("x-batch-validation", "strict");
        "/emails/batch"
    } else {
        "/emails"
    };
    Ok(Request {
        method: Method::Post,
        url: format!("{}{path}", account.url()),
        headers,
        body,
    })
}

/// Why Resend can never carry this email, as far as we can tell before asking it.
pub fn refusal(email: &OutgoingEmail) -> Option<Rejection> {
    wire_email(email).err()
}

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    Ok(Json::Object(vec![
        ("from", from.to_string().into()),
        ("to", Json::List(vec![to.into()])),
        ("reply_to", reply_to.into()),
        ("subject", (&email.subject).into()),
        ("html", (&email.html).into()),
        ("text", (&email.text).into()),
        ("headers", Json::some(wire::headers(email))),
        (
            "tags",
            Json::List(vec![
                tag("journey", email.journey.as_str()),
                tag("step", email.step.as_str()),
                tag("message", email.message.as_str()),
            ]),
        ),
    ]))
}

/// A tag's value may hold ASCII letters, digits, `_` and `-`; anything else becomes `_`. The message's id always
/// fits, so events find their message whatever a journey is called.
fn tag(name: &'static str, value: &str) -> Json<'static> {
    wire::pair(["name", "value"], name.into(), wire::word(value, TAG_MAX).into())
}
