//! Tells people of a shard that something they wanted is back or cheaper: an event for each of them and each kind of change.
//!
//! Called for each page of contacts, again and again until all were looked at. A page that is told again changes nothing: the
//! events bear the name of the reading that they come from.

use super::call::Ingest;
use super::{Error, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, SourceName};
use crate::domain::offer::News;
use crate::engine::interest::{self, Index};
use crate::store::{contact, event};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Contacts looked at in one turn.
const CONTACTS_A_PAGE: u32 = 200;
/// Most events of a contact that are looked at, the newest.
const EVENTS_READ: u32 = 100;
/// The source that such events name.
pub const SOURCE: &str = "catalogue";

/// News for a page of contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telling {
    /// The reading that found them.
    pub run: String,
    pub news: Vec<News>,
    /// The contact that the last page ended with.
    pub after: Option<ContactId>,
}

/// How far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Where the next page begins; none when all were looked at.
    pub after: Option<ContactId>,
    /// Events that were new.
    pub events: u32,
}

impl Turn<'_> {
    /// Tells the next page. Where no journey begins with such events and no condition counts them, nobody is looked for.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn tell_news(&self, telling: &Telling) -> Result<Heard, Error> {
        let mut heard = Heard {
            after: None,
            events: 0,
        };
        let (index, kinds) = (Index::new(&telling.news), interest::kinds());
        let asked = telling.news.iter().map(|news| interest::kind_of(&news.change));
        if !asked.into_iter().any(|kind| self.is_waited_for(&kind)) {
            return Ok(heard);
        }
        let page = contact::page(self.sql, telling.after.as_ref(), CONTACTS_A_PAGE)?;
        for id in &page {
            let mut events = event::before(self.sql, id, &kinds, self.now, EVENTS_READ)?;
            events.retain(|event| event.occurred_at >= interest::since(self.now));
            // Of one moment, that it was bought comes last.
            events.sort_by_key(|event| {
                (
                    Reverse(event.occurred_at),
                    event.kind != EventKind::OrderCompleted,
                )
            });
            for (kind, data) in interest::told(&index.heard_by(&events)) {
                let told = Event {
                    data,
                    ..self.told(kind, &telling.run)?
                };
                heard.events += u32::from(self.hear_news(id, told)?);
            }
        }
        let full = page.len() >= CONTACTS_A_PAGE as usize;
        heard.after = page.into_iter().next_back().filter(|_| full);
        Ok(heard)
    }

    fn is_waited_for(&self, kind: &EventKind) -> bool {
        self.catalog.triggered_by(kind).next().is_some() || self.catalog.counted.contains_key(kind)
    }

    fn told(&self, kind: EventKind, run: &str) -> Result<Event, Error> {
        let name = if kind == EventKind::PriceDropped {
            "price-dropped"
        } else {
            "back-in-stock"
        };
        let id = EventId::parse(&format!("{SOURCE}:{run}:{name}"))?;
        let source = SourceName::built_in(SOURCE);
        Ok(Event::new(id, kind, source, self.now, self.now))
    }

    /// Whether it was new.
    fn hear_news(&self, contact: &ContactId, told: Event) -> Result<bool, Error> {
        if !self.is_waited_for(&told.kind) || event::seen(self.sql, contact, &told.id)? {
            return Ok(false);
        }
        self.ingest(&Ingest {
            event: told.into(),
            identifiers: Vec::new(),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            erased_at: None,
            contact: Some(contact.clone()),
            released: false,
        })?;
        Ok(true)
    }
}
