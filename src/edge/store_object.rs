//! The one Durable Object that holds what the whole store shares. Called by the Worker and by shards, never on
//! the path of a webhook.

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// Store-wide state.
#[durable_object(fetch)]
pub struct Store {}

impl DurableObject for Store {
    fn new(_state: State, _env: Env) -> Self {
        Self {}
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        super::answer_error(404, "no such route in the store object", "")
    }
}
