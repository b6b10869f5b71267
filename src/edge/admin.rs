//! `/admin/…`: what operators see and switch, as a page for people and as JSON for scripts. Who may come in, `door` says.

mod door;
mod log_route;
mod page;
mod status;
mod switches;

use super::error::Error;
use super::routes::{Visit, wrong_method};
use super::store_call::{StoreAnswer, StoreCall};
use super::{answer, log, privacy};
use crate::http::{self, Method};
use serde::Deserialize;
use serde_json::json;
use worker::Response;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Coupons {
    codes: Vec<String>,
}

/// Most codes of one import; a file is sent in parts.
const MAX_CODES: usize = 5_000;
/// Longest code, in bytes.
const MAX_CODE_BYTES: usize = 64;

/// # Errors
/// When a shard or the `Store` does not answer.
pub async fn answer(visit: &Visit<'_>, first: &str, rest: &[&str]) -> Result<Response, Error> {
    if (first, rest) == ("login", &[]) {
        return door::login(visit).await;
    }
    let caller = match door::enter(visit).await? {
        Ok(caller) => caller,
        Err(refusal) => return Ok(refusal),
    };
    match (first, rest, visit.request.method) {
        ("", [], Method::Get | Method::Head) => page::answer(visit, caller).await,
        ("", [], _) => wrong_method("GET, HEAD"),
        ("logout", [], Method::Post) => door::logout(),
        ("logout", [], _) => wrong_method("POST"),
        ("switches", [], Method::Get | Method::Head) => switches::show(visit).await,
        ("switches", [], Method::Post) => switches::change(visit).await,
        ("switches", [], _) => wrong_method("GET, HEAD, POST"),
        ("status", [], Method::Get | Method::Head) => status::answer(visit).await,
        ("status", [], _) => wrong_method("GET, HEAD"),
        ("log", [], Method::Get | Method::Head) => log_route::answer(visit).await,
        ("log", [], _) => wrong_method("GET, HEAD"),
        ("stop", [], Method::Post) => switches::stop(visit).await,
        ("stop", [], _) => wrong_method("POST"),
        ("export", [], Method::Post) => privacy::export(visit).await,
        ("erase", [], Method::Post) => privacy::erase(visit).await,
        ("export" | "erase", [], _) => wrong_method("POST"),
        ("coupons", [], Method::Get | Method::Head) => coupons(visit).await,
        ("coupons", [], _) => wrong_method("GET, HEAD"),
        ("coupons", [pool], Method::Post) => import_coupons(visit, pool).await,
        ("coupons", [_], _) => wrong_method("POST"),
        _ => Ok(answer::error(
            404,
            "no such route",
            "there are /admin, /admin/status, /admin/log, /admin/switches, /admin/stop, /admin/export, /admin/erase, /admin/coupons and \
             /admin/coupons/<pool>",
        )?),
    }
}

/// What the pools hold.
async fn coupons(visit: &Visit<'_>) -> Result<Response, Error> {
    let StoreAnswer::Pools(pools) = visit.peers().store(&StoreCall::Pools).await? else {
        return Err(Error::NoAnswer("the Store told no pools".to_owned()));
    };
    Ok(Response::from_json(&json!({ "pools": pools }))?)
}

/// More codes for a pool. Codes that it has already are left as they are, so a file may be sent again.
async fn import_coupons(visit: &Visit<'_>, pool: &str) -> Result<Response, Error> {
    let Ok(Coupons { codes }) = http::json(&visit.request.body) else {
        return Ok(answer::error(
            400,
            "the body cannot be read",
            "send {\"codes\": [\"A1\", \"B2\"]}",
        )?);
    };
    let is_code =
        |code: &String| (1..=MAX_CODE_BYTES).contains(&code.len()) && !code.contains(char::is_whitespace);
    if codes.len() > MAX_CODES || !codes.iter().all(is_code) {
        return Ok(answer::error(
            400,
            "a code is too long or has blanks, or there are too many",
            "send at most 5000 codes at a time, each of 1 to 64 characters without blanks",
        )?);
    }
    let call = StoreCall::ImportCoupons {
        pool: pool.to_owned(),
        codes,
    };
    let StoreAnswer::Imported(new) = visit.peers().store(&call).await? else {
        return Err(Error::NoAnswer("the Store took no codes".to_owned()));
    };
    log::line("coupons", json!({ "pool": pool, "new": new }));
    Ok(Response::from_json(&json!({ "pool": pool, "new": new }))?)
}
