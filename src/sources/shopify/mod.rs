//! Shopify: webhooks of an app or of a shop's notification settings.
//!
//! Called by the registry with a delivery as it came. This file verifies it, picks the mapping by topic and names the
//! event; the mappings are `customer`, `checkout`, `order` and `compliance`. Facts: `docs/sources.md`.

mod checkout;
mod compliance;
mod consent;
mod customer;
mod order;
mod poll;
mod product;
mod wire;

pub use order::ended;

use super::arrival::Arrival;
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::privacy::Kind;
use crate::domain::time::Timestamp;
use crate::signing;

// Shopify's "Events" product, in preview, drops the `X-`; its official libraries take both families.
const HMAC: [&str; 2] = ["X-Shopify-Hmac-Sha256", "Shopify-Hmac-Sha256"];
const TOPIC: [&str; 2] = ["X-Shopify-Topic", "Shopify-Topic"];
const WEBHOOK_ID: [&str; 2] = ["X-Shopify-Webhook-Id", "Shopify-Webhook-Id"];
const TRIGGERED_AT: [&str; 2] = ["X-Shopify-Triggered-At", "Shopify-Triggered-At"];
const TEST: [&str; 2] = ["X-Shopify-Test", "Shopify-Test"];

/// The topics we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    CustomersCreate,
    CustomersUpdate,
    ConsentUpdate,
    CheckoutsCreate,
    CheckoutsUpdate,
    OrdersCreate,
    OrdersPaid,
    OrdersFulfilled,
    OrdersCancelled,
    OrdersUpdated,
    CustomersDataRequest,
    CustomersRedact,
    ShopRedact,
    Products,
}

/// A verified delivery with what its headers say.
struct Delivery<'a> {
    arrival: Arrival,
    /// The same for every retry. Without the header, a name made from the content, so that repeats still collapse.
    event_id: String,
    /// When Shopify noticed the change: the time of the event where the body has none.
    triggered_at: Option<Timestamp>,
    test: bool,
    verified: Verified<'a>,
}

pub(super) const SOURCE: Source = Source {
    name: "shopify",
    settings: &[SECRET],
    proof: "HMAC-SHA256 of the body, base64",
    verify,
    read,
    fetching: None,
    polling: Some(&poll::POLLING),
};

const SECRET: &str = "SHOPIFY_WEBHOOK_SECRET";

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys.values(SECRET)?;
    if delivery.is_empty() {
        // Shopify's own libraries refuse an empty body whatever its signature.
        return Err(Error::unauthorized("the body is empty"));
    }
    delivery.verify_body_hmac(&HMAC, &secrets)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let name = verified.header(&TOPIC).unwrap_or_default();
    let Some(topic) = Topic::parse(name) else {
        return Ok(Reading::ignored(name));
    };
    topic.map(&Delivery::new(*verified, name, arrival))
}

impl Topic {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "customers/create" => Self::CustomersCreate,
            "customers/update" => Self::CustomersUpdate,
            "customers_email_marketing_consent/update" => Self::ConsentUpdate,
            "checkouts/create" => Self::CheckoutsCreate,
            "checkouts/update" => Self::CheckoutsUpdate,
            "orders/create" => Self::OrdersCreate,
            "orders/paid" => Self::OrdersPaid,
            "orders/fulfilled" => Self::OrdersFulfilled,
            "orders/cancelled" => Self::OrdersCancelled,
            "orders/updated" => Self::OrdersUpdated,
            "customers/data_request" => Self::CustomersDataRequest,
            "customers/redact" => Self::CustomersRedact,
            "shop/redact" => Self::ShopRedact,
            "products/create" | "products/update" | "products/delete" => Self::Products,
            _ => return None,
        })
    }

    fn map(self, delivery: &Delivery<'_>) -> Result<Reading, Error> {
        let event = match self {
            Self::CustomersCreate => customer::created(delivery),
            Self::CustomersUpdate => customer::updated(delivery),
            Self::ConsentUpdate => customer::consent_updated(delivery),
            Self::CheckoutsCreate => checkout::created(delivery),
            Self::CheckoutsUpdate => checkout::updated(delivery),
            // Both say that the order was placed, and share one event id.
            Self::OrdersCreate | Self::OrdersPaid => order::completed(delivery),
            Self::OrdersFulfilled => order::fulfilled(delivery),
            Self::OrdersCancelled => order::cancelled(delivery),
            Self::OrdersUpdated => return order::updated(delivery),
            Self::CustomersDataRequest => return privacy(delivery, Kind::DataRequest),
            Self::CustomersRedact => return privacy(delivery, Kind::Erase),
            Self::ShopRedact => return privacy(delivery, Kind::EraseShop),
            Self::Products => return product::told(delivery),
        };
        event.map(|event| Reading::Events(vec![event]))
    }
}

fn privacy(delivery: &Delivery<'_>, kind: Kind) -> Result<Reading, Error> {
    compliance::request(delivery, kind).map(Reading::Privacy)
}

impl<'a> Delivery<'a> {
    fn new(verified: Verified<'a>, topic: &str, arrival: Arrival) -> Self {
        let id = verified.header(&WEBHOOK_ID).filter(|id| !id.is_empty());
        let event_id = match id {
            Some(id) => format!("shopify:{id}"),
            None => {
                let content = signing::content_name(&[topic.as_bytes(), verified.body()]);
                format!("shopify:{content}")
            }
        };
        let triggered_at = verified
            .header(&TRIGGERED_AT)
            .and_then(|text| Timestamp::parse_rfc3339(text).ok());
        let test = verified
            .header(&TEST)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Self {
            arrival,
            event_id,
            triggered_at,
            test,
            verified,
        }
    }
}
