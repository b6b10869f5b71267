//! Where a person's data lies: one entry a table, with the statement that reads it for an export and the one that takes
//! it away. Used by `turn::person` and `turn::erase`; a table that holds anything of a person has its line here.
//!
//! Each statement gets one JSON list of keys. What stays of a person, and why, says `docs/privacy.md`.

use super::error::to_json;
use super::sql::{Row, Sql, Value};
use super::{Error, MAX_VALUE_BYTES};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::time::Timestamp;
use serde_json::{Map, Value as Json};

/// Most rows of one table in an export; what is beyond is said, not left out in silence.
pub const MAX_ROWS_HELD: u32 = 10_000;

/// What a table's rows are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// Ids of the contact, and of those that were merged into it.
    Contact,
    /// Hashes of its identifiers.
    Identifier,
    /// What a text about it holds: its addresses as JSON writes them, the beginnings of its ids. Small tables only.
    Word,
}

/// A table that may hold rows of a person.
#[derive(Debug)]
pub struct Table {
    /// Its name in an export.
    pub name: &'static str,
    by: By,
    /// `?1` is the list of keys, `?2` the most rows.
    held: &'static str,
    /// Takes the rows away and returns one for each; none where they stay, or where a tombstone takes their place.
    forget: Option<&'static str>,
}

/// The keys of one person that concern this shard.
#[derive(Debug, Default)]
pub struct Keys {
    pub contacts: Vec<ContactId>,
    pub identifiers: Vec<IdentifierHash>,
    pub words: Vec<String>,
}

/// Every table with something of a person.
pub const TABLES: [Table; 15] = [
    Table {
        name: "contact",
        by: By::Contact,
        held: "SELECT contact_id, moved_at, doc AS document FROM contact
               WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY moved_at LIMIT ?2",
        forget: None,
    },
    Table {
        name: "events",
        by: By::Contact,
        held: "SELECT event_id, kind, at AS happened_at, received_at, body FROM event
               WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY at LIMIT ?2",
        forget: Some("DELETE FROM event WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone"),
    },
    Table {
        name: "consents",
        by: By::Contact,
        held: "SELECT at AS happened_at, recorded_at, event_id, address AS address_hash, said, state, grade, method, text, ip, agent, actor
               FROM consent WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY recorded_at LIMIT ?2",
        forget: Some("DELETE FROM consent WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone"),
    },
    Table {
        name: "orders",
        by: By::Contact,
        held: "SELECT order_key, number, status, status_at, placed_at, total, currency,
                 attributed_to AS credited_message, items
               FROM orders WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY placed_at LIMIT ?2",
        forget: Some("DELETE FROM orders WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone"),
    },
    Table {
        name: "ended_enrollments",
        by: By::Contact,
        held: "SELECT enrollment_id, journey, key, started_at, ended_at, step, reason, detail, arms,
                 holdout AS held_out, goal_at
               FROM enrollment WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY ended_at LIMIT ?2",
        forget: Some(
            "DELETE FROM enrollment WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone",
        ),
    },
    Table {
        name: "messages",
        by: By::Contact,
        held: "SELECT message_id, journey, enrollment_id, step, email AS template, variant, stream, lane, state,
                 reason, attempt AS attempts, due_at, settled_at, provider, provider_id, delivery, clicked_at
               FROM message WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY due_at LIMIT ?2",
        forget: Some("DELETE FROM message WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone"),
    },
    // A request to several people is not shown, and its bytes stay until its fate is known: they are the others' too.
    Table {
        name: "open_requests",
        by: By::Contact,
        held: "SELECT dispatch_id, provider, attempt AS attempts, first_at, next_at,
                 CASE WHEN json_array_length(members) = 1 THEN CAST(request AS TEXT) END AS request
               FROM dispatch WHERE EXISTS (
                 SELECT 1 FROM json_each(members) AS member, json_each(?1) AS person
                 WHERE substr(member.value, 1, 16) = substr(person.value, 1, 16)) LIMIT ?2",
        forget: Some(
            "DELETE FROM dispatch WHERE json_array_length(members) = 1
               AND substr(json_extract(members, '$[0]'), 1, 16)
                   IN (SELECT substr(value, 1, 16) FROM json_each(?1)) RETURNING 1 AS gone",
        ),
    },
    // A mail's id begins as its contact's does; `g` follows every hex digit.
    Table {
        name: "outbox_mails",
        by: By::Contact,
        held: "SELECT mail.id AS message_id, mail.sent_at AS sent_at, mail.body AS mail
               FROM json_each(?1) AS person CROSS JOIN outbox_mail AS mail
                 ON mail.id >= substr(person.value, 1, 16) AND mail.id < substr(person.value, 1, 16) || 'g'
               LIMIT ?2",
        forget: Some(
            "DELETE FROM outbox_mail WHERE id IN (
               SELECT mail.id FROM json_each(?1) AS person CROSS JOIN outbox_mail AS mail
                 ON mail.id >= substr(person.value, 1, 16) AND mail.id < substr(person.value, 1, 16) || 'g')
             RETURNING 1 AS gone",
        ),
    },
    // A checkout that was bought stays closed, and leads to nobody: its own hash stands in for the contact.
    Table {
        name: "identifiers",
        by: By::Identifier,
        held: "SELECT hash, kind, since AS known_at FROM directory
               WHERE closed_at IS NULL AND hash IN (SELECT value FROM json_each(?1)) LIMIT ?2",
        forget: Some(
            "DELETE FROM directory WHERE closed_at IS NULL AND hash IN (SELECT value FROM json_each(?1))
             RETURNING 1 AS gone",
        ),
    },
    Table {
        name: "closed_checkouts",
        by: By::Identifier,
        held: "SELECT hash, kind, closed_at FROM directory
               WHERE closed_at IS NOT NULL AND hash IN (SELECT value FROM json_each(?1)) LIMIT ?2",
        forget: Some(
            "UPDATE directory SET contact_id = hash
             WHERE closed_at IS NOT NULL AND contact_id <> hash AND hash IN (SELECT value FROM json_each(?1))
             RETURNING 1 AS gone",
        ),
    },
    Table {
        name: "parked_events",
        by: By::Identifier,
        held: "SELECT hash, event_id, until AS kept_until, body AS event FROM parked
               WHERE hash IN (SELECT value FROM json_each(?1)) LIMIT ?2",
        forget: Some("DELETE FROM parked WHERE hash IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone"),
    },
    // Work on its way arrives and finds nobody.
    Table {
        name: "forwards",
        by: By::Word,
        held: "SELECT id, kind, attempts, next_at, body FROM forward WHERE EXISTS (
                 SELECT 1 FROM json_each(?1) AS word
                 WHERE instr(lower(body), word.value) > 0 OR instr(target, word.value) > 0) LIMIT ?2",
        forget: None,
    },
    Table {
        name: "dead_letters",
        by: By::Word,
        held: "SELECT id, at, what, reason, body FROM dead_letter WHERE EXISTS (
                 SELECT 1 FROM json_each(?1) AS word
                 WHERE instr(lower(body), word.value) > 0 OR instr(id, word.value) > 0) LIMIT ?2",
        forget: Some(
            "DELETE FROM dead_letter WHERE EXISTS (
               SELECT 1 FROM json_each(?1) AS word
               WHERE instr(lower(body), word.value) > 0 OR instr(id, word.value) > 0) RETURNING 1 AS gone",
        ),
    },
    Table {
        name: "privacy_requests",
        by: By::Contact,
        held: "SELECT id, kind, at, done_at FROM privacy_request
               WHERE contact_id IN (SELECT value FROM json_each(?1)) ORDER BY at LIMIT ?2",
        forget: Some(
            "DELETE FROM privacy_request WHERE contact_id IN (SELECT value FROM json_each(?1)) RETURNING 1 AS gone",
        ),
    },
    Table {
        name: "objections",
        by: By::Identifier,
        held: "SELECT hash, reason, at FROM suppression
               WHERE hash IN (SELECT value FROM json_each(?1)) LIMIT ?2",
        forget: None,
    },
];

impl Table {
    /// The person's rows, as JSON with the names of the columns.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn rows(&self, sql: &dyn Sql, keys: &Keys) -> Result<Vec<Json>, Error> {
        let rows = sql.query(self.held, &[self.keys(keys)?, (MAX_ROWS_HELD + 1).into()])?;
        Ok(rows.iter().map(json_of).collect())
    }

    /// Takes the person's rows away, and says how many; none where they stay. Writes 1 row for each.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn forget(&self, sql: &dyn Sql, keys: &Keys) -> Result<Option<usize>, Error> {
        let Some(statement) = self.forget else {
            return Ok(None);
        };
        Ok(Some(sql.query(statement, &[self.keys(keys)?])?.len()))
    }

    fn keys(&self, keys: &Keys) -> Result<Value, Error> {
        let text = match self.by {
            By::Contact => to_json("ids", self.name, &keys.contacts, MAX_VALUE_BYTES),
            By::Identifier => to_json("hashes", self.name, &keys.identifiers, MAX_VALUE_BYTES),
            By::Word => to_json("words", self.name, &keys.words, MAX_VALUE_BYTES),
        };
        text.map(Value::from)
    }
}

/// Every identifier that the contact's events and orders name: its document remembers a bounded number.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn identifiers(sql: &dyn Sql, contact: &ContactId) -> Result<Vec<Identifier>, Error> {
    let rows = sql.query(
        "SELECT DISTINCT json_extract(named.value, '$.kind') AS kind,
           coalesce(json_extract(named.value, '$.source'), '') AS source,
           json_extract(named.value, '$.value') AS value
         FROM event, json_each(event.body, '$.identifiers') AS named WHERE contact_id = ?1
         UNION
         SELECT 'order', substr(order_key, 1, instr(order_key, ':') - 1), substr(order_key, instr(order_key, ':') + 1)
         FROM orders WHERE contact_id = ?1",
        &[contact.into()],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Identifier {
                kind: row.word::<IdentifierKind>("kind")?,
                source: row.text("source")?.to_owned(),
                value: row.text("value")?.to_owned(),
            })
        })
        .collect()
}

/// Contacts that were merged into this one, by the events that say so (`turn::merge`).
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn merged(sql: &dyn Sql, contact: &ContactId) -> Result<Vec<ContactId>, Error> {
    let rows = sql.query(
        "SELECT substr(event_id, 10) AS id FROM event
         WHERE contact_id = ?1 AND event_id >= 'absorbed:' AND event_id < 'absorbed;'",
        &[contact.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("id", ContactId::parse))
        .collect()
}

/// Those of these identifiers that are not the person's to give away: their rows lead to somebody else, or were made
/// after `before`.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn of_others(
    sql: &dyn Sql,
    identifiers: &[IdentifierHash],
    contacts: &[ContactId],
    before: Timestamp,
) -> Result<Vec<IdentifierHash>, Error> {
    let identifiers = to_json("hashes", "", identifiers, MAX_VALUE_BYTES)?;
    let contacts = to_json("ids", "", contacts, MAX_VALUE_BYTES)?;
    let rows = sql.query(
        "SELECT directory.hash AS hash FROM json_each(?1) AS asked CROSS JOIN directory ON directory.hash = asked.value
         WHERE since > ?3 OR contact_id NOT IN (SELECT value FROM json_each(?2))",
        &[identifiers.into(), contacts.into(), before.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("hash", IdentifierHash::parse))
        .collect()
}

pub(super) fn json_of(row: &Row) -> Json {
    let columns = row
        .columns()
        .map(|(name, value)| (name.to_owned(), json_of_value(name, value)));
    Json::Object(columns.collect())
}

fn json_of_value(name: &str, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(integer) => time_or_number(name, *integer).unwrap_or_else(|| (*integer).into()),
        // Stored JSON is shown as what it is; one that cannot be read, as its text.
        Value::Text(text) if text.starts_with(['{', '[']) => {
            serde_json::from_str(text).map_or_else(|_| text.as_str().into(), with_times)
        }
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into(),
    }
}

/// Stored times are milliseconds; people read RFC 3339.
fn with_times(json: Json) -> Json {
    match json {
        Json::Object(fields) => {
            let read = |(name, value): (String, Json)| {
                let time = value.as_i64().and_then(|integer| time_or_number(&name, integer));
                let value = time.unwrap_or_else(|| with_times(value));
                (name, value)
            };
            Json::Object(fields.into_iter().map(read).collect::<Map<String, Json>>())
        }
        Json::Array(list) => list.into_iter().map(with_times).collect(),
        plain @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => plain,
    }
}

/// A number under the name of a time.
fn time_or_number(name: &str, integer: i64) -> Option<Json> {
    let is_time = name == "at"
        || name.ends_with("_at")
        || name.ends_with("until")
        || matches!(name, "since" | "due" | "first_due" | "look_again");
    is_time.then(|| Timestamp::from_millis(integer).to_rfc3339().into())
}
