//! Errors of the shell: what the runtime refused, what storage refused, what did not answer.

use crate::{store, turn};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("runtime: {0}")]
    Runtime(#[from] worker::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Turn(#[from] turn::Error),
    #[error("no answer: {0}")]
    NoAnswer(String),
    #[error("internal message not understood: {0}")]
    Protocol(#[from] serde_json::Error),
    #[error("page: {0}")]
    Page(#[from] askama::Error),
    /// A shard or the store refused the call and says why.
    #[error("{error}")]
    Refused { error: String, hint: String },
}
