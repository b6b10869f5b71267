//! WooCommerce: webhooks made under WooCommerce → Settings → Advanced → Webhooks.
//!
//! Called by the registry with a delivery as it came. This file verifies it, knows the unsigned ping, and picks the
//! mapping by topic. Facts: `docs/sources.md`.

mod customer;
mod order;
mod poll;

use super::arrival::Arrival;
use super::loose::Text;
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::entities;
use crate::domain::time::Timestamp;
use crate::signing::{self, Secrets};

const SIGNATURE: [&str; 1] = ["X-WC-Webhook-Signature"];
const TOPIC: [&str; 1] = ["X-WC-Webhook-Topic"];
/// Every real delivery has headers that start so; the ping has none.
const HEADER_PREFIX: &str = "X-WC-";

/// A verified delivery.
struct Delivery<'a> {
    arrival: Arrival,
    topic: &'a str,
    verified: Verified<'a>,
}

pub(super) const SOURCE: Source = Source {
    name: "woocommerce",
    settings: &[SECRET],
    proof: "HMAC-SHA256 of the body, base64",
    verify,
    read,
    fetching: None,
    polling: Some(&poll::POLLING),
};

const SECRET: &str = "WOOCOMMERCE_WEBHOOK_SECRET";

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let signed_with = signed_with(keys.secrets(SECRET)?);
    // WooCommerce posts this when the webhook is saved, unsigned; unless it is answered 200 the webhook stays inactive.
    if delivery.is_bare_form("webhook_id") && !delivery.has_header_starting(HEADER_PREFIX) {
        return Ok(Proof::Ping);
    }
    delivery.verify_body_hmac(&SIGNATURE, &signed_with)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let topic = verified.header(&TOPIC).unwrap_or_default();
    let delivery = Delivery {
        arrival,
        topic,
        verified: *verified,
    };
    match topic {
        "customer.created" => customer::created(&delivery),
        "customer.updated" => customer::updated(&delivery),
        "order.created" | "order.updated" => order::events(&delivery),
        _ => Ok(Reading::ignored(topic)),
    }
}

/// WooCommerce signs with the secret after decoding HTML entities (`WC_Webhook::generate_signature`), so `&` and `&amp;`
/// in the setting are the same. Its generated secrets may hold spaces.
fn signed_with(secrets: &Secrets) -> Vec<String> {
    secrets.iter_with_spaces().map(entities::decode_special).collect()
}

impl Delivery<'_> {
    /// The id of an event that is no order transition. `X-WC-Webhook-Delivery-ID` is made from the clock in seconds, so
    /// two deliveries may share it; the content names an event safely.
    fn event_id(&self, id: &str, modified: &Text) -> String {
        let content = signing::content_name(&[self.topic.as_bytes(), self.verified.body()]);
        let modified = modified.as_deref().unwrap_or_default();
        format!("woocommerce:{}:{id}:{modified}:{content}", self.topic)
    }
}

/// `*_gmt` fields are UTC without saying so. The fields without `_gmt` are in the site's own zone, which a delivery does
/// not name, and are never read.
fn gmt(text: &Text) -> Option<Timestamp> {
    text.as_deref().and_then(|text| {
        Timestamp::parse_naive_utc(text)
            .or_else(|_| Timestamp::parse_rfc3339(text))
            .ok()
    })
}
