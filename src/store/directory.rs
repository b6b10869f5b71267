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
        let stand_in = self.contact.as_str() == self.hash.as_str() && !self.kind.is_strong();
        (!stand_in).then_some(&self.contact)
    }
}

/// An identifier that was seen for a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    pub hash: IdentifierHash,
    pub kind: IdentifierKind,
    pub contact: ContactId,
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

/// Claims identifiers for contacts: who came first keeps a row. Returns the rows as they stand now, so that a
/// caller sees where an identifier belongs to somebody else. Writes 1 row for each identifier that is new.
///
/// # Errors
/// When a statement fails or a row cannot be read.
pub fn claim(sql: &dyn Sql, claims: &[Claim], now: Timestamp) -> Result<Vec<Entry>, Error> {
    let hashes: Vec<IdentifierHash> = claims.iter().map(|claim| claim.hash.clone()).collect();
    let held = lookup(sql, &hashes)?;
    let known = |claim: &&Claim| !held.iter().any(|entry| entry.hash == claim.hash);
    let new: Vec<&Claim> = claims.iter().filter(known).collect();
    if new.is_empty() {
        return Ok(held);
    }
    insert(sql, &new, now, None)?;
    lookup(sql, &hashes)
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

/// Closes checkouts and carts at the time they were bought. One that is not known yet gets its row, so that a late
/// update of it finds it closed. Writes 1 row for each that was open or unknown, 0 for one closed before.
///
/// # Errors
/// When a statement fails.
pub fn close(sql: &dyn Sql, claims: &[Claim], at: Timestamp) -> Result<(), Error> {
    let hashes: Vec<IdentifierHash> = claims.iter().map(|claim| claim.hash.clone()).collect();
    let held = lookup(sql, &hashes)?;
    let closed = |claim: &Claim| {
        held.iter()
            .any(|entry| entry.hash == claim.hash && entry.closed_at.is_some())
    };
    let open: Vec<&Claim> = claims.iter().filter(|claim| !closed(claim)).collect();
    if open.is_empty() {
        return Ok(());
    }
    insert(sql, &open, at, Some(at))
}

/// Whether one of the identifiers is a checkout or cart that was bought.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn is_closed(sql: &dyn Sql, hashes: &[IdentifierHash]) -> Result<bool, Error> {
    Ok(lookup(sql, hashes)?.iter().any(|entry| entry.closed_at.is_some()))
}

/// Inserts rows; where there is one, only an open row is closed, and only when `closed_at` is given.
fn insert(
    sql: &dyn Sql,
    claims: &[&Claim],
    now: Timestamp,
    closed_at: Option<Timestamp>,
) -> Result<(), Error> {
    let claims = to_json("claims", "", claims, MAX_VALUE_BYTES)?;
    sql.run(
        "INSERT INTO directory (hash, kind, contact_id, since, closed_at)
         SELECT value ->> 'hash', value ->> 'kind', value ->> 'contact', ?2, ?3 FROM json_each(?1) WHERE true
         ON CONFLICT (hash) DO UPDATE SET closed_at = excluded.closed_at
         WHERE closed_at IS NULL AND excluded.closed_at IS NOT NULL",
        &[claims.into(), now.into(), closed_at.into()],
    )
}

fn read(row: &Row) -> Result<Entry, Error> {
    Ok(Entry {
        hash: row.parsed("hash", IdentifierHash::parse)?,
        kind: row.word("kind")?,
        contact: row.parsed("contact_id", ContactId::parse)?,
        closed_at: row.opt_time("closed_at")?,
    })
}
