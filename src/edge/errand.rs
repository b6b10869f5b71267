//! Runs errands: codes from the `Store`, webhooks to other systems. Called by a shard's run, after its mails.
//!
//! Whatever goes wrong here is an answer too: the core says when it is tried again.

use super::deliver::REQUESTS_AT_ONCE;
use super::error::Error;
use super::shard_object::Shard;
use super::store_call::{StoreAnswer, StoreCall};
use super::{http_client, log};
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::errand::Answer;
use crate::http::{self, Headers, Method, Request};
use crate::signing::standard_webhooks;
use crate::turn::errand::{Ask, DueErrand};
use futures_util::stream::{self, StreamExt};
use serde_json::{Value, json};

/// How long another system may take: its slowness must not hold up the shard's mails for long.
const NOTIFY_TIMEOUT: Delay = Delay::from_seconds(5);

impl Shard {
    /// Runs these errands side by side, and writes each answer in a turn of its own.
    pub(super) async fn run_errands(
        &self,
        me: ShardIndex,
        now: Timestamp,
        errands: Vec<DueErrand>,
    ) -> Result<(), Error> {
        let answers = stream::iter(errands)
            .map(|errand| async move {
                let answer = self.ask(now, &errand).await;
                self.turn(me, now, |turn| turn.run(&errand, answer.clone()))
            })
            .buffer_unordered(REQUESTS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        answers.into_iter().collect()
    }

    async fn ask(&self, now: Timestamp, errand: &DueErrand) -> Answer {
        let answer = match &errand.ask {
            Ask::Nobody => Ok(Answer::Said(Value::Null)),
            Ask::Coupon { pool } => self.coupon(now, pool, &errand.id).await,
            Ask::Notify { url, body } => self.notify(now, url, &errand.id, body).await,
        };
        answer.unwrap_or_else(|error| {
            log::error(
                "errand failed",
                json!({ "errand": errand.id, "error": error.for_log() }),
            );
            Answer::Failed
        })
    }

    async fn coupon(&self, now: Timestamp, pool: &str, errand: &str) -> Result<Answer, Error> {
        let call = StoreCall::Coupon {
            pool: pool.to_owned(),
            errand: errand.to_owned(),
            now,
        };
        let StoreAnswer::Coupon(code) = self.peers(now).store(&call).await? else {
            return Err(Error::NoAnswer("the Store gave no code".to_owned()));
        };
        Ok(Answer::Code(code))
    }

    async fn notify(&self, now: Timestamp, url: &str, errand: &str, body: &[u8]) -> Result<Answer, Error> {
        let settings = self.settings();
        let secret = settings.notify_secrets.iter().next();
        let secret = secret.ok_or_else(|| Error::NoAnswer("NOTIFY_WEBHOOK_SECRET is not set".to_owned()))?;
        let signature = standard_webhooks::sign(secret, errand, now, body)
            .map_err(|error| Error::NoAnswer(format!("NOTIFY_WEBHOOK_SECRET: {error}")))?;
        let mut headers = Headers::new()
            .with("content-type", "application/json")
            .with("user-agent", concat!("wend/", env!("CARGO_PKG_VERSION")));
        for (name, value) in signature.iter() {
            headers.push(name, value);
        }
        let request = Request {
            method: Method::Post,
            url: url.to_owned(),
            headers,
            body: body.to_vec(),
        };
        let response = http_client::send(request, NOTIFY_TIMEOUT).await?;
        log::line("notified", json!({ "errand": errand, "status": response.status }));
        match response.status {
            200..300 => Ok(Answer::Said(http::json(&response.body).unwrap_or(Value::Null))),
            status => Err(Error::NoAnswer(format!("it answered {status}"))),
        }
    }
}
