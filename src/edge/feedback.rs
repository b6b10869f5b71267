//! `POST /delivery/<provider>[/<token>]`: what a provider tells of mails it took. Proven on the raw bytes, read, and
//! committed by every shard concerned before the answer.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, wrong_method};
use super::{answer, log, published, subtle};
use crate::domain::shard::ShardIndex;
use crate::http::Method;
use crate::providers::ProviderKind;
use crate::providers::events::{
    Certificate, Error as Refusal, Events, Genuine, Keys, Post, Report, Verified,
};
use crate::turn::call::{Answer, Call, Heard};
use crate::turn::reported::divide;
use serde_json::json;
use worker::Response;

/// Takes a post.
///
/// # Errors
/// When a shard could not commit: the provider must try again.
pub async fn receive(visit: &Visit<'_>, provider: &str, token: Option<&str>) -> Result<Response, Error> {
    let found = ProviderKind::parse(provider).ok();
    let Some((kind, events)) = found.and_then(|kind| Some((kind, kind.events()?))) else {
        let known = ProviderKind::ALL
            .into_iter()
            .filter(|kind| kind.events().is_some());
        let known: Vec<&str> = known.map(ProviderKind::as_str).collect();
        let hint = format!("events are taken from {}", known.join(", "));
        return Ok(answer::error(404, "no such provider of events", &hint)?);
    };
    match visit.request.method {
        Method::Post => {}
        Method::Get if events.asks_by_get => return reply(Heard::default(), 0),
        Method::Get | Method::Head | Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("POST");
        }
    }
    if !visit.settings.usable() {
        return Ok(answer::unavailable(
            "Wend is not set up",
            "GET /health says which settings to add",
        )?);
    }
    let post = Post {
        headers: &visit.request.headers,
        body: &visit.request.body,
        query: &visit.query,
        token,
    };
    let genuine = match prove(visit, kind, events, post).await? {
        Ok(genuine) => genuine,
        Err(refusal) => return refuse(kind, &refusal),
    };
    match events.read(&genuine, visit.now) {
        Ok(report) => commit(visit, kind, report).await,
        Err(refusal) => refuse(kind, &refusal),
    }
}

/// Checks that the provider sent it, with the platform's help where that takes an asymmetric signature or a certificate.
async fn prove<'a>(
    visit: &Visit<'_>,
    kind: ProviderKind,
    events: &Events,
    post: Post<'a>,
) -> Result<Result<Genuine<'a>, Refusal>, Error> {
    let mut keys = Keys {
        account: visit.settings.account(kind),
        hook_token: &visit.settings.hook_token,
        certificate: None,
        now: visit.now,
    };
    let mut verified = events.verify(post, &keys);
    let fetched;
    if let Ok(Verified::NeedsCertificate { url }) = &verified {
        fetched = (url.clone(), published::document(visit, url).await?);
        let (url, pem) = (fetched.0.as_str(), fetched.1.as_slice());
        keys.certificate = Some(Certificate { url, pem });
        verified = events.verify(post, &keys);
    }
    match verified {
        Ok(Verified::Genuine(genuine)) => Ok(Ok(genuine)),
        Ok(Verified::Pending(pending)) => {
            let holds = subtle::holds(&pending.signed).await;
            Ok(pending.settle(holds))
        }
        Ok(Verified::NeedsCertificate { .. }) => Err(Error::NoAnswer(
            "the provider's certificate cannot be had".to_owned(),
        )),
        Err(refusal) => Ok(Err(refusal)),
    }
}

async fn commit(visit: &Visit<'_>, kind: ProviderKind, report: Report) -> Result<Response, Error> {
    for unread in &report.unread {
        log::line(
            "delivery event unread",
            json!({ "provider": kind.as_str(), "index": unread.index, "reason": unread.reason }),
        );
    }
    if let Some(url) = &report.confirm {
        published::document(visit, url).await?;
        log::line("delivery events confirmed", json!({ "provider": kind.as_str() }));
    }
    let reported = divide(&visit.settings, report.events);
    let peers = visit.peers();
    let told = reported.calls.into_iter();
    let told = told.map(|(shard, calls)| tell(&peers, shard, calls));
    let mut heard = futures_util::future::try_join_all(told)
        .await?
        .into_iter()
        .fold(Heard::default(), Heard::plus);
    heard.unknown = heard.unknown.saturating_add(reported.nobodys);
    log::line(
        "delivery events",
        json!({ "provider": kind.as_str(), "heard": heard, "ignored": report.ignored, "unread": report.unread.len() }),
    );
    reply(heard, report.ignored)
}

async fn tell(peers: &Peers<'_>, shard: ShardIndex, calls: Vec<Call>) -> Result<Heard, Error> {
    let mut heard = Heard::default();
    for call in calls {
        if let Answer::Heard(part) = peers.shard(shard, call).await? {
            heard = heard.plus(part);
        }
    }
    Ok(heard)
}

fn refuse(kind: ProviderKind, refusal: &Refusal) -> Result<Response, Error> {
    log::line(
        "refused",
        json!({ "provider": kind.as_str(), "status": refusal.status() }),
    );
    let hint = "docs/providers.md says how to connect this provider's events";
    Ok(answer::error(refusal.status(), &refusal.to_string(), hint)?)
}

fn reply(heard: Heard, ignored: usize) -> Result<Response, Error> {
    Ok(Response::from_json(
        &json!({ "result": "accepted", "heard": heard, "ignored": ignored }),
    )?)
}
