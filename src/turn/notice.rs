//! Documents that a source named and did not carry: kept as work of a shard, fetched in a run, tried again until they are
//! had or too old.
//!
//! The Worker hands a notice over like any forward; the edge makes its requests and ingests what they tell.

use super::call::{Forward, ForwardBody};
use super::forward::Received;
use super::{Error, Turn};
use crate::domain::notice::Notice;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::retry::next_attempt_at;
use crate::http::Response;
use crate::providers::answer;
use crate::settings::Settings;
use crate::store;

/// Most documents fetched in one run: mails wait for them.
pub const NOTICES_AT_ONCE: u32 = 12;
/// A delivery and what follows it at once are fetched together, and the sender's own transaction has ended by then.
const PAUSE: Delay = Delay::from_seconds(1);
/// How long a document is looked for that the source does not have: it may only be late to have it.
const MISSING_FOR: Delay = Delay::from_hours(1);
const MISSING: &str =
    "the shop's API did not have it for an hour; was it deleted, or is the address of another shop set?";
/// How long a document is asked for that cannot be had: an outage passes, a wrong token is mended.
const KEPT_FOR: Delay = Delay::from_days(3);

/// A notice in its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub notice: Notice,
    row: store::forward::Forward,
}

/// What became of a look at its documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// What they tell was ingested, or they tell nothing.
    Done,
    /// The source says that one of them is not there.
    Missing,
    /// They could not be had, and why; and when the shop would be asked again.
    Failed { reason: String, after: Option<Delay> },
    /// They cannot be read, and never will be.
    Unreadable(String),
}

/// The work of fetching a notice's documents, for the shard that keeps it.
pub fn work(settings: &Settings, notice: Notice) -> Forward {
    Forward {
        id: notice.work_id(),
        to: settings.hash(&notice.place()),
        body: ForwardBody::Notice(Box::new(notice)),
    }
}

/// What the shop's API answered for a notice's document, after those that are had.
///
/// # Errors
/// With what becomes of the look where it is no document.
pub fn document(response: Response, had: usize, now: Timestamp) -> Result<Vec<u8>, Looked> {
    match response.status {
        200 => Ok(response.body),
        // BigCommerce answers so where it has nothing: of what belongs to a document that is had, there is none.
        204 if had > 0 => Ok(b"[]".to_vec()),
        204 | 404 | 410 => Err(Looked::Missing),
        status => Err(Looked::Failed {
            reason: format!("the shop's API answered {status}"),
            after: answer::retry_after(&response.headers, now),
        }),
    }
}

impl Turn<'_> {
    pub(super) fn keep_notice(&self, forward: &Forward) -> Result<Received, Error> {
        self.forward_at(forward, self.now.plus(PAUSE))?;
        Ok(Received::Done)
    }

    /// Those that are due.
    ///
    /// # Errors
    /// When storage fails.
    pub fn due_notices(&self) -> Result<Vec<Kept>, Error> {
        let mut due = Vec::new();
        for row in store::forward::due_notices(self.sql, self.now, NOTICES_AT_ONCE)? {
            match serde_json::from_str::<ForwardBody>(&row.body) {
                Ok(ForwardBody::Notice(notice)) => due.push(Kept { notice: *notice, row }),
                Ok(_) => self.set_aside(row, "it is no notice")?,
                Err(error) => self.set_aside(row, &error.to_string())?,
            }
        }
        Ok(due)
    }

    /// Notes what became of a look: the row goes, waits for the next one, or becomes a dead letter.
    ///
    /// # Errors
    /// When storage fails.
    pub fn looked(&self, kept: &Kept, looked: &Looked) -> Result<(), Error> {
        let row = &kept.row;
        let waited = self.now.since(kept.notice.received_at);
        match looked {
            Looked::Done => Ok(store::forward::done(self.sql, &row.id)?),
            // It was deleted meanwhile, or it is looked for in another shop than it came from: only people can tell.
            Looked::Missing if waited >= MISSING_FOR => self.set_aside(row.clone(), MISSING),
            Looked::Failed { reason, .. } if waited >= KEPT_FOR => self.set_aside(row.clone(), reason),
            Looked::Unreadable(reason) => self.set_aside(row.clone(), reason),
            Looked::Missing => self.look_again(row, None),
            Looked::Failed { after, .. } => self.look_again(row, *after),
        }
    }

    fn look_again(&self, row: &store::forward::Forward, after: Option<Delay>) -> Result<(), Error> {
        let attempts = row.attempts.saturating_add(1);
        let at = next_attempt_at(self.now, attempts, after, &row.id);
        Ok(store::forward::retry(self.sql, &row.id, attempts, at)?)
    }
}
