//! `POST /hooks/<source>`: a storefront's webhook. Verified on its raw bytes, mapped, and committed before the answer.
//!
//! One call per shard that holds one of the event's identifiers, normally one. 200 means that all have committed.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, wrong_method};
use super::{answer, log};
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, IdentifierHash};
use crate::domain::shard::ShardIndex;
use crate::domain::time::Delay;
use crate::engine::identity::{Hashed, route};
use crate::http::Method;
use crate::settings::Environment;
use crate::signing::identity::identity_hash;
use crate::sources::{Reading, SourceKind, Unverified};
use crate::turn::call::{Answer, Call, Ingest, Ingested, Touch};
use serde_json::json;
use std::collections::BTreeMap;
use worker::Response;

/// In development, an event older than this is a sample out of some documentation: its waits count from now.
const SAMPLE_AGE: Delay = Delay::from_days(30);
/// Most times an event is sent on to where its contact went.
const MAX_HOPS: usize = 8;

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

/// Brings one event to its contact, wherever that is.
async fn ingest(peers: &Peers<'_>, event: Event) -> Result<Ingested, Error> {
    let shards = peers.settings.shards;
    let key = peers
        .settings
        .hash_key
        .iter()
        .next()
        .unwrap_or_default()
        .as_bytes();
    let identifiers: Vec<Hashed> = event
        .identifiers
        .iter()
        .map(|identifier| Hashed {
            identifier: identifier.clone(),
            hash: identity_hash(key, identifier),
        })
        .collect();
    let Some(first) = route(&event, &identifiers) else {
        return Ok(Ingested::Ignored);
    };
    let mut shard = shards.of_identifier(first);
    let (known, bought) = touch_others(peers, &event, &identifiers, shard).await?;
    let mut call = Ingest {
        event,
        identifiers,
        known,
        bought,
        contact: None,
        released: false,
    };
    for _ in 0..MAX_HOPS {
        let answer = peers.shard(shard, Call::Ingest(Box::new(call.clone()))).await?;
        let Answer::Ingested(ingested) = answer else {
            return Err(Error::NoAnswer(
                "a shard did not say what became of the event".to_owned(),
            ));
        };
        match ingested {
            Ingested::Elsewhere(contact) => {
                shard = shards.of_contact(&contact);
                call.contact = Some(contact);
            }
            Ingested::Same { winner, losers } => {
                for loser in losers {
                    let at = shards.of_contact(&loser);
                    peers
                        .shard(
                            at,
                            Call::Absorb {
                                loser,
                                winner: winner.clone(),
                            },
                        )
                        .await?;
                }
                shard = shards.of_contact(&winner);
                call.contact = Some(winner);
            }
            done => return Ok(done),
        }
    }
    Err(Error::NoAnswer(
        "the event's contact could not be found".to_owned(),
    ))
}

type Known = Vec<(IdentifierHash, ContactId)>;

/// Tells the other shards that hold identifiers of the event, and gathers what they know.
async fn touch_others(
    peers: &Peers<'_>,
    event: &Event,
    identifiers: &[Hashed],
    own: ShardIndex,
) -> Result<(Known, bool), Error> {
    let shards = peers.settings.shards;
    let strongest = event.strongest();
    let founder = identifiers
        .iter()
        .find(|hashed| Some(&hashed.identifier) == strongest)
        .map(|hashed| ContactId::from(hashed.hash.clone()));
    let bought_at = event
        .kind
        .closes_checkout()
        .then_some(event.occurred_at)
        .filter(|_| !event.test);
    let mut by_shard: BTreeMap<ShardIndex, Touch> = BTreeMap::new();
    for hashed in identifiers {
        let shard = shards.of_identifier(&hashed.hash);
        if shard != own {
            let touch = by_shard.entry(shard).or_insert_with(|| Touch {
                identifiers: Vec::new(),
                founder: founder.clone(),
                bought_at,
            });
            touch
                .identifiers
                .push((hashed.hash.clone(), hashed.identifier.kind));
        }
    }
    let calls = by_shard
        .into_iter()
        .map(|(shard, touch)| peers.shard(shard, Call::Touch(touch)));
    let (mut known, mut bought) = (Known::new(), false);
    for answer in futures_util::future::try_join_all(calls).await? {
        if let Answer::Touched {
            known: more,
            bought: closed,
        } = answer
        {
            known.extend(more);
            bought |= closed;
        }
    }
    Ok((known, bought))
}
