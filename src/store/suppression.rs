//! Addresses that must never be written to again, by hash and for ever: a bounce, a complaint, an erasure. The hash
//! outlives the person's data. Written by the turn that ends an address and read by the gate, in the contact's shard.

use super::Error;
use super::sql::Sql;
use crate::domain::ids::IdentifierHash;
use crate::domain::time::Timestamp;

/// Why and since when an address is suppressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    pub reason: String,
    pub at: Timestamp,
}

/// Writes 1 row, 0 when the address is suppressed already: the first reason stays.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, hash: &IdentifierHash, reason: &str, at: Timestamp) -> Result<(), Error> {
    sql.run(
        "INSERT INTO suppression (hash, reason, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[hash.into(), reason.into(), at.into()],
    )
}

/// # Errors
/// When the statement fails.
pub fn get(sql: &dyn Sql, hash: &IdentifierHash) -> Result<Option<Suppression>, Error> {
    let row = sql.first(
        "SELECT reason, at FROM suppression WHERE hash = ?1",
        &[hash.into()],
    )?;
    row.map(|row| {
        Ok(Suppression {
            reason: row.text("reason")?.to_owned(),
            at: row.time("at")?,
        })
    })
    .transpose()
}
