//! `GET /admin/log`: what became of what sources delivered, of all shards and of the `Store`, newest first, a page at a time.

use crate::domain::logbook::{Asked, Line, Place, Verdict};
use crate::edge::answer;
use crate::edge::error::Error;
use crate::edge::feeds;
use crate::edge::log;
use crate::edge::peers::Peers;
use crate::edge::routes::{SHARDS_AT_ONCE, Visit};
use crate::edge::runtime;
use crate::sources::{SourceKind, segment};
use crate::turn::call::{Answer, Call};
use crate::turn::catalogue::{CatalogueAnswer, CatalogueCall};
use crate::turn::logbook;
use form_urlencoded::parse;
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use worker::Response;

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
    match of_products(&peers, &asked).await {
        Ok(of_store) => lines.extend(of_store),
        Err(error) => {
            log::error("the Store told nothing", json!({ "error": error.for_log() }));
            unanswered.push("store".to_owned());
        }
    }
    Ok(Response::from_json(&logbook::answer(&asked, lines, &unanswered))?)
}

/// What the catalogue holds of webhooks, of a store that keeps one.
async fn of_products(peers: &Peers<'_>, asked: &Asked) -> Result<Vec<Line>, Error> {
    if runtime::catalog()?.store.catalogue.is_none() {
        return Ok(Vec::new());
    }
    let CatalogueAnswer::Log(lines) = feeds::ask(peers, CatalogueCall::Log(asked.clone())).await? else {
        return Err(Error::NoAnswer("the Store told no lines".to_owned()));
    };
    Ok(lines)
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
        limit: logbook::LIMIT,
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
