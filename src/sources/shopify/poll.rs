//! Recent orders and open checkouts by the REST Admin API: Shopify gives a webhook up after four hours.
//!
//! Used by the registry. The documents are those of the webhooks (API 2026-07). Sources:
//! <https://shopify.dev/docs/api/admin-rest/2026-07/resources/order>, `…/abandoned-checkouts`, and
//! <https://shopify.dev/docs/api/admin-rest/usage/pagination>.

use super::{Delivery, checkout, order};
use crate::http::Headers;
use crate::signing;
use crate::sources::arrival::Arrival;
use crate::sources::poll::{List, Page, Polling, base, mark};
use crate::sources::{Reading, Verified};

pub const POLLING: Polling = Polling {
    settings: &["SHOPIFY_SHOP", "SHOPIFY_ADMIN_TOKEN"],
    lists: &[
        List {
            name: "orders",
            field: Some("orders"),
            path: |page| path("orders", "&status=any", page),
            read: |verified, arrival| order::listed(&delivery(*verified, arrival)).map(Reading::Events),
        },
        List {
            name: "checkouts",
            field: Some("checkouts"),
            path: |page| path("checkouts", "", page),
            read: |verified, arrival| {
                checkout::created(&delivery(*verified, arrival)).map(|event| Reading::Events(vec![event]))
            },
        },
    ],
    base: shop,
    address: "the shop's own name, as demo.myshopify.com",
    header: |values| ("x-shopify-access-token", values.concat()),
    next,
};

/// A page behind the first is named by its mark alone: Shopify refuses filters beside it.
fn path(list: &str, filter: &str, page: Page<'_>) -> String {
    let query = match page.mark {
        Some(mark) => format!("page_info={mark}"),
        None => format!("updated_at_min={}{filter}", page.since.to_rfc3339()),
    };
    format!("/admin/api/2026-07/{list}.json?limit={}&{query}", page.size)
}

/// The Admin API is had under the name that Shopify gave the shop, and under no other.
fn shop(address: &str) -> Option<String> {
    let named = address.trim_end_matches('/').trim_start_matches("https://");
    match named.strip_suffix(".myshopify.com") {
        Some(name) if !name.is_empty() => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            name.bytes().all(is_plain).then(|| format!("https://{named}"))
        }
        Some(_) | None => base(address).filter(|base| base.starts_with("http://")),
    }
}

/// `<https://…?limit=…&page_info=…>; rel="next"`, after the one of the page before. Only the mark is taken of it: the
/// request goes to the shop that was set.
fn next(headers: &Headers, _: Page<'_>, _: usize) -> Option<String> {
    let links = headers.get("link")?.split(',');
    let is_next = |link: &&str| link.contains("rel=\"next\"") || link.contains("rel=next");
    let (_, query) = links
        .filter(is_next)
        .find_map(|link| link.split_once("page_info="))?;
    mark(query.split(['&', '>', '#', ';']).next()?)
}

fn delivery<'a>(verified: Verified<'a>, arrival: Arrival) -> Delivery<'a> {
    Delivery {
        arrival,
        event_id: format!("shopify:poll:{}", signing::content_name(&[verified.body()])),
        triggered_at: None,
        test: false,
        verified,
    }
}
