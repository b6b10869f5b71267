//! What is said about product feeds, and what is known of each. Written by the `Store`, shown to operators.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a feed is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Yandex Market's language.
    Yml,
    /// Google Merchant, as RSS 2.0.
    Rss,
    /// Google Merchant, as Atom.
    Atom,
    /// Google Merchant, as a table with tabs.
    Tsv,
}

/// How the last reading of a feed went. Counts are of that reading.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedState {
    /// Its address without what may be secret in it.
    pub shown: String,
    pub begun_at: Timestamp,
    /// When it was last read to its end, or had not changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ok_at: Option<Timestamp>,
    /// Not read again before.
    pub next_at: Timestamp,
    /// Readings in a row that came to no end.
    #[serde(skip_serializing_if = "is_zero")]
    pub failures: u32,
    pub offers: u32,
    /// Rows written: offers that are new or differ, and those that are not for sale any more.
    pub changed: u32,
    /// Offers that are back in stock or became cheaper, of which people are told.
    #[serde(skip_serializing_if = "is_zero")]
    pub news: u32,
    /// Further ones, of which nobody is told.
    #[serde(skip_serializing_if = "is_zero")]
    pub untold: u32,
    /// Offers that could not be taken: without an id, or twice in the feed.
    #[serde(skip_serializing_if = "is_zero")]
    pub unread: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What the server said of this version of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}
