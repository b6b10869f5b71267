//! `catalogue:` of `store.yaml`: which product feeds are read, and what about them is news. Read with the rest of that file,
//! checked by `store_check`; the Worker gets the outcome.

use super::finding::hint;
use super::store_file::{StoreFile, delay};
use super::yaml::{Node, Reader, Value};
use crate::domain::feed::Format;
use crate::domain::time::Delay;
use crate::domain::web_address;
use serde::{Deserialize, Serialize};

/// Most feeds: one is read at a time.
const MAX_FEEDS: usize = 5;
const SHORTEST: Delay = Delay::from_minutes(15);
const LONGEST: Delay = Delay::from_days(7);

/// The shops whose ids a feed may use: the sources that name variants in carts.
pub const SHOPS: [&str; 10] = [
    "shopify",
    "woocommerce",
    "bigcommerce",
    "ecwid",
    "squarespace",
    "wix",
    "saleor",
    "medusa",
    "insales",
    "tilda",
];

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

pub(super) fn check(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Some(catalogue) = &store.catalogue else { return };
    let Some(fields) = reader.map(node, "a map with `feeds`") else {
        return;
    };
    if let Some(node) = fields.get("price_drop")
        && !(1..=90).contains(&catalogue.price_drop)
    {
        reader.expected(node, "a whole number of percent from 1 to 90");
    }
    let Some(node) = fields.get("feeds") else { return };
    if catalogue.feeds.len() > MAX_FEEDS {
        reader.report(node.place, format!("at most {MAX_FEEDS} feeds are read"));
    }
    let Value::List(nodes) = &node.value else { return };
    for (number, (feed, node)) in catalogue.feeds.iter().zip(nodes).enumerate() {
        if let Err(error) = web_address::check(&feed.url, true) {
            reader.report(node.place, format!("`url` cannot be read: {error}"));
        }
        let mut earlier = catalogue.feeds.iter().take(number);
        if earlier.any(|other| other.url == feed.url) {
            reader.report(node.place, "this feed is listed twice");
        }
        if feed.every < SHORTEST || feed.every > LONGEST {
            reader.report(
                node.place,
                format!("`every` is a length of time from `{SHORTEST}` to `{LONGEST}`"),
            );
        }
        if let Some(source) = feed.source.as_deref().filter(|source| !SHOPS.contains(source)) {
            let near = hint(source, &SHOPS);
            reader.report(
                node.place,
                format!("`{source}` is not a shop whose ids a feed can use{near}"),
            );
        }
    }
}
