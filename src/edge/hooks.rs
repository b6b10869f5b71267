//! `POST /hooks/<source>[/<token>]`: a storefront's webhook. Verified on its raw bytes, mapped, and committed before the
//! answer.
//!
//! One call per shard that holds one of the event's identifiers, normally one. 200 means that all have committed. What
//! only names a document is kept by a shard, which fetches it afterwards (`notice.rs`).

use super::error::Error;
use super::peers::Peers;
use super::published::{Looked, find_key};
use super::routes::{Visit, wrong_method};
use super::{answer, feeds, log, logbook, privacy, runtime, subtle};
use crate::domain::event::Event;
use crate::domain::logbook::{Line, Verdict};
use crate::domain::notice::Notice;
use crate::domain::time::Delay;
use crate::http::Method;
use crate::settings::Environment;
use crate::sources::{Error as Refusal, Keys, Product, Proof, Reading, SourceKind, Unverified, Verified};
use crate::turn::call::{Call, Ingested};
use crate::turn::catalogue::{CatalogueCall, Posted};
use crate::turn::notice::work;
use crate::turn::routing::{Routing, Step};
use serde_json::json;
use worker::Response;

const NO_CATALOGUE: &str = "store.yaml has no `catalogue:`";

/// In development, an event older than this is a sample out of some documentation: its waits count from now.
const SAMPLE_AGE: Delay = Delay::from_days(30);

/// Why an event leads to nothing that is in order.
const NOBODY: &str = "it names nobody, or tells of before somebody was erased";

/// Takes a delivery.
///
/// # Errors
/// When a shard could not commit: the sender must try again.
pub async fn receive(visit: &Visit<'_>, source: &str, token: Option<&str>) -> Result<Response, Error> {
    let Some(source) = SourceKind::parse(source) else {
        let known: Vec<&str> = SourceKind::ALL.iter().map(|kind| kind.as_str()).collect();
        return Ok(answer::error(
            404,
            "no such source",
            &format!("the sources are {}", known.join(", ")),
        )?);
    };
    if token.is_some() && !source.has_token() {
        let hint = format!("post to /hooks/{source}: its deliveries are signed");
        return Ok(answer::error(404, "no such route", &hint)?);
    }
    if visit.request.method != Method::Post {
        return wrong_method("POST");
    }
    if !visit.settings.usable() {
        return Ok(answer::unavailable(
            "Wend is not set up",
            "GET /health says which settings to add",
        )?);
    }
    if !source.is_on(visit.settings.source_secrets()) {
        let hint = format!("set the secret {}", source.settings().join(" or "));
        return Ok(answer::error(401, &format!("the source {source} is off"), &hint)?);
    }
    let verified = match prove(visit, source, token).await? {
        Ok(Some(verified)) => verified,
        Ok(None) => return reply("ping", None),
        Err(refusal) => return refuse(source, &refusal),
    };
    heed(visit, source, &verified).await
}

/// Does what a genuine delivery says, and notes what leaves no row.
async fn heed(visit: &Visit<'_>, source: SourceKind, verified: &Verified<'_>) -> Result<Response, Error> {
    let note = |verdict, reason: &str| {
        let line = logbook::of_delivery(source, verified, verdict, reason, visit.now);
        logbook::note(visit, vec![line]);
    };
    let currency = runtime::catalog()?.store.currency;
    match source.read(verified, visit.now, Some(currency)) {
        Ok(Reading::Events(events)) => {
            let peers = visit.receiving();
            let arrived = take(&peers, events).await?;
            logbook::note(visit, arrived.lines);
            reply(arrived.outcome, None)
        }
        Ok(Reading::Notice(notice)) => keep(visit, notice).await,
        Ok(Reading::Privacy(request)) => {
            privacy::requested(visit, request).await?;
            reply("accepted", None)
        }
        Ok(Reading::Product(product)) => {
            let Some(catalogue) = &runtime::catalog()?.store.catalogue else {
                note(Verdict::Ignored, NO_CATALOGUE);
                return reply("ignored", Some(NO_CATALOGUE));
            };
            offered(visit, product, catalogue.price_drop).await
        }
        Ok(Reading::Ping) => reply("ping", None),
        Ok(Reading::Ignored(reason)) => {
            if reason.is_logged() {
                note(Verdict::Ignored, &reason.to_string());
            }
            reply("ignored", Some(&reason.to_string()))
        }
        Err(error) => {
            note(Verdict::Unreadable, &error.to_string());
            refuse(source, &error)
        }
    }
}

/// Checks that the source sent it, with the platform's help where that takes an asymmetric signature or published keys;
/// none of a ping.
async fn prove<'a>(
    visit: &'a Visit<'_>,
    source: SourceKind,
    token: Option<&'a str>,
) -> Result<Result<Option<Verified<'a>>, Refusal>, Error> {
    let delivery = Unverified::from(&visit.request).at(token);
    let keys = Keys {
        secrets: visit.settings.source_secrets(),
        fetched: None,
        now: visit.now,
    };
    let mut proof = source.verify(delivery, &keys);
    if let Ok(Proof::NeedsKeys { url }) = &proof {
        let found = find_key(visit, url, |set| {
            let fetched = Some((url.as_str(), set));
            match source.verify(delivery, &Keys { fetched, ..keys }) {
                Ok(Proof::NeedsKeys { .. }) => None,
                proof => Some(proof),
            }
        });
        proof = match found.await? {
            Looked::Found(proof) => proof,
            Looked::None => Err(Refusal::unpublished()),
            // Saleor takes a 401 for the last word.
            Looked::Lately => {
                let error = "a key that the shop did not publish some minutes ago";
                return Err(Error::NoAnswer(error.to_owned()));
            }
        };
    }
    match proof {
        Ok(Proof::Genuine(verified)) => Ok(Ok(Some(verified))),
        Ok(Proof::Pending(pending)) => {
            let holds = subtle::holds(&pending.signed).await;
            Ok(pending.settle(holds).map(Some))
        }
        Ok(Proof::NeedsKeys { .. }) => Ok(Err(Refusal::unpublished())),
        Ok(Proof::Ping) => Ok(Ok(None)),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// Hands a product's offers to the catalogue, of a store that keeps one. The `Store` is asked here, and nowhere else on the way
/// of a webhook: what a shop sells is nobody's event, and no shard's.
async fn offered(visit: &Visit<'_>, product: Product, percent: u8) -> Result<Response, Error> {
    let (source, id, offers) = (product.source, product.delivery.clone(), product.offers.len());
    let call = CatalogueCall::Product(Posted {
        space: source.as_str().to_owned(),
        product: product.id,
        offers: product.offers,
        whole: product.whole,
        percent,
        run: product.delivery,
        as_of: product.as_of,
        now: visit.now,
    });
    feeds::ask(&visit.peers(), call).await?;
    log::line(
        "product",
        json!({ "source": source.as_str(), "id": id, "offers": offers }),
    );
    reply("accepted", None)
}

/// Has a shard keep a notice until its documents are fetched.
async fn keep(visit: &Visit<'_>, notice: Notice) -> Result<Response, Error> {
    let (source, id) = (notice.source.clone(), notice.work_id());
    let work = work(&visit.settings, notice);
    let shard = visit.settings.shards.of_identifier(&work.to);
    let peers = visit.receiving();
    peers.shard(shard, Call::Receive(Box::new(work))).await?;
    log::line("notice", json!({ "source": source.as_str(), "id": id }));
    reply("accepted", None)
}

/// What came of a delivery's events: all of them in a word, and lines of those that left no row.
pub struct Arrived {
    pub outcome: &'static str,
    pub lines: Vec<Line>,
}

/// Ingests events in their order.
///
/// # Errors
/// When a shard could not commit.
pub async fn take(peers: &Peers<'_>, events: Vec<Event>) -> Result<Arrived, Error> {
    let (mut outcome, mut lines) = ("duplicate", Vec::new());
    for mut event in events {
        if peers.settings.environment == Environment::Dev && peers.now.since(event.occurred_at) > SAMPLE_AGE {
            event.starts_at = Some(peers.now);
        }
        let (kind, source, polled) = (event.kind.clone(), event.source.clone(), event.polled);
        let ingested = hear(peers, source.as_str(), event).await?;
        let word = word(&ingested);
        if word != "duplicate" {
            outcome = word;
        }
        if ingested == Ingested::Ignored {
            // Its person may have been erased, and an order's number would be a trace of them.
            lines.push(Line {
                polled,
                ..Line::new(
                    peers.now,
                    source.as_str(),
                    kind.as_str(),
                    "",
                    Verdict::Ignored,
                    NOBODY,
                )
            });
        }
    }
    Ok(Arrived { outcome, lines })
}

/// Brings one event to its contact, and says in the log what became of it, and by whom it came.
///
/// # Errors
/// When a shard could not commit.
pub async fn hear(peers: &Peers<'_>, by: &str, event: Event) -> Result<Ingested, Error> {
    let (kind, id) = (event.kind.clone(), event.id.clone());
    let ingested = ingest(peers, event).await?;
    log::line(
        "event",
        json!({ "source": by, "kind": kind, "id": id, "outcome": word(&ingested) }),
    );
    Ok(ingested)
}

fn refuse(source: SourceKind, refusal: &Refusal) -> Result<Response, Error> {
    log::line(
        "refused",
        json!({ "source": source.as_str(), "status": refusal.status() }),
    );
    let hint = "docs/sources.md says how to connect this source";
    Ok(answer::error(refusal.status(), &refusal.to_string(), hint)?)
}

/// What became of an event, in a word.
const fn word(ingested: &Ingested) -> &'static str {
    match ingested {
        Ingested::Applied => "accepted",
        Ingested::Duplicate => "duplicate",
        Ingested::Parked => "parked",
        Ingested::Ignored => "ignored",
        // `ingest` follows these to the end.
        Ingested::Elsewhere(_) | Ingested::Same { .. } => "accepted",
    }
}

fn reply(result: &str, reason: Option<&str>) -> Result<Response, Error> {
    Ok(Response::from_json(
        &json!({ "result": result, "reason": reason }),
    )?)
}

/// Brings one event to its contact, wherever that is: asks the shards that the routing names, in its order.
///
/// # Errors
/// When a shard could not commit.
pub async fn ingest(peers: &Peers<'_>, event: Event) -> Result<Ingested, Error> {
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
