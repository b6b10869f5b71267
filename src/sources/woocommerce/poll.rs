//! Recent orders by the REST API, of which webhooks may be lost: WooCommerce repeats none.
//!
//! Used by the registry. Source: <https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders>.

use super::{Delivery, order};
use crate::http::Headers;
use crate::signing::BASE64;
use crate::sources::arrival::Arrival;
use crate::sources::poll::{List, Page, Polling, base};
use crate::sources::{Error, Reading, Verified};
use base64::Engine as _;

pub const POLLING: Polling = Polling {
    settings: &[
        "WOOCOMMERCE_URL",
        "WOOCOMMERCE_CONSUMER_KEY",
        "WOOCOMMERCE_CONSUMER_SECRET",
    ],
    lists: &[List {
        name: "orders",
        field: None,
        path,
        read,
    }],
    base,
    address: "the shop's address, as https://shop.example",
    header,
    next,
};

/// In the order of ids, which no change moves: in that of changes, an order that changed between two pages would move to
/// the end and push another one off the page that was still to come.
fn path(page: Page<'_>) -> String {
    let since = page.since.to_rfc3339();
    let seconds = since.get(.."2026-01-06T12:00:00".len()).unwrap_or_default();
    format!(
        "/wp-json/wc/v3/orders?modified_after={seconds}&dates_are_gmt=true&orderby=id&order=asc&per_page={}&page={}",
        page.size,
        page.mark.unwrap_or("1")
    )
}

fn header(values: &[&str]) -> (&'static str, String) {
    (
        "authorization",
        format!("Basic {}", BASE64.encode(values.join(":"))),
    )
}

/// The shop says how many pages there are, which counts where a plugin makes pages smaller than was asked.
fn next(headers: &Headers, page: Page<'_>, documents: usize) -> Option<String> {
    let number: u32 = page.mark.unwrap_or("1").parse().ok()?;
    let pages: Option<u32> = headers
        .get("x-wp-totalpages")
        .and_then(|pages| pages.parse().ok());
    let is_full = u32::try_from(documents).unwrap_or(u32::MAX) >= page.size;
    let has_more = pages.map_or(is_full, |pages| number < pages) && documents > 0;
    has_more.then(|| number.saturating_add(1).to_string())
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    order::events(&Delivery {
        arrival,
        topic: "poll",
        verified: *verified,
    })
}
