//! `GET /admin/log`: what became of what sources delivered, of all shards, newest first, a page at a time.

use crate::domain::logbook::{Asked, Line, Place, Verdict};
use crate::edge::answer;
use crate::edge::error::Error;
use crate::edge::log;
use crate::edge::routes::{SHARDS_AT_ONCE, Visit};
use crate::sources::{SourceKind, segment};
use crate::turn::call::{Answer, Call};
use form_urlencoded::{Serializer, parse};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};
use worker::Response;

/// Lines of a page, unless `limit` says fewer or more.
const LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 500;

/// # Errors
/// When the answer cannot be made. A shard that fails hides only its own lines, and is named.
pub async fn answer(visit: &Visit<'_>) -> Result<Response, Error> {
    let asked = match read(visit) {
        Ok(asked) => asked,
        Err(problem) => {
            let hint = format!(
                "the parameters are source ({}), verdict ({}), limit (1 to {MAX_LIMIT}) and before (a time such as \
                 2026-03-02T09:00:00Z)",
                sources().collect::<Vec<_>>().join(", "),
                Verdict::ALL.map(Verdict::as_str).join(", "),
            );
            return Ok(answer::error(400, &problem, &hint)?);
        }
    };
    let (mut lines, mut unanswered) = (Vec::new(), Vec::new());
    let peers = visit.peers();
    let shards = visit.settings.shards.all().map(|shard| {
        let (peers, asked) = (&peers, asked.clone());
        async move { (shard, peers.shard(shard, Call::Log(asked)).await) }
    });
    for (shard, told) in stream::iter(shards)
        .buffered(SHARDS_AT_ONCE)
        .collect::<Vec<_>>()
        .await
    {
        match told {
            Ok(Answer::Log(of_shard)) => lines.extend(of_shard),
            Ok(_) => unanswered.push(shard.to_string()),
            Err(error) => {
                let line = json!({ "shard": shard.to_string(), "error": error.for_log() });
                log::error("shard told nothing", line);
                unanswered.push(shard.to_string());
            }
        }
    }
    lines.sort_by(|one: &Line, other| (other.received_at, &other.id).cmp(&(one.received_at, &one.id)));
    let most = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    lines.truncate(most);
    let last = lines.last().filter(|_| lines.len() == most);
    Ok(Response::from_json(&json!({
        "lines": lines.iter().map(in_json).collect::<Vec<_>>(),
        "next": last.map(|line| next(&asked, line)),
        "unanswered": unanswered,
    }))?)
}

/// Everything that delivers, by name.
fn sources() -> impl Iterator<Item = &'static str> {
    let kinds = SourceKind::ALL.iter().map(|kind| kind.as_str());
    kinds.chain([segment::NAME])
}

/// What is asked for, or what cannot be read of it.
fn read(visit: &Visit<'_>) -> Result<Asked, String> {
    let mut asked = Asked {
        sources: sources().map(str::to_owned).collect(),
        verdict: None,
        before: Place::after_all_of(visit.now),
        limit: LIMIT,
    };
    for (name, value) in parse(visit.query.as_bytes()) {
        let wrong = || format!("`{name}={value}` cannot be read");
        match name.as_ref() {
            "source" if sources().any(|known| known == value) => asked.sources = vec![value.into_owned()],
            "verdict" => asked.verdict = Some(Verdict::parse(&value).ok_or_else(wrong)?),
            "before" => asked.before = Place::parse(&value).ok_or_else(wrong)?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                asked.limit = limit.ok_or_else(wrong)?;
            }
            _ => return Err(wrong()),
        }
    }
    Ok(asked)
}

/// Where the next page is had.
fn next(asked: &Asked, last: &Line) -> String {
    let mut query = Serializer::new(String::new());
    if let [source] = asked.sources.as_slice() {
        query.append_pair("source", source);
    }
    if let Some(verdict) = asked.verdict {
        query.append_pair("verdict", verdict.as_str());
    }
    if asked.limit != LIMIT {
        query.append_pair("limit", &asked.limit.to_string());
    }
    query.append_pair("before", &last.place().to_text());
    format!("/admin/log?{}", query.finish())
}

fn in_json(line: &Line) -> Value {
    json!({
        "received_at": line.received_at.to_rfc3339(), "source": line.source, "topic": line.topic, "id": line.id,
        "verdict": line.verdict, "reason": line.reason, "by": if line.polled { "poll" } else { "webhook" },
    })
}
