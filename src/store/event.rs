//! Events of a contact: history, and the row that makes an event count once. Used by `facts` and `write`.
//!
//! The body is compact JSON of what the other columns do not say, version 1, pinned by a test.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql, Statement};
use crate::domain::consent::ConsentSignal;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, Imported, Unread};
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, EventId, SourceName};
use crate::domain::preferences::PreferenceChange;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::state::Counted;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

const BODY_VERSION: u8 = 1;
/// Most events counted for one contact, the newest: a crawler that looks at everything must not fill the memory.
const MAX_COUNTED: u32 = 10_000;
/// Largest body that is stored whole. A longer one keeps who, when and which order, and says that it was cut.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    v: u8,
    source: Cow<'a, SourceName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_default")]
    test: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    imported: Option<Imported>,
    #[serde(default, skip_serializing_if = "is_default")]
    polled: bool,
    #[serde(default, skip_serializing_if = "is_empty")]
    identifiers: Cow<'a, [Identifier]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Cow<'a, EmailAddress>>,
    #[serde(default, skip_serializing_if = "is_default")]
    profile: Cow<'a, Profile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    consent: Option<Cow<'a, ConsentSignal>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    preferences: Option<Cow<'a, PreferenceChange>>,
    #[serde(default, skip_serializing_if = "is_default")]
    data: Cow<'a, EventData>,
    #[serde(default, skip_serializing_if = "is_empty")]
    unread: Cow<'a, [Unread]>,
    /// Profile, items and properties were left out, because the event was too long.
    #[serde(default, skip_serializing_if = "is_default")]
    cut: bool,
}

/// Whether the event was applied to the contact before.
///
/// # Errors
/// When the statement fails.
pub fn seen(sql: &dyn Sql, contact: &ContactId, event: &EventId) -> Result<bool, Error> {
    let row = sql.first(
        "SELECT at FROM event WHERE contact_id = ?1 AND event_id = ?2",
        &[contact.into(), event.into()],
    )?;
    Ok(row.is_some())
}

/// One event of a contact.
///
/// # Errors
/// When the statement fails or the body cannot be read.
pub fn get(sql: &dyn Sql, contact: &ContactId, event: &EventId) -> Result<Option<Event>, Error> {
    let row = sql.first(
        "SELECT event_id, at, received_at, kind, body FROM event WHERE contact_id = ?1 AND event_id = ?2",
        &[contact.into(), event.into()],
    )?;
    row.as_ref().map(read).transpose()
}

/// How many events of the contact have ids that begin so and go on with a colon.
///
/// # Errors
/// When the statement fails.
pub fn count_under(sql: &dyn Sql, contact: &ContactId, head: &str) -> Result<u32, Error> {
    // A semicolon is what comes after a colon.
    let (from, to) = (format!("{head}:"), format!("{head};"));
    let row = sql.first(
        "SELECT count(*) AS n FROM event WHERE contact_id = ?1 AND event_id >= ?2 AND event_id < ?3",
        &[contact.into(), from.as_str().into(), to.as_str().into()],
    )?;
    row.map_or(Ok(0), |row| row.count("n"))
}

/// Whether the contact has an event of one of these kinds about this checkout that happened then or later.
///
/// # Errors
/// When the statement fails.
pub fn knows_checkout(
    sql: &dyn Sql,
    contact: &ContactId,
    kinds: &[EventKind],
    checkout: &str,
    at: Timestamp,
) -> Result<bool, Error> {
    let kinds: Vec<&str> = kinds.iter().map(EventKind::as_str).collect();
    let kinds = to_json("kinds", contact.as_str(), &kinds, MAX_BODY_BYTES)?;
    let row = sql.first(
        "SELECT at FROM event
         WHERE contact_id = ?1 AND at >= ?2 AND kind IN (SELECT value FROM json_each(?3))
           AND json_extract(body, '$.data.checkout_id') = ?4 LIMIT 1",
        &[contact.into(), at.into(), kinds.into(), checkout.into()],
    )?;
    Ok(row.is_some())
}

/// Records an event. Writes 1 row, 0 when it is there.
///
/// # Errors
/// When the statement fails.
pub fn record(sql: &dyn Sql, contact: &ContactId, event: &Event) -> Result<(), Error> {
    record_statement(contact, event)?.run(sql)
}

pub(super) fn record_statement(contact: &ContactId, event: &Event) -> Result<Statement, Error> {
    Ok(Statement::new(
        "INSERT INTO event (contact_id, event_id, at, received_at, kind, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        vec![
            contact.into(),
            (&event.id).into(),
            event.occurred_at.into(),
            event.received_at.into(),
            event.kind.as_str().into(),
            write(event)?.into(),
        ],
    ))
}

/// Events of a contact in the order of their ids, for a merge, a time line, a replay. The next page starts after
/// the last id. A body that was cut when it was stored comes back cut.
///
/// # Errors
/// When the statement fails or a body cannot be read.
pub fn list(
    sql: &dyn Sql,
    contact: &ContactId,
    after: Option<&EventId>,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    let rows = sql.query(
        "SELECT event_id, at, received_at, kind, body FROM event
         WHERE contact_id = ?1 AND event_id > ?2 ORDER BY event_id LIMIT ?3",
        &[
            contact.into(),
            after.map_or("", EventId::as_str).into(),
            limit.into(),
        ],
    )?;
    rows.iter().map(read).collect()
}

/// The contact's events of these kinds up to a time, newest first. Bodies that were cut when they were stored are left out.
///
/// # Errors
/// When the statement fails or a body cannot be read.
pub fn before(
    sql: &dyn Sql,
    contact: &ContactId,
    kinds: &[EventKind],
    until: Timestamp,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    let kinds: Vec<&str> = kinds.iter().map(EventKind::as_str).collect();
    let kinds = to_json("kinds", contact.as_str(), &kinds, MAX_BODY_BYTES)?;
    let rows = sql.query(
        "SELECT event_id, at, received_at, kind, body FROM event
         WHERE contact_id = ?1 AND at <= ?3 AND kind IN (SELECT value FROM json_each(?2))
           AND json_extract(body, '$.cut') IS NULL
         ORDER BY at DESC, received_at DESC LIMIT ?4",
        &[contact.into(), kinds.into(), until.into(), limit.into()],
    )?;
    rows.iter().map(read).collect()
}

/// Those of the contacts that have an event of one of these kinds since then, in the order of their ids, at most so many. Reads
/// no body.
///
/// # Errors
/// When the statement fails.
pub fn having(
    sql: &dyn Sql,
    contacts: &[ContactId],
    kinds: &[EventKind],
    since: Timestamp,
    limit: u32,
) -> Result<Vec<ContactId>, Error> {
    let kinds: Vec<&str> = kinds.iter().map(EventKind::as_str).collect();
    let kinds = to_json("kinds", "", &kinds, MAX_BODY_BYTES)?;
    let contacts = to_json("contacts", "", &contacts, MAX_BODY_BYTES)?;
    let rows = sql.query(
        "SELECT c.value AS contact_id FROM json_each(?1) AS c
         WHERE EXISTS (SELECT 1 FROM event WHERE event.contact_id = c.value AND event.at >= ?3
           AND event.kind IN (SELECT k.value FROM json_each(?2) AS k))
         ORDER BY c.value LIMIT ?4",
        &[contacts.into(), kinds.into(), since.into(), limit.into()],
    )?;
    rows.iter()
        .map(|row| row.parsed("contact_id", ContactId::parse))
        .collect()
}

/// Times of the contact's events of these kinds within their windows (in days), newest first. Test events count for
/// nothing. Reads the contact's events once, whatever the number of kinds.
///
/// # Errors
/// When the statement fails.
pub fn counted(
    sql: &dyn Sql,
    contact: &ContactId,
    windows: &BTreeMap<EventKind, u16>,
    now: Timestamp,
) -> Result<Counted, Error> {
    let since = |days: &u16| now.minus(Delay::from_days(i64::from(*days))).as_millis();
    let since: BTreeMap<&str, i64> = windows
        .iter()
        .map(|(kind, days)| (kind.as_str(), since(days)))
        .collect();
    let since = to_json("counted kinds", contact.as_str(), &since, MAX_BODY_BYTES)?;
    let rows = sql.query(
        // Materialized, or the list of windows is parsed anew for each row.
        "WITH windows AS MATERIALIZED (SELECT key, value FROM json_each(?2))
         SELECT event.kind, event.at FROM event JOIN windows ON windows.key = event.kind
         WHERE event.contact_id = ?1 AND event.at > windows.value AND json_extract(event.body, '$.test') IS NULL
         ORDER BY event.at DESC LIMIT ?3",
        &[contact.into(), since.into(), MAX_COUNTED.into()],
    )?;
    let mut counted = Counted::new();
    for row in rows {
        let kind = EventKind::from(row.text("kind")?.to_owned());
        counted.entry(kind).or_default().push(row.time("at")?);
    }
    Ok(counted)
}

fn write(event: &Event) -> Result<String, Error> {
    let id = event.id.as_str();
    let mut body = Body {
        v: BODY_VERSION,
        source: Cow::Borrowed(&event.source),
        starts_at: event.starts_at,
        test: event.test,
        imported: event.imported,
        polled: event.polled,
        identifiers: Cow::Borrowed(&event.identifiers),
        email: event.email.as_ref().map(Cow::Borrowed),
        profile: Cow::Borrowed(&event.profile),
        consent: event.consent.as_ref().map(Cow::Borrowed),
        preferences: event.preferences.as_ref().map(Cow::Borrowed),
        data: Cow::Borrowed(&event.data),
        unread: Cow::Borrowed(&event.unread),
        cut: false,
    };
    match to_json("event", id, &body, MAX_BODY_BYTES) {
        Err(Error::TooLarge { .. }) => {
            body.profile = Cow::Owned(Profile::default());
            body.data = Cow::Owned(EventData {
                items: Arc::default(),
                url: None,
                discount_codes: Vec::new(),
                properties: BTreeMap::new(),
                ..event.data.clone()
            });
            body.cut = true;
            to_json("event", id, &body, MAX_BODY_BYTES)
        }
        written => written,
    }
}

fn read(row: &Row) -> Result<Event, Error> {
    let body: Body<'static> = row.json("body")?;
    Ok(Event {
        id: row.parsed("event_id", EventId::parse)?,
        kind: EventKind::from(row.text("kind")?.to_owned()),
        source: body.source.into_owned(),
        occurred_at: row.time("at")?,
        received_at: row.time("received_at")?,
        starts_at: body.starts_at,
        test: body.test,
        imported: body.imported,
        polled: body.polled,
        identifiers: body.identifiers.into_owned(),
        email: body.email.map(Cow::into_owned),
        profile: body.profile.into_owned(),
        consent: body.consent.map(Cow::into_owned),
        preferences: body.preferences.map(Cow::into_owned),
        data: body.data.into_owned(),
        unread: body.unread.into_owned(),
    })
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn is_empty<T>(list: &[T]) -> bool {
    list.is_empty()
}
