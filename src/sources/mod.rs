//! Storefronts and apps that post webhooks: each has one module that verifies a delivery and maps it to events.
//!
//! The edge hands a request of `/hooks/<source>` to [`SourceKind::verify`], then to [`SourceKind::read`]. Nothing here
//! stores, sends, reads a clock or decides what an event leads to. This file only names the sources; what one does stands
//! in its own module.
//!
//! ```text
//! Unverified -> verify -> Genuine ------------------------------> read -> Reading
//!                      -> Pending (the edge asks crypto.subtle) -^
//!                      -> NeedsKeys (Store fetches them) -> verify again
//! ```

mod arrival;
mod bigcommerce;
pub mod clean;
mod document;
mod ecwid;
mod events;
pub mod feed;
mod insales;
mod loose;
mod medusa;
mod notice;
pub mod poll;
mod product;
mod saleor;
pub mod segment;
mod shape;
mod shopify;
mod squarespace;
mod stripe;
mod tilda;
mod verification;
mod wix;
mod woocommerce;

pub use product::Product;
pub use shopify::ended as ended_at_shopify;
pub use verification::{Pending, Proof, Rights, Unverified, Verified, WriteKeys};

use crate::domain::event::Event;
use crate::domain::ids::SourceName;
use crate::domain::money::Currency;
use crate::domain::notice::Notice;
use crate::domain::privacy::PrivacyRequest;
use crate::domain::time::Timestamp;
use crate::signing::{Secrets, route_token};
use arrival::Arrival;
use notice::Fetching;
use poll::Polling;
use std::collections::BTreeMap;
use std::fmt;

/// Every source there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceKind {
    Shopify,
    Woocommerce,
    Bigcommerce,
    Ecwid,
    Stripe,
    Squarespace,
    Wix,
    Saleor,
    Medusa,
    Insales,
    Tilda,
    /// Our own JSON, for any other shop, app or script.
    Events,
}

/// What one source's module says.
struct Source {
    /// The name in `/hooks/<name>` and in every event of the source.
    name: &'static str,
    /// Settings that prove its deliveries: each of them alone switches it on.
    settings: &'static [&'static str],
    /// How a delivery is known to be genuine, for the docs.
    proof: &'static str,
    verify: for<'a> fn(Unverified<'a>, &Keys<'_>) -> Result<Proof<'a>, Error>,
    read: fn(&Verified<'_>, Arrival) -> Result<Reading, Error>,
    /// How documents are had that deliveries only name; none where they carry them.
    fetching: Option<&'static Fetching>,
    /// How its recent documents are listed; none where it repeats what got lost by itself, or has no such list.
    polling: Option<&'static Polling>,
}

/// The setting that the tokens of routes are derived from, of sources that sign nothing.
pub const HOOK_TOKEN: &str = route_token::SETTING;

/// What verification needs besides the delivery.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// The settings of sources, by name.
    pub secrets: &'a BTreeMap<String, Secrets>,
    /// What the `Store` fetched from the address of [`Proof::NeedsKeys`], and that address.
    pub fetched: Option<(&'a str, &'a [u8])>,
    pub now: Timestamp,
}

/// What a genuine delivery says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// At least one event, in the order in which they happened.
    Events(Vec<Event>),
    /// Something happened to a document that must be fetched first, after the delivery was answered.
    Notice(Notice),
    /// The sender asks something about personal data.
    Privacy(PrivacyRequest),
    /// What the shop sells changed: for the catalogue, of a store that keeps one.
    Product(Product),
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
    /// An order was changed, as by a note or a parcel, in a way that other topics tell or that means nothing to us.
    Edit,
    /// A checkout that a list still shows, and that was left too long ago for anybody to be reminded of it.
    LeftLongAgo,
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
    pub const ALL: [Self; 12] = [
        Self::Shopify,
        Self::Woocommerce,
        Self::Bigcommerce,
        Self::Ecwid,
        Self::Stripe,
        Self::Squarespace,
        Self::Wix,
        Self::Saleor,
        Self::Medusa,
        Self::Insales,
        Self::Tilda,
        Self::Events,
    ];

    const fn source(self) -> &'static Source {
        match self {
            Self::Shopify => &shopify::SOURCE,
            Self::Woocommerce => &woocommerce::SOURCE,
            Self::Bigcommerce => &bigcommerce::SOURCE,
            Self::Ecwid => &ecwid::SOURCE,
            Self::Stripe => &stripe::SOURCE,
            Self::Squarespace => &squarespace::SOURCE,
            Self::Wix => &wix::SOURCE,
            Self::Saleor => &saleor::SOURCE,
            Self::Medusa => &medusa::SOURCE,
            Self::Insales => &insales::SOURCE,
            Self::Tilda => &tilda::SOURCE,
            Self::Events => &events::SOURCE,
        }
    }

    /// The name in `/hooks/<name>` and in every event of the source.
    pub const fn as_str(self) -> &'static str {
        self.source().name
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The settings of which any switches the source on.
    pub const fn settings(self) -> &'static [&'static str] {
        self.source().settings
    }

    /// The names of all settings of sources.
    pub fn all_settings() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().flat_map(|kind| {
            let fetching = kind.source().fetching;
            let fetching = fetching
                .into_iter()
                .flat_map(|fetching| [fetching.token, fetching.url]);
            let settings = kind.settings().iter().copied();
            settings
                .chain(fetching)
                .chain(kind.poll_settings().iter().copied())
        })
    }

    /// How a delivery is known to be genuine, for the docs.
    pub const fn proof(self) -> &'static str {
        self.source().proof
    }

    /// Whether its address ends in a token, as it signs nothing.
    pub fn has_token(self) -> bool {
        self.settings() == [HOOK_TOKEN]
    }

    /// Whether a set-up gives it a secret of its own from the first day.
    pub const fn is_offered(self) -> bool {
        match self {
            Self::Shopify | Self::Woocommerce | Self::Events => true,
            Self::Bigcommerce
            | Self::Ecwid
            | Self::Stripe
            | Self::Squarespace
            | Self::Wix
            | Self::Saleor
            | Self::Medusa
            | Self::Insales
            | Self::Tilda => false,
        }
    }

    pub fn is_on(self, secrets: &BTreeMap<String, Secrets>) -> bool {
        let set = |name: &&str| secrets.get(*name).is_some_and(|secret| !secret.is_empty());
        self.settings().iter().any(set)
    }

    pub fn name(self) -> SourceName {
        SourceName::built_in(self.as_str())
    }

    /// Checks that the source sent this.
    ///
    /// # Errors
    /// [`Error`]: not configured, not genuine, or so broken that its signature cannot be found.
    pub fn verify<'a>(self, delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
        (self.source().verify)(delivery, keys)
    }

    /// Maps a genuine delivery. `currency` is the store's own, for sources that name none.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the whole body cannot be read.
    pub fn read(
        self,
        verified: &Verified<'_>,
        now: Timestamp,
        currency: Option<Currency>,
    ) -> Result<Reading, Error> {
        let arrival = Arrival {
            source: self,
            now,
            currency,
        };
        (self.source().read)(verified, arrival)
    }
}

impl Keys<'_> {
    /// The values of a setting.
    fn secrets(&self, setting: &'static str) -> Result<&Secrets, Error> {
        let set = self.secrets.get(setting).filter(|secrets| !secrets.is_empty());
        set.ok_or(Error::Unconfigured { setting })
    }

    /// Each value of a setting, as it is written.
    fn values(&self, setting: &'static str) -> Result<Vec<&str>, Error> {
        Ok(self.secrets(setting)?.iter().collect())
    }
}

impl Reading {
    fn ignored(topic: &str) -> Self {
        Self::Ignored(Reason::Topic(clean::line(topic).unwrap_or_default()))
    }

    fn of_status(status: &str) -> Self {
        Self::Ignored(Reason::Status(clean::line(status).unwrap_or_default()))
    }
}

impl Reason {
    /// Whether a delivery of it has a line in the log. Shops post each change of an order, several for each that is placed: lines of
    /// them would cost more than the orders, and leave no room for others.
    pub const fn is_logged(&self) -> bool {
        match self {
            Self::Topic(_) | Self::Status(_) | Self::LeftLongAgo => true,
            Self::Edit => false,
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

    /// The keys at the address of [`Proof::NeedsKeys`] are there, and the one that the delivery was signed with is not.
    pub fn unpublished() -> Self {
        Self::unauthorized("the shop does not publish the key that it was signed with")
    }

    fn unreadable(hint: impl Into<String>) -> Self {
        Self::Unreadable { hint: hint.into() }
    }

    fn unauthorized(hint: impl Into<String>) -> Self {
        Self::Unauthorized { hint: hint.into() }
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
            Self::Edit => {
                f.write_str("an order was changed; only its cancellation and a refund of all of it are used")
            }
            Self::LeftLongAgo => {
                f.write_str("a checkout that was left more than a day ago is not taken from a list")
            }
            Self::Status(status) => write!(f, "orders with the status `{status}` are not used"),
        }
    }
}
