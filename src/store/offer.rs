//! The catalogue, in the Store object: a row for each variant. Called by `turn::catalogue`.
//!
//! What is told again as it was writes nothing: a feed of 100,000 offers of which ten changed costs ten rows. Only a webhook's
//! later time is written, as an older delivery is known by it. A row is of the feed that lists it, whoever told of it last.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql};
use crate::domain::offer::{News, Offer};
use crate::domain::time::Timestamp;
use serde::Serialize;

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

/// An offer as it is known, and the feed that lists it.
struct Held {
    offer: Offer,
    feed: String,
}

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a str,
    available: bool,
    doc: String,
}

/// Takes offers over. Writes 1 row for each that is new or differs, 0 for the others; what is for sale costs an index's row more.
/// One that is new is no news.
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
    let (key, fresh) = feed.map_or(("", None), |feed| (feed.key, Some(feed.fresh)));
    let mut applied = Applied::default();
    for part in offers.chunks(AT_ONCE) {
        let ids: Vec<&str> = part.iter().map(|offer| offer.id.as_str()).collect();
        let held = held(sql, space, &ids)?;
        let mut rows = Vec::new();
        for told in part {
            let before = held.iter().find(|held| held.offer.id == told.id);
            if before.is_some_and(|before| told.is_older_than(&before.offer)) {
                applied.stale = true;
                continue;
            }
            let offer = before.map_or_else(|| told.clone(), |before| told.over(&before.offer, fresh));
            if let Some(before) = before {
                let moves = feed.is_some_and(|feed| feed.takes_over(&before.feed));
                if offer == before.offer && !moves {
                    continue;
                }
                if let Some(change) = offer.news(&before.offer, percent) {
                    let (space, offer) = (space.to_owned(), offer.clone());
                    applied.news.push(News { change, space, offer });
                }
            }
            let doc = to_json("offer", &offer.id, &offer, MAX_BATCH_BYTES)?;
            let (id, available) = (told.id.as_str(), offer.available);
            rows.push(NewRow { id, available, doc });
        }
        if rows.is_empty() {
            continue;
        }
        applied.changed = applied.changed.saturating_add(count(rows.len()));
        let rows = to_json("offers", key, &rows, MAX_BATCH_BYTES)?;
        sql.run(
            "INSERT INTO offer (space, id, feed, available, doc)
             SELECT ?1, value ->> 'id', ?2, value ->> 'available', value ->> 'doc' FROM json_each(?3) WHERE true
             ON CONFLICT (space, id) DO UPDATE
             SET feed = iif(excluded.feed = '', offer.feed, excluded.feed), available = excluded.available,
                 doc = excluded.doc",
            &[space.into(), key.into(), rows.into()],
        )?;
    }
    Ok(applied)
}

// What is asked for comes first in both, as without figures of the tables SQLite would go through the whole catalogue.
const HELD: &str = "SELECT o.feed, o.available, o.doc
    FROM json_each(?2) AS wanted CROSS JOIN offer AS o ON o.space = ?1 AND o.id = wanted.value";
const FIND: &str = "SELECT o.space, o.available, o.doc FROM json_each(?1) AS s CROSS JOIN json_each(?2) AS i
    CROSS JOIN offer AS o ON o.space = s.value AND o.id = i.value";

fn held(sql: &dyn Sql, space: &str, ids: &[&str]) -> Result<Vec<Held>, Error> {
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    let rows = sql.query(HELD, &[space.into(), ids.into()])?;
    rows.iter()
        .map(|row| {
            let (offer, feed) = (read(row)?, row.text("feed")?.to_owned());
            Ok(Held { offer, feed })
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
    rows.iter()
        .map(|row| Ok((row.text("space")?.to_owned(), read(row)?)))
        .collect()
}

/// Ids of a feed's offers that are for sale, after `after`, in order.
///
/// # Errors
/// When the statement fails.
pub fn for_sale(
    sql: &dyn Sql,
    (space, feed): (&str, &str),
    after: &str,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let rows = sql.query(
        "SELECT id FROM offer WHERE space = ?1 AND id > ?3 AND feed = ?2 AND available = 1 ORDER BY id LIMIT ?4",
        &[space.into(), feed.into(), after.into(), limit.into()],
    )?;
    rows.iter().map(|row| Ok(row.text("id")?.to_owned())).collect()
}

/// These are for sale no more, but what a webhook told at `fresh` or later: it may be newer than the file that lacks it. Writes
/// 1 row each; returns how many.
///
/// # Errors
/// When the statement fails.
pub fn withdraw(sql: &dyn Sql, space: &str, ids: &[String], fresh: Timestamp) -> Result<u32, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    let rows = sql.query(
        "UPDATE offer SET available = 0
         WHERE space = ?1 AND available = 1 AND id IN (SELECT value FROM json_each(?2))
           AND coalesce(doc ->> 'told_at', 0) < ?3
         RETURNING id",
        &[space.into(), ids.into(), fresh.into()],
    )?;
    Ok(count(rows.len()))
}

// Two statements, as no index answers an OR of both. The time is cast: the object binds numbers as fractions.
const WITHDRAW_ITSELF: &str = "UPDATE offer
    SET available = 0, doc = iif(?4 IS NULL, doc, json_set(doc, '$.told_at', CAST(?4 AS INTEGER)))
    WHERE space = ?1 AND available = 1 AND id = ?2 AND id NOT IN (SELECT value FROM json_each(?3))";
// Named, as without figures of the tables the key's first column is thought to narrow as much.
const WITHDRAW_VARIANTS: &str = "UPDATE offer INDEXED BY offer_product
    SET available = 0, doc = iif(?4 IS NULL, doc, json_set(doc, '$.told_at', CAST(?4 AS INTEGER)))
    WHERE space = ?1 AND available = 1 AND doc ->> 'product' = ?2 AND id NOT IN (SELECT value FROM json_each(?3))";

/// A product that the shop took away, with its variants, those in `keep` aside, as of this time where the shop named one.
/// Writes 1 row for each that was for sale.
///
/// # Errors
/// When a statement fails.
pub fn withdraw_product(
    sql: &dyn Sql,
    space: &str,
    product: &str,
    keep: &[String],
    told_at: Option<Timestamp>,
) -> Result<(), Error> {
    let keep = to_json("ids", space, &keep, MAX_BATCH_BYTES)?;
    for text in [WITHDRAW_ITSELF, WITHDRAW_VARIANTS] {
        sql.run(
            text,
            &[space.into(), product.into(), keep.as_str().into(), told_at.into()],
        )?;
    }
    Ok(())
}

/// Takes away offers of a feed that is read no more, at most so many. Returns how many.
///
/// # Errors
/// When a statement fails.
pub fn forget_feed(sql: &dyn Sql, feed: &str, limit: u32) -> Result<u32, Error> {
    let rows = sql.query(
        "DELETE FROM offer WHERE (space, id) IN (SELECT space, id FROM offer WHERE feed = ?1 LIMIT ?2) RETURNING id",
        &[feed.into(), limit.into()],
    )?;
    Ok(count(rows.len()))
}

/// Keeps what people are to be told. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn keep_news(sql: &dyn Sql, run: &str, part: u32, news: &[News]) -> Result<(), Error> {
    let body = to_json("news", run, &news, MAX_BATCH_BYTES)?;
    sql.run(
        "INSERT INTO offer_news (run, part, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[run.into(), part.into(), body.into()],
    )
}

/// The news of the first run that is not `reading`, of all its parts.
///
/// # Errors
/// When the statement fails. A part that this version cannot read is left out.
pub fn news(sql: &dyn Sql, reading: Option<&str>) -> Result<Option<(String, Vec<News>)>, Error> {
    let rows = sql.query(
        "SELECT run, body FROM offer_news
         WHERE run = (SELECT min(run) FROM offer_news WHERE run <> ?1) ORDER BY part",
        &[reading.unwrap_or_default().into()],
    )?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let run = first.text("run")?.to_owned();
    let parts = rows.iter().flat_map(|row| row.json::<Vec<News>>("body"));
    Ok(Some((run, parts.flatten().collect())))
}

/// All shards were told. Writes 1 row a part.
///
/// # Errors
/// When the statement fails.
pub fn told(sql: &dyn Sql, run: &str) -> Result<(), Error> {
    sql.run("DELETE FROM offer_news WHERE run = ?1", &[run.into()])
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::{STORE, migrate};
    use crate::store::rusqlite::Sqlite;

    /// A shop with 100,000 variants posts a product at each sale.
    #[test]
    fn a_product_is_withdrawn_without_reading_the_others() {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &STORE).unwrap();
        for (text, expected) in [
            (
                WITHDRAW_ITSELF,
                "SEARCH offer USING PRIMARY KEY (space=? AND id=?)",
            ),
            (
                WITHDRAW_VARIANTS,
                "SEARCH offer USING INDEX offer_product (space=? AND <expr>=?)",
            ),
        ] {
            let params = ["".into(), "p".into(), "[]".into(), None::<u32>.into()];
            let plan = sql
                .query(format!("EXPLAIN QUERY PLAN {text}").leak(), &params)
                .unwrap();
            assert_eq!(plan.first().unwrap().text("detail").unwrap(), expected);
        }
    }

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
