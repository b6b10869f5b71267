//! Asks shops what they changed, at a tick of cron, and ingests what they list: the `Store` says what is due, `sources/poll.rs`
//! what to ask and what the answer means. Before the mails: an order among them may be one that a cart mail must not follow.
//!
//! Each page is committed before the `Store` hears of it, so that nothing is passed over; what was had already is a
//! duplicate like any other.

use super::error::Error;
use super::hooks::take;
use super::logbook;
use super::peers::Peers;
use super::store_call::{PollCall, StoreAnswer, StoreCall};
use super::{http_client, log, runtime};
use crate::domain::logbook::{Line, Verdict};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::poll::{FULL_PAGE, Look, Told};
use crate::providers::answer;
use crate::sources::poll::{Feed, Page};
use crate::sources::{Error as Unreadable, Reading};
use serde_json::json;

/// Most pages of a list at one tick; the next one goes on.
const PAGES_AT_ONCE: usize = 3;
/// How long a shop's API may take for a page: a small WordPress takes its time.
const PAGE_TIMEOUT: Delay = Delay::from_seconds(30);
/// Largest page: a hundred orders of a hundred lines take about 10 MB.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// How long the mails of a tick wait for slow shops: an order among what they list may end a cart's.
const PATIENCE: Delay = Delay::from_minutes(1);
/// Attempts at a page after which documents that cannot be stored are passed over, some hours later.
const PASSED_OVER_AFTER: u32 = 12;

/// Asks for what is due of every list that is set up, one list after the other. What fails is kept with its list, and
/// keeps nothing else from being done.
pub async fn poll(peers: &Peers<'_>) {
    if !peers.settings.usable() {
        return;
    }
    let until = runtime::wall_clock().plus(PATIENCE);
    for feed in Feed::all(peers.settings.source_secrets()) {
        if let Err(error) = walk(peers, &feed, until).await {
            log::error(
                "poll failed",
                json!({ "poll": feed.name(), "error": error.for_log() }),
            );
        }
    }
}

async fn walk(peers: &Peers<'_>, feed: &Feed, until: Timestamp) -> Result<(), Error> {
    if runtime::wall_clock() > until {
        return Ok(());
    }
    let begun = PollCall::Begin {
        feed: feed.name(),
        now: peers.now,
    };
    let mut next = look(peers, begun).await?;
    for _ in 0..PAGES_AT_ONCE {
        let Some(due) = next.take().filter(|_| runtime::wall_clock() <= until) else {
            break;
        };
        let told = page(peers, feed, &due)
            .await
            .unwrap_or_else(|error| failed(error.for_log()));
        report(feed, &told);
        let call = PollCall::Told {
            feed: feed.name(),
            look: due,
            told,
            now: peers.now,
        };
        next = look(peers, call).await?;
    }
    Ok(())
}

async fn look(peers: &Peers<'_>, call: PollCall) -> Result<Option<Look>, Error> {
    let StoreAnswer::Look(look) = peers.store(&StoreCall::Poll(call)).await? else {
        return Err(Error::NoAnswer("the Store told nothing of the poll".to_owned()));
    };
    Ok(look)
}

/// Asks for a page, and commits all that it lists.
async fn page(peers: &Peers<'_>, feed: &Feed, look: &Look) -> Result<Told, Error> {
    let page = Page {
        since: look.since,
        mark: look.page.as_deref(),
        size: look.size,
    };
    let request = match feed.request(peers.settings.source_secrets(), page) {
        Ok(request) => request,
        Err(wrong) => return Ok(failed(wrong.to_string())),
    };
    let response = match http_client::send_within(request, PAGE_TIMEOUT, MAX_PAGE_BYTES).await {
        Err(Error::TooLarge) => return Ok(Told::TooLarge),
        answered => answered?,
    };
    if response.status != 200 {
        return Ok(Told::Failed {
            reason: refused(response.status),
            after: answer::retry_after(&response.headers, peers.now),
            lost: page.mark.is_some() && matches!(response.status, 400 | 422),
        });
    }
    let currency = runtime::catalog()?.store.currency;
    let listing = match feed.read(&response, page, peers.now, Some(currency)) {
        Ok(listing) => listing,
        Err(unreadable) => {
            let reason = format!("what the shop's API answered is no list: {unreadable}");
            return Ok(failed(reason));
        }
    };
    let taken = commit(peers, feed, listing.readings).await?;
    logbook::keep(peers, taken.lines).await;
    // One person whose row cannot be written must not keep the others' orders from being found for ever.
    // Where it was the only one of its page, what came before it has been taken.
    let is_alone = taken.failed < taken.listed || look.size < FULL_PAGE;
    let passed_over = look.attempt >= PASSED_OVER_AFTER && is_alone;
    if let (Some(reason), false) = (taken.failure, passed_over) {
        let (failures, listed) = (taken.failed, taken.listed);
        return Ok(failed(format!(
            "{failures} of {listed} could not be stored: {reason}"
        )));
    }
    Ok(Told::Page {
        next: listing.next,
        shop_time: listing.shop_time,
        listed: taken.listed,
        new: taken.new,
    })
}

/// What became of a page's documents.
#[derive(Default)]
struct Taken {
    listed: u32,
    new: u32,
    /// Those that a shard could not commit, and why the last one.
    failed: u32,
    failure: Option<String>,
    lines: Vec<Line>,
}

/// Ingests what the documents tell. One that cannot be stored keeps the others from nothing.
///
/// # Errors
/// When a shard does not answer: waiting for it once is enough.
async fn commit(
    peers: &Peers<'_>,
    feed: &Feed,
    readings: Vec<Result<Reading, Unreadable>>,
) -> Result<Taken, Error> {
    let mut taken = Taken::default();
    for reading in readings {
        taken.listed = taken.listed.saturating_add(1);
        match reading {
            Ok(Reading::Events(events)) => match take(peers, events).await {
                Ok(arrived) => {
                    taken.new = taken.new.saturating_add(u32::from(arrived.outcome == "accepted"));
                    taken.lines.extend(arrived.lines);
                }
                Err(silent) if silent.is_silent() => return Err(silent),
                Err(error) => {
                    taken.failed = taken.failed.saturating_add(1);
                    taken.failure = Some(error.for_log());
                }
            },
            Ok(
                Reading::Ignored(_)
                | Reading::Notice(_)
                | Reading::Privacy(_)
                | Reading::Product(_)
                | Reading::Ping,
            ) => {}
            Err(unreadable) => {
                let (source, reason) = (feed.source.as_str(), unreadable.to_string());
                // It is listed again in a while: one line says it.
                let id = format!("poll:{reason}");
                let line = Line::new(peers.now, source, &feed.name(), &id, Verdict::Unreadable, &reason);
                taken.lines.push(line);
            }
        }
    }
    Ok(taken)
}

fn failed(reason: String) -> Told {
    Told::Failed {
        reason,
        after: None,
        lost: false,
    }
}

/// What is to be mended, where the status says it.
fn refused(status: u16) -> String {
    let hint = match status {
        401 | 403 => ": check its key, and that it may read orders",
        404 => ": check its address",
        300..=399 => {
            ": it leads elsewhere, and the key is sent nowhere else; set the address that it leads to"
        }
        _ => "",
    };
    format!("the shop's API answered {status}{hint}")
}

fn report(feed: &Feed, told: &Told) {
    match told {
        Told::Page {
            listed, new, next, ..
        } => log::line(
            "poll",
            json!({ "poll": feed.name(), "listed": listed, "new": new, "more": next.is_some() }),
        ),
        Told::TooLarge => log::line("poll", json!({ "poll": feed.name(), "too_large": true })),
        Told::Failed { reason, .. } => {
            log::error("poll failed", json!({ "poll": feed.name(), "error": reason }));
        }
    }
}
