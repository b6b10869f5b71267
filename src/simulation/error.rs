//! What can stop a simulation, in words that say what to do.

use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::journey::finding::Finding;
use crate::settings::Fault;
use crate::{providers, store, turn};
use std::path::PathBuf;

/// Why something did not get done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Wanted: see [`super::world::World::crash_after`].
    #[error("the process died")]
    Crash,
    /// Wanted: the run waits for an answer that does not come, and its shard goes on without it.
    #[error("the run hangs")]
    Hangs,
    /// Wanted: see [`super::world::World::away`].
    #[error("shard {0} does not answer")]
    Silent(ShardIndex),
    #[error(transparent)]
    Turn(turn::Error),
    #[error(transparent)]
    Routing(#[from] turn::routing::Error),
    #[error("{} found; correct these first:{}", count(.0.len()), lines(.0))]
    Findings(Vec<Finding>),
    #[error("the pretend installation cannot be set up: {}", faults(.0))]
    Settings(Vec<Fault>),
    #[error("there is no shard {0} in this installation")]
    NoShard(ShardIndex),
    #[error(
        "more than {moments} moments came due before {until}: something comes due again and again; look for a `goto` or a \
         `start` that leads back without a wait"
    )]
    Livelock { moments: usize, until: Timestamp },
    #[error(
        "at {0} requests a second no mail has left for an hour, at {1}, though some are due; allow more with \
         `requests_per_second`"
    )]
    Starved(u32, Timestamp),
    #[error("the pretend provider cannot read a request: {0}")]
    Provider(&'static str),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Story(#[from] LineError),
    #[error("{path}: {problem}")]
    File { path: PathBuf, problem: String },
    /// The caller asked for something that cannot be done: in words that say what can.
    #[error("{0}")]
    Asked(String),
}

/// A line of a scenario that cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number}: {problem}")]
pub struct LineError {
    /// Counted from 1; 0 for a line that is in no file.
    pub number: usize,
    pub problem: String,
}

impl From<turn::Error> for Failure {
    fn from(error: turn::Error) -> Self {
        Self::Turn(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Turn(error.into())
    }
}

impl From<providers::registry::Error> for Failure {
    fn from(error: providers::registry::Error) -> Self {
        Self::Turn(error.into())
    }
}

fn count(problems: usize) -> String {
    let ending = if problems == 1 { "" } else { "s" };
    format!("{problems} problem{ending}")
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n{finding}")).collect()
}

fn faults(faults: &[Fault]) -> String {
    let texts: Vec<String> = faults
        .iter()
        .map(|fault| format!("{}: {}", fault.setting, fault.problem))
        .collect();
    texts.join("; ")
}
