//! Calls between the Worker, the shards and the `Store`: JSON over a Durable Object fetch.

use super::error::Error;
use super::store_call::{StoreAnswer, StoreCall};
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::http;
use crate::settings::{Environment, Settings};
use crate::turn::call::{Answer, Call, Envelope};
use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use worker::js_sys::{Function, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Env, Method, ObjectNamespace, Request, RequestInit, Stub};

/// How long an object may take for a call that is one turn. Senders of webhooks wait five seconds or more.
const PATIENCE: Delay = Delay::from_seconds(10);

/// Name of the one `Store` object.
const STORE_NAME: &str = "store";

/// The other objects, as one caller sees them.
pub struct Peers<'a> {
    pub env: &'a Env,
    pub settings: Rc<Settings>,
    pub now: Timestamp,
    pub origin: Option<String>,
}

impl Peers<'_> {
    /// Asks a shard.
    ///
    /// # Errors
    /// When it cannot be reached, fails, or refuses the call.
    pub async fn shard(&self, shard: ShardIndex, call: Call) -> Result<Answer, Error> {
        let envelope = Envelope {
            shards: self.settings.shards,
            shard,
            jurisdiction: self.settings.jurisdiction.clone(),
            hash_key: self.settings.hash_key_fingerprint(),
            now: self.now,
            origin: self.origin.clone(),
            call,
        };
        let stub = self.stub("SHARD", &shard.to_string())?;
        let patience = patience(&envelope.call);
        let failed = |error| Error::Shard {
            shard,
            error: Box::new(error),
        };
        match post(&stub, &envelope, patience).await.map_err(failed)? {
            Answer::Refused { error, hint } => Err(Error::Refused { error, hint }),
            answer => Ok(answer),
        }
    }

    /// Asks the `Store`.
    ///
    /// # Errors
    /// When it cannot be reached or fails.
    pub async fn store(&self, call: &StoreCall) -> Result<StoreAnswer, Error> {
        post(&self.stub("STORE", STORE_NAME)?, call, PATIENCE).await
    }

    fn stub(&self, binding: &str, name: &str) -> Result<Stub, Error> {
        let namespace = self.env.durable_object(binding)?;
        // The Store holds no personal data and is always found in the same place: it is what tells a shard that the
        // jurisdiction was changed.
        let jurisdiction = self.settings.jurisdiction.as_ref().filter(|_| binding != "STORE");
        match (jurisdiction, self.settings.environment) {
            // The local runtime knows no jurisdictions; the setting itself is checked all the same.
            (None, _) | (Some(_), Environment::Dev) => Ok(namespace.get_by_name(name)?),
            (Some(jurisdiction), Environment::Production) => {
                Ok(within(self.env, binding, jurisdiction)?.get_by_name(name)?)
            }
        }
    }
}

/// The part of a namespace whose objects stay in a jurisdiction. The `worker` crate has no binding for it.
fn within(env: &Env, binding: &str, jurisdiction: &str) -> Result<ObjectNamespace, Error> {
    let failed = |error: JsValue| Error::Runtime(worker::Error::from(error));
    let namespace = Reflect::get(env, &JsValue::from_str(binding)).map_err(failed)?;
    let method = Reflect::get(&namespace, &JsValue::from_str("jurisdiction")).map_err(failed)?;
    let method: Function = method.dyn_into().map_err(failed)?;
    let part = method
        .call1(&namespace, &JsValue::from_str(jurisdiction))
        .map_err(failed)?;
    Ok(part.unchecked_into())
}

/// How long a call may take before the caller goes on without its answer. What was asked may still be done: every call
/// may be repeated.
const fn patience(call: &Call) -> Delay {
    match call {
        Call::Touch(_)
        | Call::Ingest(_)
        | Call::Receive(_)
        | Call::Find(_)
        | Call::Absorb { .. }
        | Call::Bought(_)
        | Call::Switches(_)
        | Call::Choose { .. }
        | Call::Standing { .. }
        | Call::Hear(_)
        | Call::See(_)
        | Call::View { .. }
        | Call::KeepRefused(_)
        | Call::KeepLines(_)
        | Call::Exported(_)
        | Call::NotePrivacyRequest { .. } => PATIENCE,
        // These go through many rows.
        Call::Count(_)
        | Call::CountAnew(_)
        | Call::Prune
        | Call::Sweep
        | Call::Mails
        | Call::Reasons
        | Call::Overview
        | Call::Log(_)
        | Call::TellNews(_)
        | Call::WhoIs { .. }
        | Call::Held(_)
        | Call::Together(_)
        | Call::Everything(_)
        | Call::Erase { .. }
        | Call::Forget(_) => Delay::from_minutes(1),
        // A run waits for the provider; cron has a quarter of an hour for all shards.
        Call::RunDue => Delay::from_minutes(5),
    }
}

/// Asks an object, and waits for its answer no longer than `patience`: one that hangs must not hang its callers.
async fn post<B: Serialize, A: DeserializeOwned>(stub: &Stub, body: &B, patience: Delay) -> Result<A, Error> {
    let answer = pin!(exchange(stub, body));
    let deadline = pin!(worker::Delay::from(Duration::from_millis(
        patience.as_millis().unsigned_abs()
    )));
    match select(answer, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::Silent),
    }
}

async fn exchange<B: Serialize, A: DeserializeOwned>(stub: &Stub, body: &B) -> Result<A, Error> {
    let body = serde_json::to_string(body)?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(JsValue::from_str(&body)));
    let request = Request::new_with_init("https://object/call", &init)?;
    let mut response = stub.fetch_with_request(request).await?;
    let bytes = response.bytes().await?;
    if response.status_code() == 200 {
        return Ok(http::json(&bytes)?);
    }
    Err(Error::NoAnswer(format!(
        "an object answered {}",
        response.status_code()
    )))
}
