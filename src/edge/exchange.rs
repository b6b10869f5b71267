//! One request to a provider: made as it was written down, its answer written, and what it teaches told to the `Store`.
//!
//! Called by the delivery loop. What an answer means is decided in `providers` and in the core.

use super::error::Error;
use super::shard_object::Shard;
use super::store_call::StoreCall;
use super::{http_client, log, runtime};
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::delivery::REQUEST_TIMEOUT;
use crate::engine::traffic::Doubt;
use crate::providers::ProviderKind;
use crate::providers::account::Account;
use crate::providers::answer::{Answer as Reply, RateHint};
use crate::turn::claim::Claimed;
use crate::turn::lesson::{Taught, lesson_of};
use serde_json::json;

/// Lowest status of a server that failed.
const SERVER_ERROR: u16 = 500;

/// What came back.
struct Told {
    reply: Reply,
    /// None where nothing was asked.
    status: Option<u16>,
    rate: Option<RateHint>,
}

impl Shard {
    /// Makes a claimed request and writes what came of it. Says how many places of the warm-up it leaves free.
    pub(super) async fn exchange(
        &self,
        me: ShardIndex,
        now: Timestamp,
        mut claimed: Claimed,
        doubt: Doubt,
    ) -> Result<u32, Error> {
        let body = std::mem::take(&mut claimed.body);
        let dispatch = &claimed.dispatch;
        self.awaited.borrow_mut().insert(dispatch.id.clone());
        let (provider, members) = (dispatch.provider.clone(), dispatch.members.len());
        let told = self.request(&provider, &dispatch.key, body, members, now).await;
        self.awaited.borrow_mut().remove(&dispatch.id);
        let outcomes = match &told {
            Ok(Told {
                reply: Reply::Split(reason),
                ..
            }) => {
                self.single.borrow_mut().extend(dispatch.members.iter().cloned());
                self.turn(me, now, |turn| turn.split(dispatch, reason))?;
                Vec::new()
            }
            Ok(Told {
                reply: Reply::Each(outcomes),
                ..
            }) => outcomes.clone(),
            Err(error) => vec![Outcome::Unknown(error.to_string()); members],
        };
        if !outcomes.is_empty() {
            self.turn(me, now, |turn| turn.conclude(dispatch, &outcomes))?;
        }
        let names: Vec<&str> = outcomes.iter().map(outcome_name).collect();
        log::line(
            "sent",
            json!({ "dispatch": dispatch.id, "provider": provider, "attempt": dispatch.attempt, "outcomes": names }),
        );
        let silence = match &told {
            Ok(told) => told
                .status
                .filter(|status| *status >= SERVER_ERROR)
                .map(|status| format!("status {status}")),
            Err(error) => Some(error.to_string()),
        };
        let taught = Taught {
            settings: self.settings().fingerprint_of(parse(&provider)?),
            doubt,
            outcomes: &outcomes,
            rate: told.ok().and_then(|told| told.rate),
            silence,
        };
        let lesson = lesson_of(dispatch, taught, now);
        if lesson.is_news() {
            self.peers(now).store(&StoreCall::Learn { lesson, now }).await?;
        }
        Ok(claimed.places_freed(&outcomes))
    }

    async fn request(
        &self,
        provider: &str,
        key: &str,
        body: Vec<u8>,
        members: usize,
        now: Timestamp,
    ) -> Result<Told, Error> {
        let provider = parse(provider)?;
        let settings = self.settings();
        let account = settings.account(provider);
        if let Some(missing) = account.lacks(provider).next() {
            let reason = format!("{} of provider {} is not set", missing.name, provider.as_str());
            let refused = Outcome::Rejected(Rejection::Configuration(reason));
            return Ok(Told {
                reply: Reply::Each(vec![refused; members]),
                status: None,
                rate: None,
            });
        }
        let request = build(provider, account, key, body, members)?;
        let response = http_client::send(request, REQUEST_TIMEOUT).await?;
        Ok(Told {
            reply: provider.read(&response, members, now),
            status: Some(response.status),
            rate: provider.rate_hint(&response.headers, now),
        })
    }
}

/// The provider of that name, as the `Store` or a dispatch says it.
pub(super) fn parse(provider: &str) -> Result<ProviderKind, Error> {
    ProviderKind::parse(provider).map_err(|error| Error::NoAnswer(error.to_string()))
}

fn build(
    provider: ProviderKind,
    account: &Account,
    key: &str,
    body: Vec<u8>,
    members: usize,
) -> Result<crate::http::Request, Error> {
    provider
        .request(account, key, body, members, runtime::wall_clock())
        .map_err(|error| Error::NoAnswer(error.to_string()))?
        .ok_or_else(|| Error::NoAnswer("this provider makes no requests".to_owned()))
}

const fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Rejected(_) => "rejected",
        Outcome::RetryLater(_) => "retry_later",
        Outcome::Unknown(_) => "unknown",
        Outcome::KeyMismatch => "key_mismatch",
    }
}
