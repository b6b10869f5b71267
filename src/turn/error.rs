//! What can go wrong in a storage turn.

use crate::domain::ids::ContactId;
use crate::store;

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
