//! When a shop is asked what it changed, and since when: the memory of one poll, kept by the `Store`.
//!
//! Called by the `Store` at each tick of cron, and with what became of each page. It asks nobody and knows no shop: a page
//! is whatever the source says that goes on behind the last one.
//!
//! ```text
//! at rest -- begin --> asked -- a page, more behind it --> asked for that one, at once or at the next tick
//!    ^                   |  \-- too large -------------> asked from the beginning of the walk, in pages of half the size
//!    |                   |  \-- the last page -----------> at rest, and `since` moves up to when the walk began
//!    '-- pause ----------'--- anything else -------------> the same page again, after a pause
//! ```

use super::retry::next_attempt_at;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};

/// How far back the very first poll looks.
pub const FIRST_LOOK_BACK: Delay = Delay::from_hours(24);
/// How much of what was taken is asked for again: a change may be written a while after the time that it carries.
pub const OVERLAP: Delay = Delay::from_minutes(10);
/// From the end of a walk to the next: the third tick of cron, whichever comes a little early.
const PAUSE: Delay = Delay::from_minutes(14);

/// Most documents of a page. Each is a storage turn or more, and one invocation may make a thousand calls.
pub const FULL_PAGE: u32 = 100;

/// What is remembered of one poll. It is stored, so fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poll {
    /// All that the shop changed before this was taken.
    pub since: Timestamp,
    /// A walk over what it changed since, which has more pages to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk: Option<Walk>,
    /// Documents to ask for in a page: fewer, for as long as a walk lasts, where a full one was too large.
    #[serde(default = "full_page", skip_serializing_if = "is_full_page")]
    pub size: u32,
    /// Nobody is asked before this.
    pub next_at: Timestamp,
    /// Looks in a row that took nothing, the one under way among them.
    #[serde(default)]
    pub failures: u32,
    /// What came of the last look; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// Where a walk stands that did not come to its end yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    pub began_at: Timestamp,
    /// The next page, as the source calls it.
    pub page: String,
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    pub at: Timestamp,
    /// Why nothing was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the walk listed so far, and how much of that was new.
    #[serde(default)]
    pub listed: u32,
    #[serde(default)]
    pub new: u32,
}

/// A page to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    pub since: Timestamp,
    /// None for the first.
    #[serde(default)]
    pub page: Option<String>,
    /// Most documents of it.
    #[serde(default = "full_page")]
    pub size: u32,
    /// Which attempt at this page it is.
    #[serde(default)]
    pub attempt: u32,
}

/// What came of asking for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// All that the page listed is committed.
    Page {
        /// The page behind it; none when it was the last.
        next: Option<String>,
        /// What the shop's own clock said, where it said so.
        shop_time: Option<Timestamp>,
        listed: u32,
        new: u32,
    },
    /// The page has more bytes than are taken.
    TooLarge,
    /// The page was not had, or not all of it was committed.
    Failed {
        reason: String,
        /// When the shop would be asked again.
        after: Option<Delay>,
        /// The shop does not know the place of the walk any more: it starts over.
        lost: bool,
    },
}

impl Poll {
    pub fn first(now: Timestamp) -> Self {
        Self {
            since: now.minus(FIRST_LOOK_BACK),
            walk: None,
            size: FULL_PAGE,
            next_at: now,
            failures: 0,
            last: None,
        }
    }

    /// The page to ask for now; none before its time. It counts as failed until it is told otherwise: what ends with the
    /// process that asks is not asked at every tick.
    pub fn begin(&mut self, name: &str, now: Timestamp) -> Option<Look> {
        if now < self.next_at {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        self.next_at = next_attempt_at(now, self.failures, None, name);
        Some(self.look())
    }

    /// Takes over what came of a look, and says what to ask for next. What is told of any other look than the one that is
    /// due, by a tick that was overtaken, changes nothing.
    pub fn told(&mut self, name: &str, look: &Look, told: Told, now: Timestamp) -> Option<Look> {
        let due = self.look();
        if (look.since, &look.page, look.size) != (due.since, &due.page, due.size) {
            return None;
        }
        match told {
            Told::Page {
                next,
                shop_time,
                listed,
                new,
            } => {
                self.failures = 0;
                let (began_at, before) = match &self.walk {
                    Some(walk) => (walk.began_at, self.last.as_ref()),
                    // The times of what is listed are by the shop's clock, which may be behind ours.
                    None => (shop_time.map_or(now, |at| at.min(now)), None),
                };
                let (was_listed, was_new) = before.map_or((0, 0), |last| (last.listed, last.new));
                self.last = Some(Last {
                    at: now,
                    error: None,
                    listed: was_listed.saturating_add(listed),
                    new: was_new.saturating_add(new),
                });
                match next {
                    Some(page) => {
                        self.walk = Some(Walk { began_at, page });
                        self.next_at = now;
                        Some(self.look())
                    }
                    None => {
                        self.walk = None;
                        self.size = FULL_PAGE;
                        self.since = self.since.max(began_at.minus(OVERLAP));
                        self.next_at = now.plus(PAUSE);
                        None
                    }
                }
            }
            Told::TooLarge if self.size > 1 => {
                // The marks of a walk stand for pages of its size: it starts over, and what was had is known.
                let was = self.size;
                self.size = was / 2;
                let smaller = format!(
                    "a page of {was} was too large: pages of {} are asked for",
                    self.size
                );
                self.fail(smaller, now);
                self.walk = None;
                self.next_at = now;
                Some(self.look())
            }
            Told::TooLarge => {
                self.next_at = next_attempt_at(now, self.failures, None, name);
                self.fail("one document alone is too large to be read".to_owned(), now);
                None
            }
            Told::Failed { reason, after, lost } => {
                self.next_at = next_attempt_at(now, self.failures, after, name);
                self.fail(reason, now);
                if lost {
                    self.walk = None;
                }
                None
            }
        }
    }

    fn fail(&mut self, reason: String, now: Timestamp) {
        let counts = self.last.as_ref().filter(|_| self.walk.is_some());
        self.last = Some(Last {
            at: now,
            error: Some(reason),
            listed: counts.map_or(0, |last| last.listed),
            new: counts.map_or(0, |last| last.new),
        });
    }

    fn look(&self) -> Look {
        Look {
            since: self.since,
            page: self.walk.as_ref().map(|walk| walk.page.clone()),
            size: self.size,
            attempt: self.failures.max(1),
        }
    }
}

const fn full_page() -> u32 {
    FULL_PAGE
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_full_page(size: &u32) -> bool {
    *size == FULL_PAGE
}

#[cfg(test)]
mod tests;
