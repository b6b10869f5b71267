//! What can go wrong in a storage turn.

use crate::domain::ids::ContactId;
use crate::store::{self, place};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("internal message not understood: {0}")]
    Json(#[from] serde_json::Error),
    #[error("contact {0} was merged in a circle")]
    Loop(ContactId),
    #[error(transparent)]
    Id(#[from] crate::domain::ids::Error),
    #[error(transparent)]
    Shards(#[from] crate::domain::shard::Error),
    #[error(transparent)]
    Provider(#[from] crate::providers::registry::Error),
}

impl Error {
    /// What went wrong without the values that were read, which may hold an address: for a log.
    pub fn without_values(&self) -> String {
        match self {
            Self::Store(error) => error.without_values(),
            Self::Json(error) => format!("internal message not understood: {}", place(error)),
            Self::Id(_) => "an id cannot be read".to_owned(),
            Self::Loop(_) | Self::Shards(_) | Self::Provider(_) => self.to_string(),
        }
    }
}
