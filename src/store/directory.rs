//! The directory: which contact an identifier leads to, in the shard of the identifier's hash. A row of a checkout
//! or cart also says when it was bought. Used by `edge`. Rows are bulk-read and written through one JSON parameter.

use super::error::to_json;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::identity::IdentifierKind;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;
use serde::Serialize;

/// A row of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub hash: IdentifierHash,
    pub kind: IdentifierKind,
    pub contact: ContactId,
    /// When the checkout was bought. It stays closed, whatever comes later.
    pub closed_at: Option<Timestamp>,
}

impl Entry {
    /// The contact. None for a checkout or cart that was closed before anybody was known for it: its row leads to its
    /// own hash, which founds nobody.
    pub fn owner(&self) -> Option<&ContactId> {
        (!stands_in(&self.hash, self.kind, &self.contact)).then_some(&self.contact)
    }
}

/// An identifier that was seen for a contact, and when the checkout or cart that it names was bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub hash: IdentifierHash,
    pub kind: IdentifierKind,
    /// A checkout or cart that is closed before anybody is known for it stands in with its own hash.
    pub contact: ContactId,
    pub closed_at: Option<Timestamp>,
}

impl Claim {
    /// Whether it only closes what nobody is known for.
    pub fn stands_in(&self) -> bool {
        stands_in(&self.hash, self.kind, &self.contact)
    }
}

/// Whether a row leads to its own hash, which founds nobody.
fn stands_in(hash: &IdentifierHash, kind: IdentifierKind, contact: &ContactId) -> bool {
    contact.as_str() == hash.as_str() && !kind.is_strong()
}

/// The rows of those identifiers that are known, in the order asked.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn lookup(sql: &dyn Sql, hashes: &[IdentifierHash]) -> Result<Vec<Entry>, Error> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let hashes = to_json("hashes", "", hashes, MAX_VALUE_BYTES)?;
    let rows = sql.query(
        "SELECT directory.hash AS hash, kind, contact_id, closed_at
         FROM json_each(?1) AS asked CROSS JOIN directory ON directory.hash = asked.value
         ORDER BY asked.key",
        &[hashes.into()],
    )?;
    rows.iter().map(read).collect()
}

/// The rows whose hashes lie from `lowest` to `highest`, at most two: whether there is one, and only one.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn between(
    sql: &dyn Sql,
    lowest: &IdentifierHash,
    highest: &IdentifierHash,
) -> Result<Vec<Entry>, Error> {
    let rows = sql.query(
        "SELECT hash, kind, contact_id, closed_at FROM directory WHERE hash BETWEEN ?1 AND ?2 LIMIT 2",
        &[lowest.into(), highest.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Claims identifiers for contacts, and closes what was bought: who came first keeps a row, unless it only stands in,
/// and what is closed stays so. One that is bought before it is known gets its row, so that a late update of it finds it
/// closed. Writes 1 row for each identifier that is new, led to nobody, or is closed now.
///
/// # Errors
/// When the statement fails.
pub fn claim(sql: &dyn Sql, claims: &[Claim], now: Timestamp) -> Result<(), Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let claims = to_json("claims", "", claims, MAX_VALUE_BYTES)?;
    sql.run(
        "INSERT INTO directory (hash, kind, contact_id, since, closed_at)
         SELECT value ->> 'hash', value ->> 'kind', value ->> 'contact', ?2, value ->> 'closed_at'
         FROM json_each(?1) WHERE true
         ON CONFLICT (hash) DO UPDATE SET
           contact_id = iif(contact_id = hash AND kind NOT IN ('email', 'customer'), excluded.contact_id, contact_id),
           closed_at = coalesce(closed_at, excluded.closed_at)
         WHERE (closed_at IS NULL AND excluded.closed_at IS NOT NULL)
            OR (contact_id = hash AND kind NOT IN ('email', 'customer') AND excluded.contact_id <> hash)",
        &[claims.into(), now.into()],
    )
}

/// Leads identifiers from one contact to another, after a merge. Rows that lead elsewhere by now stay.
/// Writes 1 row for each that moved.
///
/// # Errors
/// When the statement fails.
pub fn repoint(
    sql: &dyn Sql,
    hashes: &[IdentifierHash],
    from: &ContactId,
    to: &ContactId,
) -> Result<(), Error> {
    let hashes = to_json("hashes", "", hashes, MAX_VALUE_BYTES)?;
    sql.run(
        "UPDATE directory SET contact_id = ?3
         WHERE hash IN (SELECT value FROM json_each(?1)) AND contact_id = ?2",
        &[hashes.into(), from.into(), to.into()],
    )
}

/// Says that an identifier is known anew for the contact that it leads to: an erasure of before does not take it. Writes 1
/// row, 0 when it leads elsewhere or is as new.
///
/// # Errors
/// When the statement fails.
pub fn renew(sql: &dyn Sql, hash: &IdentifierHash, contact: &ContactId, now: Timestamp) -> Result<(), Error> {
    sql.run(
        "UPDATE directory SET since = ?3 WHERE hash = ?1 AND contact_id = ?2 AND since < ?3",
        &[hash.into(), contact.into(), now.into()],
    )
}

/// Whether one of the identifiers is a checkout or cart that was bought.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn is_closed(sql: &dyn Sql, hashes: &[IdentifierHash]) -> Result<bool, Error> {
    Ok(lookup(sql, hashes)?.iter().any(|entry| entry.closed_at.is_some()))
}

fn read(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        hash: row.parsed("hash", IdentifierHash::parse)?,
        kind: row.word("kind")?,
        contact: row.parsed("contact_id", ContactId::parse)?,
        closed_at: row.opt_time("closed_at")?,
    })
}
