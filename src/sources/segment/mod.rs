//! Segment's tracking API at `/v1/…`, so that its client libraries, and the storefront snippet, can talk to Wend. The calls
//! and what is made of each are documented in `docs/segment-api.md`.
//!
//! `edge::segment` calls [`read`] with a request as it came. A batch is no whole: what cannot be taken of it is told call
//! by call, and costs the others nothing. Ids of people, carts and orders are those of [your own events][`super::events`]:
//! one shop may send by both.

mod browser;
mod call;

use super::verification::{Rights, Unverified, WriteKeys};
use crate::domain::event::{Event, EventKind};
use crate::domain::time::Timestamp;
use crate::http::Headers;
use crate::signing;
use call::Call;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Largest request, and largest call in it: <https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size>.
pub const MAX_REQUEST_BYTES: usize = 500 << 10;
pub const MAX_CALL_BYTES: usize = 32 << 10;
/// Most calls of a batch: each is a storage turn. No client library sends more at once.
pub const MAX_BATCH: usize = 250;

/// What its calls go by in the logbook.
pub const NAME: &str = "segment";

/// What a path of `/v1` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// One call; its kind stands in the path, and need not stand in the body.
    One(Kind),
    Batch,
}

/// Segment's calls: <https://segment.com/docs/connections/spec/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Identify,
    Track,
    Page,
    Screen,
    Alias,
    Group,
}

/// What reading needs to know of the installation.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub keys: WriteKeys<'a>,
    /// Where the store's own pages are, as `https://shop.example`.
    pub origins: &'a [String],
    /// The events of the store's own that journeys may use (`events:` of `store.yaml`).
    pub declared: &'a [String],
}

/// What became of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// Its place in the batch.
    pub index: usize,
    pub message_id: Option<String>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    Event(Box<Event>),
    Ignored(Ignored),
    Refused(Box<RefusedCall>),
}

/// A call that is not taken, with what operators need to mend its sender.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusedCall {
    pub reason: Refused,
    pub by: Rights,
    kind: Option<Kind>,
    event: Option<String>,
    /// The call as it came; none where it is too large to be kept.
    sent: Option<Value>,
    /// Names it where it has no id of its own.
    content: String,
}

/// Why a call that is in order leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ignored {
    #[error("groups mean nothing here: Wend writes to people")]
    Group,
    #[error("no journey can hear `{0}`: list it under `events:` in store.yaml to use it")]
    Undeclared(String),
}

/// Why a call is not taken. It is kept, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("it is no JSON object that can be read")]
    Unreadable,
    #[error("it is larger than {} KB", MAX_CALL_BYTES >> 10)]
    TooLarge,
    #[error("its `type` is none of identify, track, page, screen, alias and group")]
    Kind,
    #[error(
        "`event` must name what happened, in 1 to {} bytes",
        super::events::MAX_TYPE_BYTES
    )]
    Nameless,
    #[error("it names nobody: send `userId` or `anonymousId`")]
    Nobody,
    #[error("it says who somebody was before, and not who they are: send `userId`")]
    NoUser,
    #[error("the public key may not send it: {0}")]
    NotForBrowsers(browser::Forbidden),
}

/// Why a whole request is refused. [`Error::status`] is the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(
        "the write key is missing or wrong: send SEGMENT_WRITE_KEY by HTTP Basic, or SEGMENT_PUBLIC_KEY as `writeKey`"
    )]
    Key,
    #[error(
        "a page sent the trusted write key, which everybody can read there: use SEGMENT_PUBLIC_KEY, and change SEGMENT_WRITE_KEY"
    )]
    Exposed,
    #[error("the page is none of the store's own: add its origin to STORE_ORIGINS")]
    Origin,
    #[error("the body cannot be read: {0}")]
    Unreadable(String),
    #[error("the request is larger than {} KB: send less at a time", MAX_REQUEST_BYTES >> 10)]
    TooLarge,
    #[error("the batch holds more than {MAX_BATCH} calls: send less at a time")]
    TooMany,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Batch<'a> {
    #[serde(borrow)]
    batch: Vec<&'a RawValue>,
    #[serde(rename = "sentAt")]
    sent_at: super::loose::Text,
}

impl Ignored {
    /// What was called, for the logbook.
    pub fn topic(&self) -> &str {
        match self {
            Self::Group => "group",
            Self::Undeclared(name) => name,
        }
    }
}

impl RefusedCall {
    /// Names it, also when it is sent again.
    pub fn id(&self, message_id: Option<&str>) -> String {
        format!("segment:{}", message_id.unwrap_or(&self.content))
    }

    /// `call` may be shown, `sent` may hold an address. It is written anew, so that one with escapes is found as well.
    pub fn to_json(&self, message_id: Option<&str>) -> Value {
        json!({
            "call": { "type": self.kind.map(Kind::as_str), "event": self.event, "messageId": message_id },
            "sent": self.sent,
        })
    }
}

impl Endpoint {
    /// The name in the path. Libraries of pages and phones use the short ones.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "batch" | "b" | "import" => Some(Self::Batch),
            _ => Kind::parse(name).map(Self::One),
        }
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Alias => "alias",
            Self::Group => "group",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        match name {
            "identify" | "i" => Some(Self::Identify),
            "track" | "t" => Some(Self::Track),
            "page" | "p" => Some(Self::Page),
            "screen" | "s" => Some(Self::Screen),
            "alias" | "a" => Some(Self::Alias),
            "group" | "g" => Some(Self::Group),
            _ => None,
        }
    }
}

impl Error {
    /// The HTTP status to answer with (`DESIGN.md` §6).
    pub const fn status(&self) -> u16 {
        match self {
            Self::Key | Self::Exposed | Self::Origin => 401,
            Self::Unreadable(_) => 400,
            Self::TooLarge | Self::TooMany => 413,
        }
    }
}

/// Reads a request: what became of each of its calls, in their order.
///
/// # Errors
/// [`Error`], where nothing of the request can be taken.
pub fn read(
    endpoint: Endpoint,
    headers: &Headers,
    body: &[u8],
    rules: Rules<'_>,
    now: Timestamp,
) -> Result<Vec<Heard>, Error> {
    if body.len() > MAX_REQUEST_BYTES {
        return Err(Error::TooLarge);
    }
    let delivery = Unverified::new(headers, body);
    let (verified, rights) = delivery.verify_write_key(rules.keys).ok_or(Error::Key)?;
    match (headers.get("origin"), rights) {
        (None, Rights::Trusted | Rights::Browser) => {}
        (Some(_), Rights::Trusted) => return Err(Error::Exposed),
        (Some(origin), Rights::Browser) if is_own(rules.origins, origin) => {}
        (Some(_), Rights::Browser) => return Err(Error::Origin),
    }
    let unreadable = |error: super::Error| Error::Unreadable(error.to_string());
    let (calls, sent_at, kind) = match endpoint {
        Endpoint::One(kind) => {
            let whole: &RawValue = verified.json().map_err(unreadable)?;
            (vec![whole], super::loose::Text::default(), Some(kind))
        }
        Endpoint::Batch => {
            let batch: Batch<'_> = verified.json().map_err(unreadable)?;
            (batch.batch, batch.sent_at, None)
        }
    };
    if calls.len() > MAX_BATCH {
        return Err(Error::TooMany);
    }
    let of = Reader {
        rules,
        rights,
        now,
        sent_at,
        kind,
    };
    Ok(calls
        .into_iter()
        .enumerate()
        .map(|(index, raw)| of.hear(index, raw))
        .collect())
}

/// Scheme and host of an address, as a browser names a page's origin.
pub fn origin_of(url: &str) -> String {
    url.split('/').take(3).collect::<Vec<_>>().join("/")
}

/// Whether a page of this origin is the store's own.
pub fn is_own(origins: &[String], origin: &str) -> bool {
    origins.iter().any(|own| own.eq_ignore_ascii_case(origin))
}

/// What all calls of a request have in common.
struct Reader<'a> {
    rules: Rules<'a>,
    rights: Rights,
    now: Timestamp,
    /// When the batch was sent, by the sender's clock.
    sent_at: super::loose::Text,
    kind: Option<Kind>,
}

impl Reader<'_> {
    fn hear(&self, index: usize, raw: &RawValue) -> Heard {
        let parsed = if raw.get().len() > MAX_CALL_BYTES {
            Err(Refused::TooLarge)
        } else {
            Call::parse(raw).ok_or(Refused::Unreadable)
        };
        let call = parsed.as_ref().ok();
        let message_id = call.and_then(Call::message_id);
        let judged = match &parsed {
            Ok(call) => self.judge(call, raw),
            Err(reason) => Err(reason.clone()),
        };
        let verdict = judged.unwrap_or_else(|reason| {
            let sent = Some(raw.get()).filter(|text| text.len() <= MAX_CALL_BYTES);
            Verdict::Refused(Box::new(RefusedCall {
                reason,
                by: self.rights,
                kind: self.kind.or_else(|| call.and_then(Call::kind)),
                event: call.and_then(Call::event_name),
                sent: sent.and_then(|text| serde_json::from_str(text).ok()),
                content: signing::content_name(&[raw.get().as_bytes()]),
            }))
        });
        Heard {
            index,
            message_id,
            verdict,
        }
    }

    fn judge(&self, call: &Call<'_>, raw: &RawValue) -> Result<Verdict, Refused> {
        let kind = self.kind.or_else(|| call.kind()).ok_or(Refused::Kind)?;
        let name = match kind {
            Kind::Group => return Ok(Verdict::Ignored(Ignored::Group)),
            Kind::Identify | Kind::Track | Kind::Page | Kind::Screen | Kind::Alias => call.name_of(kind)?,
        };
        if self.rights == Rights::Browser {
            browser::allow(kind, &name).map_err(Refused::NotForBrowsers)?;
        }
        if let EventKind::Custom(name) = &name
            && !self.rules.declared.contains(name)
        {
            return Ok(Verdict::Ignored(Ignored::Undeclared(name.clone())));
        }
        let event = call.event(kind, name, raw, &self.sent_at, self.now, self.rights)?;
        let event = match self.rights {
            Rights::Trusted => event,
            Rights::Browser => {
                browser::only_what_it_may(event, self.rules.origins).map_err(Refused::NotForBrowsers)?
            }
        };
        if event.identifiers.is_empty() {
            return Err(Refused::Nobody);
        }
        Ok(Verdict::Event(Box::new(event)))
    }
}
