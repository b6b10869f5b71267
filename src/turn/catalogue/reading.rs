//! One reading of a feed: what came is compared with what is known, and what did not come is listed no more. Called by
//! `turn::catalogue`, which keeps it in memory from the beginning to the end.
//!
//! Nothing goes unless a feed was read to its end.

use super::{Ending, MAX_NEWS, Plan, keep_news};
use crate::domain::feed::FeedState;
use crate::domain::offer::Offer;
use crate::domain::time::Timestamp;
use crate::store::offer::{OfFeed, gone};
use crate::store::{Error, Sql, feed, offer};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Offers looked at in one turn, whether the feed still lists them.
const LOOKED_AT_ONCE: u32 = 2_000;

/// The reading that is under way.
#[derive(Debug)]
pub(super) struct Reading {
    plan: Plan,
    /// Keys of all feeds that are read.
    live: Vec<String>,
    run: String,
    /// As it stood before.
    before: FeedState,
    state: FeedState,
    /// Hashes of the ids that came: what is missing at the end is not for sale any more.
    seen: BTreeSet<u64>,
    parts: u32,
    heard_at: Timestamp,
    /// The last id looked at whether the feed still lists it.
    looked_at: String,
}

impl Reading {
    /// One that begins. `before` is how the feed stood, `begun` how it stands now.
    pub fn new(plan: Plan, live: Vec<String>, run: String, before: FeedState, begun: FeedState) -> Self {
        Self {
            plan,
            live,
            run,
            heard_at: begun.begun_at,
            state: FeedState {
                offers: 0,
                changed: 0,
                news: 0,
                untold: 0,
                unread: 0,
                ..begun
            },
            before,
            seen: BTreeSet::new(),
            parts: 0,
            looked_at: String::new(),
        }
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// When the last word of it came.
    pub const fn heard_at(&self) -> Timestamp {
        self.heard_at
    }

    /// Takes a part of the feed over.
    pub fn take(&mut self, sql: &dyn Sql, mut offers: Vec<Offer>, now: Timestamp) -> Result<(), Error> {
        self.heard_at = now;
        let told = offers.len();
        // The first one of an id counts: two would change places at every reading.
        offers.retain(|offer| self.seen.insert(hash(&offer.id)));
        let taken = count(offers.len());
        self.state.unread = self
            .state
            .unread
            .saturating_add(count(told).saturating_sub(taken));
        self.state.offers = self.state.offers.saturating_add(taken);
        let feed = OfFeed {
            key: &self.plan.key,
            live: &self.live,
            fresh: self.fresh(),
        };
        let mut applied = offer::put(sql, &self.plan.space, Some(feed), &offers, self.plan.percent)?;
        self.state.changed = self.state.changed.saturating_add(applied.changed);
        let room = MAX_NEWS.saturating_sub(self.state.news);
        let untold = count(applied.news.len()).saturating_sub(room);
        applied.news.truncate(usize::try_from(room).unwrap_or_default());
        self.state.untold = self.state.untold.saturating_add(untold);
        if !applied.news.is_empty() {
            self.state.news = self.state.news.saturating_add(count(applied.news.len()));
            self.parts = keep_news(sql, &self.run, self.parts, &applied.news, now)?;
        }
        Ok(())
    }

    /// A slice of the end; whether it was the last.
    pub fn end(&mut self, sql: &dyn Sql, ending: &Ending, now: Timestamp) -> Result<bool, Error> {
        self.heard_at = now;
        match ending {
            Ending::Whole {
                nameless,
                etag,
                last_modified,
            } => {
                self.state.error = None;
                let short = self.is_much_shorter();
                if short {
                    let (has, had) = (self.state.offers, self.before.offers);
                    self.state.error = Some(format!(
                        "it lists {has} offers, and {had} the time before: nothing was taken out of stock; if it does so \
                         again, that counts"
                    ));
                } else if !self.unlist_missing(sql, now)? {
                    return Ok(false);
                }
                self.state.unread = self.state.unread.saturating_add(*nameless);
                // A short one is to be read again even when the server says that it is the same: else it never counts.
                self.state.etag = etag.clone().filter(|_| !short);
                self.state.last_modified = last_modified.clone().filter(|_| !short);
                self.state.ok_at = Some(now);
            }
            Ending::Unchanged => {
                self.state = FeedState {
                    begun_at: self.state.begun_at,
                    shown: self.plan.shown.clone(),
                    changed: 0,
                    news: 0,
                    untold: 0,
                    ok_at: Some(now),
                    error: None,
                    ..self.before.clone()
                };
            }
            Ending::Failed(reason) => {
                // The counts of the last good reading stay: the next one is measured by them.
                let (failures, next_at) = (self.state.failures, self.state.next_at);
                self.state = FeedState {
                    begun_at: self.state.begun_at,
                    shown: self.plan.shown.clone(),
                    failures,
                    next_at,
                    error: Some(reason.chars().take(300).collect()),
                    ..self.before.clone()
                };
                feed::put(sql, &self.plan.key, &self.state)?;
                return Ok(true);
            }
        }
        self.state.failures = 0;
        self.state.next_at = self.state.begun_at.plus(self.plan.every);
        feed::put(sql, &self.plan.key, &self.state)?;
        Ok(true)
    }

    /// A shop makes its file about as often as it is read: it may not know yet what a webhook told since then.
    fn fresh(&self) -> Timestamp {
        self.state.begun_at.minus(self.plan.every)
    }

    /// A shop whose export broke lists little and ends well: it must say so twice.
    fn is_much_shorter(&self) -> bool {
        self.state.offers == 0 || self.state.offers.saturating_mul(2) < self.before.offers
    }

    /// What the feed did not list is listed no more, a slice at a time; whether that was all.
    fn unlist_missing(&mut self, sql: &dyn Sql, now: Timestamp) -> Result<bool, Error> {
        let of = (self.plan.space.as_str(), self.plan.key.as_str());
        let page = gone::listed(sql, of, &self.looked_at, LOOKED_AT_ONCE)?;
        let last = page.len() < usize::try_from(LOOKED_AT_ONCE).unwrap_or_default();
        if let Some(id) = page.last() {
            self.looked_at.clone_from(id);
        }
        let missing: Vec<String> = page
            .into_iter()
            .filter(|id| !self.seen.contains(&hash(id)))
            .collect();
        let unlisted = gone::unlist(sql, &self.plan.space, &missing, self.fresh(), now)?;
        self.state.changed = self.state.changed.saturating_add(unlisted);
        Ok(last)
    }
}

/// Only ever compared within one reading.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
