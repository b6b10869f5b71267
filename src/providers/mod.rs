//! Email APIs. One file each: a finished email becomes a request, an answer becomes one outcome a message.
//!
//! The delivery loop in `edge` calls this registry; each method only picks the provider's file. Providers
//! translate and nothing else: no clock, no retries, no logging, no consent, and nothing here sends.
//! `docs/providers.md` is the table for people, `docs/adding-a-provider.md` says how to add one.

pub mod address;
pub mod answer;
pub mod loopback;
pub mod outbox;
pub mod registry;
pub mod resend;

use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Request, Response};
use answer::{Answer, RateHint};
use registry::{Account, Error};

/// A provider by its name in `EMAIL_PROVIDER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// Embedded: mails are kept in the shard and shown at `/dev/outbox`.
    Outbox,
    Resend,
}

/// What a provider can do, as data: the delivery loop, `doctor` and the docs read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// Most messages in one request.
    pub batch_max: usize,
    pub idempotency: Idempotency,
    /// What it may carry, by its terms and its set-up.
    pub streams: &'static [Stream],
    /// Whether it puts its own unsubscribe link or header into the mail.
    pub own_unsubscribe: bool,
    /// Whether our message id comes back in its events.
    pub metadata: bool,
    /// Whether mail stays inside the Worker and can reach nobody.
    pub local: bool,
    /// What a store may rely on, in words.
    pub guarantee: &'static str,
}

/// Whether a request may be repeated without a second mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idempotency {
    None,
    /// The same key and bytes give the same answer for this long after the first request.
    Keyed {
        window: Delay,
    },
}

impl ProviderKind {
    pub const ALL: [Self; 2] = [Self::Outbox, Self::Resend];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Resend => "resend",
        }
    }

    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Outbox => outbox::CAPABILITIES,
            Self::Resend => resend::CAPABILITIES,
        }
    }

    /// Why this provider can never carry this email; to be asked before it is claimed.
    pub fn refusal(self, email: &OutgoingEmail) -> Option<Rejection> {
        match self {
            Self::Outbox => None,
            Self::Resend => resend::refusal(email),
        }
    }

    /// The exact bytes to keep from claim to outcome; empty for the outbox, which has no request.
    ///
    /// # Errors
    /// No member, too many, or one that [`Self::refusal`] names.
    pub fn body(self, members: &[OutgoingEmail]) -> Result<Vec<u8>, Error> {
        match self {
            Self::Outbox => Ok(Vec::new()),
            Self::Resend => resend::body(members),
        }
    }

    /// The request around kept bytes, the same at every attempt; `None` for the outbox.
    ///
    /// # Errors
    /// `Error::Key` when the provider would not take the idempotency key.
    pub fn request(
        self,
        account: &Account,
        key: &str,
        body: Vec<u8>,
        members: usize,
    ) -> Result<Option<Request>, Error> {
        match self {
            Self::Outbox => Ok(None),
            Self::Resend => resend::repeat(account, key, body, members).map(Some),
        }
    }

    /// What the answer to a request with this many members says.
    pub fn read(self, response: &Response, members: usize, now: Timestamp) -> Answer {
        match self {
            Self::Outbox => outbox::read(members),
            Self::Resend => resend::read(response, members, now),
        }
    }

    /// What an answer's headers tell about the rate we may keep.
    pub fn rate_hint(self, headers: &Headers) -> Option<RateHint> {
        match self {
            Self::Outbox => None,
            Self::Resend => resend::rate_hint(headers),
        }
    }

    /// Base address unless a setting overrides it; empty where nothing leaves.
    pub const fn default_url(self) -> &'static str {
        match self {
            Self::Outbox => "",
            Self::Resend => resend::DEFAULT_URL,
        }
    }

    /// The setting that overrides the base address, and the one with the key; `None` where nothing is to be set.
    pub const fn settings(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Outbox => None,
            Self::Resend => Some(("RESEND_URL", "RESEND_API_KEY")),
        }
    }
}
