//! Fetches the documents that sources named, and ingests what they tell. Called by a shard's run, before its mails: an
//! order among them may be the one that a cart mail must not follow.
//!
//! Whatever goes wrong here is noted in the document's row, which says when it is tried again.

use super::deliver::REQUESTS_AT_ONCE;
use super::error::Error;
use super::peers::Peers;
use super::shard_object::Shard;
use super::{hooks, http_client, log, logbook, runtime};
use crate::domain::logbook::{Line, Verdict};
use crate::domain::notice::Notice;
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::sources::{Reading, SourceKind};
use crate::turn::notice::{Kept, Looked, document};
use futures_util::stream::{self, StreamExt};
use serde_json::json;

/// How long a shop's API may take: its slowness must not hold up the shard's mails for long.
const FETCH_TIMEOUT: Delay = Delay::from_seconds(5);

/// Largest document: an order of a thousand lines takes about 1 MB.
const MAX_DOCUMENT_BYTES: usize = 8 << 20;

impl Shard {
    /// Looks at the documents that are due, side by side, and writes what became of each in a turn of its own.
    pub(super) async fn fetch_documents(&self, me: ShardIndex, now: Timestamp) -> Result<(), Error> {
        let due = self.turn(me, now, |turn| turn.due_notices())?;
        let looks = stream::iter(due)
            .map(|kept| self.look(me, now, kept))
            .buffer_unordered(REQUESTS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        looks.into_iter().collect()
    }

    async fn look(&self, me: ShardIndex, now: Timestamp, kept: Kept) -> Result<(), Error> {
        let peers = self.peers(now);
        let looked = self
            .documents(&peers, &kept.notice)
            .await
            .unwrap_or_else(|error| {
                log::error(
                    "documents failed",
                    json!({ "notice": kept.notice.work_id(), "error": error.for_log() }),
                );
                Looked::Failed {
                    reason: error.for_log(),
                    after: None,
                }
            });
        self.turn(me, now, |turn| turn.looked(&kept, &looked))
    }

    async fn documents(&self, peers: &Peers<'_>, notice: &Notice) -> Result<Looked, Error> {
        let requests = match SourceKind::requests(notice, self.settings().source_secrets()) {
            Ok(requests) => requests,
            Err(unset) => return Err(Error::NoAnswer(unset.to_string())),
        };
        let mut bodies = Vec::new();
        for request in requests {
            let response = match http_client::send_within(request, FETCH_TIMEOUT, MAX_DOCUMENT_BYTES).await {
                // It will not be smaller the next time.
                Err(Error::TooLarge) => return Ok(Looked::Unreadable(Error::TooLarge.to_string())),
                answered => answered?,
            };
            match document(response, bodies.len(), peers.now) {
                Ok(body) => bodies.push(body),
                Err(looked) => return Ok(looked),
            }
        }
        let currency = runtime::catalog()?.store.currency;
        let reading = SourceKind::read_documents(notice, &bodies, peers.now, Some(currency));
        match reading {
            Ok(Reading::Events(events)) => {
                let arrived = hooks::take(peers, events).await?;
                logbook::keep(peers, arrived.lines).await;
                Ok(Looked::Done)
            }
            Ok(Reading::Ignored(reason)) => {
                let (source, reason) = (notice.source.as_str(), reason.to_string());
                let line = Line::new(
                    peers.now,
                    source,
                    &notice.topic,
                    &notice.id,
                    Verdict::Ignored,
                    &reason,
                );
                logbook::keep(peers, vec![line]).await;
                Ok(Looked::Done)
            }
            Ok(Reading::Ping | Reading::Notice(_) | Reading::Privacy(_)) => Ok(Looked::Done),
            Err(unreadable) => Ok(Looked::Unreadable(unreadable.to_string())),
        }
    }
}
