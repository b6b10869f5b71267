//! The frame of an event: what every source fills in the same way.
//!
//! Called by each source's mapping. It knows no source's fields.

use super::loose::Text;
use super::{Error, SourceKind, clean};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::EventId;
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::signing;

/// Property that counts what was left out because an event is bounded.
pub const LEFT_OUT: &str = "left_out";

/// Where and when a delivery came in.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    pub source: SourceKind,
    pub now: Timestamp,
    /// The store's own, of which amounts are where the source names none.
    pub currency: Option<Currency>,
}

/// Identifiers in the order given, each once.
pub struct Identifiers {
    source: SourceKind,
    list: Vec<Identifier>,
}

impl Arrival {
    /// An event that says nothing yet. Without a time of its own it happened now.
    pub fn event(&self, kind: EventKind, id: &str, at: Option<Timestamp>) -> Result<Event, Error> {
        let id = event_id(self.source, id)?;
        let occurred_at = at.unwrap_or(self.now).clamped_to(self.now);
        Ok(Event::new(id, kind, self.source.name(), occurred_at, self.now))
    }

    /// A transition of an order: every topic, poll or script that reports it gives the same event.
    pub fn order_event(
        &self,
        kind: EventKind,
        order_id: &str,
        at: Option<Timestamp>,
    ) -> Result<Event, Error> {
        let transition = kind.order_status().map_or("", |status| status.as_str());
        let id = format!("{}:order:{order_id}:{transition}", self.source);
        self.event(kind, &id, at)
    }

    pub fn identifiers(&self) -> Identifiers {
        Identifiers {
            source: self.source,
            list: Vec::new(),
        }
    }
}

impl Identifiers {
    #[must_use]
    pub fn email(mut self, address: Option<&EmailAddress>) -> Self {
        self.push(address.map(Identifier::email));
        self
    }

    /// Adds an id of the source's own, where there is a usable one.
    #[must_use]
    pub fn own(mut self, kind: IdentifierKind, id: Option<&str>) -> Self {
        let name = self.source.name();
        self.push(id.and_then(|id| Identifier::of_source(kind, &name, id).ok()));
        self
    }

    pub fn into_list(self) -> Vec<Identifier> {
        self.list
    }

    fn push(&mut self, identifier: Option<Identifier>) {
        self.list
            .extend(identifier.filter(|new| !self.list.contains(new)));
    }
}

/// An address, where there is one that can be written to. Shops send `""` for a guest at the till.
pub fn email(text: &Text) -> Option<EmailAddress> {
    text.as_deref().and_then(|text| EmailAddress::parse(text).ok())
}

pub fn rfc3339(text: &Text) -> Option<Timestamp> {
    text.as_deref()
        .and_then(|text| Timestamp::parse_rfc3339(text).ok())
}

/// Puts the lines into the event, and the number of those that did not fit.
pub fn set_lines(data: &mut EventData, all: impl Iterator<Item = LineItem>) {
    let (items, left_out) = clean::lines(all);
    data.items = items.into();
    if left_out > 0 {
        data.properties.insert(LEFT_OUT.to_owned(), left_out.into());
    }
}

/// Ids from outside go into ours; one that is too long or unprintable is replaced by its hash.
fn event_id(source: SourceKind, text: &str) -> Result<EventId, Error> {
    EventId::parse(text)
        .or_else(|_| EventId::parse(&format!("{source}:{}", signing::content_name(&[text.as_bytes()]))))
        .map_err(|error| Error::unreadable(format!("its id: {error}")))
}
