//! News of offers that people are to be told, in the Store object, and which of them the shards are being told. Called by
//! `turn::catalogue`.
//!
//! What is pending is told in batches. A batch is written down before the first shard hears of it and stays as it is until all
//! have, whatever comes meanwhile: its number names the events that it leads to, so that telling it again tells nobody twice.

use super::Error;
use super::error::to_json;
use super::setting::{self, Key};
use super::sql::{Row, Sql};
use crate::domain::offer::{Change, News};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

const MAX_BYTES: usize = super::MAX_VALUE_BYTES;
/// Most news of a batch. A row has up to a hundred.
pub const BATCH: usize = 500;
/// Most rows of a batch: each webhook's news are one.
const BATCH_ROWS: u32 = 500;

/// News that the shards are told together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Later ones have higher numbers.
    pub number: i64,
    pub news: Vec<News>,
}

/// The batch as it is written down; without rows once it was told.
#[derive(Default, Serialize, Deserialize)]
struct Noted {
    number: i64,
    rows: Vec<(String, u32)>,
}

/// Keeps what people are to be told. Writes 1 row, none for what was kept before.
///
/// # Errors
/// When the statement fails.
pub fn keep(sql: &dyn Sql, run: &str, part: u32, news: &[News], now: Timestamp) -> Result<(), Error> {
    let body = to_json("news", run, &news, MAX_BYTES)?;
    sql.run(
        "INSERT INTO offer_news (run, part, body, kept_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        &[run.into(), part.into(), body.into(), now.into()],
    )
}

/// The batch that is being told; else the oldest of what is pending, but of the reading that goes on. Writes 1 row when it is a
/// new one.
///
/// # Errors
/// When a statement fails. What this version cannot read is left out.
pub fn batch(sql: &dyn Sql, reading: Option<&str>, now: Timestamp) -> Result<Option<Batch>, Error> {
    let noted = noted(sql)?;
    if !noted.rows.is_empty() {
        let news = of_rows(sql, &noted.rows)?;
        let number = noted.number;
        return Ok(Some(Batch { number, news }));
    }
    let rows = pending(sql, reading.unwrap_or_default())?;
    if rows.is_empty() {
        return Ok(None);
    }
    let number = now.as_millis().max(noted.number.saturating_add(1));
    let news = of_rows(sql, &rows)?;
    note(sql, &Noted { number, rows })?;
    Ok(Some(Batch { number, news }))
}

/// All shards were told this batch. Writes 1 row, and 1 for each row of news.
///
/// # Errors
/// When a statement fails.
pub fn told(sql: &dyn Sql, number: i64) -> Result<(), Error> {
    let noted = noted(sql)?;
    if noted.number != number || noted.rows.is_empty() {
        return Ok(());
    }
    let rows = to_json("batch", "", &noted.rows, MAX_BYTES)?;
    sql.run(
        "DELETE FROM offer_news WHERE (run, part) IN
         (SELECT value ->> 0, value ->> 1 FROM json_each(?1))",
        &[rows.into()],
    )?;
    let rows = Vec::new();
    note(sql, &Noted { number, rows })
}

/// Rows of a batch, the oldest first.
fn pending(sql: &dyn Sql, reading: &str) -> Result<Vec<(String, u32)>, Error> {
    let rows = sql.query(
        "SELECT run, part, iif(json_valid(body), json_array_length(body), 0) AS news FROM offer_news
         WHERE run <> ?1 ORDER BY kept_at, run, part LIMIT ?2",
        &[reading.into(), BATCH_ROWS.into()],
    )?;
    let (mut taken, mut news) = (Vec::new(), 0);
    for row in &rows {
        news += row.count("news")? as usize;
        if news > BATCH && !taken.is_empty() {
            break;
        }
        taken.push((row.text("run")?.to_owned(), row.count("part")?));
    }
    Ok(taken)
}

/// What these rows hold, the oldest first. Of several of one kind about an offer the last one holds.
fn of_rows(sql: &dyn Sql, rows: &[(String, u32)]) -> Result<Vec<News>, Error> {
    let rows = to_json("batch", "", &rows, MAX_BYTES)?;
    let held = sql.query(
        "SELECT body FROM offer_news WHERE (run, part) IN
         (SELECT value ->> 0, value ->> 1 FROM json_each(?1)) ORDER BY kept_at, run, part",
        &[rows.into()],
    )?;
    let mut all: Vec<News> = Vec::new();
    for news in held.iter().flat_map(read).flatten() {
        all.retain(|before| !is_same(before, &news));
        all.push(news);
    }
    Ok(all)
}

fn read(row: &Row) -> Result<Vec<News>, Error> {
    row.json("body")
}

fn is_same(one: &News, other: &News) -> bool {
    let kind = |news: &News| match news.change {
        Change::BackInStock => 0,
        Change::PriceDropped { .. } => 1,
    };
    one.offer.id == other.offer.id && one.space == other.space && kind(one) == kind(other)
}

fn noted(sql: &dyn Sql) -> Result<Noted, Error> {
    let text = setting::get(sql, &Key::News)?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

fn note(sql: &dyn Sql, noted: &Noted) -> Result<(), Error> {
    let text = to_json("batch", "", noted, MAX_BYTES)?;
    setting::set(sql, &Key::News, &text)
}
