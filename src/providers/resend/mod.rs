//! Resend: one email to `POST /emails`, several to `POST /emails/batch`.
//!
//! Called through `ProviderKind`. The body is built once, kept from claim to outcome, and put into each attempt's
//! request unchanged, since Resend compares it under the idempotency key. Sources: Resend's OpenAPI file
//! (github.com/resend/resend-openapi) and the pages named at each item below `https://resend.com/docs`.

mod answers;

pub use answers::{rate_hint, read};

use super::registry::{Account, Error};
use super::{Capabilities, Idempotency, address};
use crate::domain::email::EmailAddress;
use crate::domain::mail::{Mailbox, OutgoingEmail};
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::Delay;
use crate::http::{Headers, Method, Request};
use serde::{Serialize, Serializer};

/// Base address without `RESEND_URL`.
pub const DEFAULT_URL: &str = "https://api.resend.com";

/// `/api-reference/emails/send-batch-emails`: up to 100 emails in a call.
pub const BATCH_MAX: usize = 100;

/// `/dashboard/emails/idempotency-keys`: 1 to 256 characters, kept for 24 hours.
const KEY_MAX: usize = 256;
/// `/api-reference/emails/send-email`, `tags`: at most 256 characters.
const TAG_MAX: usize = 256;

/// Requests without a `User-Agent` are refused with 403 before they reach the API (`/knowledge-base/403-error-1010`).
const USER_AGENT: &str = concat!("wend/", env!("CARGO_PKG_VERSION"));

/// Headers that are fields of the request, or that the mail's transport writes: a `Bcc` would add a recipient.
const OWNED_HEADERS: [&str; 11] = [
    "from",
    "sender",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "return-path",
    "content-type",
    "mime-version",
];

pub const CAPABILITIES: Capabilities = Capabilities {
    batch_max: BATCH_MAX,
    idempotency: Idempotency::Keyed {
        window: Delay::from_hours(24),
    },
    streams: &[Stream::Transactional, Stream::Marketing],
    own_unsubscribe: false,
    metadata: true,
    local: false,
    guarantee: "each message is taken once: for 24 hours a repeated request gets the first one's answer and no second \
                mail; what is still unknown after that is settled by `on_unknown`",
};

/// One email of the request. Field order is part of the kept bytes.
#[derive(Serialize)]
struct WireEmail<'a> {
    from: String,
    to: [String; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    subject: &'a str,
    html: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "as_object")]
    headers: &'a [(String, String)],
    tags: [WireTag; 3],
}

#[derive(Serialize)]
struct WireTag {
    name: &'static str,
    value: String,
}

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
    if members.len() > BATCH_MAX {
        return Err(Error::TooManyMembers {
            members: members.len(),
            max: BATCH_MAX,
        });
    }
    let mut wire = Vec::with_capacity(members.len());
    for (index, email) in members.iter().enumerate() {
        wire.push(wire_email(email).map_err(|rejection| Error::Refused { index, rejection })?);
    }
    let bytes = match wire.as_slice() {
        [] => return Err(Error::NoMembers),
        [one] => serde_json::to_vec(one),
        several => serde_json::to_vec(several),
    };
    bytes.map_err(|error| Error::Json(error.to_string()))
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

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let to = address::to_ascii(&email.to).map_err(|error| Rejection::Message(error.to_string()))?;
    let from = ours(email.from.address(), "sender")?;
    let reply_to = match &email.reply_to {
        Some(reply_to) => Some(ours(reply_to, "reply-to")?.as_str().to_owned()),
        None => None,
    };
    check_headers(email)?;
    Ok(WireEmail {
        from: Mailbox::new(email.from.name(), from).to_string(),
        to: [to.as_str().to_owned()],
        reply_to,
        subject: &email.subject,
        html: &email.html,
        text: &email.text,
        headers: &email.headers,
        tags: [
            tag("journey", email.journey.as_str()),
            tag("step", email.step.as_str()),
            tag("message", email.message.as_str()),
        ],
    })
}

/// An address of the store's own: when it cannot be sent, the setting is wrong and not the message.
fn ours(own: &EmailAddress, which: &str) -> Result<EmailAddress, Rejection> {
    address::to_ascii(own).map_err(|error| Rejection::Configuration(format!("{which}: {error}")))
}

/// Every header must be one line with a name of its own. `render` makes them so; this makes it certain.
fn check_headers(email: &OutgoingEmail) -> Result<(), Rejection> {
    let wrong = |what: String| Err(Rejection::Message(what));
    if email.subject.chars().any(char::is_control) {
        return wrong("the subject is not one line".to_owned());
    }
    let mut seen: Vec<String> = Vec::with_capacity(email.headers.len());
    for (name, value) in &email.headers {
        let lower = name.to_ascii_lowercase();
        // RFC 5322 §3.6.8: printable ASCII but the colon.
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return wrong("a header's name is not one word of ASCII".to_owned());
        }
        if OWNED_HEADERS.contains(&lower.as_str()) {
            return wrong(format!("the header {name} is set by a field of the email"));
        }
        if seen.contains(&lower) {
            return wrong(format!("the header {name} is there twice"));
        }
        if value.chars().any(char::is_control) {
            return wrong(format!("the header {name} is not one line"));
        }
        seen.push(lower);
    }
    Ok(())
}

/// A tag's value may hold ASCII letters, digits, `_` and `-`; anything else becomes `_`. The message's id always
/// fits, so events find their message whatever a journey is called.
fn tag(name: &'static str, value: &str) -> WireTag {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let value = value
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .take(TAG_MAX)
        .collect();
    WireTag { name, value }
}

fn as_object<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.iter().map(|(name, value)| (name, value)))
}
