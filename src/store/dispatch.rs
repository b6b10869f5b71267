//! Requests that were claimed and have no final outcome yet: the lease, the attempt, and the exact bytes that every
//! repetition must send. Used by the delivery loop. One row a request, so the table is small and has no index.

use super::error::{check_size, to_json};
use super::sql::{Row, Sql, Value};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::ids::{ContactId, MessageId};
use crate::domain::time::Timestamp;
pub use crate::engine::delivery::Dispatch;
use std::collections::BTreeSet;

/// What an update of a claimed request sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    pub attempt: u32,
    pub lease_until: Timestamp,
    pub next_at: Option<Timestamp>,
}

/// Claims. False, and nothing written, when there is a claim of that id. Writes 1 row.
///
/// # Errors
/// `Error::TooLarge` for bytes that cannot be stored, before anything is written.
pub fn put(sql: &dyn Sql, dispatch: &Dispatch, request: &[u8]) -> Result<bool, Error> {
    check_size("request", &dispatch.id, request.len(), MAX_VALUE_BYTES)?;
    let members = to_json("members", &dispatch.id, &dispatch.members, MAX_VALUE_BYTES)?;
    let addressees = to_json("addressees", &dispatch.id, &dispatch.addressees, MAX_VALUE_BYTES)?;
    if get(sql, &dispatch.id)?.is_some() {
        return Ok(false);
    }
    sql.run(
        "INSERT INTO dispatch (dispatch_id, provider, key, attempt, generation, first_at, lease_until, next_at,
           members, addressees, request)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        &[
            dispatch.id.as_str().into(),
            dispatch.provider.as_str().into(),
            dispatch.key.as_str().into(),
            dispatch.attempt.into(),
            u32::from(dispatch.generation).into(),
            dispatch.first_at.into(),
            dispatch.lease_until.into(),
            dispatch.next_at.into(),
            members.into(),
            addressees.into(),
            Value::Blob(request.to_vec()),
        ],
    )?;
    Ok(true)
}

/// # Errors
/// When the statement fails or the row cannot be read.
pub fn get(sql: &dyn Sql, id: &str) -> Result<Option<Dispatch>, Error> {
    let row = sql.first(
        "SELECT dispatch_id, provider, key, attempt, generation, first_at, lease_until, next_at, members, addressees
         FROM dispatch WHERE dispatch_id = ?1",
        &[id.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// Open claims, those first that were made first. For tests and operators.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list(sql: &dyn Sql, limit: u32) -> Result<Vec<Dispatch>, Error> {
    let rows = sql.query(
        "SELECT dispatch_id, provider, key, attempt, generation, first_at, lease_until, next_at, members, addressees
         FROM dispatch ORDER BY first_at, dispatch_id LIMIT ?1",
        &[limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Ids of claims to look at by `now`, in the order of the ids: a page, which begins behind `after`.
///
/// # Errors
/// When the statement fails.
pub fn due(sql: &dyn Sql, now: Timestamp, after: &str, limit: u32) -> Result<Vec<String>, Error> {
    let rows = sql.query(
        "SELECT dispatch_id FROM dispatch WHERE dispatch_id > ?1 AND coalesce(next_at, lease_until) <= ?2
         ORDER BY dispatch_id LIMIT ?3",
        &[after.into(), now.into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| row.text("dispatch_id").map(str::to_owned))
        .collect()
}

/// How many claims are open: shown to operators.
///
/// # Errors
/// When the statement fails.
pub fn count(sql: &dyn Sql) -> Result<u32, Error> {
    let row = sql.first("SELECT count(*) AS n FROM dispatch", &[])?;
    row.map_or(Ok(0), |row| row.count("n"))
}

/// Those of `messages` that are in an open claim.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn open_members(sql: &dyn Sql, messages: &[&MessageId]) -> Result<BTreeSet<MessageId>, Error> {
    if messages.is_empty() {
        return Ok(BTreeSet::new());
    }
    let messages = to_json("messages", "", messages, MAX_VALUE_BYTES)?;
    let rows = sql.query(
        "SELECT DISTINCT member.value AS member FROM dispatch, json_each(dispatch.members) AS member
         WHERE member.value IN (SELECT value FROM json_each(?1))",
        &[messages.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("member", MessageId::parse))
        .collect()
}

/// The provider whose request holds the message; none without an open claim.
///
/// # Errors
/// When the statement fails.
pub fn provider_of(sql: &dyn Sql, message: &MessageId) -> Result<Option<String>, Error> {
    let row = sql.first(
        "SELECT dispatch.provider AS provider FROM dispatch, json_each(dispatch.members) AS member
         WHERE member.value = ?1 LIMIT 1",
        &[message.into()],
    )?;
    row.map(|row| row.text("provider").map(str::to_owned)).transpose()
}

/// Whether a message of the contact is in an open claim: its id begins as the contact's does.
///
/// # Errors
/// When the statement fails.
pub fn holds_contact(sql: &dyn Sql, contact: &ContactId) -> Result<bool, Error> {
    let prefix = contact
        .as_str()
        .get(..MessageId::CONTACT_BITS)
        .unwrap_or_default();
    let row = sql.first(
        "SELECT member.value AS member FROM dispatch, json_each(dispatch.members) AS member
         WHERE member.value >= ?1 AND member.value < ?2 LIMIT 1",
        // `g` follows every hex digit.
        &[prefix.into(), format!("{prefix}g").into()],
    )?;
    Ok(row.is_some())
}

/// When the first open claim wants to be looked at: its time to try again, or the end of its lease.
///
/// # Errors
/// When the statement fails.
pub fn earliest(sql: &dyn Sql) -> Result<Option<Timestamp>, Error> {
    let row = sql.first(
        "SELECT min(coalesce(next_at, lease_until)) AS due FROM dispatch",
        &[],
    )?;
    row.map_or(Ok(None), |row| row.opt_time("due"))
}

/// The exact bytes of a claimed request.
///
/// # Errors
/// When the statement fails.
pub fn request(sql: &dyn Sql, id: &str) -> Result<Option<Vec<u8>>, Error> {
    let row = sql.first(
        "SELECT request FROM dispatch WHERE dispatch_id = ?1",
        &[id.into()],
    )?;
    row.map(|row| row.blob("request").map(<[u8]>::to_vec)).transpose()
}

/// Writes only where the attempt is still `held`; false when another run took over. Writes 1 row.
///
/// # Errors
/// When a statement fails.
pub fn update_attempt(sql: &dyn Sql, id: &str, held: u32, next: Attempt) -> Result<bool, Error> {
    if !stands_at(sql, id, held)? {
        return Ok(false);
    }
    sql.run(
        "UPDATE dispatch SET attempt = ?2, lease_until = ?3, next_at = ?4 WHERE dispatch_id = ?1",
        &[
            id.into(),
            next.attempt.into(),
            next.lease_until.into(),
            next.next_at.into(),
        ],
    )?;
    Ok(true)
}

/// Ends a claim with its final outcome, where the attempt is still `held`; false when another run took over: then
/// the outcome is not to be written either. Writes 1 row.
///
/// # Errors
/// When a statement fails.
pub fn delete(sql: &dyn Sql, id: &str, held: u32) -> Result<bool, Error> {
    if !stands_at(sql, id, held)? {
        return Ok(false);
    }
    sql.run("DELETE FROM dispatch WHERE dispatch_id = ?1", &[id.into()])?;
    Ok(true)
}

fn stands_at(sql: &dyn Sql, id: &str, attempt: u32) -> Result<bool, Error> {
    let row = sql.first(
        "SELECT attempt FROM dispatch WHERE dispatch_id = ?1",
        &[id.into()],
    )?;
    row.map_or(Ok(false), |row| Ok(row.count("attempt")? == attempt))
}

fn read(row: &Row) -> Result<Dispatch, Error> {
    Ok(Dispatch {
        id: row.text("dispatch_id")?.to_owned(),
        provider: row.text("provider")?.to_owned(),
        key: row.text("key")?.to_owned(),
        attempt: row.count("attempt")?,
        generation: u8::try_from(row.integer("generation")?).unwrap_or(u8::MAX),
        first_at: row.time("first_at")?,
        lease_until: row.time("lease_until")?,
        next_at: row.opt_time("next_at")?,
        members: row.json("members")?,
        addressees: row.json("addressees")?,
    })
}
