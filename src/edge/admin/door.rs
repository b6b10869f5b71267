//! Who may come in: a script that shows its token, somebody who signed in here, or whom Cloudflare Access let through.
//!
//! A browser sends its cookie with whatever another site makes it post, so what changes anything must come from our own
//! pages. Signing in is slowed down by the `Store`; scripts never are.

use super::page;
use crate::domain::time::Timestamp;
use crate::edge::error::Error;
use crate::edge::published::{Looked, find_key};
use crate::edge::routes::{Visit, wrong_method};
use crate::edge::store_call::{StoreAnswer, StoreCall};
use crate::edge::{answer, log, subtle};
use crate::engine::attempts::network;
use crate::http::Method;
use crate::signing::access::{self, Team, Token, Visitor};
use crate::signing::asymmetric::published_keys;
use crate::signing::{same, session};
use serde_json::json;
use worker::{Headers, Response, Url};

const COOKIE: &str = "wend_admin";

/// Who came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// By its token: no browser sends that by itself.
    Script,
    /// By a service token of Access, which a browser may have been given a certificate or a cookie for.
    Service,
    SignedIn,
    ThroughAccess,
}

/// The caller, or the answer to who may not come in.
///
/// # Errors
/// When the keys of Access cannot be had.
pub async fn enter(visit: &Visit<'_>) -> Result<Result<Caller, Response>, Error> {
    let caller = match known(visit).await? {
        Ok(caller) => caller,
        Err(problem) => return refuse(visit, problem).map(Err),
    };
    let changes = !matches!(visit.request.method, Method::Get | Method::Head);
    let trusted = match caller {
        Caller::Script => true,
        // A browser names an origin with whatever another site makes it post, a script names none.
        Caller::Service => visit.request.headers.get("origin").is_none() || is_from_here(visit),
        Caller::SignedIn | Caller::ThroughAccess => is_from_here(visit),
    };
    if changes && !trusted {
        return from_elsewhere().map(Err);
    }
    Ok(Ok(caller))
}

async fn known(visit: &Visit<'_>) -> Result<Result<Caller, String>, Error> {
    let headers = &visit.request.headers;
    if let Some(given) = headers
        .get("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
    {
        let known = is_token(visit, given.trim());
        return Ok(if known {
            Ok(Caller::Script)
        } else {
            Err("this is no ADMIN_TOKEN".to_owned())
        });
    }
    let session = headers.cookie(COOKIE);
    if session.is_some_and(|value| session::holds(&visit.settings.admin_tokens, value, visit.now)) {
        return Ok(Ok(Caller::SignedIn));
    }
    match (&visit.settings.access, headers.get(access::HEADER)) {
        (Some(team), Some(token)) => through_access(visit, team, token).await,
        _ => Ok(Err("not signed in".to_owned())),
    }
}

fn is_token(visit: &Visit<'_>, given: &str) -> bool {
    let mut tokens = visit.settings.admin_tokens.iter();
    tokens.any(|token| same(token.as_bytes(), given.as_bytes()))
}

async fn through_access(
    visit: &Visit<'_>,
    team: &Team,
    token: &str,
) -> Result<Result<Caller, String>, Error> {
    let token = match Token::parse(token) {
        Ok(token) => token,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let address = team.certificates();
    let found = find_key(visit, &address, |set| {
        let keys = published_keys(set, Some(&token.key));
        (!keys.is_empty()).then_some(keys)
    });
    let holds = match found.await? {
        Looked::Found(keys) => subtle::holds(&token.signed(keys)).await,
        Looked::None | Looked::Lately => false,
    };
    let caller = token.open(holds, team, visit.now).map(|visitor| match visitor {
        Visitor::Person => Caller::ThroughAccess,
        Visitor::Service => Caller::Service,
    });
    Ok(caller.map_err(|error| error.to_string()))
}

/// Whether the request was made by one of our own pages: browsers name the origin with every POST.
fn is_from_here(visit: &Visit<'_>) -> bool {
    let Some(origin) = visit.request.headers.get("origin") else {
        return false;
    };
    let public = visit
        .settings
        .public_url
        .as_deref()
        .and_then(|url| Url::parse(url).ok());
    origin == visit.origin || public.is_some_and(|url| url.origin().ascii_serialization() == origin)
}

fn from_elsewhere() -> Result<Response, Error> {
    Ok(answer::error(
        400,
        "this came from another site",
        "use the buttons under /admin; a script sends `Authorization: Bearer <ADMIN_TOKEN>`",
    )?)
}

fn refuse(visit: &Visit<'_>, problem: String) -> Result<Response, Error> {
    let accepts = visit.request.headers.get("accept");
    if accepts.is_some_and(|accepts| accepts.contains("text/html")) {
        // Who opens the page for the first time made no mistake.
        let told = (problem != "not signed in").then_some(problem);
        return page::login(visit, 401, told);
    }
    let response = answer::error(401, &problem, "send `Authorization: Bearer <ADMIN_TOKEN>`")?;
    response.headers().set("www-authenticate", "Bearer")?;
    Ok(response)
}

/// `/admin/login`: the form, and what it posts.
///
/// # Errors
/// When the `Store` does not answer.
pub async fn login(visit: &Visit<'_>) -> Result<Response, Error> {
    match visit.request.method {
        Method::Get | Method::Head => return page::login(visit, 200, None),
        Method::Post => {}
        Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("GET, HEAD, POST");
        }
    }
    if !is_from_here(visit) {
        return from_elsewhere();
    }
    let network = network(visit.request.headers.get("cf-connecting-ip").unwrap_or("local"));
    let (peers, now) = (visit.peers(), visit.now);
    let attempt = StoreCall::Attempt {
        network: network.clone(),
        now,
    };
    if let StoreAnswer::Attempt(Some(again)) = peers.store(&attempt).await? {
        return too_many(visit, again);
    }
    let fields = form(visit);
    let given = fields
        .iter()
        .find(|(name, _)| name == "token")
        .map_or("", |(_, value)| value.trim());
    if !is_token(visit, given) {
        log::line("sign-in refused", json!({}));
        return page::login(visit, 401, Some("That is not the admin token.".to_owned()));
    }
    peers.store(&StoreCall::SignedIn { network }).await?;
    log::line("signed in", json!({}));
    let cookie = format!(
        "{}; Max-Age={}",
        session::issue(given, now),
        session::LIFETIME.as_millis() / 1_000
    );
    with_cookie(see_other("/admin")?, &cookie)
}

fn too_many(visit: &Visit<'_>, again: Timestamp) -> Result<Response, Error> {
    let wait = again.since(visit.now).as_millis() / 1_000 + 1;
    let problem = format!(
        "Too many tries. The next one counts in {} minutes.",
        wait / 60 + 1
    );
    let response = page::login(visit, 429, Some(problem))?;
    response.headers().set("retry-after", &wait.to_string())?;
    Ok(response)
}

/// Takes the cookie away.
///
/// # Errors
/// When the answer cannot be written.
pub fn logout() -> Result<Response, Error> {
    with_cookie(see_other("/admin/login")?, "; Max-Age=0")
}

fn with_cookie(response: Response, value: &str) -> Result<Response, Error> {
    let cookie = format!("{COOKIE}={value}; Path=/admin; HttpOnly; Secure; SameSite=Strict");
    response.headers().set("set-cookie", &cookie)?;
    Ok(response)
}

/// # Errors
/// When the answer cannot be written.
pub fn see_other(place: &str) -> Result<Response, Error> {
    let headers = Headers::new();
    headers.set("location", place)?;
    Ok(Response::empty()?.with_status(303).with_headers(headers))
}

/// Whether a form of the page asks. `curl -d` says so of JSON as well.
pub fn is_form(visit: &Visit<'_>) -> bool {
    let kind = visit.request.headers.get("content-type");
    let says_so = kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    says_so && !visit.request.body.trim_ascii_start().starts_with(b"{")
}

/// The fields of a form, decoded as those of a query are.
pub fn form(visit: &Visit<'_>) -> Vec<(String, String)> {
    let body = std::str::from_utf8(&visit.request.body).unwrap_or_default();
    let Ok(url) = Url::parse(&format!("https://form.invalid/?{body}")) else {
        return Vec::new();
    };
    url.query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
