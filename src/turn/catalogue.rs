//! The catalogue's turns, in the `Store` object: a feed is begun, its offers come in parts, and it ends.
//!
//! Called by `edge` inside a transaction, and by host tests. What is known of a reading only while it lasts is memory: when
//! the object restarts in the middle, the reading is over, and what it brought stays. Nothing is taken out of stock unless a
//! feed was read to its end. It makes no request.

use crate::domain::feed::FeedState;
use crate::domain::offer::{News, Offer, Space};
use crate::domain::time::{Delay, Timestamp};
use crate::store::offer::OfFeed;
use crate::store::{Error, Sql, feed, offer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Most changes of one reading that people are told of: the others are counted. A sale of the whole shop is a campaign's
/// business.
pub const MAX_NEWS: u32 = 500;
/// News in one row: the longest must fit.
const NEWS_A_ROW: usize = 100;
/// Offers looked at in one turn, whether the feed still lists them.
const WITHDRAWN_AT_ONCE: u32 = 2_000;
/// Offers of a feed that is read no more, taken away in one turn.
const FORGOTTEN_AT_ONCE: u32 = 1_000;
/// A reading that nobody has heard of for this long is over.
const SILENCE: Delay = Delay::from_minutes(3);
/// First pause after a reading that came to no end; it doubles.
const RETRY: Delay = Delay::from_minutes(15);

/// A feed that is to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Made of its address and of how it is read.
    pub key: String,
    /// Its address without what may be secret in it.
    pub shown: String,
    pub space: Space,
    pub every: Delay,
    /// By how much a price must fall to be news.
    pub percent: u8,
}

/// What the `Store` is asked about the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogueCall {
    /// Which of these feeds is to be read now, if any?
    Begin { plans: Vec<Plan>, now: Timestamp },
    /// Offers of the reading that is under way.
    Take {
        run: String,
        offers: Vec<Offer>,
        now: Timestamp,
    },
    /// It has ended.
    End {
        run: String,
        ending: Ending,
        now: Timestamp,
    },
    /// What a shop told of one product by a webhook.
    Product {
        space: Space,
        product: String,
        offers: Vec<Offer>,
        /// Whether these are all its variants: the others of it are for sale no more.
        whole: bool,
        percent: u8,
        /// The delivery's name, which its news go by.
        run: String,
    },
    /// The offers of these ids.
    Find { spaces: Vec<Space>, ids: Vec<String> },
    /// What are people to be told next?
    News,
    /// All shards were told.
    Told { run: String },
    /// How the feeds stand.
    States,
}

/// How a reading ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// To the end of the file.
    Whole {
        nameless: u32,
        etag: Option<String>,
        last_modified: Option<String>,
    },
    /// The server says that it is the same file as before.
    Unchanged,
    /// It broke off, or could not be had or read: the last good catalogue stays.
    Failed(String),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogueAnswer {
    /// None is due, or one is being read.
    Nothing,
    Begun(Begun),
    /// Whether the reading goes on; it does not when the object has forgotten it.
    Taken(bool),
    /// Whether all is done; else end it once more, for the next slice.
    Ended(bool),
    Offers(Vec<(Space, Offer)>),
    News(Option<(String, Vec<News>)>),
    States(Vec<FeedState>),
    Done,
}

/// A reading that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    pub run: String,
    /// Of the feed.
    pub key: String,
    /// Of the file as it was last read, to be asked by.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// What the object remembers between calls.
#[derive(Debug, Default)]
pub struct Catalogue {
    reading: Option<Reading>,
}

/// The reading that is under way.
#[derive(Debug)]
struct Reading {
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

impl Catalogue {
    /// Serves a call.
    ///
    /// # Errors
    /// When storage fails; a reading is then over.
    pub fn serve(&mut self, sql: &dyn Sql, call: CatalogueCall) -> Result<CatalogueAnswer, Error> {
        Ok(match call {
            CatalogueCall::Begin { plans, now } => self.begin(sql, &plans, now)?,
            CatalogueCall::Take { run, offers, now } => match self.of_run(&run) {
                Some(mut reading) => {
                    reading.take(sql, offers, now)?;
                    self.reading = Some(reading);
                    CatalogueAnswer::Taken(true)
                }
                None => CatalogueAnswer::Taken(false),
            },
            CatalogueCall::End { run, ending, now } => match self.of_run(&run) {
                Some(mut reading) => {
                    let done = reading.end(sql, &ending, now)?;
                    self.reading = Some(reading).filter(|_| !done);
                    CatalogueAnswer::Ended(done)
                }
                None => CatalogueAnswer::Ended(true),
            },
            CatalogueCall::Product {
                space,
                product,
                offers,
                whole,
                percent,
                run,
            } => {
                let listed: Vec<String> = offers.iter().map(|offer| offer.id.clone()).collect();
                let told_at = offers.iter().filter_map(|offer| offer.told_at).max();
                let mut applied = offer::put(sql, &space, None, &offers, percent)?;
                if whole && !applied.stale {
                    offer::withdraw_product(sql, &space, &product, &listed, told_at)?;
                }
                applied
                    .news
                    .truncate(usize::try_from(MAX_NEWS).unwrap_or_default());
                keep_news(sql, &run, 0, &applied.news)?;
                CatalogueAnswer::Done
            }
            CatalogueCall::Find { spaces, ids } => CatalogueAnswer::Offers(offer::find(sql, &spaces, &ids)?),
            CatalogueCall::News => {
                let reading = self.reading.as_ref().map(|reading| reading.run.as_str());
                CatalogueAnswer::News(offer::news(sql, reading)?)
            }
            CatalogueCall::Told { run } => {
                offer::told(sql, &run)?;
                CatalogueAnswer::Done
            }
            CatalogueCall::States => CatalogueAnswer::States(feed::all(sql)?.into_values().collect()),
        })
    }

    /// Taken out: where the call fails, the reading is over.
    fn of_run(&mut self, run: &str) -> Option<Reading> {
        self.reading.take_if(|reading| reading.run == run)
    }

    /// Begins the feed that has waited longest. That it was begun is written first: whatever ends the reading without a word,
    /// the next one waits.
    fn begin(&mut self, sql: &dyn Sql, plans: &[Plan], now: Timestamp) -> Result<CatalogueAnswer, Error> {
        let busy = |reading: &Reading| now.since(reading.heard_at) < SILENCE;
        if self.reading.as_ref().is_some_and(busy) {
            return Ok(CatalogueAnswer::Nothing);
        }
        let states = feed::all(sql)?;
        for key in states
            .keys()
            .filter(|key| !plans.iter().any(|plan| plan.key == **key))
        {
            if offer::forget_feed(sql, key, FORGOTTEN_AT_ONCE)? < FORGOTTEN_AT_ONCE {
                feed::remove(sql, key)?;
            }
        }
        let stands = |plan: &Plan| states.get(&plan.key).cloned().unwrap_or_default();
        let due = plans.iter().map(|plan| (plan, stands(plan)));
        let due = due.filter(|(_, state)| state.next_at <= now);
        let Some((plan, before)) = due.min_by_key(|(_, state)| state.next_at) else {
            return Ok(CatalogueAnswer::Nothing);
        };
        let failures = before.failures.saturating_add(1);
        let begun = FeedState {
            shown: plan.shown.clone(),
            begun_at: now,
            next_at: now.plus(pause(failures, plan.every)),
            failures,
            error: Some("it has not come to its end yet".to_owned()),
            ..before.clone()
        };
        feed::put(sql, &plan.key, &begun)?;
        let run = format!("{}-{}", plan.key, now.as_millis());
        let answer = Begun {
            run: run.clone(),
            key: plan.key.clone(),
            etag: before.etag.clone(),
            last_modified: before.last_modified.clone(),
        };
        self.reading = Some(Reading {
            plan: plan.clone(),
            live: plans.iter().map(|plan| plan.key.clone()).collect(),
            run,
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
            heard_at: now,
            looked_at: String::new(),
        });
        Ok(CatalogueAnswer::Begun(answer))
    }
}

impl Reading {
    fn take(&mut self, sql: &dyn Sql, mut offers: Vec<Offer>, now: Timestamp) -> Result<(), Error> {
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
            self.parts = keep_news(sql, &self.run, self.parts, &applied.news)?;
        }
        Ok(())
    }

    /// A slice of the end; whether it was the last.
    fn end(&mut self, sql: &dyn Sql, ending: &Ending, now: Timestamp) -> Result<bool, Error> {
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
                } else if !self.withdraw_missing(sql)? {
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

    /// Takes what the feed did not list out of stock, a slice at a time; whether that was all.
    fn withdraw_missing(&mut self, sql: &dyn Sql) -> Result<bool, Error> {
        let of = (self.plan.space.as_str(), self.plan.key.as_str());
        let page = offer::for_sale(sql, of, &self.looked_at, WITHDRAWN_AT_ONCE)?;
        let last = page.len() < usize::try_from(WITHDRAWN_AT_ONCE).unwrap_or_default();
        if let Some(id) = page.last() {
            self.looked_at.clone_from(id);
        }
        let missing: Vec<String> = page
            .into_iter()
            .filter(|id| !self.seen.contains(&hash(id)))
            .collect();
        let withdrawn = offer::withdraw(sql, &self.plan.space, &missing, self.fresh())?;
        self.state.changed = self.state.changed.saturating_add(withdrawn);
        Ok(last)
    }
}

/// Keeps news from this part on; returns the part after the last.
fn keep_news(sql: &dyn Sql, run: &str, from: u32, news: &[News]) -> Result<u32, Error> {
    let mut part = from;
    for some in news.chunks(NEWS_A_ROW) {
        offer::keep_news(sql, run, part, some)?;
        part = part.saturating_add(1);
    }
    Ok(part)
}

/// How long to wait after so many readings in a row that came to no end.
fn pause(failures: u32, every: Delay) -> Delay {
    let doubled = RETRY
        .as_millis()
        .saturating_mul(1_i64 << failures.saturating_sub(1).min(12));
    Delay::from_millis(doubled).min(every)
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
