//! Errors of the shell: what the runtime refused, what storage refused, what did not answer.

use crate::domain::shard::ShardIndex;
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
    #[error("the answer was too large")]
    TooLarge,
    /// An object did not answer in time; it may answer yet, to nobody.
    #[error("no answer in time")]
    Silent,
    #[error("internal message not understood: {0}")]
    Protocol(#[from] serde_json::Error),
    #[error("page: {0}")]
    Page(#[from] askama::Error),
    /// A call to a shard failed: the log must say to which.
    #[error("shard {shard}: {error}")]
    Shard { shard: ShardIndex, error: Box<Error> },
    /// A shard or the store refused the call and says why.
    #[error("{error}")]
    Refused { error: String, hint: String },
}

impl Error {
    /// Whether somebody did not answer in time, whoever it was: asking the same one again at once is waiting again.
    pub fn is_silent(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Shard { error, .. } => error.is_silent(),
            Self::Runtime(_)
            | Self::Store(_)
            | Self::Turn(_)
            | Self::NoAnswer(_)
            | Self::TooLarge
            | Self::Protocol(_)
            | Self::Page(_)
            | Self::Refused { .. } => false,
        }
    }

    /// What went wrong, for a log line: ids and places, and never a value that was read, which may be an address.
    pub fn for_log(&self) -> String {
        match self {
            Self::Runtime(_) | Self::NoAnswer(_) | Self::TooLarge | Self::Silent | Self::Refused { .. } => {
                self.to_string()
            }
            Self::Store(error) => error.without_values(),
            Self::Turn(error) => error.without_values(),
            Self::Protocol(error) => format!("internal message not understood: {}", place(error)),
            Self::Shard { shard, error } => format!("shard {shard}: {}", error.for_log()),
            Self::Page(_) => "the page could not be made".to_owned(),
        }
    }
}
