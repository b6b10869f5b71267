//! Routes that panic or hang on purpose, in test builds only (feature `test-panic`). The end-to-end tests use them to
//! show that the guard in `entry.mjs` answers the caller and everybody else, that a lost alarm runs again, and that a
//! shard which does not answer is waited for once.
//!
//! | route | what |
//! |---|---|
//! | `/test/panic` | panics in the Worker |
//! | `/test/slow` | answers after ten seconds: a request to lose |
//! | `/test/running` | how many of those this instance is working on |
//! | `/test/hush` | from now on no shard answers what another one forwards to it |
//! | `/test/unhush` | they answer again |
//! | `/test/shard/panic` | panics in a shard |
//! | `/test/shard/arm` | sets an alarm that panics at its first run |
//! | `/test/shard/runs` | how often that alarm has run |

use crate::turn::call::Call;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use worker::{Delay, Env, Request, Response, Result, SqlStorageValue, State};

const SLOW: Duration = Duration::from_secs(10);

/// Ends with the instance, and so do the requests that it counts.
static SLOW_REQUESTS: AtomicU32 = AtomicU32::new(0);

/// Longer than anybody waits for a forward.
const HANGING: Duration = Duration::from_mins(5);

/// Shards of one isolate share it, as they share the instance.
static HUSHED: AtomicBool = AtomicBool::new(false);

/// Keeps a forward without an answer, if that was asked for.
pub(super) async fn hang(call: &Call) {
    if matches!(call, Call::Receive(_)) && HUSHED.load(Ordering::Relaxed) {
        Delay::from(HANGING).await;
    }
}

pub(super) async fn fetch(request: Request, env: &Env) -> Result<Response> {
    match request.path().as_str() {
        "/test/panic" => panic_now(),
        "/test/slow" => {
            SLOW_REQUESTS.fetch_add(1, Ordering::Relaxed);
            Delay::from(SLOW).await;
            Response::ok("slow")
        }
        "/test/running" => Response::from_json(&SLOW_REQUESTS.load(Ordering::Relaxed)),
        path @ ("/test/hush" | "/test/unhush") => {
            HUSHED.store(path == "/test/hush", Ordering::Relaxed);
            Response::ok("")
        }
        path if path.starts_with("/test/shard/") => {
            let stub = env.durable_object("SHARD")?.get_by_name("test")?;
            stub.fetch_with_request(request).await
        }
        _ => super::answer::error(404, "no such test route", ""),
    }
}

pub(super) async fn shard_fetch(state: &State, path: &str) -> Result<Response> {
    match path {
        "/test/shard/panic" => panic_now(),
        "/test/shard/arm" => {
            let sql = state.storage().sql();
            sql.exec("CREATE TABLE IF NOT EXISTS alarm_run (at INTEGER)", None)?;
            sql.exec("DELETE FROM alarm_run", None)?;
            state.storage().set_alarm(10).await?;
            Response::ok("armed")
        }
        "/test/shard/runs" => Response::from_json(&runs(state)?),
        _ => super::answer::error(404, "no such test route in a shard", ""),
    }
}

/// Whether this alarm was one of ours. The first run panics.
pub(super) fn shard_alarm(state: &State) -> Result<bool> {
    let sql = state.storage().sql();
    let ours = "SELECT name FROM sqlite_master WHERE name = 'alarm_run'";
    if sql.exec(ours, None)?.to_array::<serde_json::Value>()?.is_empty() {
        return Ok(false);
    }
    // The row stays although the run is lost, which is how the second run knows that it is one.
    let first: Vec<SqlStorageValue> = vec![SqlStorageValue::Integer(0)];
    sql.exec("INSERT INTO alarm_run VALUES (?)", first)?;
    if runs(state)? == 1 { panic_now() } else { Ok(true) }
}

fn runs(state: &State) -> Result<usize> {
    let rows = state
        .storage()
        .sql()
        .exec("SELECT at FROM alarm_run", None)?
        .to_array::<serde_json::Value>()?;
    Ok(rows.len())
}

#[expect(clippy::panic, reason = "this is what the routes are for")]
fn panic_now<T>() -> T {
    panic!("on purpose, in a test build")
}
