//! Product feeds: read one after the other when they are due, and what changed told to the shards.
//!
//! Called by cron, after everything that sends, and by operators. The file is read here and its offers go to the `Store` in
//! parts: nothing holds it whole, and no webhook waits for it. A reading that dies in the middle leaves what it brought, and
//! begins anew when the feed is due again; offers that have not changed write nothing then.

use super::download::{File, Opened, Wanted, open};
use super::error::Error;
use super::peers::Peers;
use super::store_call::{StoreAnswer, StoreCall};
use super::{log, runtime};
use crate::domain::offer::{Offer, Space};
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::feeds::{Catalogue, Feed};
use crate::settings::Environment;
use crate::signing;
use crate::sources::SourceKind;
use crate::sources::feed::{FeedReader, Terms};
use crate::store::offer_news::Batch;
use crate::turn::call::{Answer, Call};
use crate::turn::catalogue::{Begun, CatalogueAnswer, CatalogueCall, Ending, Plan};
use crate::turn::interest::Heard;
use serde_json::json;

/// Offers handed over at once.
const OFFERS_AT_ONCE: usize = 400;
/// Cron has a quarter of an hour for all it does.
const READING_TIME: Delay = Delay::from_minutes(8);
/// Most slices of an end in one go: far more than there are.
const MAX_SLICES: usize = 10_000;
/// Most batches of news told at one tick.
const MAX_BATCHES: usize = 20;
/// Most pages of contacts told news at one tick, of all shards: an invocation may make a thousand calls.
const PAGES_AT_ONCE: u32 = 300;

/// Reads what is due and tells what changed. What fails is logged and waits for a later tick.
pub async fn tick(peers: &Peers<'_>, shards: &[ShardIndex]) {
    if let Err(error) = read_due(peers).await {
        log::error("feeds failed", json!({ "error": error.for_log() }));
    }
    if let Err(error) = tell_all(peers, shards).await {
        log::error("news of offers failed", json!({ "error": error.for_log() }));
    }
}

/// Asks the `Store` about the catalogue.
///
/// # Errors
/// When it cannot be reached or fails.
pub async fn ask(peers: &Peers<'_>, call: CatalogueCall) -> Result<CatalogueAnswer, Error> {
    let StoreAnswer::Catalogue(answer) = peers.store(&StoreCall::Catalogue(Box::new(call))).await? else {
        return Err(unexpected());
    };
    Ok(*answer)
}

fn unexpected() -> Error {
    Error::NoAnswer("the Store said nothing of the catalogue".to_owned())
}

async fn read_due(peers: &Peers<'_>) -> Result<(), Error> {
    let catalog = runtime::catalog()?;
    let Some(catalogue) = &catalog.store.catalogue else {
        return Ok(());
    };
    let until = runtime::wall_clock().plus(READING_TIME);
    // Each feed once, and once to hear that there is none: then those that are listed no more are forgotten.
    for _ in 0..=catalogue.feeds.len() {
        let plans = catalogue.feeds.iter().map(|feed| plan(feed, catalogue)).collect();
        let now = peers.now;
        let CatalogueAnswer::Begun(begun) = ask(peers, CatalogueCall::Begin { plans, now }).await? else {
            break;
        };
        let Some(feed) = catalogue.feeds.iter().find(|feed| key(feed) == begun.key) else {
            break;
        };
        let terms = Terms {
            format: feed.format,
            currency: catalog.store.currency,
            source: feed.source.as_deref().and_then(SourceKind::parse),
            now,
        };
        let ending = match read(peers, feed, &begun, terms, until).await {
            Ok(ending) => ending,
            Err(error) => Ending::Failed(error.for_log()),
        };
        let failed = match &ending {
            Ending::Failed(reason) => Some(reason.clone()),
            Ending::Whole { .. } | Ending::Unchanged => None,
        };
        log::line("feed", json!({ "feed": begun.key, "failed": failed }));
        end(peers, &begun.run, ending).await?;
    }
    Ok(())
}

fn plan(feed: &Feed, catalogue: &Catalogue) -> Plan {
    Plan {
        key: key(feed),
        shown: feed.shown(),
        space: feed.source.clone().unwrap_or_default(),
        every: feed.every,
        percent: catalogue.price_drop,
    }
}

/// A name for the feed that gives nothing of its address away. One that is read in another way begins anew: its offers have other
/// ids, or the server would say that nothing changed.
fn key(feed: &Feed) -> String {
    let format = feed
        .format
        .map(|format| format!("{format:?}"))
        .unwrap_or_default();
    let source = feed.source.as_deref().unwrap_or_default();
    signing::content_name(&[feed.url.as_bytes(), source.as_bytes(), format.as_bytes()])
}

/// Reads a feed to its end, or as far as it comes.
async fn read(
    peers: &Peers<'_>,
    feed: &Feed,
    begun: &Begun,
    terms: Terms,
    until: Timestamp,
) -> Result<Ending, Error> {
    let wanted = Wanted {
        url: &feed.url,
        etag: begun.etag.as_deref(),
        last_modified: begun.last_modified.as_deref(),
        at_home: peers.settings.environment == Environment::Dev,
    };
    let mut file = match open(&wanted).await? {
        Opened::File(file) => file,
        Opened::Unchanged => return Ok(Ending::Unchanged),
        Opened::Refused(reason) => return Ok(Ending::Failed(reason)),
    };
    let ending = pump(peers, &mut file, &begun.run, terms, until).await;
    file.close();
    ending
}

async fn pump(
    peers: &Peers<'_>,
    file: &mut File,
    run: &str,
    terms: Terms,
    until: Timestamp,
) -> Result<Ending, Error> {
    let mut reader = FeedReader::new(terms);
    let mut waiting: Vec<Offer> = Vec::new();
    while let Some(part) = file.part().await? {
        if let Err(error) = reader.push(&part) {
            return Ok(Ending::Failed(error.to_string()));
        }
        waiting.extend(reader.take());
        while waiting.len() >= OFFERS_AT_ONCE {
            let rest = waiting.split_off(OFFERS_AT_ONCE);
            let offers = std::mem::replace(&mut waiting, rest);
            if !hand_over(peers, run, offers).await? {
                return Ok(Ending::Failed("the Store began anew meanwhile".to_owned()));
            }
        }
        if runtime::wall_clock() > until {
            return Ok(Ending::Failed("it took longer than 8 minutes".to_owned()));
        }
    }
    if let Err(error) = reader.finish() {
        return Ok(Ending::Failed(error.to_string()));
    }
    waiting.extend(reader.take());
    // What the last piece brought may be more than one part.
    while !waiting.is_empty() {
        let rest = waiting.split_off(waiting.len().min(OFFERS_AT_ONCE));
        let offers = std::mem::replace(&mut waiting, rest);
        if !hand_over(peers, run, offers).await? {
            return Ok(Ending::Failed("the Store began anew meanwhile".to_owned()));
        }
    }
    Ok(Ending::Whole {
        nameless: reader.nameless(),
        etag: file.etag.clone(),
        last_modified: file.last_modified.clone(),
    })
}

/// Whether the reading goes on.
async fn hand_over(peers: &Peers<'_>, run: &str, offers: Vec<Offer>) -> Result<bool, Error> {
    let call = CatalogueCall::Take {
        run: run.to_owned(),
        offers,
        now: now_for(peers),
    };
    Ok(ask(peers, call).await? == CatalogueAnswer::Taken(true))
}

/// A reading takes minutes: the clock that it began by, gone on.
fn now_for(peers: &Peers<'_>) -> Timestamp {
    match peers.settings.environment {
        Environment::Production => runtime::wall_clock(),
        // A clock of development stands where it was put.
        Environment::Dev => peers.now,
    }
}

async fn end(peers: &Peers<'_>, run: &str, ending: Ending) -> Result<(), Error> {
    for _ in 0..MAX_SLICES {
        let call = CatalogueCall::End {
            run: run.to_owned(),
            ending: ending.clone(),
            now: now_for(peers),
        };
        if ask(peers, call).await? != CatalogueAnswer::Ended(false) {
            break;
        }
    }
    Ok(())
}

/// Tells all shards what changed, batch by batch. Each shard knows how far it has come: what a tick does not finish the next one
/// does, and two ticks at once share the work.
async fn tell_all(peers: &Peers<'_>, shards: &[ShardIndex]) -> Result<(), Error> {
    if runtime::catalog()?.store.catalogue.is_none() {
        return Ok(());
    }
    let mut pages = PAGES_AT_ONCE;
    for _ in 0..MAX_BATCHES {
        let now = peers.now;
        let CatalogueAnswer::News(Some(batch)) = ask(peers, CatalogueCall::News { now }).await? else {
            break;
        };
        let mut heard = Heard {
            all: true,
            ..Heard::default()
        };
        for shard in shards {
            // One that does not answer keeps no news from the others.
            let told = tell(peers, *shard, &batch, &mut pages)
                .await
                .unwrap_or_else(|error| {
                    let error = error.for_log();
                    log::error(
                        "news of offers failed",
                        json!({ "shard": shard.to_string(), "error": error }),
                    );
                    Heard::default()
                });
            heard = heard.and(told);
        }
        let Heard { all, events, failed } = heard;
        log::line(
            "offers told",
            json!({ "batch": batch.number, "news": batch.news.len(), "events": events, "failed": failed, "all": all }),
        );
        if !all {
            break;
        }
        let batch = batch.number;
        ask(peers, CatalogueCall::Told { batch }).await?;
        // Each shard is asked once for a batch at least, whatever is left.
        if pages == 0 {
            break;
        }
    }
    Ok(())
}

/// Tells a shard as many pages as are left, and one at least: to hear that all were told is one.
async fn tell(peers: &Peers<'_>, shard: ShardIndex, batch: &Batch, pages: &mut u32) -> Result<Heard, Error> {
    let mut heard = Heard {
        all: true,
        ..Heard::default()
    };
    loop {
        let call = Call::TellNews(Box::new(batch.clone()));
        let Answer::NewsHeard(page) = peers.shard(shard, call).await? else {
            return Err(unexpected());
        };
        heard = Heard { all: true, ..heard }.and(page);
        *pages = pages.saturating_sub(1);
        if heard.all || *pages == 0 {
            return Ok(heard);
        }
    }
}

/// The namespaces that offers are in: those of the shops, and the store's own.
pub fn spaces() -> Vec<Space> {
    let shops = SourceKind::ALL.iter().map(|source| source.as_str().to_owned());
    shops.chain([Space::default()]).collect()
}
