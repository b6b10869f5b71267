//! The catalogue's turns, in the `Store` object: a feed is begun, its offers come in parts, and it ends.
//!
//! Called by `edge` inside a transaction, and by host tests. What is known of a reading only while it lasts is memory
//! (`reading.rs`): when the object restarts in the middle, the reading is over, and what it brought stays. It makes no request.

mod reading;

use crate::domain::feed::FeedState;
use crate::domain::logbook::{Asked, Line};
use crate::domain::offer::{News, Offer, Space};
use crate::domain::time::{Delay, Timestamp};
use crate::store::offer::{gone, log};
use crate::store::offer_news::{self, Batch};
use crate::store::{Error, Sql, feed, offer};
use reading::Reading;
use serde::{Deserialize, Serialize};

/// Most changes of one reading that people are told of: the others are counted. A sale of the whole shop is a campaign's
/// business.
pub const MAX_NEWS: u32 = 500;
/// News in one row: the longest must fit.
const NEWS_A_ROW: usize = 100;
/// Offers of a feed that is read no more, or that went long ago, taken away in one turn.
const FORGOTTEN_AT_ONCE: u32 = 1_000;
/// How long an offer that went keeps its row: longer than anybody's interest in it is remembered.
pub const GONE_KEPT: Delay = Delay::from_days(90);
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
    Product(Posted),
    /// The offers of these ids.
    Find { spaces: Vec<Space>, ids: Vec<String> },
    /// What are people to be told next?
    News { now: Timestamp },
    /// All shards were told the batch of this number.
    Told { batch: i64 },
    /// How the feeds stand.
    States,
    /// Of which products did webhooks tell?
    Log(Asked),
}

/// A product as a webhook told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    pub space: Space,
    pub product: String,
    /// None of a product that the shop took away.
    pub offers: Vec<Offer>,
    /// Whether these are all its variants: the others of it are for sale no more.
    pub whole: bool,
    pub percent: u8,
    /// The delivery's name, which its news go by.
    pub run: String,
    /// When the shop says so, where the offers name no time.
    #[serde(default)]
    pub as_of: Option<Timestamp>,
    #[serde(default)]
    pub now: Timestamp,
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
    News(Option<Batch>),
    States(Vec<FeedState>),
    Log(Vec<Line>),
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
            CatalogueCall::Product(posted) => {
                hear(sql, &posted)?;
                CatalogueAnswer::Done
            }
            CatalogueCall::Find { spaces, ids } => CatalogueAnswer::Offers(offer::find(sql, &spaces, &ids)?),
            CatalogueCall::News { now } => {
                let reading = self.reading.as_ref().filter(|reading| is_alive(reading, now));
                CatalogueAnswer::News(offer_news::batch(sql, reading.map(Reading::run), now)?)
            }
            CatalogueCall::Told { batch } => {
                offer_news::told(sql, batch)?;
                CatalogueAnswer::Done
            }
            CatalogueCall::States => CatalogueAnswer::States(feed::all(sql)?.into_values().collect()),
            CatalogueCall::Log(asked) => CatalogueAnswer::Log(log::page(sql, &asked)?),
        })
    }

    /// Taken out: where the call fails, the reading is over.
    fn of_run(&mut self, run: &str) -> Option<Reading> {
        self.reading.take_if(|reading| reading.run() == run)
    }

    /// Begins the feed that has waited longest. That it was begun is written first: whatever ends the reading without a word,
    /// the next one waits.
    fn begin(&mut self, sql: &dyn Sql, plans: &[Plan], now: Timestamp) -> Result<CatalogueAnswer, Error> {
        if self
            .reading
            .as_ref()
            .is_some_and(|reading| is_alive(reading, now))
        {
            return Ok(CatalogueAnswer::Nothing);
        }
        gone::forget_gone(sql, now.minus(GONE_KEPT), FORGOTTEN_AT_ONCE)?;
        let states = feed::all(sql)?;
        for key in states
            .keys()
            .filter(|key| !plans.iter().any(|plan| plan.key == **key))
        {
            if gone::forget_feed(sql, key, FORGOTTEN_AT_ONCE)? < FORGOTTEN_AT_ONCE {
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
        let live = plans.iter().map(|plan| plan.key.clone()).collect();
        self.reading = Some(Reading::new(plan.clone(), live, run, before, begun));
        Ok(CatalogueAnswer::Begun(answer))
    }
}

fn is_alive(reading: &Reading, now: Timestamp) -> bool {
    now.since(reading.heard_at()) < SILENCE
}

/// Takes over what a webhook told of a product.
fn hear(sql: &dyn Sql, posted: &Posted) -> Result<(), Error> {
    let Posted {
        space, product, now, ..
    } = posted;
    let offers = &posted.offers;
    let told_at = offers.iter().filter_map(|offer| offer.told_at).max();
    let told_at = told_at.or(posted.as_of);
    let mut applied = offer::put(sql, space, None, offers, posted.percent)?;
    if posted.whole && offers.is_empty() {
        let told_at = match told_at.filter(|at| at < now) {
            Some(at) => at,
            // A shop that names no time of it: its clock may be ahead of ours, and what it told before is older all the same.
            None => gone::newest(sql, (space, product))?.map_or(*now, |newest| newest.max(*now)),
        };
        gone::bury(sql, (space, product), told_at, *now)?;
    } else if posted.whole && !applied.stale {
        let listed: Vec<String> = offers.iter().map(|offer| offer.id.clone()).collect();
        gone::withdraw_others(sql, (space, product), &listed, told_at, *now)?;
    }
    applied
        .news
        .truncate(usize::try_from(MAX_NEWS).unwrap_or_default());
    keep_news(sql, &posted.run, 0, &applied.news, *now)?;
    Ok(())
}

/// Keeps news from this part on; returns the part after the last.
fn keep_news(sql: &dyn Sql, run: &str, from: u32, news: &[News], now: Timestamp) -> Result<u32, Error> {
    let mut part = from;
    for some in news.chunks(NEWS_A_ROW) {
        offer_news::keep(sql, run, part, some, now)?;
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
