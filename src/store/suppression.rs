//! Addresses that must not be written to, by hash and for ever: a bounce, a complaint, an erasure. The hash outlives the
//! person's data.
//!
//! A row lies in the shard of its own hash, which is asked when the address is first seen, and in that of the contact,
//! where the gate reads it. Written by `turn::objection` and by an erasure.

use super::error::to_json;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::ids::IdentifierHash;
use crate::domain::objection::Objection;

/// Writes 1 row, 0 when one as strict is held: the first reason stays, a later erasure replaces an earlier one.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, hash: &IdentifierHash, objection: Objection) -> Result<(), Error> {
    sql.run(
        "INSERT INTO suppression (hash, reason, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (hash) DO UPDATE SET reason = excluded.reason, at = excluded.at
         WHERE reason = 'erased' AND (excluded.reason <> 'erased' OR excluded.at > at)",
        &[hash.into(), objection.ground.as_str().into(), objection.at.into()],
    )
}

/// # Errors
/// When the statement fails.
pub fn get(sql: &dyn Sql, hash: &IdentifierHash) -> Result<Option<Objection>, Error> {
    let row = sql.first(
        "SELECT reason, at FROM suppression WHERE hash = ?1",
        &[hash.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Those of these addresses that object.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn of(sql: &dyn Sql, hashes: &[&IdentifierHash]) -> Result<Vec<(IdentifierHash, Objection)>, Error> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let hashes = to_json("hashes", "", hashes, MAX_VALUE_BYTES)?;
    let rows = sql.query(
        "SELECT hash, reason, at FROM json_each(?1) AS asked CROSS JOIN suppression ON hash = asked.value",
        &[hashes.into()],
    )?;
    rows.iter()
        .map(|row| Ok((row.parsed("hash", IdentifierHash::parse)?, read(row)?)))
        .collect()
}

fn read(row: &Row) -> Result<Objection, Error> {
    Ok(Objection {
        ground: row.word("reason")?,
        at: row.time("at")?,
    })
}
