//! Errors of the shell: what the runtime refused, what storage refused, what did not answer.

use crate::store::place;
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
    /// An object did not answer in time; it may answer yet, to nobody.
    #[error("no answer in time")]
    Silent,
    #[error("internal message not understood: {0}")]
    Protocol(#[from] serde_json::Error),
    #[error("page: {0}")]
    Page(#[from] askama::Error),
    /// A shard or the store refused the call and says why.
    #[error("{error}")]
    Refused { error: String, hint: String },
}

impl Error {
    /// What went wrong, for a log line: ids and places, and never a value that was read, which may be an address.
    pub fn for_log(&self) -> String {
        match self {
            Self::Runtime(_) | Self::NoAnswer(_) | Self::Silent | Self::Refused { .. } => self.to_string(),
            Self::Store(error) => error.without_values(),
            Self::Turn(error) => error.without_values(),
            Self::Protocol(error) => format!("internal message not understood: {}", place(error)),
            Self::Page(_) => "the page could not be made".to_owned(),
        }
    }
}
