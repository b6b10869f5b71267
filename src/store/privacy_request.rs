//! What a storefront asked on behalf of a person, for operators to do: by the contact's hash, never by address. Used by
//! `turn::privacy` and `/admin/status`.

use super::Error;
use super::sql::{Row, Sql};
use crate::domain::ids::ContactId;
use crate::domain::privacy::Kind;
use crate::domain::time::Timestamp;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrivacyRequest {
    /// The source's own, so that a repeated delivery is one request.
    pub id: String,
    pub at: Timestamp,
    pub kind: Kind,
    /// Whose data; none for the whole shop's.
    pub contact: Option<ContactId>,
    pub done_at: Option<Timestamp>,
}

/// Writes 1 row, 0 when the request is known.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, request: &PrivacyRequest) -> Result<(), Error> {
    sql.run(
        "INSERT INTO privacy_request (id, at, kind, contact_id, done_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
        &[
            request.id.as_str().into(),
            request.at.into(),
            request.kind.as_str().into(),
            request.contact.as_ref().into(),
            request.done_at.into(),
        ],
    )
}

/// Open requests, the oldest first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn open(sql: &dyn Sql, limit: u32) -> Result<Vec<PrivacyRequest>, Error> {
    let rows = sql.query(
        "SELECT id, at, kind, contact_id, done_at FROM privacy_request
         WHERE done_at IS NULL ORDER BY at, id LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// What was asked about this contact is done. Writes 1 row for each request that was open.
///
/// # Errors
/// When the statement fails.
pub fn done(sql: &dyn Sql, contact: &ContactId, at: Timestamp) -> Result<(), Error> {
    sql.run(
        "UPDATE privacy_request SET done_at = ?2 WHERE contact_id = ?1 AND done_at IS NULL",
        &[contact.into(), at.into()],
    )
}

fn read(row: &Row) -> Result<PrivacyRequest, Error> {
    Ok(PrivacyRequest {
        id: row.text("id")?.to_owned(),
        at: row.time("at")?,
        kind: row.word("kind")?,
        contact: row.opt_parsed("contact_id", ContactId::parse)?,
        done_at: row.opt_time("done_at")?,
    })
}
