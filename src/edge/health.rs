//! `GET /health`: whether Wend can work, and which setting to add when it cannot. Tells nothing about the store.

use super::error::Error;
use super::routes::{Visit, store_snapshot, wrong_method};
use super::{log, runtime};
use crate::domain::switches::{By, Switches};
use crate::engine::breaker::{Cause, Opened};
use crate::engine::poll::Poll;
use crate::engine::protection::{Finding, Level};
use crate::http::Method;
use crate::signing::Secrets;
use crate::sources::SourceKind;
use crate::turn::install::{Installed, Objection};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use worker::Response;

/// Looks at a shop's list that failed in a row, before it is told.
const FAILURES_TOLD: u32 = 3;

/// What keeps a source from working. A store has one or two: that another is off is told of those only that a set-up
/// offers.
fn of_source(secrets: &BTreeMap<String, Secrets>, source: SourceKind) -> Option<Value> {
    let (setting, problem) = match source.lacks_to_fetch(secrets) {
        Some(setting) => (
            setting.to_owned(),
            format!("is not set, so what `{source}` names cannot be fetched"),
        ),
        None if source.is_half_set_to_poll(secrets) => (
            source.lacks_to_poll(secrets).unwrap_or_default().to_owned(),
            format!("is not set, and others are that `{source}` is polled with"),
        ),
        None if source.is_offered() && !source.is_on(secrets) => (
            source.settings().join("` or `"),
            format!("is not set, so the source `{source}` is off"),
        ),
        None => return None,
    };
    Some(json!({ "setting": setting, "problem": problem, "fatal": false }))
}

/// A provider that is not asked: why, since when, and when one request sees to it next.
fn shut(provider: &str, opened: &Opened) -> Value {
    json!({
        "provider": provider, "problem": opened.reason, "cause": opened.cause, "fatal": false,
        "since": opened.since.to_rfc3339(), "next_probe": opened.until.to_rfc3339(),
    })
}

/// A list of a shop that cannot be had: not once, which happens, but again and again.
fn unpolled(feed: &str, poll: &Poll) -> Option<Value> {
    let error = poll.last.as_ref()?.error.as_ref()?;
    let problem = format!("`{feed}` cannot be polled: {error}");
    (poll.failures >= FAILURES_TOLD).then(|| json!({ "problem": problem, "fatal": false }))
}

/// # Errors
/// When the answer cannot be written.
pub async fn answer(visit: &Visit<'_>) -> Result<Response, Error> {
    if !matches!(visit.request.method, Method::Get | Method::Head) {
        return wrong_method("GET, HEAD");
    }
    let calls_others = runtime::catalog()?.notifies();
    let notify_fault = calls_others.then(|| visit.settings.notify_fault()).flatten();
    let mut missing: Vec<Value> = visit
        .settings
        .faults
        .iter()
        .chain(&notify_fault)
        .map(|fault| json!({ "setting": fault.setting, "problem": fault.problem, "fatal": fault.fatal }))
        .collect();
    for source in SourceKind::ALL {
        missing.extend(of_source(visit.settings.source_secrets(), source));
    }
    let mut ok = visit.settings.usable();
    match store_snapshot(&visit.peers()).await {
        Ok(snapshot) => {
            let wanted = Installed::from(&*visit.settings);
            if let Some(Objection { setting, error, hint }) = snapshot
                .installed
                .and_then(|installed| installed.objection(&wanted))
            {
                ok = false;
                missing.push(
                    json!({ "setting": setting, "problem": format!("{error}: {hint}"), "fatal": true }),
                );
            }
            for (provider, breaker) in &snapshot.breakers {
                if let Some(opened) = breaker.opened() {
                    // A plan that is used up is as it should be; a key that is refused is not.
                    ok &= opened.cause == Cause::Quota;
                    missing.push(shut(provider, opened));
                }
            }
            missing.extend(
                snapshot
                    .polls
                    .iter()
                    .filter_map(|(feed, poll)| unpolled(feed, poll)),
            );
            let held = held_back(&snapshot.switches, &snapshot.protection);
            missing.extend(held.map(|problem| json!({ "problem": problem, "fatal": false })));
        }
        Err(error) => {
            ok = false;
            log::error("health failed", json!({ "error": error.for_log() }));
            missing.push(json!({ "problem": "the Store object does not answer", "fatal": true }));
        }
    }
    let body = json!({ "ok": ok, "version": env!("CARGO_PKG_VERSION"), "attention": missing });
    let response = Response::from_json(&body)?.with_status(if ok { 200 } else { 503 });
    response.headers().set("cache-control", "max-age=5")?;
    Ok(response)
}

/// What is held back on purpose. Which journey it is, /admin says: here nothing is told about the store.
fn held_back(switches: &Switches, protection: &[Finding]) -> impl Iterator<Item = &'static str> {
    let pauses = || switches.paused.values().chain(&switches.marketing);
    let by = |by: By| pauses().any(|pause| pause.by == by);
    let warned = protection.iter().any(|finding| finding.level == Level::Warn);
    [
        (switches.stopped, "all sending is stopped by an operator"),
        (
            switches.shadow,
            "an operator switched shadow mode on: nothing is sent",
        ),
        (
            switches.only_to.is_some(),
            "mail goes to the operator's allow-list only",
        ),
        (
            by(By::Operator),
            "journeys or all marketing are paused by an operator",
        ),
        (
            by(By::Protection),
            "marketing is paused by protection, for its complaints or bounces: see /admin",
        ),
        (
            warned,
            "marketing draws nearly too many complaints or bounces: see /admin before protection stops it",
        ),
    ]
    .into_iter()
    .filter_map(|(holds, problem)| holds.then_some(problem))
}
