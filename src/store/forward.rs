//! Work for another shard, kept until that shard has taken it: at least once, and the other side counts it once by
//! its id. Documents that are to be fetched wait here too, since they want the same. Used by `edge`. Small in good times, so it has no index; when a shard is away, a look costs reads only.

use super::error::check_size;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;

/// One piece of work on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// Derived from the content, so that a repeated turn makes the same one.
    pub id: String,
    /// Where to: the hash of an identifier, or a contact id, which is one, too. Either picks the shard.
    pub target: IdentifierHash,
    /// What it is: a word that the receiving side knows.
    pub kind: String,
    pub body: String,
    pub attempts: u32,
    pub next_at: Timestamp,
}

/// Writes 1 row, 0 when it is there.
///
/// # Errors
/// `Error::TooLarge` for a body that cannot be stored, before anything is written.
pub fn put(sql: &dyn Sql, forward: &Forward) -> Result<(), Error> {
    check_size("forward", &forward.id, forward.body.len(), MAX_VALUE_BYTES)?;
    sql.run(
        "INSERT INTO forward (id, target, kind, attempts, next_at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
        &[
            forward.id.as_str().into(),
            (&forward.target).into(),
            forward.kind.as_str().into(),
            forward.attempts.into(),
            forward.next_at.into(),
            forward.body.as_str().into(),
        ],
    )
}

/// The kind of work that is a document to be fetched: it is for nobody else, and waits for a run.
pub const NOTICE: &str = "notice";

/// Those due for other shards, longest due first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn due(sql: &dyn Sql, now: Timestamp, limit: u32) -> Result<Vec<Forward>, Error> {
    let rows = sql.query(
        "SELECT id, target, kind, attempts, next_at, body FROM forward
         WHERE next_at <= ?1 AND kind <> ?3 ORDER BY next_at, id LIMIT ?2",
        &[now.into(), limit.into(), NOTICE.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The documents that are due, longest due first.
///
/// # Errors
/// As [`due`].
pub fn due_notices(sql: &dyn Sql, now: Timestamp, limit: u32) -> Result<Vec<Forward>, Error> {
    let rows = sql.query(
        "SELECT id, target, kind, attempts, next_at, body FROM forward
         WHERE next_at <= ?1 AND kind = ?3 ORDER BY next_at, id LIMIT ?2",
        &[now.into(), limit.into(), NOTICE.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The bodies of merges that wait, in which this contact is one of the two. Few wait at a time.
///
/// # Errors
/// When the statement fails.
pub fn merges_of(sql: &dyn Sql, contact: &ContactId) -> Result<Vec<String>, Error> {
    let rows = sql.query(
        "SELECT body FROM forward WHERE kind = 'merge' AND instr(body, ?1) > 0",
        &[contact.into()],
    )?;
    rows.iter().map(|row| Ok(row.text("body")?.to_owned())).collect()
}

/// Takes back what would lead identifiers to a contact. Writes 1 row for each.
///
/// # Errors
/// When the statement fails.
pub fn take_back_links(sql: &dyn Sql, contact: &ContactId) -> Result<(), Error> {
    sql.run(
        "DELETE FROM forward WHERE kind = 'link' AND json_extract(body, '$.link.contact') = ?1",
        &[contact.into()],
    )
}

/// When the first one is due.
///
/// # Errors
/// When the statement fails.
pub fn earliest(sql: &dyn Sql) -> Result<Option<Timestamp>, Error> {
    let row = sql.first("SELECT min(next_at) AS next_at FROM forward", &[])?;
    row.map_or(Ok(None), |row| row.opt_time("next_at"))
}

/// How many wait: shown to operators.
///
/// # Errors
/// When the statement fails.
pub fn count(sql: &dyn Sql) -> Result<u32, Error> {
    let row = sql.first("SELECT count(*) AS n FROM forward", &[])?;
    row.map_or(Ok(0), |row| row.count("n"))
}

/// The other shard did not take it. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn retry(sql: &dyn Sql, id: &str, attempts: u32, next_at: Timestamp) -> Result<(), Error> {
    sql.run(
        "UPDATE forward SET attempts = ?2, next_at = ?3 WHERE id = ?1",
        &[id.into(), attempts.into(), next_at.into()],
    )
}

/// The other shard has it. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn done(sql: &dyn Sql, id: &str) -> Result<(), Error> {
    sql.run("DELETE FROM forward WHERE id = ?1", &[id.into()])
}

fn read(row: &Row) -> Result<Forward, Error> {
    Ok(Forward {
        id: row.text("id")?.to_owned(),
        target: row.parsed("target", IdentifierHash::parse)?,
        kind: row.text("kind")?.to_owned(),
        body: row.text("body")?.to_owned(),
        attempts: row.count("attempts")?,
        next_at: row.time("next_at")?,
    })
}
