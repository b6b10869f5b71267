//! Contacts: one row with the whole document, and its place in the schedule.
//!
//! Used by `edge` and `write`. The index on `(queue, due)` is billed whenever one of the two is named in a `SET`,
//! even with the same value, so a save names them only when the slot moved. What a failure means is decided elsewhere.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql, Statement, Value};
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;
use crate::engine::schedule::Slot;
use crate::engine::state::{Contact, Document, MAX_DOCUMENT_BYTES};
use serde::Serialize;

/// A contact's row as it was read: what a save compares with.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    pub document: Document,
    pub slot: Option<Slot>,
    /// Failed attempts in a row to work on this contact.
    pub failures: u32,
}

/// A queue with work, now or later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    pub queue: String,
    /// The earliest due time in it.
    pub due: Timestamp,
}

/// A contact whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub contact: ContactId,
    pub due: Timestamp,
    pub failures: u32,
}

/// Steps from queue to queue in the index, instead of grouping everything that waits.
pub(super) const QUEUES: &str = "WITH RECURSIVE step (queue) AS (
       SELECT (SELECT queue FROM contact WHERE due IS NOT NULL ORDER BY queue LIMIT 1)
       UNION ALL
       SELECT (SELECT contact.queue FROM contact
               WHERE contact.due IS NOT NULL AND contact.queue > step.queue
               ORDER BY contact.queue LIMIT 1)
       FROM step WHERE step.queue IS NOT NULL
     )
     SELECT step.queue AS queue,
            (SELECT contact.due FROM contact
             WHERE contact.due IS NOT NULL AND contact.queue = step.queue
             ORDER BY contact.due LIMIT 1) AS due
     FROM step WHERE step.queue IS NOT NULL";

pub(super) const DUE: &str = "SELECT contact_id, due, failures FROM contact
     WHERE due IS NOT NULL AND queue = ?1 AND due <= ?2 ORDER BY due LIMIT ?3";

/// [`Document`] by reference. A test holds the two stored forms together.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum DocumentRef<'a> {
    Live(&'a Contact),
    Moved { to: &'a ContactId, at: Timestamp },
    Erased { at: Timestamp },
}

/// The row of a contact; none when we do not know them.
///
/// # Errors
/// `Error::Corrupt` when the document cannot be read: the caller records a failure and goes on with others.
pub fn load(sql: &dyn Sql, contact: &ContactId) -> Result<Option<Loaded>, Error> {
    let row = sql.first(
        "SELECT due, queue, failures, doc FROM contact WHERE contact_id = ?1",
        &[contact.into()],
    )?;
    row.map(|row| read(contact, &row)).transpose()
}

fn read(contact: &ContactId, row: &Row) -> Result<Loaded, Error> {
    let document = serde_json::from_str(row.text("doc")?).map_err(|error| Error::Corrupt {
        what: "document of contact",
        id: contact.as_str().to_owned(),
        problem: error.to_string(),
    })?;
    let slot = match (row.opt_time("due")?, row.opt_text("queue")?) {
        (Some(due), Some(queue)) => Some(Slot {
            due,
            queue: queue.to_owned(),
        }),
        (None, _) | (_, None) => None,
    };
    Ok(Loaded {
        document,
        slot,
        failures: row.count("failures")?,
    })
}

/// Saves a contact over the row that was loaded (`held`), or as a new one.
///
/// Writes 0 rows when nothing changed, 1 when only the document did or a contact without a slot is new, 2 when the
/// slot appeared or moved, 1 when it went.
///
/// # Errors
/// `Error::TooLarge` above [`MAX_DOCUMENT_BYTES`], before anything is written.
pub fn save(
    sql: &dyn Sql,
    contact: &Contact,
    held: Option<&Loaded>,
    slot: Option<&Slot>,
) -> Result<(), Error> {
    match save_statement(contact, held, slot)? {
        Some(statement) => statement.run(sql),
        None => Ok(()),
    }
}

/// The statement of [`save`]; none when nothing changed.
pub(super) fn save_statement(
    contact: &Contact,
    held: Option<&Loaded>,
    slot: Option<&Slot>,
) -> Result<Option<Statement>, Error> {
    let (due, queue) = columns(slot);
    let id = Value::from(&contact.id);
    let Some(held) = held else {
        return Ok(Some(Statement::new(
            "INSERT INTO contact (contact_id, due, queue, failures, doc) VALUES (?1, ?2, ?3, 0, ?4)",
            vec![id, due, queue, json(contact)?],
        )));
    };
    let same_document = matches!(&held.document, Document::Live(before) if **before == *contact);
    let same_slot = held.slot.as_ref() == slot;
    if same_document && same_slot && held.failures == 0 {
        return Ok(None);
    }
    let doc = json(contact)?;
    Ok(Some(if same_slot {
        Statement::new(
            "UPDATE contact SET doc = ?2, moved_at = NULL, failures = 0 WHERE contact_id = ?1",
            vec![id, doc],
        )
    } else {
        Statement::new(
            "UPDATE contact SET doc = ?2, moved_at = NULL, failures = 0, due = ?3, queue = ?4
             WHERE contact_id = ?1",
            vec![id, doc, due, queue],
        )
    }))
}

/// Leaves a tombstone: the contact was merged into `to`. Late references follow it until it is pruned.
/// Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn bury(sql: &dyn Sql, contact: &ContactId, to: &ContactId, at: Timestamp) -> Result<(), Error> {
    entomb(sql, contact, &DocumentRef::Moved { to, at }, at)
}

/// Leaves a tombstone in place of a person who was erased. Writes 1 row.
///
/// # Errors
/// When the statement fails.
pub fn erase(sql: &dyn Sql, contact: &ContactId, at: Timestamp) -> Result<(), Error> {
    entomb(sql, contact, &DocumentRef::Erased { at }, at)
}

/// When somebody was erased last who had one of these ids; none where no tombstone says so.
///
/// # Errors
/// When the statement fails.
pub fn erased_at(sql: &dyn Sql, ids: &[ContactId]) -> Result<Option<Timestamp>, Error> {
    if ids.is_empty() {
        return Ok(None);
    }
    let ids = to_json("ids", "", ids, MAX_DOCUMENT_BYTES)?;
    let row = sql.first(
        "SELECT max(moved_at) AS erased_at FROM contact
         WHERE contact_id IN (SELECT value FROM json_each(?1))
           AND moved_at IS NOT NULL AND substr(doc, 3, 6) = 'erased'",
        &[ids.into()],
    )?;
    row.map_or(Ok(None), |row| row.opt_time("erased_at"))
}

fn entomb(
    sql: &dyn Sql,
    contact: &ContactId,
    tombstone: &DocumentRef<'_>,
    at: Timestamp,
) -> Result<(), Error> {
    let doc = to_json("tombstone", contact.as_str(), tombstone, MAX_DOCUMENT_BYTES)?;
    sql.run(
        "INSERT INTO contact (contact_id, due, queue, failures, moved_at, doc) VALUES (?1, NULL, NULL, 0, ?2, ?3)
         ON CONFLICT (contact_id) DO UPDATE
         SET due = NULL, queue = NULL, failures = 0, moved_at = excluded.moved_at, doc = excluded.doc",
        &[contact.into(), at.into(), doc.into()],
    )
}

/// Every queue that has a contact in it, in order, with its earliest due time: those due by now have work, the
/// earliest of all is the next alarm. Reads two index entries a queue, however many contacts wait.
///
/// # Errors
/// When the statement fails.
pub fn queues(sql: &dyn Sql) -> Result<Vec<Queue>, Error> {
    let rows = sql.query(QUEUES, &[])?;
    rows.iter()
        .map(|row| {
            Ok(Queue {
                queue: row.text("queue")?.to_owned(),
                due: row.time("due")?,
            })
        })
        .collect()
}

/// Contacts of a queue that are due, longest due first.
///
/// # Errors
/// When the statement fails.
pub fn due(sql: &dyn Sql, queue: &str, now: Timestamp, limit: u32) -> Result<Vec<Due>, Error> {
    let rows = sql.query(DUE, &[queue.into(), now.into(), limit.into()])?;
    rows.iter()
        .map(|row| {
            Ok(Due {
                contact: row.parsed("contact_id", ContactId::parse)?,
                due: row.time("due")?,
                failures: row.count("failures")?,
            })
        })
        .collect()
}

/// Ids after `after`, in order, for sweeps and lists. Tombstones are left out.
///
/// # Errors
/// When the statement fails.
pub fn page(sql: &dyn Sql, after: Option<&ContactId>, limit: u32) -> Result<Vec<ContactId>, Error> {
    let rows = sql.query(
        "SELECT contact_id FROM contact WHERE contact_id > ?1 AND moved_at IS NULL
         ORDER BY contact_id LIMIT ?2",
        &[after.map_or("", ContactId::as_str).into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("contact_id", ContactId::parse))
        .collect()
}

/// Ids from `lowest` to `highest`, at most two: whether there is one, and only one. Tombstones count.
///
/// # Errors
/// When the statement fails.
pub fn between(
    sql: &dyn Sql,
    lowest: &IdentifierHash,
    highest: &IdentifierHash,
) -> Result<Vec<ContactId>, Error> {
    let rows = sql.query(
        "SELECT contact_id FROM contact WHERE contact_id BETWEEN ?1 AND ?2 LIMIT 2",
        &[lowest.into(), highest.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("contact_id", ContactId::parse))
        .collect()
}

/// How many contacts there are, tombstones left out. Reads every row.
///
/// # Errors
/// When the statement fails.
pub fn count(sql: &dyn Sql) -> Result<u32, Error> {
    let row = sql.first("SELECT count(*) AS n FROM contact WHERE moved_at IS NULL", &[])?;
    row.map_or(Ok(0), |row| row.count("n"))
}

/// Failed attempts in a row, also of a contact whose document cannot be read.
///
/// # Errors
/// When the statement fails.
pub fn failures(sql: &dyn Sql, contact: &ContactId) -> Result<u32, Error> {
    let row = sql.first(
        "SELECT failures FROM contact WHERE contact_id = ?1",
        &[contact.into()],
    )?;
    row.map_or(Ok(0), |row| row.count("failures"))
}

/// Work on a contact failed: it stays in its queue and is due again at `next_due`. The document is not touched, so
/// this also serves for one that cannot be read; the next save that succeeds clears the failures. Writes 2 rows,
/// 0 for a contact that waits for nothing.
///
/// # Errors
/// When the statement fails.
pub fn fail(sql: &dyn Sql, contact: &ContactId, next_due: Timestamp, failures: u32) -> Result<(), Error> {
    sql.run(
        "UPDATE contact SET due = ?2, failures = ?3 WHERE contact_id = ?1 AND due IS NOT NULL",
        &[contact.into(), next_due.into(), failures.into()],
    )
}

/// Takes a contact out of the schedule after too many failures. The caller leaves a dead letter; the next event of
/// the contact that succeeds puts it back. Writes 1 row, 0 when it was out already.
///
/// # Errors
/// When the statement fails.
pub fn dead(sql: &dyn Sql, contact: &ContactId, failures: u32) -> Result<(), Error> {
    sql.run(
        "UPDATE contact SET due = NULL, queue = NULL, failures = ?2
         WHERE contact_id = ?1 AND due IS NOT NULL",
        &[contact.into(), failures.into()],
    )
}

/// The document as text, unread: for a dead letter about one that cannot be parsed.
///
/// # Errors
/// When the statement fails.
pub fn raw(sql: &dyn Sql, contact: &ContactId) -> Result<Option<String>, Error> {
    let row = sql.first("SELECT doc FROM contact WHERE contact_id = ?1", &[contact.into()])?;
    row.map(|row| row.text("doc").map(str::to_owned)).transpose()
}

fn json(contact: &Contact) -> Result<Value, Error> {
    let id = contact.id.as_str();
    let document = DocumentRef::Live(contact);
    let most = if planted!(DocumentsGrow) {
        usize::MAX
    } else {
        MAX_DOCUMENT_BYTES
    };
    to_json("document of contact", id, &document, most).map(Value::from)
}

fn columns(slot: Option<&Slot>) -> (Value, Value) {
    match slot {
        Some(slot) => (slot.due.into(), slot.queue.as_str().into()),
        None => (Value::Null, Value::Null),
    }
}
