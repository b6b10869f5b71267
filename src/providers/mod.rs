//! Email APIs. One file each: a finished email becomes a request, an answer becomes one outcome a message, a webhook becomes
//! delivery events.
//!
//! The delivery loop in `edge` calls this registry; each method only asks the provider's [`Api`]. Providers
//! translate and nothing else: no clock, no retries, no logging, no consent, and nothing here sends.
//! `docs/providers.md` is the table for people, `docs/adding-a-provider.md` says how to add one.

pub mod account;
pub mod address;
pub mod answer;
mod brevo;
mod cloudflare;
mod dashamail;
mod envelope;
pub mod events;
mod json;
pub mod loopback;
mod mailgun;
mod mailpit;
mod mailtrap;
pub mod outbox;
mod postmark;
mod quota;
pub mod registry;
pub mod resend;
mod sendgrid;
mod ses;
mod sparkpost;
mod told;
mod unisender_go;
mod wire;

use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::{Delay, Timestamp};
use crate::http::{Headers, Request, Response};
use account::{Account, Setting};
use answer::{Answer, RateHint};
use events::Events;
use registry::Error;

/// A provider by its name in `EMAIL_PROVIDER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderKind {
    /// Embedded: mails are kept in the shard and shown at `/dev/outbox`.
    Outbox,
    Resend,
    Postmark,
    SendGrid,
    Mailgun,
    /// Amazon SES, API version 2.
    Ses,
    Brevo,
    SparkPost,
    Mailtrap,
    /// Transactional mail only.
    CloudflareEmail,
    UniSenderGo,
    DashaMail,
    /// A catcher of test mail.
    Mailpit,
}

/// Everything that one provider's file says; the registry has nothing else of it.
pub struct Api {
    pub name: &'static str,
    pub capabilities: Capabilities,
    /// What must or may be set for it; the base address comes first.
    pub settings: &'static [Setting],
    pub refusal: fn(&OutgoingEmail) -> Option<Rejection>,
    /// Of the account only what is no secret may go into these bytes: they are kept.
    pub body: Body,
    /// None where nothing leaves the Worker.
    pub repeat: Option<Repeat>,
    pub read: fn(&Response, usize, Timestamp) -> Answer,
    pub rate_hint: fn(&Headers, Timestamp) -> Option<RateHint>,
    /// None where no webhooks come.
    pub events: Option<&'static Events>,
}

/// The bytes to keep: account, key, members.
pub type Body = fn(&Account, &str, &[OutgoingEmail]) -> Result<Vec<u8>, Error>;

/// The request around kept bytes: account, key, body, number of members, and the time for APIs that sign it.
pub type Repeat = fn(&Account, &str, Vec<u8>, usize, Timestamp) -> Result<Request, Error>;

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
    /// Whether mail can reach people at all; a catcher of test mail takes it and shows it.
    pub reaches_people: bool,
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
    pub const ALL: [Self; 13] = [
        Self::Outbox,
        Self::Resend,
        Self::Postmark,
        Self::SendGrid,
        Self::Mailgun,
        Self::Ses,
        Self::Brevo,
        Self::SparkPost,
        Self::Mailtrap,
        Self::CloudflareEmail,
        Self::UniSenderGo,
        Self::DashaMail,
        Self::Mailpit,
    ];

    const fn api(self) -> &'static Api {
        match self {
            Self::Outbox => &outbox::API,
            Self::Resend => &resend::API,
            Self::Postmark => &postmark::API,
            Self::SendGrid => &sendgrid::API,
            Self::Mailgun => &mailgun::API,
            Self::Ses => &ses::API,
            Self::Brevo => &brevo::API,
            Self::SparkPost => &sparkpost::API,
            Self::Mailtrap => &mailtrap::API,
            Self::CloudflareEmail => &cloudflare::API,
            Self::UniSenderGo => &unisender_go::API,
            Self::DashaMail => &dashamail::API,
            Self::Mailpit => &mailpit::API,
        }
    }

    pub const fn as_str(self) -> &'static str {
        self.api().name
    }

    pub const fn capabilities(self) -> &'static Capabilities {
        &self.api().capabilities
    }

    pub fn may_carry(self, stream: Stream) -> bool {
        self.capabilities().streams.contains(&stream)
    }

    /// Why this provider can never carry this email; to be asked before it is claimed.
    pub fn refusal(self, email: &OutgoingEmail) -> Option<Rejection> {
        (self.api().refusal)(email)
    }

    /// The exact bytes to keep from claim to outcome; empty for the outbox, which has no request. Some APIs take the
    /// idempotency key in them.
    ///
    /// # Errors
    /// No member, too many, or one that [`Self::refusal`] names.
    pub fn body(self, account: &Account, key: &str, members: &[OutgoingEmail]) -> Result<Vec<u8>, Error> {
        (self.api().body)(account, key, members)
    }

    /// The request around kept bytes; `None` for the outbox. It is the same at every attempt, but for the signature of
    /// an API that wants one with the time in it: `now` is the real time, whatever the development clock says.
    ///
    /// # Errors
    /// `Error::Key` when the provider would not take the idempotency key.
    pub fn request(
        self,
        account: &Account,
        key: &str,
        body: Vec<u8>,
        members: usize,
        now: Timestamp,
    ) -> Result<Option<Request>, Error> {
        self.api()
            .repeat
            .map(|repeat| repeat(account, key, body, members, now))
            .transpose()
    }

    /// What the answer to a request with this many members says.
    pub fn read(self, response: &Response, members: usize, now: Timestamp) -> Answer {
        (self.api().read)(response, members, now)
    }

    /// What an answer's headers tell about the rate we may keep.
    pub fn rate_hint(self, headers: &Headers, now: Timestamp) -> Option<RateHint> {
        (self.api().rate_hint)(headers, now)
    }

    /// How its webhooks are verified and read; none where it has none.
    pub const fn events(self) -> Option<&'static Events> {
        self.api().events
    }

    /// What must or may be set for it; empty where nothing is to be set.
    pub const fn settings(self) -> &'static [Setting] {
        self.api().settings
    }
}
