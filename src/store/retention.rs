//! Deletes what is past its time (`docs/privacy.md`), a bounded slice at a call. Called by cron through `edge`.
//!
//! No index serves this: each would cost a row on every write. Instead a cursor walks the tables in key order, again
//! and again; looking at a row costs a thousandth of writing one. Orders live on as totals (`archive`); objections stay.

use super::Error;
use super::archive;
use super::logbook;
use super::meta::{self, Key};
use super::sql::{Sql, Value};
use crate::domain::money::Currency;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::store_file::Retention;

/// Who has to prove a consent may be asked for it until claims lapse: three years in most of the EU. Counted from the
/// record, and only once the contact is gone.
pub const CONSENT_PROOFS_FOR: Delay = Delay::from_days(1096);
pub const TOMBSTONES_FOR: Delay = Delay::from_days(90);
pub const CLOSED_CHECKOUTS_FOR: Delay = Delay::from_days(90);
/// From the day on which it was given up: operators had that long to look at it.
pub const DEAD_LETTERS_FOR: Delay = Delay::from_days(90);
/// From the day on which it was done.
pub const PRIVACY_REQUESTS_FOR: Delay = Delay::from_days(90);
/// Mails of the embedded outbox: the development clock passes months in a moment, and what it sent is to be seen.
pub const OUTBOX_MAILS_FOR: Delay = Delay::from_days(400);

/// How long this store keeps what, and what its orders are summed up in.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub retention: Retention,
    pub currency: Currency,
}

/// How many rows went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pruned {
    pub events: u32,
    pub messages: u32,
    pub tombstones: u32,
    pub closed_checkouts: u32,
    pub parked: u32,
    pub orders: u32,
    pub enrollments: u32,
    pub dead_letters: u32,
    pub outbox_mails: u32,
    pub privacy_requests: u32,
    pub consents: u32,
    pub deliveries: u32,
    /// The walk came to its end; the next call starts anew.
    pub finished: bool,
}

impl Pruned {
    /// Rows of every kind together.
    pub const fn total(&self) -> u32 {
        self.events
            .saturating_add(self.messages)
            .saturating_add(self.tombstones)
            .saturating_add(self.closed_checkouts)
            .saturating_add(self.parked)
            .saturating_add(self.orders)
            .saturating_add(self.enrollments)
            .saturating_add(self.dead_letters)
            .saturating_add(self.outbox_mails)
            .saturating_add(self.privacy_requests)
            .saturating_add(self.consents)
            .saturating_add(self.deliveries)
    }
}

/// The tables in the order of the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Parked,
    Directory,
    Contact,
    Message,
    Event,
    Order,
    Enrollment,
    DeadLetter,
    OutboxMail,
    PrivacyRequest,
    Consent,
    Delivery,
}

/// What the walk does at a table. `?1` and `?2` bound the keys, `?3` is the time before which a row is old; `?4`, of
/// events alone, that before which the marker of a merge is (`turn::merge`: its id begins with `absorbed:`).
struct Steps {
    /// The key of the last row of a slice of `?2` rows after `?1`.
    last: &'static str,
    count: &'static str,
    delete: Delete,
}

enum Delete {
    By(&'static str),
    /// Orders are summed up first.
    Archive,
}

/// The proof stays as long as the contact does.
const CONSENTS: Steps = Steps {
    last: "SELECT contact_id AS last FROM consent WHERE contact_id > ?1
           ORDER BY contact_id LIMIT 1 OFFSET ?2",
    count: "SELECT count(*) AS n FROM consent
            WHERE contact_id > ?1 AND contact_id <= ?2 AND recorded_at < ?3
              AND contact_id NOT IN (SELECT contact_id FROM contact WHERE contact_id > ?1 AND contact_id <= ?2)",
    delete: Delete::By(
        "DELETE FROM consent WHERE contact_id > ?1 AND contact_id <= ?2 AND recorded_at < ?3
              AND contact_id NOT IN (SELECT contact_id FROM contact WHERE contact_id > ?1 AND contact_id <= ?2)",
    ),
};

const DEAD_LETTERS: Steps = Steps {
    last: "SELECT id AS last FROM dead_letter WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
    count: "SELECT count(*) AS n FROM dead_letter WHERE id > ?1 AND id <= ?2 AND at < ?3",
    delete: Delete::By("DELETE FROM dead_letter WHERE id > ?1 AND id <= ?2 AND at < ?3"),
};
const OUTBOX_MAILS: Steps = Steps {
    last: "SELECT id AS last FROM outbox_mail WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
    count: "SELECT count(*) AS n FROM outbox_mail WHERE id > ?1 AND id <= ?2 AND sent_at < ?3",
    delete: Delete::By("DELETE FROM outbox_mail WHERE id > ?1 AND id <= ?2 AND sent_at < ?3"),
};
// `done_at` is null while it is to be done.
const PRIVACY_REQUESTS: Steps = Steps {
    last: "SELECT id AS last FROM privacy_request WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
    count: "SELECT count(*) AS n FROM privacy_request WHERE id > ?1 AND id <= ?2 AND done_at < ?3",
    delete: Delete::By("DELETE FROM privacy_request WHERE id > ?1 AND id <= ?2 AND done_at < ?3"),
};

const DELIVERIES: Steps = Steps {
    last: "SELECT id AS last FROM delivery WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2",
    count: "SELECT count(*) AS n FROM delivery WHERE id > ?1 AND id <= ?2 AND at < ?3",
    delete: Delete::By("DELETE FROM delivery WHERE id > ?1 AND id <= ?2 AND at < ?3"),
};

/// Follows every key there is: keys begin with hex digits or with lower-case words.
const END: &str = "~";

/// Looks at up to `limit` rows, and deletes those that are old. A contact's rows are never split, so that a
/// slice can be longer by the rest of one contact. Writes 1 row for each deleted, 1 for the document of a contact whose
/// orders are summed up, and 1 for the cursor.
///
/// # Errors
/// When a statement fails. What was deleted stays deleted, and the next call goes on from the same place.
pub fn prune(sql: &dyn Sql, policy: &Policy, now: Timestamp, limit: u32) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    let stored = meta::get(sql, Key::PruneCursor)?.unwrap_or_default();
    let (mut table, mut after) = Table::of_cursor(&stored);
    let mut left = limit;
    while left > 0 {
        let slice = Slice::next(sql, table, &after, left)?;
        let gone = slice.delete(sql, policy, table, now)?;
        pruned.add(table, gone);
        left = left.saturating_sub(slice.rows);
        match (slice.is_last, table.next()) {
            (false, _) => after = slice.until,
            (true, Some(next)) => (table, after) = (next, String::new()),
            (true, None) => {
                pruned.finished = true;
                break;
            }
        }
    }
    if pruned.finished {
        meta::remove(sql, Key::PruneCursor)?;
    } else {
        meta::set(sql, Key::PruneCursor, &format!("{}:{after}", table.as_str()))?;
    }
    Ok(pruned)
}

/// A range of keys, after `after` up to and with `until`.
struct Slice {
    after: String,
    until: String,
    /// Rows looked at, at least.
    rows: u32,
    is_last: bool,
}

impl Slice {
    fn next(sql: &dyn Sql, table: Table, after: &str, limit: u32) -> Result<Self, Error> {
        let last = sql.first(
            table.steps().last,
            &[after.into(), limit.saturating_sub(1).into()],
        )?;
        let until = last.map(|row| row.text("last").map(str::to_owned)).transpose()?;
        Ok(Self {
            after: after.to_owned(),
            is_last: until.is_none(),
            // A table with fewer rows than asked for counts as a few, so that the walk still ends.
            rows: if until.is_none() { 1 } else { limit },
            until: until.unwrap_or_else(|| END.to_owned()),
        })
    }

    fn delete(&self, sql: &dyn Sql, policy: &Policy, table: Table, now: Timestamp) -> Result<u32, Error> {
        let before = now.minus(table.kept_for(&policy.retention));
        let mut params: Vec<Value> = vec![
            self.after.as_str().into(),
            self.until.as_str().into(),
            before.into(),
        ];
        if table == Table::Event {
            // Links in the mails from before a merge ask for its marker: it stays as long as they do.
            let markers = policy.retention.messages.max(policy.retention.events);
            params.push(now.minus(markers).into());
        }
        let row = sql.first(table.steps().count, &params)?;
        let old = row.map_or(Ok(0), |row| row.count("n"))?;
        match table.steps().delete {
            _ if old == 0 => Ok(0),
            Delete::By(statement) => sql.run(statement, &params).map(|()| old),
            Delete::Archive => archive::sum_up(sql, &self.after, &self.until, before, policy.currency),
        }
    }
}

impl Table {
    const ALL: [Self; 12] = [
        Self::Parked,
        Self::Directory,
        Self::Contact,
        Self::Message,
        Self::Event,
        Self::Order,
        Self::Enrollment,
        Self::DeadLetter,
        Self::OutboxMail,
        Self::PrivacyRequest,
        Self::Consent,
        Self::Delivery,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Directory => "directory",
            Self::Contact => "contact",
            Self::Message => "message",
            Self::Event => "event",
            Self::Order => "order",
            Self::Enrollment => "enrollment",
            Self::DeadLetter => "dead_letter",
            Self::OutboxMail => "outbox_mail",
            Self::PrivacyRequest => "privacy_request",
            Self::Consent => "consent",
            Self::Delivery => "delivery",
        }
    }

    /// Where a stored cursor stands; at the start when there is none that we can read.
    fn of_cursor(cursor: &str) -> (Self, String) {
        let (name, after) = cursor.split_once(':').unwrap_or_default();
        match Self::ALL.into_iter().find(|table| table.as_str() == name) {
            Some(table) => (table, after.to_owned()),
            None => (Self::Parked, String::new()),
        }
    }

    fn next(self) -> Option<Self> {
        let mut after = Self::ALL.into_iter().skip_while(|table| *table != self);
        after.nth(1)
    }

    const fn kept_for(self, retention: &Retention) -> Delay {
        match self {
            // The row itself says until when.
            Self::Parked => Delay::ZERO,
            Self::Directory => CLOSED_CHECKOUTS_FOR,
            Self::Contact => TOMBSTONES_FOR,
            Self::Message => retention.messages,
            Self::Event => retention.events,
            Self::Order | Self::Enrollment => retention.orders,
            Self::DeadLetter => DEAD_LETTERS_FOR,
            Self::OutboxMail => OUTBOX_MAILS_FOR,
            Self::PrivacyRequest => PRIVACY_REQUESTS_FOR,
            Self::Consent => CONSENT_PROOFS_FOR,
            Self::Delivery => logbook::KEPT_FOR,
        }
    }

    const fn steps(self) -> Steps {
        match self {
            Self::Parked => Steps {
                last: "SELECT hash AS last FROM parked WHERE hash > ?1 ORDER BY hash LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM parked WHERE hash > ?1 AND hash <= ?2 AND until < ?3",
                delete: Delete::By("DELETE FROM parked WHERE hash > ?1 AND hash <= ?2 AND until < ?3"),
            },
            Self::Directory => Steps {
                last: "SELECT hash AS last FROM directory WHERE hash > ?1 ORDER BY hash LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM directory
                        WHERE hash > ?1 AND hash <= ?2 AND closed_at < ?3",
                delete: Delete::By("DELETE FROM directory WHERE hash > ?1 AND hash <= ?2 AND closed_at < ?3"),
            },
            Self::Contact => Steps {
                last: "SELECT contact_id AS last FROM contact WHERE contact_id > ?1
                       ORDER BY contact_id LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM contact
                        WHERE contact_id > ?1 AND contact_id <= ?2 AND moved_at < ?3",
                delete: Delete::By(
                    "DELETE FROM contact WHERE contact_id > ?1 AND contact_id <= ?2 AND moved_at < ?3",
                ),
            },
            // `settled_at` is null, and the comparison not true, while a message is on its way.
            Self::Message => Steps {
                last: "SELECT contact_id AS last FROM message WHERE contact_id > ?1
                       ORDER BY contact_id LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM message
                        WHERE contact_id > ?1 AND contact_id <= ?2 AND settled_at < ?3",
                delete: Delete::By(
                    "DELETE FROM message WHERE contact_id > ?1 AND contact_id <= ?2 AND settled_at < ?3",
                ),
            },
            Self::Event => Steps {
                last: "SELECT contact_id AS last FROM event WHERE contact_id > ?1
                       ORDER BY contact_id LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM event
                        WHERE contact_id > ?1 AND contact_id <= ?2 AND received_at < ?3
                          AND (received_at < ?4 OR event_id < 'absorbed:' OR event_id >= 'absorbed;')",
                delete: Delete::By(
                    "DELETE FROM event WHERE contact_id > ?1 AND contact_id <= ?2 AND received_at < ?3
                          AND (received_at < ?4 OR event_id < 'absorbed:' OR event_id >= 'absorbed;')",
                ),
            },
            Self::Order => Steps {
                last: "SELECT contact_id AS last FROM orders WHERE contact_id > ?1
                       ORDER BY contact_id LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM orders
                        WHERE contact_id > ?1 AND contact_id <= ?2 AND placed_at < ?3 AND status_at < ?3",
                delete: Delete::Archive,
            },
            // A run about the contact itself stays: `reenter: once` asks for it. One about a cart or an order never comes again.
            Self::Enrollment => Steps {
                last: "SELECT contact_id AS last FROM enrollment WHERE contact_id > ?1
                       ORDER BY contact_id LIMIT 1 OFFSET ?2",
                count: "SELECT count(*) AS n FROM enrollment
                        WHERE contact_id > ?1 AND contact_id <= ?2 AND ended_at < ?3 AND key <> contact_id",
                delete: Delete::By(
                    "DELETE FROM enrollment
                     WHERE contact_id > ?1 AND contact_id <= ?2 AND ended_at < ?3 AND key <> contact_id",
                ),
            },
            Self::DeadLetter => DEAD_LETTERS,
            Self::OutboxMail => OUTBOX_MAILS,
            Self::PrivacyRequest => PRIVACY_REQUESTS,
            Self::Consent => CONSENTS,
            Self::Delivery => DELIVERIES,
        }
    }
}

impl Pruned {
    fn add(&mut self, table: Table, rows: u32) {
        let count = match table {
            Table::Parked => &mut self.parked,
            Table::Directory => &mut self.closed_checkouts,
            Table::Contact => &mut self.tombstones,
            Table::Message => &mut self.messages,
            Table::Event => &mut self.events,
            Table::Order => &mut self.orders,
            Table::Enrollment => &mut self.enrollments,
            Table::DeadLetter => &mut self.dead_letters,
            Table::OutboxMail => &mut self.outbox_mails,
            Table::PrivacyRequest => &mut self.privacy_requests,
            Table::Consent => &mut self.consents,
            Table::Delivery => &mut self.deliveries,
        };
        *count = count.saturating_add(rows);
    }
}
