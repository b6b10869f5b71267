//! Events of a provider's webhooks: from bytes that anyone may have sent to delivery events.
//!
//! `edge` hands each post of `/delivery/<provider>` to [`Events::verify`], then to [`Events::read`]. Keys, the time and a
//! fetched certificate are arguments. Nothing here fetches, stores, or decides what an event leads to. What one provider
//! signs and says stands in its own `events.rs`.
//!
//! ```text
//! Post -> verify -> Genuine ---------------------------------> read -> Report
//!                -> Pending (the edge asks crypto.subtle) ---^
//!                -> NeedsCertificate (Store fetches it) -> verify again
//! ```

pub(super) mod loose;
mod report;
pub(super) mod split;
pub(super) mod verification;

pub use report::{Report, Unread};
pub use verification::{Genuine, Pending, Post};

pub(super) use report::{Id, Item, agent, code, codes};

use super::account::Account;
use crate::domain::time::Timestamp;
use crate::signing::Secrets;
use serde_json::Value;
use std::borrow::Cow;

/// What one provider's `events.rs` says.
pub struct Events {
    /// The provider's name, as ids of events begin with it.
    pub provider: &'static str,
    /// The setting that switches them on: one of the provider's own, or `HOOK_TOKEN`.
    pub setting: &'static str,
    /// How a post is known to be genuine, for the docs.
    pub proof: &'static str,
    /// What a store does at the provider, for the docs.
    pub set_up: &'static str,
    /// Whether the provider asks the address by GET, without proof, before it takes it; 200 says yes.
    pub asks_by_get: bool,
    pub verify: Verify,
    /// Takes a genuine body apart into JSON objects, one an event.
    pub split: Split,
    /// Maps one of them.
    pub map: Map,
}

pub type Verify = for<'a> fn(Post<'a>, &Keys<'_>) -> Result<Verified<'a>, Error>;
pub type Split = for<'a> fn(&Genuine<'a>) -> Result<Vec<Cow<'a, str>>, Error>;
pub type Map = fn(&Item<'_>, &mut Report) -> Result<(), &'static str>;

/// What verification needs besides the post.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    pub account: &'a Account,
    /// The value of `HOOK_TOKEN`.
    pub hook_token: &'a Secrets,
    /// What `Store` fetched from the address of [`Verified::NeedsCertificate`], and that address.
    pub certificate: Option<Certificate<'a>>,
    pub now: Timestamp,
}

#[derive(Clone, Copy)]
pub struct Certificate<'a> {
    pub url: &'a str,
    pub pem: &'a [u8],
}

/// How far a post is known to be genuine.
pub enum Verified<'a> {
    Genuine(Genuine<'a>),
    /// All but an asymmetric signature has been checked.
    Pending(Pending<'a>),
    /// The certificate at this address is needed first; the address is one of the provider's own.
    NeedsCertificate {
        url: String,
    },
}

/// Why a post is refused. [`Error::status`] is the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the post is not proven to be the provider's: {hint}")]
    Unauthorized { hint: String },
    #[error("the body cannot be read: {hint}")]
    Unreadable { hint: String },
    #[error("the provider's events are off: set `{setting}`")]
    Unconfigured { setting: &'static str },
}

impl Events {
    /// Whether what they need is set; without it every post is refused.
    pub fn is_on(&self, account: &Account, hook_token: &Secrets) -> bool {
        if self.setting == verification::HOOK_TOKEN {
            !hook_token.is_empty()
        } else {
            account.secrets(self.setting).is_some()
        }
    }

    /// Checks that the provider sent this.
    ///
    /// # Errors
    /// [`Error`]: not configured, not genuine, or so broken that its signature cannot be found.
    pub fn verify<'a>(&self, post: Post<'a>, keys: &Keys<'_>) -> Result<Verified<'a>, Error> {
        (self.verify)(post, keys)
    }

    /// What a genuine post tells. One bad item is reported and fails none of the others; unknown kinds and fields are
    /// passed over.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when the whole body cannot be read.
    pub fn read(&self, genuine: &Genuine<'_>, now: Timestamp) -> Result<Report, Error> {
        let mut report = Report::new(self.provider, now);
        for (index, json) in (self.split)(genuine)?.into_iter().enumerate() {
            let told = match serde_json::from_str::<Value>(&json) {
                Ok(value) if value.is_object() => {
                    let item = Item::new(&value, &json, genuine);
                    (self.map)(&item, &mut report)
                }
                Ok(_) => Err("it is no JSON object"),
                Err(_) => Err("it holds a number or letter that cannot be read"),
            };
            if let Err(reason) = told {
                report.unread.push(Unread { index, reason });
            }
        }
        report.drop_idle_reasons();
        Ok(report)
    }
}

impl Error {
    /// The HTTP status to answer with (`DESIGN.md` §6). Never 403, 406 or 410: Postmark and Mailgun give up on them.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Unauthorized { .. } | Self::Unconfigured { .. } => 401,
            Self::Unreadable { .. } => 400,
        }
    }

    pub(super) fn unauthorized(hint: impl Into<String>) -> Self {
        Self::Unauthorized { hint: hint.into() }
    }

    pub(super) fn unreadable(hint: impl Into<String>) -> Self {
        Self::Unreadable { hint: hint.into() }
    }
}
