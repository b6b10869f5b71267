//! `POST /admin/import`: a batch of what another program's list has, and `POST /admin/export/everything`: a page of all
//! that is kept. `docs/import.md` says what `npm run import` and `npm run export` make of them.
//!
//! A batch is one call a shard and step, and a batch that failed is sent again as a whole: what had been taken counts once.
//! Nothing of it starts a journey. Who may ask, `admin` has found out.

use super::error::Error;
use super::routes::Visit;
use super::{answer, log};
use crate::domain::shard::ShardIndex;
use crate::http;
use crate::imports::record::{Batch, MAX_RECORDS};
use crate::store::everything::Place;
use crate::turn::call::{Answer, Call, Ingested};
use crate::turn::convoy::Convoy;
use serde::{Deserialize, Serialize};
use serde_json::json;
use worker::Response;

/// What became of the records of a batch.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Report {
    /// Those that told something new.
    taken: usize,
    /// Those that had been taken before: nothing was written.
    known: usize,
    /// Those of people who were erased, who stay so.
    erased: usize,
}

/// # Errors
/// When a shard could not commit: the batch must be sent again.
pub async fn take(visit: &Visit<'_>) -> Result<Response, Error> {
    if !visit.settings.usable() {
        return Ok(answer::unavailable(
            "Wend is not set up",
            "GET /health says which settings to add",
        )?);
    }
    let batch: Batch = match http::json(&visit.request.body) {
        Ok(batch) => batch,
        Err(error) => return unreadable(&error.to_string()),
    };
    if batch.records.len() > MAX_RECORDS {
        return unreadable(&format!("more than {MAX_RECORDS} records"));
    }
    let (mut events, mut owners) = (Vec::new(), Vec::new());
    for (place, record) in batch.records.iter().enumerate() {
        match record.events(visit.now) {
            Ok(own) => {
                owners.extend(own.iter().map(|_| place));
                events.extend(own);
            }
            Err(error) => return unreadable(&format!("record {place}: {error}")),
        }
    }
    let outcomes = bring(visit, Convoy::start(&visit.settings, events)).await?;
    let report = report(batch.records.len(), &owners, &outcomes);
    log::line("import", serde_json::to_value(report)?);
    Ok(Response::from_json(&report)?)
}

async fn bring(visit: &Visit<'_>, mut convoy: Convoy) -> Result<Vec<Ingested>, Error> {
    let peers = visit.peers();
    loop {
        let calls = convoy.calls();
        if calls.is_empty() {
            return Ok(convoy.outcomes().cloned().collect());
        }
        let calls = calls.into_iter().map(|(shard, call)| peers.shard(shard, call));
        let answers = futures_util::future::try_join_all(calls).await?;
        convoy
            .answer(answers)
            .map_err(|error| Error::NoAnswer(error.to_string()))?;
    }
}

/// A record is taken when one of its events is, and erased when all were turned away.
fn report(records: usize, owners: &[usize], outcomes: &[Ingested]) -> Report {
    let mut report = Report::default();
    for place in 0..records {
        let own = owners.iter().zip(outcomes).filter(|(owner, _)| **owner == place);
        let own: Vec<&Ingested> = own.map(|(_, outcome)| outcome).collect();
        if own.iter().all(|outcome| matches!(outcome, Ingested::Ignored)) {
            report.erased += 1;
        } else if own.iter().all(|outcome| matches!(outcome, Ingested::Duplicate)) {
            report.known += 1;
        } else {
            report.taken += 1;
        }
    }
    report
}

fn unreadable(error: &str) -> Result<Response, Error> {
    Ok(answer::error(
        400,
        &format!("the batch cannot be read: {error}"),
        "`npm run import` of the same version as the Worker writes batches that can",
    )?)
}

/// Where an export goes on.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Cursor {
    shard: ShardIndex,
    place: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    after: Option<Cursor>,
}

/// # Errors
/// When a shard does not answer.
pub async fn export(visit: &Visit<'_>) -> Result<Response, Error> {
    let shards = visit.settings.shards;
    let Ok(Asked { after }) = http::json(&visit.request.body) else {
        return Ok(answer::error(
            400,
            "the body cannot be read",
            "send {}, and then {\"after\": …} with the `next` of the answer before",
        )?);
    };
    let Some(first) = shards.all().next() else {
        return Err(Error::NoAnswer("there are no shards".to_owned()));
    };
    let Cursor { shard, place } = after.unwrap_or(Cursor {
        shard: first,
        place: Place::start(),
    });
    if !shards.all().any(|held| held == shard) {
        return Ok(answer::error(
            400,
            "there is no such shard",
            "begin again: send {}",
        )?);
    }
    let Answer::Page(page) = visit.peers().shard(shard, Call::Everything(place)).await? else {
        return Err(Error::NoAnswer("the shard gave no page".to_owned()));
    };
    let next = match page.next {
        Some(place) => Some(Cursor { shard, place }),
        None => shards
            .all()
            .skip_while(|held| *held != shard)
            .nth(1)
            .map(|shard| Cursor {
                shard,
                place: Place::start(),
            }),
    };
    log::line(
        "export",
        json!({ "shard": shard.to_string(), "table": page.kind, "rows": page.rows.len() }),
    );
    Ok(Response::from_json(
        &json!({ "table": page.kind, "rows": page.rows, "next": next }),
    )?)
}
