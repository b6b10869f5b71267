//! A document that a source only named, and that is to be fetched. Made by the sources, kept by a shard, fetched by the edge.

use super::identity::{Identifier, IdentifierKind};
use super::ids::SourceName;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A document to be fetched. It is stored, so fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub source: SourceName,
    /// What happened, as the source calls it.
    pub topic: String,
    /// The source's name for this delivery or change: the same for every retry.
    pub id: String,
    /// The source's own time.
    pub at: Timestamp,
    pub received_at: Timestamp,
    /// The documents, by the names that reading knows them by, and where they stand below the API's address.
    pub documents: Vec<(String, String)>,
}

impl Notice {
    /// What the work is named by: the same delivery twice is one.
    pub fn work_id(&self) -> String {
        format!("notice:{}:{}:{}", self.source, self.topic, self.id)
    }

    /// An identifier of its own: work is spread over the shards by it.
    pub fn place(&self) -> Identifier {
        Identifier {
            kind: IdentifierKind::Anonymous,
            source: self.source.as_str().to_owned(),
            value: self.work_id(),
        }
    }
}
