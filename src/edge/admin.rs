//! `/admin/…`: the operator's JSON, for scripts with `Authorization: Bearer <ADMIN_TOKEN>`.

use super::error::Error;
use super::routes::{Visit, ask_all, store_snapshot, wrong_method};
use super::store_call::{StoreAnswer, StoreCall};
use super::{answer, log, privacy};
use crate::http::{self, Method};
use crate::signing::same;
use crate::turn::call::{Answer, Call};
use serde::Deserialize;
use serde_json::json;
use worker::Response;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stop {
    stopped: bool,
}

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
    if !authorized(visit) {
        let response = answer::error(401, "not signed in", "send `Authorization: Bearer <ADMIN_TOKEN>`")?;
        response.headers().set("www-authenticate", "Bearer")?;
        return Ok(response);
    }
    match (first, rest, visit.request.method) {
        ("status", [], Method::Get | Method::Head) => status(visit).await,
        ("status", [], _) => wrong_method("GET, HEAD"),
        ("stop", [], Method::Post) => stop(visit).await,
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
            "there are /admin/status, /admin/stop, /admin/export, /admin/erase, /admin/coupons and /admin/coupons/<pool>",
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

fn authorized(visit: &Visit<'_>) -> bool {
    let given = visit
        .request
        .headers
        .get("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(given) = given else { return false };
    visit
        .settings
        .admin_tokens
        .iter()
        .any(|token| same(token.as_bytes(), given.trim().as_bytes()))
}

async fn status(visit: &Visit<'_>) -> Result<Response, Error> {
    let snapshot = store_snapshot(&visit.peers()).await?;
    let shards = ask_all(visit, &Call::Overview).await?;
    let shards: Vec<_> = shards
        .into_iter()
        .filter_map(|answer| match answer {
            Answer::Overview(overview) => Some(overview),
            _ => None,
        })
        .collect();
    Ok(Response::from_json(
        &json!({ "now": visit.now.to_rfc3339(), "store": snapshot, "shards": shards }),
    )?)
}

/// The stop switch: kept in the `Store`, told to every shard, answered when all have it.
async fn stop(visit: &Visit<'_>) -> Result<Response, Error> {
    let Ok(Stop { stopped }) = http::json(&visit.request.body) else {
        return Ok(answer::error(
            400,
            "the body cannot be read",
            "send {\"stopped\": true} or {\"stopped\": false}",
        )?);
    };
    visit.peers().store(&StoreCall::Stop { stopped }).await?;
    let acknowledged = ask_all(visit, &Call::Stop { stopped }).await?.len();
    log::line(
        "stop switch",
        json!({ "stopped": stopped, "shards": acknowledged }),
    );
    Ok(Response::from_json(
        &json!({ "stopped": stopped, "shards": acknowledged }),
    )?)
}
