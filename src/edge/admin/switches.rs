//! `/admin/switches`, and `/admin/stop`, which is the first of them alone: what is switched, and switching it.
//!
//! A change is kept by the `Store`, told to every shard, and answered with the list of those that obey it. One that does
//! not answer is told again by cron.

use super::door;
use crate::domain::switches::{Change, Pause, Switches};
use crate::edge::error::Error;
use crate::edge::routes::{Visit, for_each, store_snapshot, sweep};
use crate::edge::store_call::{StoreAnswer, StoreCall};
use crate::edge::switching::{self, Told};
use crate::edge::{answer, log, runtime};
use crate::http;
use crate::settings::Mode;
use serde::Deserialize;
use serde_json::{Value, json};
use worker::Response;

/// Pages of contacts looked at, in each shard, before the answer.
const SWEPT_AT_ONCE: usize = 5;
/// Most entries of an allow-list, and bytes of one.
const MAX_LISTED: usize = 1_000;
const MAX_ENTRY_BYTES: usize = 254;
const MAX_REASON_BYTES: usize = 500;
const HINT: &str = "send any of {\"stopped\": true, \"shadow\": true, \"only_to\": [\"you@example.com\"] or null, \
                    \"marketing_paused\": true, \"pause\": [\"welcome\"], \"resume\": [\"welcome\"], \"reason\": \"…\"}";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    stopped: bool,
}

/// What is switched, and what `wrangler.toml` says besides: the stricter one holds.
pub async fn show(visit: &Visit<'_>) -> Result<Response, Error> {
    let held = store_snapshot(&visit.peers()).await?.switches;
    Ok(Response::from_json(&json!({
        "switches": in_json(&held),
        "wrangler": { "shadow": visit.settings.mode == Mode::Shadow, "only_to": visit.settings.send_only_to },
    }))?)
}

pub async fn change(visit: &Visit<'_>) -> Result<Response, Error> {
    let from_page = door::is_form(visit);
    let change = if from_page {
        read_form(visit)
    } else {
        http::json(&visit.request.body).ok()
    };
    let Some(change) = change else {
        return Ok(answer::error(400, "the body cannot be read", HINT)?);
    };
    if let Some((error, hint)) = fault(visit, &change).await? {
        return Ok(answer::error(400, &error, &hint)?);
    }
    let (switches, told) = switch(visit, change).await?;
    if from_page {
        return door::see_other("/admin");
    }
    respond(
        &told,
        json!({ "switches": in_json(&switches), "shards": names(&told.have) }),
    )
}

pub async fn stop(visit: &Visit<'_>) -> Result<Response, Error> {
    let Ok(Stop { stopped }) = http::json(&visit.request.body) else {
        return Ok(answer::error(
            400,
            "the body cannot be read",
            "send {\"stopped\": true} or {\"stopped\": false}",
        )?);
    };
    let change = Change {
        stopped: Some(stopped),
        ..Change::default()
    };
    let (_, told) = switch(visit, change).await?;
    respond(&told, json!({ "stopped": stopped, "shards": told.have.len() }))
}

async fn switch(visit: &Visit<'_>, change: Change) -> Result<(Switches, Told), Error> {
    let peers = visit.peers();
    let call = StoreCall::Switch {
        change,
        now: visit.now,
    };
    let StoreAnswer::Switches(switches) = peers.store(&call).await? else {
        return Err(Error::NoAnswer("the Store switched nothing".to_owned()));
    };
    let shards: Vec<_> = visit.settings.shards.all().collect();
    let told = switching::tell(&peers, &shards, &switches).await;
    // Cron goes on with it; a small shop need not wait for that.
    for_each(&told.have, |shard| sweep(&peers, shard, SWEPT_AT_ONCE)).await;
    log::line(
        "switched",
        json!({
            "version": switches.version, "stopped": switches.stopped, "shadow": switches.shadow,
            "listed": switches.only_to.as_ref().map(Vec::len), "marketing_paused": switches.marketing.is_some(),
            "paused": switches.paused.keys().collect::<Vec<_>>(), "shards": told.have.len(),
            "unanswered": names(&told.missing),
        }),
    );
    Ok((switches, told))
}

/// 202 while a shard is missing: it is kept, and not yet obeyed everywhere.
fn respond(told: &Told, mut body: Value) -> Result<Response, Error> {
    let complete = told.missing.is_empty();
    if let (false, Some(fields)) = (complete, body.as_object_mut()) {
        fields.insert("unanswered".to_owned(), names(&told.missing).into());
        let hint = "these shards did not answer; cron tells them again within five minutes, and so does the same request";
        fields.insert("hint".to_owned(), hint.into());
    }
    Ok(Response::from_json(&body)?.with_status(if complete { 200 } else { 202 }))
}

fn names(shards: &[crate::domain::shard::ShardIndex]) -> Vec<String> {
    shards.iter().map(ToString::to_string).collect()
}

/// What is wrong with a change, and what to do.
async fn fault(visit: &Visit<'_>, change: &Change) -> Result<Option<(String, String)>, Error> {
    if change.reason.len() > MAX_REASON_BYTES {
        return Ok(Some((
            "the reason is too long".to_owned(),
            "say it in 500 bytes".to_owned(),
        )));
    }
    if let Some(Some(list)) = &change.only_to {
        let is_entry = |entry: &String| {
            let named = entry.contains('.') && !entry.contains(char::is_whitespace);
            named && entry.len() <= MAX_ENTRY_BYTES
        };
        if list.is_empty() || list.len() > MAX_LISTED || !list.iter().all(is_entry) {
            let hint = "list at most 1000 addresses or domains, as `you@example.com` or `@example.com`; null lifts the list, \
                        and {\"stopped\": true} lets nothing go to anybody";
            return Ok(Some((
                "the allow-list cannot be used".to_owned(),
                hint.to_owned(),
            )));
        }
    }
    let catalog = runtime::catalog()?;
    let unknown = |journey| catalog.journey(journey).is_none();
    let mut missing: Vec<_> = change.pause.iter().filter(|journey| unknown(journey)).collect();
    let gone: Vec<_> = change.resume.iter().filter(|journey| unknown(journey)).collect();
    if !gone.is_empty() {
        // One that a deploy took away while it was paused can still be let go.
        let held = store_snapshot(&visit.peers()).await?.switches.paused;
        missing.extend(gone.into_iter().filter(|journey| !held.contains_key(*journey)));
    }
    Ok(missing.first().map(|journey| {
        let known: Vec<&str> = catalog
            .journeys
            .iter()
            .map(|journey| journey.id.as_str())
            .collect();
        (
            format!("there is no journey `{journey}`"),
            format!("the journeys are {}", known.join(", ")),
        )
    }))
}

/// The fields of the page's forms are those of the JSON. None when one is not known.
fn read_form(visit: &Visit<'_>) -> Option<Change> {
    let mut change = Change::default();
    for (name, value) in door::form(visit) {
        match name.as_str() {
            "stopped" => change.stopped = Some(value.parse().ok()?),
            "shadow" => change.shadow = Some(value.parse().ok()?),
            "marketing_paused" => change.marketing_paused = Some(value.parse().ok()?),
            "only_to" => {
                let words = value.split(|c: char| c == ',' || c.is_whitespace());
                let list: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
                change.only_to = Some(Some(list).filter(|list| !list.is_empty()));
            }
            "pause" => change
                .pause
                .push(crate::domain::ids::JourneyId::parse(&value).ok()?),
            "resume" => change
                .resume
                .push(crate::domain::ids::JourneyId::parse(&value).ok()?),
            "reason" => change.reason = value,
            _ => return None,
        }
    }
    Some(change)
}

/// With times that people read.
pub fn in_json(switches: &Switches) -> Value {
    let pause = |pause: &Pause| json!({ "by": pause.by, "since": pause.since.to_rfc3339(), "reason": pause.reason, "figures": pause.figures });
    let paused = switches.paused.iter();
    json!({
        "version": switches.version, "stopped": switches.stopped, "shadow": switches.shadow,
        "only_to": switches.only_to, "marketing": switches.marketing.as_ref().map(pause),
        "paused": paused.map(|(journey, held)| (journey.to_string(), pause(held))).collect::<serde_json::Map<_, _>>(),
    })
}
