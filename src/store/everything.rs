//! All that a shard keeps of its contacts, table by table and page by page, for `npm run export -- everything`.
//!
//! Called by `turn::everything`. One static statement a table, by its primary key: a page begins after the last row of the
//! one before, so that nothing is held open and nothing is counted.

use super::Error;
use super::personal::json_of;
use super::sql::{Sql, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Most rows read for a page, and bytes of JSON after which it ends. A row is at most a quarter of a megabyte.
const MAX_ROWS: u32 = 100;
const MAX_BYTES: usize = 1 << 20;

/// What is exported, in this order. The words stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Contact,
    Consent,
    Order,
    Event,
    Enrollment,
    Message,
}

/// Where a page begins: after the row of this key. The empty key is the beginning of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub kind: Kind,
    #[serde(default)]
    pub key: (String, String),
}

/// Rows of one table, and where the next page begins; none when this was the shard's last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    pub kind: Kind,
    pub rows: Vec<Json>,
    pub next: Option<Place>,
}

impl Place {
    pub fn start() -> Self {
        Self::of(Kind::Contact)
    }

    fn of(kind: Kind) -> Self {
        Self {
            kind,
            key: (String::new(), String::new()),
        }
    }
}

impl Kind {
    const fn next(self) -> Option<Self> {
        match self {
            Self::Contact => Some(Self::Consent),
            Self::Consent => Some(Self::Order),
            Self::Order => Some(Self::Event),
            Self::Event => Some(Self::Enrollment),
            Self::Enrollment => Some(Self::Message),
            Self::Message => None,
        }
    }

    /// `?1` and `?2` are the key of the last row before, `?3` the most rows. Each gives its key in `key_1` and
    /// `key_2`.
    const fn statement(self) -> &'static str {
        match self {
            // Tombstones of merges and erasures are nobody.
            Self::Contact => {
                "SELECT contact_id AS key_1, '' AS key_2, contact_id, doc AS document FROM contact
                 WHERE contact_id > ?1 AND ?2 = '' AND moved_at IS NULL ORDER BY contact_id LIMIT ?3"
            }
            Self::Consent => {
                "SELECT contact_id AS key_1, event_id AS key_2, contact_id, event_id, at AS happened_at, recorded_at,
                   address AS address_hash, said, state, grade, method, text, ip, agent, actor FROM consent
                 WHERE (contact_id, event_id) > (?1, ?2) ORDER BY contact_id, event_id LIMIT ?3"
            }
            Self::Order => {
                "SELECT contact_id AS key_1, order_key AS key_2, contact_id, order_key, number, status, status_at,
                   placed_at, total, currency, attributed_to AS credited_message, items FROM orders
                 WHERE (contact_id, order_key) > (?1, ?2) ORDER BY contact_id, order_key LIMIT ?3"
            }
            Self::Event => {
                "SELECT contact_id AS key_1, event_id AS key_2, contact_id, event_id, kind, at AS happened_at,
                   received_at, body FROM event
                 WHERE (contact_id, event_id) > (?1, ?2) ORDER BY contact_id, event_id LIMIT ?3"
            }
            // Those that still run stand in their contact's document.
            Self::Enrollment => {
                "SELECT contact_id AS key_1, enrollment_id AS key_2, contact_id, enrollment_id, journey, key,
                   started_at, ended_at, step, reason, detail, arms, holdout AS held_out, goal_at FROM enrollment
                 WHERE (contact_id, enrollment_id) > (?1, ?2) ORDER BY contact_id, enrollment_id LIMIT ?3"
            }
            Self::Message => {
                "SELECT contact_id AS key_1, message_id AS key_2, contact_id, message_id, journey, enrollment_id, step,
                   email AS template, variant, stream, lane, state, reason, attempt AS attempts, due_at, settled_at,
                   provider, provider_id, delivery, clicked_at FROM message
                 WHERE (contact_id, message_id) > (?1, ?2) ORDER BY contact_id, message_id LIMIT ?3"
            }
        }
    }
}

/// The page that begins at `place`. Writes nothing.
///
/// # Errors
/// When a statement fails.
pub fn page(sql: &dyn Sql, place: &Place) -> Result<Page, Error> {
    let (first, second) = &place.key;
    let params: [Value; 3] = [first.as_str().into(), second.as_str().into(), MAX_ROWS.into()];
    let found = sql.query(place.kind.statement(), &params)?;
    let (mut rows, mut bytes, mut last) = (Vec::new(), 0_usize, None);
    for row in &found {
        last = Some((row.text("key_1")?.to_owned(), row.text("key_2")?.to_owned()));
        let mut json = json_of(row);
        if let Some(fields) = json.as_object_mut() {
            fields.remove("key_1");
            fields.remove("key_2");
        }
        bytes = bytes.saturating_add(json.to_string().len());
        rows.push(json);
        if bytes >= MAX_BYTES {
            break;
        }
    }
    let is_last = rows.len() == found.len() && found.len() < usize::try_from(MAX_ROWS).unwrap_or(usize::MAX);
    let next = match last {
        Some(key) if !is_last => Some(Place {
            kind: place.kind,
            key,
        }),
        Some(_) | None => place.kind.next().map(Place::of),
    };
    Ok(Page {
        kind: place.kind,
        rows,
        next,
    })
}
