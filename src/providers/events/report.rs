//! What a post told, and the parts of mapping that all providers share: ids, codes, times.
//!
//! The providers' `events.rs` fill a [`Report`]; `edge` and the storage turn read it.

use super::loose::Loose;
use super::verification::Genuine;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::ids::{self, EventId};
use crate::domain::time::Timestamp;
use crate::signing::content_name;
use serde_json::Value;
use std::borrow::Cow;

/// Longest code kept of a provider's reason, and longest name of a program.
const CODE_MAX: usize = 64;
const AGENT_MAX: usize = 256;

/// What a genuine post says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the order of the post.
    pub events: Vec<DeliveryEvent>,
    /// Items that are understood and nothing for us: other kinds, pings, mail that was only queued.
    pub ignored: usize,
    pub unread: Vec<Unread>,
    /// To be asked by GET, once and through `Store`, to take up a subscription: Amazon SNS.
    pub confirm: Option<String>,
    provider: &'static str,
    now: Timestamp,
}

/// An item that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// Its place in the post, from 0.
    pub index: usize,
    pub reason: &'static str,
}

/// One event of a post, with the post around it.
pub struct Item<'a> {
    /// Its fields.
    pub fields: Loose<'a>,
    /// As it was written.
    json: &'a str,
    post: &'a Genuine<'a>,
}

/// What tells an event from all others of its provider.
pub enum Id<'a> {
    /// The provider's own id; where it is missing, the whole of what was written.
    Own(Option<Cow<'a, str>>),
    /// The same, of an item that is one event for each of several recipients.
    Nth(Option<Cow<'a, str>>, usize),
    /// What the event is made of, where the provider gives no id.
    Content(&'a [Loose<'a>]),
    /// All that was written, and a name that stood elsewhere.
    Told(&'a str),
}

impl<'a> Item<'a> {
    pub(super) fn new(value: &'a Value, json: &'a str, post: &'a Genuine<'a>) -> Self {
        Self {
            fields: Loose::new(value),
            json,
            post,
        }
    }

    pub fn at(&self, key: &str) -> Loose<'a> {
        self.fields.at(key)
    }

    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.post.header(name)
    }

    pub fn query(&self) -> &'a str {
        self.post.query()
    }
}

impl Report {
    pub(super) const fn new(provider: &'static str, now: Timestamp) -> Self {
        Self {
            events: Vec::new(),
            ignored: 0,
            unread: Vec::new(),
            confirm: None,
            provider,
            now,
        }
    }

    /// Counts an item that is nothing for us.
    pub(in crate::providers) const fn ignore(&mut self) -> Result<(), &'static str> {
        self.ignored += 1;
        Ok(())
    }

    /// A new event of the item, to be filled. Without a time it happened now.
    pub(in crate::providers) fn event(
        &mut self,
        item: &Item<'_>,
        kind: DeliveryKind,
        id: &Id<'_>,
        at: Loose<'_>,
    ) -> Result<&mut DeliveryEvent, &'static str> {
        let own = |id: &Option<Cow<'_, str>>| match id {
            Some(id) => id.to_string(),
            None => content_name(&[item.json.as_bytes()]),
        };
        let name = match id {
            Id::Own(id) | Id::Nth(id, 0) => own(id),
            Id::Nth(id, nth) => format!("{}/{nth}", own(id)),
            Id::Told(name) => content_name(&[item.json.as_bytes(), name.as_bytes()]),
            Id::Content(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.word()).collect();
                let bytes: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
                content_name(&bytes)
            }
        };
        let at = at.time().unwrap_or(self.now).clamped_to(self.now);
        let id = self.named(&name).map_err(|_| "its id cannot be kept")?;
        Ok(self.events.push_mut(DeliveryEvent::new(id, kind, at)))
    }

    /// What went well has no reason: the provider's word for it only says the kind again.
    pub(super) fn drop_idle_reasons(&mut self) {
        for event in &mut self.events {
            match event.kind {
                DeliveryKind::Delivered | DeliveryKind::Opened | DeliveryKind::Clicked => event.reason = None,
                DeliveryKind::Deferred
                | DeliveryKind::SoftBounce
                | DeliveryKind::HardBounce
                | DeliveryKind::Complaint
                | DeliveryKind::Unsubscribed
                | DeliveryKind::ProviderSuppressed
                | DeliveryKind::Failed => {}
            }
        }
    }

    /// An id that begins with the provider's name, and is a hash where the provider's own is no id of ours.
    fn named(&self, name: &str) -> Result<EventId, ids::Error> {
        let of = |name: &str| EventId::parse(&format!("{}:{name}", self.provider));
        of(name).or_else(|_| of(&content_name(&[name.as_bytes()])))
    }
}

/// A provider's reason as a short code. Free text is none: it could hold an address.
pub fn code(text: &str) -> Option<String> {
    let letter = |c: char| match c {
        'A'..='Z' => Some(c.to_ascii_lowercase()),
        'a'..='z' | '0'..='9' | '.' | '-' | '/' => Some(c),
        '_' | ' ' | ':' => Some('_'),
        _ => None,
    };
    let code: String = text.trim().chars().filter_map(letter).take(CODE_MAX).collect();
    (!code.is_empty() && !text.contains('@')).then_some(code)
}

/// Those of several words that are there, as one code: `permanent/general`.
pub fn codes(words: &[Loose<'_>]) -> Option<String> {
    let words: Vec<_> = words.iter().filter_map(|word| word.text()).collect();
    code(&words.join("/"))
}

/// The name of a program, bounded.
pub fn agent(told: Loose<'_>) -> Option<String> {
    told.text().map(|name| name.chars().take(AGENT_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_code_without_addresses() {
        assert_eq!(code("Bounced Address").as_deref(), Some("bounced_address"));
        assert_eq!(code("err_user_unknown").as_deref(), Some("err_user_unknown"));
        assert_eq!(code("5.1.1").as_deref(), Some("5.1.1"));
        assert_eq!(code("550 <anna@example.com> unknown"), None);
        assert_eq!(code(" ж "), None);
        assert!(code(&"x".repeat(500)).unwrap().len() == CODE_MAX);
    }
}
