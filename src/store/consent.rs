//! The ledger of consent: every change of an address's consent with its proof, for as long as anybody may ask for it.
//!
//! Written by `write` in the turn of the change, read when contacts merge and by operators. Nothing decides by it: what
//! holds stands in the contact's document.

use super::Error;
use super::sql::{Row, Sql, Statement};
use crate::domain::consent::{ConsentRecord, ConsentSignal};
use crate::domain::ids::{ContactId, EventId, IdentifierHash};

/// Writes 1 row, 0 when it is there: an event changes consent once.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, contact: &ContactId, record: &ConsentRecord) -> Result<(), Error> {
    put_statement(contact, record).run(sql)
}

pub(super) fn put_statement(contact: &ContactId, record: &ConsentRecord) -> Statement {
    let signal = &record.signal;
    Statement::new(
        "INSERT INTO consent (contact_id, event_id, recorded_at, at, address, state, said, grade, method, text, ip,
           agent, actor)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO NOTHING",
        vec![
            contact.into(),
            (&record.event).into(),
            record.recorded_at.into(),
            signal.at.into(),
            (&record.address).into(),
            record.state.as_str().into(),
            signal.state.as_str().into(),
            signal.grade.as_str().into(),
            signal.method.as_deref().into(),
            signal.text.as_deref().into(),
            signal.ip.as_deref().into(),
            signal.agent.as_deref().into(),
            signal.actor.as_deref().into(),
        ],
    )
}

/// All changes of a contact's addresses, the oldest first.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn list(sql: &dyn Sql, contact: &ContactId) -> Result<Vec<ConsentRecord>, Error> {
    let rows = sql.query(
        "SELECT event_id, recorded_at, at, address, state, said, grade, method, text, ip, agent, actor
         FROM consent WHERE contact_id = ?1 ORDER BY recorded_at, at, event_id",
        &[contact.into()],
    )?;
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<ConsentRecord, Error> {
    let text = |column: &'static str| Ok::<_, Error>(row.opt_text(column)?.map(str::to_owned));
    Ok(ConsentRecord {
        address: row.parsed("address", IdentifierHash::parse)?,
        state: row.word("state")?,
        signal: ConsentSignal {
            state: row.word("said")?,
            grade: row.word("grade")?,
            at: row.time("at")?,
            method: text("method")?,
            text: text("text")?,
            ip: text("ip")?,
            agent: text("agent")?,
            actor: text("actor")?,
        },
        event: row.parsed("event_id", EventId::parse)?,
        recorded_at: row.time("recorded_at")?,
    })
}
