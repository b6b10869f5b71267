//! `POST /hooks/<source>`: a storefront's webhook. Verified on its raw bytes, mapped, and committed before the answer.
//!
//! One call per shard that holds one of the event's identifiers, normally one. 200 means that all have committed.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, wrong_method};
use super::{answer, log, privacy};
use crate::domain::event::Event;
use crate::domain::time::Delay;
use crate::http::Method;
use crate::settings::Environment;
use crate::sources::{Reading, SourceKind, Unverified};
use crate::turn::call::Ingested;
use crate::turn::routing::{Routing, Step};
use serde_json::json;
use worker::Response;

/// In development, an event older than this is a sample out of some documentation: its waits count from now.
const SAMPLE_AGE: Delay = Delay::from_days(30);

/// Takes a delivery.
///
/// # Errors
/// When a shard could not commit: the sender must try again.
pub async fn receive(visit: &Visit<'_>, source: &str) -> Result<Response, Error> {
    let Some(source) = SourceKind::parse(source) else {
        let known: Vec<&str> = SourceKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Ok(answer::error(
            404,
            "no such source",
            &format!("the sources are {}", known.join(", ")),
        )?);
    };
    if visit.request.method != Method::Post {
        return wrong_method("POST");
    }
    if !visit.settings.usable() {
        return Ok(answer::unavailable(
            "Wend is not set up",
            "GET /health says which settings to add",
        )?);
    }
    let Some(secrets) = visit.settings.secret(source.setting()) else {
        let error = format!("the source {source} is off");
        return Ok(answer::error(
            401,
            &error,
            &format!("set the secret {}", source.setting()),
        )?);
    };
    match source.read(Unverified::from(&visit.request), secrets, visit.now) {
        Ok(Reading::Events(events)) => commit(visit, source, events).await,
        Ok(Reading::Privacy(request)) => {
            privacy::requested(visit, request).await?;
            reply("accepted", None)
        }
        Ok(Reading::Ping) => reply("ping", None),
        Ok(Reading::Ignored(reason)) => reply("ignored", Some(&reason.to_string())),
        Err(error) => {
            log::line(
                "refused",
                json!({ "source": source.as_str(), "status": error.status() }),
            );
            Ok(answer::error(
                error.status(),
                &error.to_string(),
                "docs/sources.md says how to connect this source",
            )?)
        }
    }
}

async fn commit(visit: &Visit<'_>, source: SourceKind, events: Vec<Event>) -> Result<Response, Error> {
    let peers = Peers {
        origin: Some(visit.origin.clone()),
        ..visit.peers()
    };
    let mut outcome = "duplicate";
    for mut event in events {
        if visit.settings.environment == Environment::Dev && visit.now.since(event.occurred_at) > SAMPLE_AGE {
            event.starts_at = Some(visit.now);
        }
        let (kind, id) = (event.kind.clone(), event.id.clone());
        let ingested = ingest(&peers, event).await?;
        let word = match ingested {
            Ingested::Applied => "accepted",
            Ingested::Duplicate => "duplicate",
            Ingested::Parked => "parked",
            Ingested::Ignored => "ignored",
            // `ingest` follows these to the end.
            Ingested::Elsewhere(_) | Ingested::Same { .. } => "accepted",
        };
        log::line(
            "event",
            json!({ "source": source.as_str(), "kind": kind, "id": id, "outcome": word }),
        );
        if word != "duplicate" {
            outcome = word;
        }
    }
    reply(outcome, None)
}

fn reply(result: &str, reason: Option<&str>) -> Result<Response, Error> {
    Ok(Response::from_json(
        &json!({ "result": result, "reason": reason }),
    )?)
}

/// Brings one event to its contact, wherever that is: asks the shards that the routing names, in its order.
async fn ingest(peers: &Peers<'_>, event: Event) -> Result<Ingested, Error> {
    let Some((mut routing, mut step)) = Routing::start(&peers.settings, event) else {
        return Ok(Ingested::Ignored);
    };
    loop {
        match step {
            Step::Done(ingested) => return Ok(ingested),
            Step::Ask(calls) => {
                let calls = calls.into_iter().map(|(shard, call)| peers.shard(shard, call));
                let answers = futures_util::future::try_join_all(calls).await?;
                step = routing
                    .answer(answers)
                    .map_err(|error| Error::NoAnswer(error.to_string()))?;
            }
        }
    }
}
