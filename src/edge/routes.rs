//! Which path is whose. Reads the request into plain data, asks the part that owns the route, and nothing else.

use super::error::Error;
use super::peers::Peers;
use super::store_call::{Snapshot, StoreAnswer, StoreCall};
use super::{
    admin, answer, answers, dev, feedback, feeds, health, hooks, log, polls, runtime, segment, switching,
    tokens, tracked,
};
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::http;
use crate::settings::Settings;
use crate::sources::segment::MAX_REQUEST_BYTES;
use crate::turn::call::{Answer, Call};
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use std::rc::Rc;
use worker::{Context, Env, Request, Response};

/// Largest body of a signed source (`DESIGN.md` §6).
const MAX_BODY_BYTES: usize = 8 << 20;
/// Largest batch of a provider's events.
const MAX_EVENTS_BYTES: usize = 16 << 20;
/// Shards asked at once: the platform's limit for connections of one invocation.
pub const SHARDS_AT_ONCE: usize = 6;
/// Most pages of contacts swept in a shard at one tick.
const SWEEP_PAGES: usize = 50;

/// A request with what every route needs.
pub struct Visit<'a> {
    pub env: &'a Env,
    /// Takes what is still to be done when the answer has gone.
    pub context: &'a Context,
    pub settings: Rc<Settings>,
    pub now: Timestamp,
    /// Scheme and host the request came to.
    pub origin: String,
    pub path: String,
    pub query: String,
    pub request: http::Request,
}

impl Visit<'_> {
    pub fn peers(&self) -> Peers<'_> {
        Peers {
            env: self.env,
            settings: Rc::clone(&self.settings),
            now: self.now,
            origin: None,
        }
    }

    /// The same, for what is taken in: it says where the request came to, which links in mails lead back to.
    pub fn receiving(&self) -> Peers<'_> {
        Peers {
            origin: Some(self.origin.clone()),
            ..self.peers()
        }
    }

    /// The value of a query parameter, undecoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, v)| v)
    }
}

/// Answers a request.
///
/// # Errors
/// When we failed: the caller answers 503, and the sender tries again.
pub async fn answer(mut request: Request, env: &Env, context: &Context) -> Result<Response, Error> {
    #[cfg(feature = "test-panic")]
    if request.path().starts_with("/test/") {
        return Ok(super::panic_routes::fetch(request, env).await?);
    }
    let settings = runtime::settings(env);
    let most = if request.path().starts_with("/delivery/") {
        MAX_EVENTS_BYTES
    } else if request.path().starts_with("/v1/") {
        MAX_REQUEST_BYTES
    } else {
        MAX_BODY_BYTES
    };
    let Some(plain) = read(&mut request, most).await? else {
        let error = format!("the body is larger than {} KB", most >> 10);
        return Ok(answer::error(413, &error, "send less at a time")?);
    };
    let now = clock(env, &settings).await?;
    // A `Host` that is no name.
    let Ok(url) = request.url() else {
        let hint = "send it to the address that `wrangler deploy` printed";
        return Ok(answer::error(400, "the address cannot be read", hint)?);
    };
    let visit = Visit {
        env,
        context,
        settings,
        now,
        origin: url.origin().ascii_serialization(),
        path: url.path().to_owned(),
        query: url.query().unwrap_or_default().to_owned(),
        request: plain,
    };
    route(&visit).await
}

async fn route(visit: &Visit<'_>) -> Result<Response, Error> {
    let segments: Vec<&str> = visit.path.split('/').skip(1).collect();
    match segments.as_slice() {
        [""] => Ok(answer::error(
            404,
            "nothing is served here",
            "GET /health says how Wend is",
        )?),
        ["health"] => health::answer(visit).await,
        ["hooks", source] => hooks::receive(visit, source, None).await,
        ["hooks", source, token] => hooks::receive(visit, source, Some(token)).await,
        ["v1", call] => segment::receive(visit, call).await,
        ["delivery", provider] => feedback::receive(visit, provider, None).await,
        ["delivery", provider, token] => feedback::receive(visit, provider, Some(token)).await,
        ["u", token] => tokens::unsubscribe(visit, token).await,
        ["p", token] => tokens::preferences(visit, token).await,
        ["confirm", token] => tokens::confirm(visit, token).await,
        ["n", token] => answers::question(visit, token).await,
        ["g", token] => answers::gift(visit, token).await,
        ["m", token] => tokens::view(visit, token).await,
        ["c", token] => tracked::click(visit, token),
        ["o", token] => tracked::open(visit, token),
        ["admin"] => admin::answer(visit, "", &[]).await,
        ["admin", first, rest @ ..] => admin::answer(visit, first, rest).await,
        ["dev", what] if visit.settings.dev_routes() => dev::answer(visit, what).await,
        _ => Ok(answer::error(
            404,
            "no such route",
            "see the routes in README.md",
        )?),
    }
}

/// The request as plain data; none when its body is too large.
async fn read(request: &mut Request, most: usize) -> Result<Option<http::Request>, Error> {
    let headers: http::Headers = request.headers().entries().collect();
    let announced = headers
        .get("content-length")
        .and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Ok(None);
    }
    // The word itself: the `worker` crate takes a verb that it does not know for GET.
    let method = match request.inner().method().as_str() {
        "GET" => http::Method::Get,
        "HEAD" => http::Method::Head,
        "PUT" => http::Method::Put,
        "DELETE" => http::Method::Delete,
        "OPTIONS" => http::Method::Options,
        "POST" => http::Method::Post,
        _ => http::Method::Other,
    };
    let body = match method {
        http::Method::Post | http::Method::Put if announced.is_some() => request.bytes().await?,
        http::Method::Post | http::Method::Put => match at_most(request, most).await? {
            Some(body) => body,
            None => return Ok(None),
        },
        http::Method::Get
        | http::Method::Head
        | http::Method::Delete
        | http::Method::Options
        | http::Method::Other => Vec::new(),
    };
    if body.len() > most {
        return Ok(None);
    }
    Ok(Some(http::Request {
        method,
        url: request.path(),
        headers,
        body,
    }))
}

/// A body whose length nobody announced, read piece by piece: whole, it could fill the isolate's memory before anything
/// was verified. None when it is longer than `limit`.
async fn at_most(request: &mut Request, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    if request.inner().body().is_none() {
        return Ok(Some(Vec::new()));
    }
    let (mut stream, mut body) = (request.stream()?, Vec::new());
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        if body.len() + chunk.len() > limit {
            return Ok(None);
        }
        body.extend(chunk);
    }
    Ok(Some(body))
}

/// The answer to a verb that a route does not know.
pub fn wrong_method(allowed: &str) -> Result<Response, Error> {
    let response = answer::error(
        405,
        "this route does not take that method",
        &format!("use {allowed}"),
    )?;
    response.headers().set("allow", allowed)?;
    Ok(response)
}

/// One tick of cron: every shard is told again what is switched, protection looks at the figures, shops are asked what got lost, and
/// what is due is done.
///
/// # Errors
/// When the `Store` cannot be reached. A shard that fails is logged; the others go on.
pub async fn tick(env: &Env) -> Result<(), Error> {
    let settings = runtime::settings(env);
    let peers = Peers {
        env,
        settings: Rc::clone(&settings),
        now: clock(env, &settings).await?,
        origin: None,
    };
    let snapshot = store_snapshot(&peers).await?;
    // Nothing was ever received: asking would only create empty shards. Asking the shops may bring the first.
    let shards: Vec<ShardIndex> = match &snapshot.installed {
        Some(installed) => installed.shards.all().collect(),
        None => Vec::new(),
    };
    if !shards.is_empty() {
        switching::tell(&peers, &shards, &snapshot.switches).await;
        if let Err(error) = switching::protect(&peers, &shards, &snapshot).await {
            log::error("protection failed", json!({ "error": error.for_log() }));
        }
    }
    polls::poll(&peers).await;
    // Shops may have been slow, and what is due is judged by the hour that it is.
    let peers = Peers {
        now: clock(env, &settings).await?,
        ..peers
    };
    for_each(&shards, |shard| tend(&peers, shard)).await;
    // Last: it may take minutes, and nothing else waits for it.
    feeds::tick(&peers, &shards).await;
    Ok(())
}

async fn clock(env: &Env, settings: &Rc<Settings>) -> Result<Timestamp, Error> {
    if settings.dev_routes() {
        dev::clock(env, settings).await
    } else {
        Ok(runtime::wall_clock())
    }
}

/// Works on the shards side by side, as many at once as the platform allows.
pub async fn for_each<F: Future<Output = ()>>(shards: &[ShardIndex], work: impl Fn(ShardIndex) -> F) {
    stream::iter(shards)
        .for_each_concurrent(SHARDS_AT_ONCE, |shard| work(*shard))
        .await;
}

/// A shard's tick. What fails is logged, and keeps nothing else from being done.
async fn tend(peers: &Peers<'_>, shard: ShardIndex) {
    sweep(peers, shard, SWEEP_PAGES).await;
    at_cron(peers, shard, Call::RunDue).await;
    at_cron(peers, shard, Call::Prune).await;
}

async fn at_cron(peers: &Peers<'_>, shard: ShardIndex, call: Call) {
    if let Err(error) = peers.shard(shard, call).await {
        log::error(
            "shard failed at cron",
            json!({ "shard": shard.to_string(), "error": error.for_log() }),
        );
    }
}

/// After journeys changed, by a deploy or a switch, looks at a shard's contacts, at most so many pages; what is left is for
/// the next tick.
pub async fn sweep(peers: &Peers<'_>, shard: ShardIndex, pages: usize) {
    for _ in 0..pages {
        match peers.shard(shard, Call::Sweep).await {
            Ok(Answer::Swept { done: false }) => {}
            Ok(_) => break,
            Err(error) => {
                let line = json!({ "shard": shard.to_string(), "error": error.for_log() });
                log::error("sweep failed", line);
                break;
            }
        }
    }
}

/// # Errors
/// When the `Store` cannot be reached.
pub async fn store_snapshot(peers: &Peers<'_>) -> Result<Snapshot, Error> {
    let StoreAnswer::Snapshot(snapshot) = peers.store(&StoreCall::Snapshot).await? else {
        return Err(Error::NoAnswer("the Store gave no snapshot".to_owned()));
    };
    Ok(snapshot)
}

/// Asks every shard the same, side by side; the answers in the order of the shards. All are asked, whichever fails.
///
/// # Errors
/// When one of them fails.
pub async fn ask_all(visit: &Visit<'_>, call: &Call) -> Result<Vec<Answer>, Error> {
    let peers = visit.peers();
    let asked = visit
        .settings
        .shards
        .all()
        .map(|shard| peers.shard(shard, call.clone()));
    let answers: Vec<Result<Answer, Error>> = stream::iter(asked).buffered(SHARDS_AT_ONCE).collect().await;
    answers.into_iter().collect()
}
