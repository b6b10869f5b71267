//! The catalogue, in the Store object: a row for each variant. Called by `turn::catalogue`.
//!
//! What is told again as it was writes nothing: a feed of 100,000 offers of which ten changed costs ten rows. Only a webhook's
//! later time is written, as an older delivery is known by it. A row is of the feed that lists it, whoever told of it last. How
//! rows go again is in `gone.rs`, what operators see of them in `log.rs`.

pub mod gone;
pub mod log;

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql};
use crate::domain::offer::{News, Offer};
use crate::domain::time::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Offers written by one statement: their JSON must stay below the largest value.
const AT_ONCE: usize = 100;
const MAX_BATCH_BYTES: usize = super::MAX_VALUE_BYTES;

/// What became of offers that were told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Rows written.
    pub changed: u32,
    /// One of them is older than what is known, and was left out.
    pub stale: bool,
    pub news: Vec<News>,
}

/// The feed that tells; none tells where a webhook does.
#[derive(Debug, Clone, Copy)]
pub struct OfFeed<'a> {
    pub key: &'a str,
    /// Those that are read: a row of another one is taken over, or it would go with that.
    pub live: &'a [String],
    /// What a webhook told at this time or later is believed rather than the file.
    pub fresh: Timestamp,
}

impl OfFeed<'_> {
    fn takes_over(&self, feed: &str) -> bool {
        feed != self.key && !self.live.iter().any(|live| live == feed)
    }
}

/// An offer as it is known, the feed that lists it, and when it went.
struct Held {
    offer: Offer,
    feed: String,
    gone_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a str,
    available: bool,
    gone_at: Option<Timestamp>,
    doc: String,
}

/// Takes offers over. Writes 1 row for each that is new or differs, 0 for the others; what is for sale costs an index's row more,
/// and so does what had gone and is back. One that is new is no news.
///
/// # Errors
/// When a statement fails.
pub fn put(
    sql: &dyn Sql,
    space: &str,
    feed: Option<OfFeed<'_>>,
    offers: &[Offer],
    percent: u8,
) -> Result<Applied, Error> {
    let key = feed.map_or("", |feed| feed.key);
    let mut applied = Applied::default();
    for part in offers.chunks(AT_ONCE) {
        let held = held(sql, space, part)?;
        let mut rows = Vec::new();
        for told in part {
            match compare(told, &held, feed) {
                Compared::Same => {}
                Compared::Stale => applied.stale = true,
                Compared::Differs { offer, gone_at } => {
                    let before = held.get(&told.id);
                    if let Some(change) = before.and_then(|before| offer.news(&before.offer, percent)) {
                        let (space, offer) = (space.to_owned(), Offer::clone(&offer));
                        applied.news.push(News { change, space, offer });
                    }
                    rows.push(NewRow {
                        id: &told.id,
                        available: offer.available,
                        gone_at,
                        doc: to_json("offer", &offer.id, &offer, MAX_BATCH_BYTES)?,
                    });
                }
            }
        }
        if rows.is_empty() {
            continue;
        }
        applied.changed = applied.changed.saturating_add(count(rows.len()));
        let rows = to_json("offers", key, &rows, MAX_BATCH_BYTES)?;
        sql.run(
            "INSERT INTO offer (space, id, feed, available, gone_at, doc)
             SELECT ?1, value ->> 'id', ?2, value ->> 'available', value ->> 'gone_at', value ->> 'doc'
             FROM json_each(?3) WHERE true
             ON CONFLICT (space, id) DO UPDATE
             SET feed = iif(excluded.feed = '', offer.feed, excluded.feed), available = excluded.available,
                 gone_at = excluded.gone_at, doc = excluded.doc",
            &[space.into(), key.into(), rows.into()],
        )?;
    }
    Ok(applied)
}

/// What was told, beside what is known.
enum Compared {
    Same,
    /// Something newer is known.
    Stale,
    Differs {
        offer: Box<Offer>,
        gone_at: Option<Timestamp>,
    },
}

fn compare(told: &Offer, held: &BTreeMap<String, Held>, feed: Option<OfFeed<'_>>) -> Compared {
    let fresh = feed.map(|feed| feed.fresh);
    let mark = told.product.as_ref().and_then(|product| held.get(product));
    let mark = mark.map(|mark| &mark.offer).filter(|mark| mark.deleted);
    let before = held.get(&told.id);
    let known = [mark, before.map(|before| &before.offer)];
    if known.into_iter().flatten().any(|known| told.is_older_than(known)) {
        return Compared::Stale;
    }
    // Its product was taken away so lately that the file may not know.
    if mark.is_some_and(|mark| mark.is_fresh(fresh)) {
        return Compared::Same;
    }
    let Some(before) = before else {
        let offer = Box::new(told.clone());
        return Compared::Differs { offer, gone_at: None };
    };
    let offer = told.over(&before.offer, fresh);
    let gone_at = before.gone_at.filter(|_| before.offer.is_fresh(fresh));
    let moves = feed.is_some_and(|feed| feed.takes_over(&before.feed));
    if offer == before.offer && gone_at == before.gone_at && !moves {
        return Compared::Same;
    }
    let offer = Box::new(offer);
    Compared::Differs { offer, gone_at }
}

// What is asked for comes first in both, as without figures of the tables SQLite would go through the whole catalogue.
const HELD: &str = "SELECT o.feed, o.available, o.gone_at, o.doc
    FROM json_each(?2) AS wanted CROSS JOIN offer AS o ON o.space = ?1 AND o.id = wanted.value";
const FIND: &str = "SELECT o.space, o.available, o.doc FROM json_each(?1) AS s CROSS JOIN json_each(?2) AS i
    CROSS JOIN offer AS o ON o.space = s.value AND o.id = i.value";

/// What is known of these, and of the products that they are variants of.
fn held(sql: &dyn Sql, space: &str, offers: &[Offer]) -> Result<BTreeMap<String, Held>, Error> {
    let ids: BTreeSet<&str> = offers
        .iter()
        .flat_map(|offer| [Some(offer.id.as_str()), offer.product.as_deref()])
        .flatten()
        .collect();
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    let rows = sql.query(HELD, &[space.into(), ids.into()])?;
    rows.iter()
        .map(|row| {
            let (offer, feed) = (read(row)?, row.text("feed")?.to_owned());
            let gone_at = row.opt_time("gone_at")?;
            Ok((offer.id.clone(), Held { offer, feed, gone_at }))
        })
        .collect()
}

/// The document, with what holds now.
fn read(row: &Row) -> Result<Offer, Error> {
    let offer: Offer = row.json("doc")?;
    let available = row.integer("available")? != 0;
    Ok(Offer { available, ..offer })
}

/// The offers of these ids, whatever their namespace.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn find(sql: &dyn Sql, spaces: &[String], ids: &[String]) -> Result<Vec<(String, Offer)>, Error> {
    let spaces = to_json("spaces", "", &spaces, MAX_BATCH_BYTES)?;
    let ids = to_json("ids", "", &ids, MAX_BATCH_BYTES)?;
    let rows = sql.query(FIND, &[spaces.into(), ids.into()])?;
    let found = rows
        .iter()
        .map(|row| Ok((row.text("space")?.to_owned(), read(row)?)));
    let mut found = found.collect::<Result<Vec<_>, Error>>()?;
    found.retain(|(_, offer)| !offer.is_bare_mark());
    Ok(found)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::{STORE, migrate};
    use crate::store::rusqlite::Sqlite;

    /// A feed of 100,000 offers asks for them a thousand times.
    #[test]
    fn offers_are_found_without_reading_the_others() {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &STORE).unwrap();
        for text in [HELD, FIND] {
            let params = ["[]".into(), "[]".into()];
            let plan = sql
                .query(format!("EXPLAIN QUERY PLAN {text}").leak(), &params)
                .unwrap();
            let last = plan.last().unwrap().text("detail").unwrap();
            assert_eq!(last, "SEARCH o USING PRIMARY KEY (space=? AND id=?)", "{text}");
        }
    }
}
