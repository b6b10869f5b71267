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
use crate::domain::time::Delay;
use crate::engine::poll::{Look, Told};
use crate::providers::answer;
use crate::sources::Reading;
use crate::sources::poll::Feed;
use serde_json::json;

/// Most pages of a list at one tick; the next one goes on.
const PAGES_AT_ONCE: usize = 3;
/// How long a shop's API may take for a page: a small WordPress takes its time.
const PAGE_TIMEOUT: Delay = Delay::from_seconds(30);
/// Largest page: a hundred orders of a hundred lines take about 10 MB.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// Asks for what is due of every list that is set up, one list after the other. What fails is kept with its list, and
/// keeps nothing else from being done.
pub async fn poll(peers: &Peers<'_>) {
    if !peers.settings.usable() {
        return;
    }
    for feed in Feed::all(peers.settings.source_secrets()) {
        if let Err(error) = walk(peers, &feed).await {
            log::error(
                "poll failed",
                json!({ "poll": feed.name(), "error": error.for_log() }),
            );
        }
    }
}

async fn walk(peers: &Peers<'_>, feed: &Feed) -> Result<(), Error> {
    let begun = PollCall::Begin {
        feed: feed.name(),
        now: peers.now,
    };
    let mut next = look(peers, begun).await?;
    for _ in 0..PAGES_AT_ONCE {
        let Some(due) = next.take() else {
            break;
        };
        let told = page(peers, feed, &due)
            .await
            .unwrap_or_else(|error| Told::Failed {
                reason: error.for_log(),
                after: None,
            });
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
    let failed = |reason: String, after| Ok(Told::Failed { reason, after });
    let page = look.page.as_deref();
    let request = match feed.request(peers.settings.source_secrets(), look.since, page) {
        Ok(request) => request,
        Err(wrong) => return failed(wrong.to_string(), None),
    };
    let response = http_client::send_within(request, PAGE_TIMEOUT, MAX_PAGE_BYTES).await?;
    if response.status != 200 {
        let reason = refused(response.status);
        return failed(reason, answer::retry_after(&response.headers, peers.now));
    }
    let currency = runtime::catalog()?.store.currency;
    let listing = match feed.read(&response, page, peers.now, Some(currency)) {
        Ok(listing) => listing,
        Err(unreadable) => {
            return failed(
                format!("what the shop's API answered is no list: {unreadable}"),
                None,
            );
        }
    };
    let (mut listed, mut new) = (0_u32, 0_u32);
    let mut lines = Vec::new();
    for reading in listing.readings {
        listed = listed.saturating_add(1);
        match reading {
            Ok(Reading::Events(events)) => {
                let arrived = take(peers, events).await?;
                new = new.saturating_add(u32::from(arrived.outcome == "accepted"));
                lines.extend(arrived.lines);
            }
            Ok(Reading::Ignored(_) | Reading::Notice(_) | Reading::Privacy(_) | Reading::Ping) => {}
            Err(unreadable) => {
                let (source, reason) = (feed.source.as_str(), unreadable.to_string());
                // It is listed again in a while: one line says it.
                let id = format!("poll:{reason}");
                lines.push(Line::new(
                    peers.now,
                    source,
                    &feed.name(),
                    &id,
                    Verdict::Unreadable,
                    &reason,
                ));
            }
        }
    }
    logbook::keep(peers, lines).await;
    Ok(Told::Page {
        next: listing.next,
        shop_time: listing.shop_time,
        listed,
        new,
    })
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
        Told::Failed { reason, .. } => {
            log::error("poll failed", json!({ "poll": feed.name(), "error": reason }));
        }
    }
}
