//! The mails of the embedded `outbox` provider, which reaches nobody. Used by that provider's delivery and by
//! `/dev/outbox`. What a mail holds is the caller's JSON.

use super::error::check_size;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::time::Timestamp;

/// A mail that was "sent".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The idempotency key: a repeated request adds nothing.
    pub id: String,
    pub sent_at: Timestamp,
    /// JSON.
    pub body: String,
}

/// Writes 1 row, 0 when a mail of that id is there.
///
/// # Errors
/// `Error::TooLarge` for a body that cannot be stored, before anything is written.
pub fn put(sql: &dyn Sql, mail: &Mail) -> Result<(), Error> {
    check_size("mail", &mail.id, mail.body.len(), MAX_VALUE_BYTES)?;
    sql.run(
        "INSERT INTO outbox_mail (id, sent_at, body) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[
            mail.id.as_str().into(),
            mail.sent_at.into(),
            mail.body.as_str().into(),
        ],
    )
}

/// # Errors
/// When the statement fails.
pub fn get(sql: &dyn Sql, id: &str) -> Result<Option<Mail>, Error> {
    let row = sql.first(
        "SELECT id, sent_at, body FROM outbox_mail WHERE id = ?1",
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// The last `limit` mails, oldest first.
///
/// # Errors
/// When the statement fails.
pub fn list(sql: &dyn Sql, limit: u32) -> Result<Vec<Mail>, Error> {
    let rows = sql.query(
        "SELECT id, sent_at, body FROM outbox_mail ORDER BY sent_at DESC, id DESC LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().rev().map(read).collect()
}

/// Writes 1 row for each mail.
///
/// # Errors
/// When the statement fails.
pub fn clear(sql: &dyn Sql) -> Result<(), Error> {
    sql.run("DELETE FROM outbox_mail", &[])
}

fn read(row: &Row) -> Result<Mail, Error> {
    Ok(Mail {
        id: row.text("id")?.to_owned(),
        sent_at: row.time("sent_at")?,
        body: row.text("body")?.to_owned(),
    })
}
