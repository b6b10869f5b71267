//! What was given up after every attempt, kept whole and shown to operators, who try again or throw it away.
//! Used by `edge` and `parked`.

use super::error::check_size;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::time::Timestamp;

/// One thing that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names the thing, so that one which dies twice is listed once: `contact:<id>`, `forward:<id>`.
    pub id: String,
    pub at: Timestamp,
    /// What it is, in words for people.
    pub what: String,
    pub reason: String,
    /// All that is needed to try it again.
    pub body: String,
}

/// Writes 1 row; a later death replaces an earlier one.
///
/// # Errors
/// `Error::TooLarge` for a body that cannot be stored, before anything is written.
pub fn put(sql: &dyn Sql, letter: &DeadLetter) -> Result<(), Error> {
    check_size("dead letter", &letter.id, letter.body.len(), MAX_VALUE_BYTES)?;
    sql.run(
        "INSERT INTO dead_letter (id, at, what, reason, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (id) DO UPDATE SET
           at = excluded.at, what = excluded.what, reason = excluded.reason, body = excluded.body",
        &[
            letter.id.as_str().into(),
            letter.at.into(),
            letter.what.as_str().into(),
            letter.reason.as_str().into(),
            letter.body.as_str().into(),
        ],
    )
}

/// The latest ones first.
///
/// # Errors
/// When the statement fails.
pub fn list(sql: &dyn Sql, limit: u32) -> Result<Vec<DeadLetter>, Error> {
    let rows = sql.query(
        "SELECT id, at, what, reason, body FROM dead_letter ORDER BY at DESC, id LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// # Errors
/// When the statement fails.
pub fn count(sql: &dyn Sql) -> Result<u32, Error> {
    let row = sql.first("SELECT count(*) AS n FROM dead_letter", &[])?;
    row.map_or(Ok(0), |row| row.count("n"))
}

/// Takes one away, to try it again or for good. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn take(sql: &dyn Sql, id: &str) -> Result<Option<DeadLetter>, Error> {
    let row = sql.first(
        "SELECT id, at, what, reason, body FROM dead_letter WHERE id = ?1",
        &[id.into()],
    )?;
    let Some(row) = row else {
        return Ok(None);
    };
    sql.run("DELETE FROM dead_letter WHERE id = ?1", &[id.into()])?;
    read(&row).map(Some)
}

fn read(row: &Row) -> Result<DeadLetter, Error> {
    Ok(DeadLetter {
        id: row.text("id")?.to_owned(),
        at: row.time("at")?,
        what: row.text("what")?.to_owned(),
        reason: row.text("reason")?.to_owned(),
        body: row.text("body")?.to_owned(),
    })
}
