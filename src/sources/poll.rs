//! Recent documents of a shop, listed page by page: what makes up for webhooks that got lost.
//!
//! Each list of a source is a [`Feed`]. This file says what to ask the shop's API, and maps what it lists by the same code
//! as the webhooks; the edge makes the requests, and `engine/poll.rs` says when and since when. Nothing here asks anybody.

use super::arrival::Arrival;
use super::verification::Verified;
use super::{Error, Reading, Reason, SourceKind};
use crate::domain::event::{Event, EventKind};
use crate::domain::money::Currency;
use crate::domain::time::{Delay, Timestamp};
use crate::domain::web_address;
use crate::http::{Headers, Method, Request, Response};
use crate::signing::Secrets;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// How long after it was left a checkout is taken from a list.
const CHECKOUTS_TAKEN_FOR: Delay = Delay::from_hours(24);
/// Longest mark of a page.
const MAX_PAGE_BYTES: usize = 2_000;

/// How a source's recent documents are had.
pub(super) struct Polling {
    /// The settings without which nobody is asked; the first is the shop's address.
    pub settings: &'static [&'static str],
    pub lists: &'static [List],
    /// The shop's address as requests begin, of what the first setting says; none when it is no such address.
    pub base: fn(&str) -> Option<String>,
    /// What such an address looks like, for people.
    pub address: &'static str,
    /// The header that proves us, of the other settings' values.
    pub header: fn(&[&str]) -> (&'static str, String),
    /// The mark of the page behind this one, of its answer and the number of its documents.
    pub next: fn(&Headers, Page<'_>, usize) -> Option<String>,
}

/// One list of a shop's API.
pub(super) struct List {
    pub name: &'static str,
    /// The field of the answer that holds the documents; none when the answer is the array itself.
    pub field: Option<&'static str>,
    /// Path and query of a page.
    pub path: fn(Page<'_>) -> String,
    pub read: fn(&Verified<'_>, Arrival) -> Result<Reading, Error>,
}

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Of what was changed since then.
    pub since: Timestamp,
    /// As the source calls it; none is the first.
    pub mark: Option<&'a str>,
    /// Most documents of it.
    pub size: u32,
}

/// A list of a shop that is set up.
#[derive(Clone, Copy)]
pub struct Feed {
    pub source: SourceKind,
    polling: &'static Polling,
    list: &'static List,
}

/// What a page lists.
#[derive(Debug, PartialEq)]
pub struct Listing {
    /// What each document tells, in the order listed. One that cannot be read costs the others nothing.
    pub readings: Vec<Result<Reading, Error>>,
    /// The page behind it; none when it is the last.
    pub next: Option<String>,
    /// The shop's own clock.
    pub shop_time: Option<Timestamp>,
}

impl SourceKind {
    /// The settings without which the source is not polled; none of sources that repeat what got lost by themselves.
    pub fn poll_settings(self) -> &'static [&'static str] {
        self.source().polling.map_or(&[], |polling| polling.settings)
    }

    /// The first of them that is not set, where others of them are, or where the source's webhooks are on.
    pub fn lacks_to_poll(self, secrets: &BTreeMap<String, Secrets>) -> Option<&'static str> {
        let settings = self.poll_settings();
        let is_set = |name: &&&'static str| secrets.contains_key(**name);
        let wanted = self.is_on(secrets) || settings.iter().any(|name| is_set(&name));
        settings.iter().find(|name| wanted && !is_set(name)).copied()
    }

    /// Whether some of its poll's settings are there and others are not: surely an oversight.
    pub fn is_half_set_to_poll(self, secrets: &BTreeMap<String, Secrets>) -> bool {
        let settings = self.poll_settings().iter();
        settings.clone().any(|name| secrets.contains_key(*name)) && self.lacks_to_poll(secrets).is_some()
    }
}

impl Feed {
    /// The lists of all shops that are set up to be polled.
    pub fn all(secrets: &BTreeMap<String, Secrets>) -> Vec<Self> {
        let mut feeds = Vec::new();
        for source in SourceKind::ALL {
            let Some(polling) = source.source().polling else {
                continue;
            };
            if polling.settings.iter().all(|name| secrets.contains_key(*name)) {
                feeds.extend(polling.lists.iter().map(|list| Self {
                    source,
                    polling,
                    list,
                }));
            }
        }
        feeds
    }

    /// What its cursor is kept under.
    pub fn name(&self) -> String {
        format!("{}/{}", self.source, self.list.name)
    }

    /// The request for a page.
    ///
    /// # Errors
    /// [`Error::Unconfigured`] when a setting is missing, [`Error::Unreadable`] when the shop's address is none that a
    /// secret may be sent to.
    pub fn request(&self, secrets: &BTreeMap<String, Secrets>, page: Page<'_>) -> Result<Request, Error> {
        let mut values = Vec::new();
        for setting in self.polling.settings {
            let value = secrets.get(*setting).and_then(|values| values.iter().next());
            values.push(value.ok_or(Error::Unconfigured { setting })?);
        }
        let (address, proof) = values
            .split_first()
            .map_or(("", &[][..]), |(first, rest)| (*first, rest));
        let wrong = || {
            let setting = self.polling.settings.first().copied().unwrap_or_default();
            Error::unreadable(format!("`{setting}` must be {}", self.polling.address))
        };
        let base = (self.polling.base)(address).ok_or_else(wrong)?;
        let (header, value) = (self.polling.header)(proof);
        Ok(Request {
            method: Method::Get,
            url: format!("{base}{}", (self.list.path)(page)),
            headers: Headers::new()
                .with("accept", "application/json")
                .with("user-agent", concat!("wend/", env!("CARGO_PKG_VERSION")))
                .with(header, &value),
            body: Vec::new(),
        })
    }

    /// Maps the answer to that request: what the shop's own API said.
    ///
    /// # Errors
    /// [`Error::Unreadable`] when it is no such list: a page of a proxy, half a page.
    pub fn read(
        &self,
        response: &Response,
        page: Page<'_>,
        now: Timestamp,
        currency: Option<Currency>,
    ) -> Result<Listing, Error> {
        let text = std::str::from_utf8(&response.body).map_err(|_| Error::unreadable("it is not UTF-8"))?;
        let arrival = Arrival {
            source: self.source,
            now,
            currency,
        };
        let documents = self.documents(text)?;
        let read = |document: &&RawValue| {
            let reading = (self.list.read)(&Verified::listed(document.get().as_bytes()), arrival)?;
            Ok(polled(reading, now))
        };
        Ok(Listing {
            readings: documents.iter().map(read).collect(),
            next: (self.polling.next)(&response.headers, page, documents.len()),
            shop_time: response
                .headers
                .get("date")
                .and_then(|date| Timestamp::parse_rfc2822(date).ok()),
        })
    }

    fn documents<'a>(&self, text: &'a str) -> Result<Vec<&'a RawValue>, Error> {
        // Where, and not what: the text may hold an address, and the reason is shown.
        let unreadable = |error: serde_json::Error| {
            Error::unreadable(format!(
                "no list at line {}, column {}",
                error.line(),
                error.column()
            ))
        };
        let Some(field) = self.list.field else {
            return serde_json::from_str(text).map_err(unreadable);
        };
        let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(unreadable)?;
        let list = fields
            .get(field)
            .ok_or_else(|| Error::unreadable(format!("it has no `{field}`")))?;
        serde_json::from_str(list.get()).map_err(unreadable)
    }
}

/// Marks what a poll found. A checkout of long ago leads to nothing: its first mail would be dropped as too late, and the
/// ones behind it would not.
fn polled(reading: Reading, now: Timestamp) -> Reading {
    let Reading::Events(mut events) = reading else {
        return reading;
    };
    let is_old = |event: &Event| {
        event.kind == EventKind::CheckoutStarted && now.since(event.occurred_at) > CHECKOUTS_TAKEN_FOR
    };
    if events.iter().any(is_old) {
        return Reading::Ignored(Reason::LeftLongAgo);
    }
    for event in &mut events {
        event.polled = true;
    }
    Reading::Events(events)
}

/// An address that a secret may be sent to, without its last slash: https of a public name, or plain http of this very
/// machine. Where it leads on to is not followed.
pub(super) fn base(address: &str) -> Option<String> {
    let address = address.trim_end_matches('/');
    let (_, rest) = address.split_once("://")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_~:/".contains(&byte);
    let allowed = rest.bytes().all(is_plain) && web_address::check(address, true).is_ok();
    allowed.then(|| address.to_owned())
}

/// The mark of a page may stand in an address: it adds no parameter and leads nowhere else.
pub(super) fn mark(text: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~=%".contains(&byte);
    let fits = !text.is_empty() && text.len() <= MAX_PAGE_BYTES && text.bytes().all(is_plain);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_to_a_public_name_by_https_or_to_this_machine() {
        for sound in [
            "https://shop.example",
            "https://shop.example:8443/wordpress",
            "http://127.0.0.1:9000",
            "http://localhost",
        ] {
            assert_eq!(base(&format!("{sound}/")).as_deref(), Some(sound));
        }
        for wrong in [
            "",
            "shop.example",
            "http://shop.example",
            "ftp://shop.example",
            "https://user:secret@shop.example",
            "https://shop.example?x=1",
            "https://shop.example#x",
            "https://shop example",
            "https://10.0.0.1",
            "https://0x7f.0x1",
            "https://169.254.169.254/latest",
            "https://2130706433",
            "https://[fd00::1]",
            "https://nas.local",
            "https://db.internal",
            "http://127.0.0.1.evil.example",
            "https://",
        ] {
            assert_eq!(base(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_mark_adds_nothing_to_an_address() {
        assert_eq!(mark("eyJsYXN0IjoxfQ=="), Some("eyJsYXN0IjoxfQ==".to_owned()));
        for wrong in ["", "1&limit=1", "a/b", "a b", "a#b", "http://x"] {
            assert_eq!(mark(wrong), None, "{wrong}");
        }
    }
}
