//! Tells people of a shard that something they wanted is back or cheaper: an event for each of them and each kind of change.
//!
//! Called for each page of contacts, again and again until all were looked at. A page that is told again changes nothing: the
//! events bear the name of the reading that they come from. A contact that cannot be read is passed over, with a dead letter: it
//! keeps no news from the others.

use super::call::Ingest;
use super::{Error, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{ContactId, EventId, SourceName};
use crate::domain::offer::News;
use crate::engine::interest::{self, Index};
use crate::store::dead_letter::{self, DeadLetter};
use crate::store::{self, Row, Sql, Value, contact, event};
use serde::{Deserialize, Serialize};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;

/// Contacts looked at in one turn.
const CONTACTS_A_PAGE: u32 = 200;
/// Most events of a contact that are looked at, the newest.
const EVENTS_READ: u32 = 100;
/// Most dead letters that more are put to: a fault that concerns everybody shows by the first of them.
const MAX_LETTERS: u32 = 1_000;
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
    /// Contacts that could not be told.
    #[serde(default)]
    pub failed: u32,
}

/// Notes whether anything may have been written, as what was written in part must not be kept.
struct Watched<'a> {
    sql: &'a dyn Sql,
    wrote: Cell<bool>,
}

impl Sql for Watched<'_> {
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, store::Error> {
        if !text.trim_start().starts_with("SELECT") {
            self.wrote.set(true);
        }
        self.sql.query(text, params)
    }
}

impl Turn<'_> {
    /// Tells the next page. Where no journey begins with such events and no condition counts them, nobody is looked for.
    ///
    /// # Errors
    /// When storage fails.
    pub fn tell_news(&self, telling: &Telling) -> Result<Heard, Error> {
        let mut heard = Heard {
            after: None,
            events: 0,
            failed: 0,
        };
        let index = Index::new(&telling.news);
        let asked = telling.news.iter().map(|news| interest::kind_of(&news.change));
        if !asked.into_iter().any(|kind| self.is_waited_for(&kind)) {
            return Ok(heard);
        }
        let page = contact::page(self.sql, telling.after.as_ref(), CONTACTS_A_PAGE)?;
        let watched = Watched {
            sql: self.sql,
            wrote: Cell::new(false),
        };
        let turn = Turn {
            sql: &watched,
            remarks: RefCell::default(),
            ..*self
        };
        for id in &page {
            watched.wrote.set(false);
            match turn.tell_contact_news(&index, id, &telling.run) {
                Ok(events) => heard.events += events,
                Err(error) if watched.wrote.get() => return Err(error),
                Err(error) => {
                    heard.failed += 1;
                    self.note_untold(id, &telling.run, &error)?;
                }
            }
        }
        self.remarks.borrow_mut().extend(turn.remarks.take());
        let full = page.len() >= CONTACTS_A_PAGE as usize;
        heard.after = page.into_iter().next_back().filter(|_| full);
        Ok(heard)
    }

    /// How many events it made.
    fn tell_contact_news(&self, index: &Index<'_>, id: &ContactId, run: &str) -> Result<u32, Error> {
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
                ..self.told(kind, run)?
            };
            made += u32::from(self.hear_news(id, told)?);
        }
        Ok(made)
    }

    fn note_untold(&self, id: &ContactId, run: &str, error: &Error) -> Result<(), Error> {
        if dead_letter::count(self.sql)? >= MAX_LETTERS {
            return Ok(());
        }
        let letter = DeadLetter {
            id: format!("news:{id}"),
            at: self.now,
            what: "news of offers".to_owned(),
            reason: error.without_values(),
            body: serde_json::json!({ "contact": id, "run": run }).to_string(),
        };
        Ok(dead_letter::put(self.sql, &letter)?)
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
