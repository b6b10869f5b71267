//! What is wrong with `catalogue:` of `store.yaml`. Called by `store_check`.

use super::finding::hint;
use super::store_file::StoreFile;
use super::yaml::{Node, Reader, Value};
use crate::domain::time::Delay;
use crate::domain::web_address;

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

/// The feeds, each at its place, and what about them is news.
pub fn catalogue(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
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
