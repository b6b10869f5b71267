//! Lines of the logbook on their way to the shard that keeps them: behind the answer, because no sender waits for them.

use super::log;
use super::peers::Peers;
use super::routes::Visit;
use crate::domain::logbook::Line;
use crate::domain::time::Timestamp;
use crate::sources::{SourceKind, Verified};
use crate::turn::call::Call;
use crate::turn::logbook::shard_of;
use serde_json::json;
use std::rc::Rc;

pub use crate::domain::logbook::Verdict;

/// A line of a delivery that leaves nothing else.
pub fn of_delivery(
    source: SourceKind,
    verified: &Verified<'_>,
    verdict: Verdict,
    reason: &str,
    now: Timestamp,
) -> Line {
    let (topic, id) = verified.named();
    Line::new(now, source.as_str(), &topic, &id, verdict, reason)
}

/// Has lines kept once the answer has gone.
pub fn note(visit: &Visit<'_>, lines: Vec<Line>) {
    if lines.is_empty() {
        return;
    }
    let (env, settings, now) = (visit.env.clone(), Rc::clone(&visit.settings), visit.now);
    visit.context.wait_until(async move {
        let peers = Peers {
            env: &env,
            settings,
            now,
            origin: None,
        };
        keep(&peers, lines).await;
    });
}

/// Has lines kept. A line that is lost is no reason to do anything again: the log says so.
pub async fn keep(peers: &Peers<'_>, lines: Vec<Line>) {
    let Some(shard) = lines.first().map(|line| shard_of(&peers.settings, line)) else {
        return;
    };
    if let Err(error) = peers.shard(shard, Call::KeepLines(lines)).await {
        log::error("logbook failed", json!({ "error": error.for_log() }));
    }
}
