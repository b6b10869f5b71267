//! Tells people of a shard that something they wanted is back or cheaper: an event for each of them and each kind of change.
//!
//! Called again and again with a batch of news until all contacts were looked at. How far it has come is a row, written with
//! what was told: a telling that breaks off goes on where it stood, and one that is told again reads nothing. A contact that
//! cannot be told is passed over, with a dead letter and a line of the log: it keeps no news from the others.

use super::call::Ingest;
use super::{Error, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, SourceName};
use crate::engine::decision::Remark;
use crate::engine::interest::{self, Index};
use crate::store::dead_letter::{self, DeadLetter};
use crate::store::meta::{self, Key};
use crate::store::offer_news::Batch;
use crate::store::{contact, event};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Contacts looked at in one turn: most of them wanted nothing.
const CONTACTS_A_PAGE: u32 = 1_000;
/// Most of them whose events are read in one turn.
const READ_A_PAGE: u32 = 200;
/// Most events of a contact that are looked at, the newest.
const EVENTS_READ: u32 = 100;
/// Most dead letters that more are put to: a fault that concerns everybody shows by the first of them.
const MAX_LETTERS: u32 = 1_000;
/// The source that such events name.
pub const SOURCE: &str = "catalogue";
/// Stands in place of a contact once all were looked at.
const ALL: &str = "all";

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Heard {
    /// Whether all contacts were looked at.
    pub all: bool,
    /// Events that were new.
    pub events: u32,
    /// Contacts that could not be told.
    pub failed: u32,
}

impl Heard {
    /// Both together: all of both, or not all.
    pub const fn and(self, other: Self) -> Self {
        Self {
            all: self.all && other.all,
            events: self.events.saturating_add(other.events),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

/// Where a telling stands.
enum Place {
    /// All of this batch, or a later one, were told.
    Over,
    After(Option<ContactId>),
}

impl Turn<'_> {
    /// Tells the next page of contacts. Where no journey begins with such events and no condition counts them, nobody is looked
    /// for. Writes 1 row beside the events.
    ///
    /// # Errors
    /// When storage fails.
    pub fn tell_news(&self, batch: &Batch) -> Result<Heard, Error> {
        let mut heard = Heard::default();
        let mut asked = batch.news.iter().map(|news| interest::kind_of(&news.change));
        let place = match self.place_in(batch.number)? {
            Place::After(place) if asked.any(|kind| self.is_waited_for(&kind)) => place,
            Place::After(_) | Place::Over => {
                heard.all = true;
                return Ok(heard);
            }
        };
        let index = Index::new(&batch.news);
        let (page, next) = self.wanting(place.as_ref())?;
        for id in &page {
            let remarks = self.remarks.borrow().len();
            let told = self
                .sql
                .attempt(|| self.tell_contact_news(&index, id, batch.number));
            match told {
                Ok(events) => heard.events += events,
                Err(error) => {
                    heard.failed += 1;
                    self.remarks.borrow_mut().truncate(remarks);
                    self.note_untold(id, batch.number, &error)?;
                }
            }
        }
        heard.all = next.is_none();
        let place = next.as_ref().map_or(ALL, ContactId::as_str);
        meta::set(self.sql, Key::News, &format!("{} {place}", batch.number))?;
        Ok(heard)
    }

    fn place_in(&self, batch: i64) -> Result<Place, Error> {
        let held = meta::get(self.sql, Key::News)?;
        let held = held.as_deref().and_then(|held| held.split_once(' '));
        let Some((number, place)) = held.and_then(|(number, place)| Some((number.parse().ok()?, place)))
        else {
            return Ok(Place::After(None));
        };
        Ok(if batch < number || (batch == number && place == ALL) {
            Place::Over
        } else if batch == number {
            Place::After(ContactId::parse(place).ok())
        } else {
            Place::After(None)
        })
    }

    /// Who of the next contacts has done anything of late that says what they want, and the contact that the next page begins
    /// after; none when there are no more.
    fn wanting(&self, after: Option<&ContactId>) -> Result<(Vec<ContactId>, Option<ContactId>), Error> {
        let looked = contact::page(self.sql, after, CONTACTS_A_PAGE)?;
        let (kinds, since) = (interest::wanting(), interest::since(self.now));
        let page = event::having(self.sql, &looked, &kinds, since, READ_A_PAGE)?;
        let next = if page.len() >= READ_A_PAGE as usize {
            page.last().cloned()
        } else {
            let full = looked.len() >= CONTACTS_A_PAGE as usize;
            looked.into_iter().next_back().filter(|_| full)
        };
        Ok((page, next))
    }

    /// How many events it made.
    fn tell_contact_news(&self, index: &Index<'_>, id: &ContactId, batch: i64) -> Result<u32, Error> {
        let mut events = event::before(self.sql, id, &interest::kinds(), self.now, EVENTS_READ)?;
        events.retain(|event| event.occurred_at >= interest::since(self.now));
        // Of one moment, that it was bought comes last.
        events.sort_by_key(|event| {
            (
                Reverse(event.occurred_at),
                event.kind != EventKind::OrderCompleted,
            )
        });
        let mut made = 0;
        for (kind, data) in interest::told(&index.heard_by(&events)) {
            let told = Event {
                data,
                ..self.told(kind, batch)?
            };
            made += u32::from(self.hear_news(id, told)?);
        }
        Ok(made)
    }

    fn note_untold(&self, id: &ContactId, batch: i64, error: &Error) -> Result<(), Error> {
        self.remarks.borrow_mut().push(Remark::NotTold {
            contact: id.clone(),
            error: error.without_values(),
        });
        if dead_letter::count(self.sql)? >= MAX_LETTERS {
            return Ok(());
        }
        let letter = DeadLetter {
            id: format!("news:{id}"),
            at: self.now,
            what: "news of offers".to_owned(),
            reason: error.without_values(),
            body: serde_json::json!({ "contact": id, "batch": batch }).to_string(),
        };
        Ok(dead_letter::put(self.sql, &letter)?)
    }

    fn is_waited_for(&self, kind: &EventKind) -> bool {
        self.catalog.triggered_by(kind).next().is_some() || self.catalog.counted.contains_key(kind)
    }

    fn told(&self, kind: EventKind, batch: i64) -> Result<Event, Error> {
        let name = if kind == EventKind::PriceDropped {
            "price-dropped"
        } else {
            "back-in-stock"
        };
        let id = EventId::parse(&format!("{SOURCE}:{batch}:{name}"))?;
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
            named_at: None,
        })?;
        Ok(true)
    }
}
