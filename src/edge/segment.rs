//! `POST /v1/<call>`: Segment's tracking API, for its client libraries and the storefront snippet (`docs/segment-api.md`).
//!
//! 200 means that all which can be taken is committed; what cannot is told in the answer, and kept when the store's own
//! server sent it. A batch that failed halfway is sent again as a whole: what had been taken counts once.

use super::error::Error;
use super::inflate::{Inflated, gunzip};
use super::routes::{Visit, wrong_method};
use super::{answer, hooks, log, logbook, runtime};
use crate::domain::logbook::Line;
use crate::http::Method;
use crate::sources::segment::{self, Endpoint, Heard, MAX_REQUEST_BYTES, Rules, Verdict};
use crate::sources::{Rights, WriteKeys};
use crate::turn::call::Call;
use crate::turn::refused::RefusedCall;
use serde::Serialize;
use serde_json::{Value, json};
use worker::Response;

const HINT: &str = "docs/segment-api.md says how to connect a client library or a page";

/// The answer: what the libraries expect, and for people what was not taken.
#[derive(Serialize)]
struct Told {
    success: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rejected: Vec<Value>,
}

/// Takes a request, and lets the store's own pages read the answer.
///
/// # Errors
/// When a shard could not commit: the sender must try again.
pub async fn receive(visit: &Visit<'_>, call: &str) -> Result<Response, Error> {
    let origins = own_origins(visit)?;
    let origin = visit.request.headers.get("origin");
    let own = origin.filter(|origin| segment::is_own(&origins, origin));
    let response = match (Endpoint::parse(call), visit.request.method) {
        (None, _) => answer::error(404, "no such call", HINT)?,
        (Some(_), Method::Options) => preflight()?,
        (Some(endpoint), Method::Post) => take(visit, endpoint, &origins).await?,
        (Some(_), Method::Get | Method::Head | Method::Put | Method::Delete | Method::Other) => {
            wrong_method("POST, OPTIONS")?
        }
    };
    response.headers().set("vary", "origin")?;
    if let Some(origin) = own {
        response.headers().set("access-control-allow-origin", origin)?;
    }
    Ok(response)
}

/// Where the store's pages are: what its brand says, and what STORE_ORIGINS adds.
fn own_origins(visit: &Visit<'_>) -> Result<Vec<String>, Error> {
    let catalog = runtime::catalog()?;
    let mut origins = visit.settings.store_origins.clone();
    origins.push(segment::origin_of(&catalog.store.brand.url));
    Ok(origins)
}

/// What a page may send. Whether it may at all, the origin above says: <https://fetch.spec.whatwg.org/#cors-preflight-fetch>.
fn preflight() -> Result<Response, Error> {
    let response = Response::empty()?.with_status(204);
    let headers = response.headers();
    headers.set("access-control-allow-methods", "POST")?;
    headers.set("access-control-allow-headers", "content-type")?;
    headers.set("access-control-max-age", "86400")?;
    Ok(response)
}

async fn take(visit: &Visit<'_>, endpoint: Endpoint, origins: &[String]) -> Result<Response, Error> {
    let settings = &visit.settings;
    if !settings.usable() {
        return Ok(answer::unavailable(
            "Wend is not set up",
            "GET /health says which settings to add",
        )?);
    }
    if settings.segment_write_key.is_empty() && settings.segment_public_key.is_empty() {
        let hint = "set the secret SEGMENT_WRITE_KEY, or SEGMENT_PUBLIC_KEY for a page";
        return Ok(answer::error(401, "the Segment-compatible API is off", hint)?);
    }
    let headers = &visit.request.headers;
    let coding = headers.get("content-encoding").unwrap_or("identity");
    let inflated = if coding.eq_ignore_ascii_case("gzip") {
        Some(gunzip(&visit.request.body, MAX_REQUEST_BYTES).await?)
    } else {
        None
    };
    let body = match &inflated {
        None => &visit.request.body,
        Some(Inflated::Whole(body)) => body,
        Some(Inflated::TooLarge) => return refuse(&segment::Error::TooLarge),
        Some(Inflated::Damaged) => return refuse(&segment::Error::Unreadable("it is no gzip".to_owned())),
    };
    let catalog = runtime::catalog()?;
    let rules = Rules {
        keys: WriteKeys {
            trusted: &settings.segment_write_key,
            public: &settings.segment_public_key,
        },
        origins,
        declared: &catalog.store.events,
    };
    match segment::read(endpoint, headers, body, rules, visit.now) {
        Ok(heard) => commit(visit, heard).await,
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &segment::Error) -> Result<Response, Error> {
    log::line(
        "refused",
        json!({ "source": "segment", "status": error.status() }),
    );
    Ok(answer::error(error.status(), &error.to_string(), HINT)?)
}

async fn commit(visit: &Visit<'_>, calls: Vec<Heard>) -> Result<Response, Error> {
    let peers = visit.receiving();
    let (mut ignored, mut rejected, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = Vec::new();
    for heard in calls {
        let told =
            |reason: String| json!({ "index": heard.index, "messageId": heard.message_id, "reason": reason });
        match &heard.verdict {
            Verdict::Event(event) => {
                hooks::hear(&peers, segment::NAME, event.as_ref().clone()).await?;
            }
            Verdict::Ignored(reason) => {
                let id = heard.message_id.as_deref().unwrap_or_default();
                let (topic, why) = (reason.topic(), reason.to_string());
                lines.push(Line::new(
                    visit.now,
                    segment::NAME,
                    topic,
                    id,
                    logbook::Verdict::Ignored,
                    &why,
                ));
                ignored.push(told(why));
            }
            Verdict::Refused(call) => {
                log::line(
                    "refused",
                    json!({ "source": "segment", "reason": call.reason.to_string() }),
                );
                rejected.push(told(call.reason.to_string()));
                if call.by == Rights::Trusted {
                    kept.push(RefusedCall {
                        id: call.id(heard.message_id.as_deref()),
                        reason: call.reason.to_string(),
                        body: call.to_json(heard.message_id.as_deref()).to_string(),
                    });
                }
            }
        }
    }
    if let (false, Some(shard)) = (kept.is_empty(), visit.settings.shards.all().next()) {
        peers.shard(shard, Call::KeepRefused(kept)).await?;
    }
    logbook::note(visit, lines);
    let body = Told {
        success: true,
        ignored,
        rejected,
    };
    Ok(Response::from_json(&body)?)
}
