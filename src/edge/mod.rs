//! The shell around the core, and the only part that names the `worker` crate: the Worker's two handlers, the
//! Durable Objects, and the adapters between Cloudflare's types and ours. It decides nothing.

mod admin;
mod answer;
mod answers;
mod deliver;
mod dev;
mod errand;
mod error;
mod exchange;
mod feedback;
mod forwards;
mod health;
mod hooks;
mod http_client;
mod inflate;
#[cfg(feature = "bench-load")]
mod load_bench;
mod log;
mod notice;
#[cfg(feature = "test-panic")]
mod panic_routes;
mod peers;
mod privacy;
mod published;
mod routes;
mod runtime;
mod segment;
mod send;
mod shard_object;
mod sql;
mod store_call;
mod store_object;
mod subtle;
mod switching;
mod tokens;
mod tracked;

use serde_json::json;
use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let answered = match routes::answer(request, &env, &context).await {
        Ok(response) => Ok(response),
        Err(error) => {
            log::error("request failed", json!({ "error": error.for_log() }));
            match error {
                error::Error::Refused { error, hint } => answer::unavailable(&error, &hint),
                // What failed inside is nobody's business outside: the log has it.
                error::Error::Runtime(_)
                | error::Error::Store(_)
                | error::Error::Turn(_)
                | error::Error::NoAnswer(_)
                | error::Error::TooLarge
                | error::Error::Silent
                | error::Error::Protocol(_)
                | error::Error::Shard { .. }
                | error::Error::Page(_) => {
                    answer::unavailable("Wend could not do this now", "send it again; nothing was lost")
                }
            }
        }
    };
    answer::sealed(answered?)
}

/// Every five minutes: the same run as an alarm's, on every shard, over fetch. Nothing depends on an alarm.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(error) = routes::tick(&env).await {
        log::error("cron failed", json!({ "error": error.for_log() }));
    }
}
