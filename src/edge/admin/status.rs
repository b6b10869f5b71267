//! `GET /admin/status`: everything as JSON, message by message; and what the operator's page asks of the shards.
//!
//! A shard that fails hides only itself: it is named, and the others are shown. Nothing is counted here.

use super::switches;
use crate::domain::shard::ShardIndex;
use crate::edge::error::Error;
use crate::edge::log;
use crate::edge::routes::{SHARDS_AT_ONCE, Visit, store_snapshot};
use crate::engine::poll::Poll;
use crate::turn::call::{Answer, Call};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use worker::Response;

/// # Errors
/// When the `Store` does not answer.
pub async fn answer(visit: &Visit<'_>) -> Result<Response, Error> {
    let snapshot = store_snapshot(&visit.peers()).await?;
    let mut store = serde_json::to_value(&snapshot)?;
    if let Some(fields) = store.as_object_mut() {
        fields.insert("switches".to_owned(), switches::in_json(&snapshot.switches));
        let polls = snapshot
            .polls
            .iter()
            .map(|(feed, poll)| (feed.clone(), in_json(poll)));
        fields.insert("polls".to_owned(), Value::Object(polls.collect()));
    }
    let (mut shards, mut unanswered) = (Vec::new(), Vec::new());
    for (shard, told) in overviews(visit).await {
        match told {
            Some(overview) => shards.push(overview),
            None => unanswered.push(shard.to_string()),
        }
    }
    Ok(Response::from_json(
        &json!({ "now": visit.now.to_rfc3339(), "store": store, "shards": shards, "unanswered": unanswered }),
    )?)
}

/// A poll, with times for people.
fn in_json(poll: &Poll) -> Value {
    let last = poll.last.as_ref();
    json!({
        "since": poll.since.to_rfc3339(), "next_at": poll.next_at.to_rfc3339(), "failures": poll.failures,
        "unfinished": poll.walk.is_some(),
        "last": last.map(|last| json!({
            "at": last.at.to_rfc3339(), "error": last.error, "listed": last.listed, "new": last.new,
        })),
    })
}

/// What each shard tells of itself; of one that fails nothing, and the log says why.
pub async fn overviews(visit: &Visit<'_>) -> Vec<(ShardIndex, Option<Value>)> {
    let peers = visit.peers();
    let asked = visit.settings.shards.all().map(|shard| {
        let peers = &peers;
        async move {
            let error = match peers.shard(shard, Call::Overview).await {
                Ok(Answer::Overview(overview)) => return (shard, Some(overview)),
                Ok(_) => "it answered something else".to_owned(),
                Err(error) => error.for_log(),
            };
            log::error(
                "shard told nothing",
                json!({ "shard": shard.to_string(), "error": error }),
            );
            (shard, None)
        }
    });
    stream::iter(asked).buffered(SHARDS_AT_ONCE).collect().await
}
