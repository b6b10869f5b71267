//! The Durable Object that holds a share of the contacts. Called by the Worker's fetch and scheduled handlers,
//! and by its own alarm.

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// One shard.
#[durable_object(alarm)]
pub struct Shard {
    #[cfg_attr(not(feature = "test-panic"), expect(dead_code, reason = "holds the storage"))]
    state: State,
}

impl DurableObject for Shard {
    fn new(state: State, _env: Env) -> Self {
        Self { state }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        match request.path().as_str() {
            #[cfg(feature = "test-panic")]
            path if path.starts_with("/test/") => super::panic_routes::shard_fetch(&self.state, path).await,
            _ => super::answer_error(404, "no such route in a shard", ""),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        #[cfg(feature = "test-panic")]
        super::panic_routes::shard_alarm(&self.state)?;
        Response::ok("")
    }
}
