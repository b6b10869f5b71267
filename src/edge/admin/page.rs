//! `GET /admin`: how the shop's mail stands, at a glance, with the buttons to hold it.

use super::door::Caller;
use super::status;
use crate::domain::message::MessageState;
use crate::domain::shard::ShardIndex;
use crate::domain::switches::{By, Pause, Switches};
use crate::domain::time::Timestamp;
use crate::edge::error::Error;
use crate::edge::routes::{Visit, store_snapshot};
use crate::edge::store_call::Snapshot;
use crate::edge::{answer, runtime};
use crate::engine::breaker::Cause;
use crate::engine::protection::{Finding, Level, percent};
use crate::journey::definition::{Journey, Status};
use crate::render::model::Store;
use crate::render::operator::{JourneyRow, Login, Notice, Operator, Paused, Rates, State, Tally, Totals};
use crate::render::pages::CONTENT_SECURITY_POLICY;
use crate::settings::Mode;
use crate::turn::overview::words;
use askama::Template;
use serde::Deserialize;
use std::collections::BTreeMap;
use worker::Response;

/// Most reasons listed; the JSON has them all.
const MAX_TALLIES: usize = 40;

/// What a shard tells of itself.
#[derive(Deserialize)]
struct Seen {
    contacts: u64,
    messages: Vec<Count>,
    dead_letters: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Count {
    state: MessageState,
    reason: Option<String>,
    count: u64,
}

/// # Errors
/// When the `Store` does not answer. A shard that does not is named on the page.
pub async fn answer(visit: &Visit<'_>, caller: Caller) -> Result<Response, Error> {
    let (snapshot, catalog) = (store_snapshot(&visit.peers()).await?, runtime::catalog()?);
    let (seen, missing) = look(visit).await;
    let switches = &snapshot.switches;
    let of = |journey: Option<&Journey>| {
        let is_it = |finding: &&Finding| finding.journey.as_ref() == journey.map(|journey| &journey.id);
        snapshot.protection.iter().find(is_it).and_then(rates)
    };
    let (tallies, totals) = add_up(&seen);
    let page = Operator {
        store: Store::new(&catalog.store),
        now: time(visit.now),
        state: state(visit, switches),
        fixed: fixed(visit),
        notices: notices(visit, &snapshot),
        stopped: switches.stopped,
        shadow: switches.shadow,
        only_to: switches.only_to.as_ref().map(|list| list.join(" ")),
        marketing: switches.marketing.as_ref().map(paused),
        figures: of(None),
        journeys: catalog
            .journeys
            .iter()
            .map(|journey| JourneyRow {
                id: journey.id.to_string(),
                title: journey.title.clone(),
                status: status(journey.status),
                paused: switches.paused.get(&journey.id).map(paused),
                rates: of(Some(journey)),
            })
            .collect(),
        tallies,
        totals,
        missing: missing.iter().map(ToString::to_string).collect(),
        can_leave: caller == Caller::SignedIn,
    };
    respond(200, page.render()?)
}

/// The form to sign in with.
///
/// # Errors
/// When the answer cannot be written.
pub fn login(visit: &Visit<'_>, status: u16, problem: Option<String>) -> Result<Response, Error> {
    let catalog = runtime::catalog()?;
    let page = Login {
        store: Store::new(&catalog.store),
        problem,
        has_token: !visit.settings.admin_tokens.is_empty(),
    };
    respond(status, page.render()?)
}

fn respond(status: u16, html: String) -> Result<Response, Error> {
    let response = answer::page(status, html, CONTENT_SECURITY_POLICY)?;
    // Under `no-referrer` browsers would say `Origin: null` with our own forms.
    response.headers().set("referrer-policy", "same-origin")?;
    Ok(response)
}

async fn look(visit: &Visit<'_>) -> (Vec<Seen>, Vec<ShardIndex>) {
    let (mut seen, mut missing) = (Vec::new(), Vec::new());
    for (shard, told) in status::overviews(visit).await {
        match told.and_then(|overview| serde_json::from_value(overview).ok()) {
            Some(overview) => seen.push(overview),
            None => missing.push(shard),
        }
    }
    (seen, missing)
}

fn state(visit: &Visit<'_>, switches: &Switches) -> State {
    let settings = &visit.settings;
    if switches.stopped {
        State::Stopped
    } else if switches.shadow || settings.mode == Mode::Shadow {
        State::Shadow
    } else if switches.only_to.is_some() || settings.send_only_to.is_some() {
        State::Listed
    } else if switches.marketing.is_some() {
        State::MarketingPaused
    } else {
        State::Sending
    }
}

fn fixed(visit: &Visit<'_>) -> Vec<String> {
    let shadow = (visit.settings.mode == Mode::Shadow)
        .then(|| "wrangler.toml says MODE = \"shadow\": no button lifts that.".to_owned());
    let listed = visit.settings.send_only_to.as_ref().map(|list| {
        format!(
            "wrangler.toml says SEND_ONLY_TO = \"{}\": no button lifts that.",
            list.join(" ")
        )
    });
    shadow.into_iter().chain(listed).collect()
}

fn notices(visit: &Visit<'_>, snapshot: &Snapshot) -> Vec<Notice> {
    let settings = visit.settings.faults.iter().map(|fault| Notice {
        fatal: fault.fatal,
        text: format!("{} {}", fault.setting, fault.problem),
    });
    let shut = snapshot.breakers.iter().filter_map(|(provider, breaker)| {
        let opened = breaker.opened()?;
        let what = match opened.cause {
            Cause::Settings => "refuses our settings",
            Cause::Quota => "has no allowance left",
            Cause::Down => "does not answer",
        };
        let (reason, until) = (&opened.reason, time(opened.until));
        Some(Notice {
            fatal: opened.cause != Cause::Quota,
            text: format!("{provider} {what}: {reason}. It is tried again at {until} UTC."),
        })
    });
    let warned = snapshot
        .protection
        .iter()
        .filter(|finding| finding.level == Level::Warn);
    let warned = warned.map(|finding| {
        let what = finding
            .journey
            .as_ref()
            .map_or("Marketing", |journey| journey.as_str());
        let text = format!(
            "{what} draws nearly too many complaints or bounces; protection will stop it if they grow"
        );
        Notice { fatal: false, text }
    });
    settings.chain(shut).chain(warned).collect()
}

fn paused(pause: &Pause) -> Paused {
    Paused {
        by: match pause.by {
            By::Operator => "an operator",
            By::Protection => "protection",
        },
        since: format!("{} UTC", time(pause.since)),
        reason: pause.reason.clone(),
    }
}

fn rates(finding: &Finding) -> Option<Rates> {
    let figures = finding.figures;
    (figures.mails > 0).then(|| Rates {
        level: match finding.level {
            Level::Fine => "fine",
            Level::Warn => "warn",
            Level::Stop => "stop",
        },
        mails: figures.mails,
        complaints: percent(figures.complaints, figures.mails),
        bounces: percent(figures.hard_bounces, figures.mails),
    })
}

/// What its file says, where that is not simply active.
const fn status(status: Status) -> Option<&'static str> {
    match status {
        Status::Active => None,
        Status::Paused => Some("paused by its file"),
        Status::Frozen => Some("frozen by its file"),
        Status::Draining => Some("draining"),
        Status::Retired => Some("retired"),
        Status::Draft => Some("draft"),
    }
}

/// What was not sent, by fate and reason, most first; and the totals.
fn add_up(seen: &[Seen]) -> (Vec<Tally>, Totals) {
    let (mut totals, mut counts) = (Totals::default(), BTreeMap::<(&str, &str), u64>::new());
    for shard in seen {
        totals.contacts += shard.contacts;
        totals.dead_letters += shard.dead_letters.len() as u64;
        for Count { state, reason, count } in &shard.messages {
            let fate = match state {
                MessageState::Accepted => {
                    totals.accepted += count;
                    continue;
                }
                MessageState::Intended => {
                    totals.waiting += count;
                    "waiting"
                }
                MessageState::Unknown => "fate unknown",
                MessageState::Failed => "failed",
                MessageState::Dropped => "dropped",
                MessageState::GivenUp => "given up",
                MessageState::Shadowed => "shadowed",
            };
            let reason = reason.as_deref().unwrap_or_default();
            *counts.entry((fate, reason)).or_default() += count;
        }
    }
    let mut tallies: Vec<Tally> = counts
        .into_iter()
        .map(|((state, reason), count)| Tally {
            count,
            state,
            reason: match (state, reason) {
                ("shadowed", "") => "shadow mode: it would have been sent".to_owned(),
                (_, "") => "its time has not come".to_owned(),
                (_, reason) => words(reason),
            },
        })
        .collect();
    tallies.sort_by_key(|tally| std::cmp::Reverse(tally.count));
    tallies.truncate(MAX_TALLIES);
    (tallies, totals)
}

fn time(at: Timestamp) -> String {
    at.to_chrono().format("%a %-d %b %Y, %H:%M").to_string()
}
