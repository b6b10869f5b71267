//! The shell around the core, and the only part that names the `worker` crate: the Worker's two handlers, the
//! Durable Objects, and the adapters between Cloudflare's types and ours. It decides nothing.

use worker::{
    Context, Env, Method, Request, Response, Result, ScheduleContext, ScheduledEvent, console_error, event,
};

#[cfg(feature = "test-panic")]
mod panic_routes;
mod shard_object;
mod store_object;

#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    match route(request, env).await {
        Ok(response) => Ok(response),
        Err(error) => {
            console_error!("request failed: {error}");
            answer_error(503, "the request failed inside the Worker", "send it again")
        }
    }
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, _env: Env, _context: ScheduleContext) {}

#[cfg_attr(
    not(feature = "test-panic"),
    expect(unused_variables, reason = "so far only test routes need it")
)]
async fn route(request: Request, env: Env) -> Result<Response> {
    match (request.method(), request.path().as_str()) {
        (Method::Get | Method::Head, "/health") => health(),
        #[cfg(feature = "test-panic")]
        (_, path) if path.starts_with("/test/") => panic_routes::fetch(request, &env).await,
        _ => answer_error(404, "no such route", "GET /health says whether the Worker runs"),
    }
}

fn health() -> Result<Response> {
    Response::from_json(&serde_json::json!({ "ok": true, "version": env!("CARGO_PKG_VERSION") }))
}

fn answer_error(status: u16, error: &str, hint: &str) -> Result<Response> {
    Ok(Response::from_json(&serde_json::json!({ "error": error, "hint": hint }))?.with_status(status))
}
