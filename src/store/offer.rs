//! The catalogue, in the Store object: a row for each variant. Called by `turn::catalogue`.
//!
//! What is told again as it was writes nothing: a feed of 100,000 offers of which ten changed costs ten rows.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql};
use crate::domain::offer::{News, Offer};
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

#[derive(Serialize)]
struct NewRow<'a> {
    id: &'a str,
    available: bool,
    doc: String,
}

/// Takes offers over. Writes 1 row for each that is new or differs, 0 for the others. One that is new is no news.
///
/// # Errors
/// When a statement fails.
pub fn put(
    sql: &dyn Sql,
    (space, feed): (&str, &str),
    offers: &[Offer],
    percent: u8,
) -> Result<Applied, Error> {
    let mut applied = Applied::default();
    for part in offers.chunks(AT_ONCE) {
        let ids: Vec<&str> = part.iter().map(|offer| offer.id.as_str()).collect();
        let held = held(sql, space, &ids)?;
        let mut rows = Vec::new();
        for offer in part {
            let before = held.iter().find(|held| held.id == offer.id);
            let stale = before.is_some_and(|before| offer.is_older_than(before));
            applied.stale |= stale;
            if stale || before.is_some_and(|before| offer.is_as(before)) {
                continue;
            }
            let doc = to_json("offer", &offer.id, offer, MAX_BATCH_BYTES)?;
            if let Some(change) = before.and_then(|before| offer.news(before, percent)) {
                let (space, offer) = (space.to_owned(), offer.clone());
                applied.news.push(News { change, space, offer });
            }
            let (id, available) = (offer.id.as_str(), offer.available);
            rows.push(NewRow { id, available, doc });
        }
        if rows.is_empty() {
            continue;
        }
        applied.changed = applied.changed.saturating_add(count(rows.len()));
        let rows = to_json("offers", feed, &rows, MAX_BATCH_BYTES)?;
        sql.run(
            "INSERT INTO offer (space, id, feed, available, doc)
             SELECT ?1, value ->> 'id', ?2, value ->> 'available', value ->> 'doc' FROM json_each(?3) WHERE true
             ON CONFLICT (space, id) DO UPDATE
             SET feed = excluded.feed, available = excluded.available, doc = excluded.doc",
            &[space.into(), feed.into(), rows.into()],
        )?;
    }
    Ok(applied)
}

fn held(sql: &dyn Sql, space: &str, ids: &[&str]) -> Result<Vec<Offer>, Error> {
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    let rows = sql.query(
        "SELECT o.available, o.doc FROM json_each(?2) AS wanted JOIN offer AS o ON o.space = ?1 AND o.id = wanted.value",
        &[space.into(), ids.into()],
    )?;
    rows.iter().map(read).collect()
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
    let rows = sql.query(
        "SELECT o.space, o.available, o.doc FROM json_each(?1) AS s, json_each(?2) AS i
         JOIN offer AS o ON o.space = s.value AND o.id = i.value",
        &[spaces.into(), ids.into()],
    )?;
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

/// These are for sale no more. Writes 1 row each.
///
/// # Errors
/// When the statement fails.
pub fn withdraw(sql: &dyn Sql, space: &str, ids: &[String]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = to_json("ids", space, &ids, MAX_BATCH_BYTES)?;
    sql.run(
        "UPDATE offer SET available = 0
         WHERE space = ?1 AND available = 1 AND id IN (SELECT value FROM json_each(?2))",
        &[space.into(), ids.into()],
    )
}

/// A product that the shop took away, with its variants, those in `keep` aside. Writes 1 row for each that was for sale. Reads
/// the whole namespace.
///
/// # Errors
/// When the statement fails.
pub fn withdraw_product(sql: &dyn Sql, space: &str, product: &str, keep: &[String]) -> Result<(), Error> {
    let keep = to_json("ids", space, &keep, MAX_BATCH_BYTES)?;
    sql.run(
        "UPDATE offer SET available = 0
         WHERE space = ?1 AND available = 1 AND (id = ?2 OR doc ->> 'product' = ?2)
           AND id NOT IN (SELECT value FROM json_each(?3))",
        &[space.into(), product.into(), keep.into()],
    )
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
