//! `catalogue:` of `store.yaml`: which product feeds are read, and what about them is news. Read with the rest of that file,
//! checked by `feed_check`; the Worker gets the outcome.

use super::store_file::delay;
use crate::domain::feed::Format;
use crate::domain::time::Delay;
use serde::{Deserialize, Serialize};

/// What the store sells, as its shop lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(default)]
    pub feeds: Vec<Feed>,
    /// By how many percent a price must fall for `Price Dropped`.
    #[serde(default = "default_price_drop")]
    pub price_drop: u8,
}

const fn default_price_drop() -> u8 {
    5
}

/// A file in which a shop lists what it sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub url: String,
    /// Told by its first tag unless it is said.
    #[serde(default)]
    pub format: Option<Format>,
    /// How often it is read.
    #[serde(default = "default_every", with = "delay")]
    pub every: Delay,
    /// The source whose ids it uses, where product webhooks of that source come as well, or a store has two shops.
    #[serde(default)]
    pub source: Option<String>,
}

const fn default_every() -> Delay {
    Delay::from_hours(6)
}

impl Feed {
    /// Its address without what may be secret in it: a query often holds a key.
    pub fn shown(&self) -> String {
        let end = self.url.find(['?', '#']).unwrap_or(self.url.len());
        self.url.get(..end).unwrap_or_default().to_owned()
    }
}
