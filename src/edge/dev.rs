//! `/dev/…`: the outbox and the clock of a development server. Only with `ENVIRONMENT=dev` and a provider that can
//! reach nobody: the route table asks [`Settings::dev_routes`] first.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, ask_all, store_snapshot, wrong_method};
use super::store_call::StoreCall;
use super::{answer, runtime};
use crate::domain::time::{Delay, Timestamp};
use crate::http::Method;
use crate::render::outbox::{CONTENT_SECURITY_POLICY, Fate, HeldRow, LeftRow, OutboxMail, OutboxPage};
use crate::settings::Settings;
use crate::turn::call::{Answer, Call};
use serde_json::json;
use std::rc::Rc;
use worker::{Env, Response};

/// Longest single advance.
const MAX_ADVANCE: Delay = Delay::from_days(400);
/// Most moments an advance stops at; a shop of a few people needs some hundreds.
const MAX_MOMENTS: usize = 20_000;
/// How often a run that finds the shard busy is asked again.
const MAX_BUSY: usize = 200;

/// What the clock says.
///
/// # Errors
/// When the `Store` does not answer.
pub async fn clock(env: &Env, settings: &Rc<Settings>) -> Result<Timestamp, Error> {
    let wall = runtime::wall_clock();
    let peers = Peers {
        env,
        settings: Rc::clone(settings),
        now: wall,
        origin: None,
    };
    let offset = store_snapshot(&peers).await?.clock_offset;
    Ok(Timestamp::from_millis(wall.as_millis().saturating_add(offset)))
}

/// # Errors
/// When a shard or the `Store` does not answer.
pub async fn answer(visit: &Visit<'_>, what: &str) -> Result<Response, Error> {
    match (what, visit.request.method) {
        ("outbox.json", Method::Get | Method::Head) => Ok(Response::from_json(&mails(visit).await?)?),
        ("reasons.json", Method::Get | Method::Head) => reasons_json(visit).await,
        ("outbox", Method::Get | Method::Head) => page(visit).await,
        ("clock", Method::Get | Method::Head) => now(visit.now),
        ("clock", Method::Post) => advance(visit).await,
        ("outbox.json" | "outbox" | "reasons.json", _) => wrong_method("GET, HEAD"),
        ("clock", _) => wrong_method("GET, HEAD, POST"),
        _ => Ok(answer::error(
            404,
            "no such route",
            "there are /dev/outbox, /dev/outbox.json, /dev/reasons.json and /dev/clock",
        )?),
    }
}

fn now(now: Timestamp) -> Result<Response, Error> {
    Ok(Response::from_json(&json!({ "now": now.to_rfc3339() }))?)
}

/// The mails of all shards, oldest first.
async fn mails(visit: &Visit<'_>) -> Result<Vec<OutboxMail>, Error> {
    let mut mails = Vec::new();
    for answer in ask_all(visit, &Call::Mails).await? {
        if let Answer::Mails(of_shard) = answer {
            mails.extend(of_shard);
        }
    }
    mails.sort_by(|one, two| (one.sent_at, &one.id).cmp(&(two.sent_at, &two.id)));
    Ok(mails)
}

/// What no shard sent, and who left a journey early.
async fn reasons(visit: &Visit<'_>) -> Result<(Vec<HeldRow>, Vec<LeftRow>), Error> {
    let (mut held, mut left) = (Vec::new(), Vec::new());
    for answer in ask_all(visit, &Call::Reasons).await? {
        if let Answer::Reasons {
            held: held_there,
            left: left_there,
        } = answer
        {
            held.extend(held_there);
            left.extend(left_there);
        }
    }
    Ok((held, left))
}

async fn page(visit: &Visit<'_>) -> Result<Response, Error> {
    let (mails, (held, _)) = (mails(visit).await?, reasons(visit).await?);
    let page = OutboxPage {
        now: visit.now,
        origin: &visit.origin,
        mails: &mails,
        selected: visit.parameter("id"),
        held: &held,
    };
    Ok(answer::page(200, page.render()?, CONTENT_SECURITY_POLICY)?)
}

async fn reasons_json(visit: &Visit<'_>) -> Result<Response, Error> {
    let (held, left) = reasons(visit).await?;
    let held: Vec<_> = held
        .into_iter()
        .map(|row| {
            let (fate, at) = match row.fate {
                Fate::Dropped(at) => ("dropped", at),
                Fate::HeldUntil(at) => ("held", at),
            };
            json!({
                "to": row.to, "email": row.email, "journey": row.journey, "step": row.step,
                "fate": fate, "at": at.to_rfc3339(), "reason": row.reason,
            })
        })
        .collect();
    let left: Vec<_> = left
        .into_iter()
        .map(|row| {
            json!({
                "to": row.to, "journey": row.journey, "step": row.step,
                "at": row.at.to_rfc3339(), "reason": row.reason,
            })
        })
        .collect();
    Ok(Response::from_json(&json!({ "held": held, "left": left }))?)
}

/// Moves the clock and runs everything that falls due on the way, in order, over all shards.
async fn advance(visit: &Visit<'_>) -> Result<Response, Error> {
    let Some((delay, from_page)) = wanted(visit) else {
        let hint = "send {\"advance\": \"3d\"}, at most 400d; other units are m, h and s";
        return Ok(answer::error(400, "how far to advance cannot be read", hint)?);
    };
    let target = visit.now.plus(delay);
    for _ in 0..MAX_MOMENTS {
        let now = clock(visit.env, &visit.settings).await?;
        let Some(next) = run_all(visit, now.min(target)).await? else {
            break;
        };
        if next > target {
            break;
        }
        set_clock(visit, next.max(now)).await?;
    }
    set_clock(visit, target.max(clock(visit.env, &visit.settings).await?)).await?;
    run_all(visit, target).await?;
    let arrived = clock(visit.env, &visit.settings).await?;
    if from_page {
        let headers = worker::Headers::new();
        headers.set("location", "/dev/outbox")?;
        return Ok(Response::empty()?.with_status(303).with_headers(headers));
    }
    now(arrived)
}

/// How far, and whether a form of the outbox page asks.
fn wanted(visit: &Visit<'_>) -> Option<(Delay, bool)> {
    let body = std::str::from_utf8(&visit.request.body).ok()?.trim();
    let form = body.strip_prefix("advance=");
    let text = match form {
        Some(text) => text.to_owned(),
        None => serde_json::from_str::<serde_json::Value>(body)
            .ok()?
            .get("advance")?
            .as_str()?
            .to_owned(),
    };
    let delay = Delay::parse(&text).ok().filter(|delay| *delay <= MAX_ADVANCE)?;
    Some((delay, form.is_some()))
}

async fn set_clock(visit: &Visit<'_>, to: Timestamp) -> Result<(), Error> {
    let offset = to.as_millis().saturating_sub(runtime::wall_clock().as_millis());
    visit
        .peers()
        .store(&StoreCall::SetClock { offset })
        .await
        .map(drop)
}

/// Lets every shard do what is due, and returns when the next thing will be.
async fn run_all(visit: &Visit<'_>, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let peers = Peers { now, ..visit.peers() };
    let mut next: Option<Timestamp> = None;
    for shard in visit.settings.shards.all() {
        for _ in 0..MAX_BUSY {
            let Answer::Ran { next_due, busy } = peers.shard(shard, Call::RunDue).await? else {
                break;
            };
            if !busy {
                next = [next, next_due].into_iter().flatten().min();
                break;
            }
            worker::Delay::from(std::time::Duration::from_millis(20)).await;
        }
    }
    Ok(next
        .filter(|next| *next > now)
        .or_else(|| next.map(|_| now.plus(Delay::from_seconds(1)))))
}
