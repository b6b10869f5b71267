//! What was given up after every attempt, kept whole and shown to operators, who try again or throw it away.
//! Used by `edge` and `parked`.

use super::error::{check_size, to_json};
use super::message::Stored;
use super::sql::{Row, Sql};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::event::{Event, EventData};
use crate::domain::time::Timestamp;
use serde_json::json;

/// One thing that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Names the thing, so that one which dies twice is listed once: `contact:<id>`, `forward:<id>`.
    pub id: String,
    pub at: Timestamp,
    /// What it is, in words for people.
    pub what: String,
    pub reason: String,
    /// All that is needed to understand it, and where it can be to try it again: JSON, as a rule.
    pub body: String,
}

/// Longest problem that is kept with a message.
const MAX_PROBLEM_BYTES: usize = 2_000;
/// Largest event that is kept whole.
const MAX_EVENT_BYTES: usize = 64 * 1024;

impl DeadLetter {
    /// A message that could not be made into a mail. Holds ids and names only, so it may be shown.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of_message(stored: &Stored, problem: &str, now: Timestamp) -> Result<Self, Error> {
        let message = &stored.message;
        let problem = problem.get(..problem.floor_char_boundary(MAX_PROBLEM_BYTES));
        let body = json!({
            "message": message.id, "contact": stored.contact, "journey": message.journey,
            "enrollment": message.enrollment, "step": message.step, "email": message.email,
            "variant": message.variant, "stream": message.stream, "error": problem,
        });
        Ok(Self {
            id: format!("message:{}", message.id),
            at: now,
            what: "message".to_owned(),
            reason: problem.unwrap_or_default().to_owned(),
            body: to_json("dead letter", message.id.as_str(), &body, MAX_VALUE_BYTES)?,
        })
    }

    /// An event that could not wait for its person under an identifier. One that is too long keeps what it is about: its
    /// details, items and properties are left out.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of_event(id: String, event: &Event, reason: &str, now: Timestamp) -> Result<Self, Error> {
        let body = match to_json("event", event.id.as_str(), event, MAX_EVENT_BYTES) {
            Err(Error::TooLarge { .. }) => {
                let data = &event.data;
                let cut = Event {
                    profile: crate::domain::contact::Profile::default(),
                    data: EventData {
                        checkout_id: data.checkout_id.clone(),
                        cart_id: data.cart_id.clone(),
                        order_id: data.order_id.clone(),
                        order_number: data.order_number.clone(),
                        value: data.value,
                        ..EventData::default()
                    },
                    ..event.clone()
                };
                to_json("event", event.id.as_str(), &cut, MAX_EVENT_BYTES)
            }
            whole => whole,
        };
        Ok(Self {
            id,
            at: now,
            what: "parked event".to_owned(),
            reason: reason.to_owned(),
            // Even its ids fill the bound: the letter's own id still names it.
            body: match body {
                Err(Error::TooLarge { .. }) => json!({ "id": event.id }).to_string(),
                body => body?,
            },
        })
    }
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
