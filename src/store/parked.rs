//! Events whose person is not known yet, kept under each identifier they carry until one of them leads to somebody.
//! Used by `edge`, in the shard of the identifier's hash.

use super::dead_letter::{self, DeadLetter};
use super::error::to_json;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::event::Event;
use crate::domain::ids::{EventId, IdentifierHash};
use crate::domain::time::{Delay, Timestamp};

/// How long an event waits for its person.
pub const PARKED_FOR: Delay = Delay::from_days(30);
/// Most events parked under one identifier: a browser without a person cannot fill a shard.
pub const MAX_PARKED: u32 = 50;
/// Largest event that is parked, in bytes of JSON.
pub const MAX_PARKED_BYTES: usize = 256 * 1024;

/// What became of an event to park.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parking {
    Kept,
    /// It is there since an earlier delivery.
    Repeated,
    /// Too many are parked under this identifier.
    Full,
    /// The event is too long to be parked.
    TooLarge,
}

/// Parks an event for [`PARKED_FOR`]. Writes 1 row, 0 when it is there or refused.
///
/// # Errors
/// When a statement fails.
pub fn park(sql: &dyn Sql, hash: &IdentifierHash, event: &Event, now: Timestamp) -> Result<Parking, Error> {
    let body = match to_json("event", event.id.as_str(), event, MAX_PARKED_BYTES) {
        Ok(body) => body,
        Err(Error::TooLarge { .. }) => return Ok(Parking::TooLarge),
        Err(error) => return Err(error),
    };
    let row = sql.first(
        "SELECT count(*) AS n, coalesce(sum(event_id = ?2), 0) AS same FROM parked WHERE hash = ?1",
        &[hash.into(), (&event.id).into()],
    )?;
    let (parked, same) = row.map_or(Ok((0, 0)), |row| Ok((row.count("n")?, row.count("same")?)))?;
    if same > 0 {
        return Ok(Parking::Repeated);
    }
    if parked >= MAX_PARKED {
        return Ok(Parking::Full);
    }
    sql.run(
        "INSERT INTO parked (hash, event_id, until, body) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
        &[
            hash.into(),
            (&event.id).into(),
            now.plus(PARKED_FOR).into(),
            body.into(),
        ],
    )?;
    Ok(Parking::Kept)
}

/// Takes the events parked under any of these identifiers, in the order in which they happened, each with that one. An
/// event that cannot be read becomes a dead letter, so that it neither gets lost nor holds the others. Writes 1 row for
/// each.
///
/// # Errors
/// When a statement fails.
pub fn release(
    sql: &dyn Sql,
    hashes: &[IdentifierHash],
    now: Timestamp,
) -> Result<Vec<(IdentifierHash, Event)>, Error> {
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    let hashes = to_json("hashes", "", hashes, MAX_VALUE_BYTES)?;
    let rows = sql.query(
        "SELECT parked.hash AS hash, event_id, body FROM json_each(?1) AS asked CROSS JOIN parked ON parked.hash = asked.value
         ORDER BY asked.key, event_id",
        &[hashes.as_str().into()],
    )?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut events: Vec<(IdentifierHash, Event)> = Vec::new();
    for row in &rows {
        let hash = row.parsed("hash", IdentifierHash::parse)?;
        events.extend(read(sql, &hash, row, now)?.map(|event| (hash, event)));
    }
    sql.run(
        "DELETE FROM parked WHERE hash IN (SELECT value FROM json_each(?1))",
        &[hashes.into()],
    )?;
    events.sort_by(|(_, one), (_, two)| (one.occurred_at, &one.id).cmp(&(two.occurred_at, &two.id)));
    Ok(events)
}

/// Takes one event parked under an identifier; none when it is not there (any more). Writes 1 row.
///
/// # Errors
/// When a statement fails.
pub fn take(
    sql: &dyn Sql,
    hash: &IdentifierHash,
    event: &EventId,
    now: Timestamp,
) -> Result<Option<Event>, Error> {
    let key = [hash.into(), event.into()];
    let row = sql.first(
        "SELECT event_id, body FROM parked WHERE hash = ?1 AND event_id = ?2",
        &key,
    )?;
    let Some(row) = row else {
        return Ok(None);
    };
    let event = read(sql, hash, &row, now)?;
    sql.run("DELETE FROM parked WHERE hash = ?1 AND event_id = ?2", &key)?;
    Ok(event)
}

/// The event of a row. One that cannot be read becomes a dead letter.
fn read(sql: &dyn Sql, hash: &IdentifierHash, row: &Row, now: Timestamp) -> Result<Option<Event>, Error> {
    match row.json("body") {
        Ok(event) => Ok(Some(event)),
        Err(error) => {
            let letter = DeadLetter {
                id: format!("parked:{hash}:{}", row.text("event_id")?),
                at: now,
                what: "parked event".to_owned(),
                reason: error.to_string(),
                body: row.text("body")?.to_owned(),
            };
            dead_letter::put(sql, &letter)?;
            Ok(None)
        }
    }
}
