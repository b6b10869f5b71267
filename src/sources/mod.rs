//! Storefronts and apps that post webhooks: each has one module that verifies a delivery and maps it to events.
//!
//! The edge hands a request of `/hooks/<source>` to [`SourceKind::read`]. Nothing here stores, sends, reads a clock
//! or decides what an event leads to. This file only names the sources; what one does stands in its own module.

mod arrival;
mod clean;
mod events;
mod loose;
mod shopify;
mod verification;
mod woocommerce;

pub use verification::{Unverified, Verified};

use crate::domain::event::Event;
use crate::domain::ids::SourceName;
use crate::domain::privacy::PrivacyRequest;
use crate::domain::time::Timestamp;
use crate::signing::Secrets;
use std::fmt;

/// Every source there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    Shopify,
    Woocommerce,
    /// Our own JSON, for any other shop, app or script.
    Events,
}

/// What a genuine delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// At least one event, in the order in which they happened.
    Events(Vec<Event>),
    /// The sender asks something about personal data.
    Privacy(PrivacyRequest),
    /// The sender only asked whether we are there.
    Ping,
    /// Genuine, understood, and nothing for us. It must be answered 200, or the sender would repeat it.
    Ignored(Reason),
}

/// Why a genuine delivery leads to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A topic that we do not take; the name as it came.
    Topic(String),
    /// An order in a status that means nothing to us, such as one of a plugin; the status as it came.
    Status(String),
}

/// Why a delivery is refused. [`Error::status`] is the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the delivery is not signed by the source: {hint}")]
    Unauthorized { hint: String },
    #[error("the body cannot be read: {hint}")]
    Unreadable { hint: String },
    #[error("the source is off: set `{setting}`")]
    Unconfigured { setting: &'static str },
}

impl SourceKind {
    pub const ALL: [Self; 3] = [Self::Shopify, Self::Woocommerce, Self::Events];

    /// The name in `/hooks/<name>` and in every event of the source.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shopify => "shopify",
            Self::Woocommerce => "woocommerce",
            Self::Events => "events",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The secret setting that switches the source on.
    pub const fn setting(self) -> &'static str {
        match self {
            Self::Shopify => "SHOPIFY_WEBHOOK_SECRET",
            Self::Woocommerce => "WOOCOMMERCE_WEBHOOK_SECRET",
            Self::Events => "EVENTS_WEBHOOK_SECRET",
        }
    }

    pub fn name(self) -> SourceName {
        SourceName::built_in(self.as_str())
    }

    /// Verifies a delivery and maps it. `secrets` is the value of [`Self::setting`].
    ///
    /// # Errors
    /// [`Error`]: not configured, not genuine, or not readable.
    pub fn read(self, delivery: Unverified<'_>, secrets: &Secrets, now: Timestamp) -> Result<Reading, Error> {
        match self {
            Self::Shopify => shopify::read(delivery, secrets, now),
            Self::Woocommerce => woocommerce::read(delivery, secrets, now),
            Self::Events => events::read(delivery, secrets, now),
        }
    }
}

impl Error {
    /// The HTTP status to answer with (`DESIGN.md` §6). Never 403, 406 or 410: senders give up on them.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthorized { .. } | Self::Unconfigured { .. } => 401,
            Self::Unreadable { .. } => 400,
        }
    }

    fn unreadable(hint: impl Into<String>) -> Self {
        Self::Unreadable { hint: hint.into() }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Topic(topic) => write!(f, "the topic `{topic}` is not used"),
            Self::Status(status) => write!(f, "orders with the status `{status}` are not used"),
        }
    }
}
