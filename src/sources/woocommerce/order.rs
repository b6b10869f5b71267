//! `order.created` and `order.updated`: what happened is told by the order's status.
//!
//! Called by the topic dispatch. The topic itself says little: a payload is built when WooCommerce's background job
//! runs, so `order.created` may already show a paid order, and two updates the same final state.

use super::customer::Address;
use super::{Delivery, gmt};
use crate::domain::event::{Event, EventKind, LineItem};
use crate::domain::identity::IdentifierKind;
use crate::domain::money::Currency;
use crate::domain::referral::ReferralCode;
use crate::domain::time::Timestamp;
use crate::sources::loose::{List, Object, Text};
use crate::sources::{Error, Reading, arrival, clean};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Order {
    id: Text,
    number: Text,
    status: Text,
    currency: Text,
    total: Text,
    customer_id: Text,
    billing: Object<Address>,
    line_items: List<Line>,
    coupon_lines: List<Coupon>,
    meta_data: List<Meta>,
    payment_url: Text,
    date_created_gmt: Text,
    date_modified_gmt: Text,
    date_paid_gmt: Text,
    date_completed_gmt: Text,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Line {
    name: Text,
    quantity: Text,
    price: Text,
    sku: Text,
    product_id: Text,
    variation_id: Text,
    image: Object<Image>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Image {
    src: Text,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Coupon {
    code: Text,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Meta {
    key: Text,
    value: Text,
}

/// Where WooCommerce's own order attribution keeps the page that a shopper came to.
const LANDING_PAGE: &str = "_wc_order_attribution_session_entry";

/// Core has no abandoned carts: an order that waits for its payment is the checkout, and its id the checkout's id, so
/// that the paid order closes it.
pub fn events(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let order: Order = delivery.verified.json()?;
    let id = order
        .id
        .nonzero()
        .ok_or_else(|| Error::unreadable("the order has no `id`"))?;
    let status = order.status.as_deref().unwrap_or_default();
    let modified = gmt(&order.date_modified_gmt);
    let transition = |kind, at| {
        let frame = delivery.arrival.order_event(kind, id, at)?;
        Ok(order.fill(delivery, frame, id))
    };
    let events = match status.strip_prefix("wc-").unwrap_or(status) {
        "pending" | "failed" | "checkout-draft" => vec![order.started(delivery, id)?],
        "on-hold" | "processing" => vec![transition(EventKind::OrderCompleted, order.placed_at())?],
        "completed" => {
            let sent_at = gmt(&order.date_completed_gmt).or(modified);
            vec![
                transition(EventKind::OrderCompleted, order.placed_at())?,
                transition(EventKind::OrderFulfilled, sent_at)?,
            ]
        }
        "cancelled" => vec![transition(EventKind::OrderCancelled, modified)?],
        "refunded" => vec![transition(EventKind::OrderRefunded, modified)?],
        other => return Ok(Reading::of_status(other)),
    };
    Ok(Reading::Events(events))
}

impl Order {
    fn placed_at(&self) -> Option<Timestamp> {
        gmt(&self.date_paid_gmt).or_else(|| gmt(&self.date_created_gmt))
    }

    /// Waiting for payment: a checkout, not yet an order. `payment_url` goes on with it.
    fn started(&self, delivery: &Delivery<'_>, id: &str) -> Result<Event, Error> {
        let at = gmt(&self.date_modified_gmt).or_else(|| gmt(&self.date_created_gmt));
        let event_id = delivery.event_id(id, &self.date_modified_gmt);
        let frame = delivery
            .arrival
            .event(EventKind::CheckoutStarted, &event_id, at)?;
        let mut event = self.fill(delivery, frame, id);
        event.data.order_id = None;
        event.data.url = self.payment_url.as_deref().and_then(clean::url);
        Ok(event)
    }

    fn fill(&self, delivery: &Delivery<'_>, mut event: Event, id: &str) -> Event {
        let billing = self.billing.as_ref();
        event.email = billing.and_then(|address| arrival::email(&address.email));
        event.identifiers = delivery
            .arrival
            .identifiers()
            .email(event.email.as_ref())
            .own(IdentifierKind::Customer, self.customer_id.nonzero())
            .own(IdentifierKind::Order, Some(id))
            .own(IdentifierKind::Checkout, Some(id))
            .into_list();
        event.profile = billing.map(Address::profile).unwrap_or_default();
        let currency = clean::currency(&self.currency);
        event.data.checkout_id = clean::line(id);
        event.data.order_id = clean::line(id);
        event.data.order_number = self.number.as_deref().and_then(clean::html_line);
        event.data.value = clean::money(&self.total, currency);
        arrival::set_lines(
            &mut event.data,
            self.line_items.0.iter().map(|line| line.item(currency)),
        );
        let coupons = self.coupon_lines.0.iter();
        event.data.discount_codes = coupons
            .filter_map(|coupon| coupon.code.as_deref().and_then(clean::html_line))
            .collect();
        event.data.referral = self.referral().filter(|_| event.kind.order_status().is_some());
        event
    }

    /// Whose code the shopper came by: the one that was redeemed, else what a plugin noted, else the page they came to.
    fn referral(&self) -> Option<ReferralCode> {
        let noted = |names: &'static [&str]| {
            let of_name = move |meta: &&Meta| meta.key.as_deref().is_some_and(|key| names.contains(&key));
            let notes = self.meta_data.0.iter().filter(of_name);
            notes.filter_map(|meta| meta.value.as_deref())
        };
        let redeemed = self
            .coupon_lines
            .0
            .iter()
            .filter_map(|coupon| coupon.code.as_deref());
        let landed = noted(&[LANDING_PAGE]).filter_map(clean::ref_of_page);
        clean::referral(redeemed.chain(noted(&["ref", "_ref"])).chain(landed))
    }
}

impl Line {
    /// The name already tells the variation ("Shirt - M"), so no variant is given besides.
    fn item(&self, currency: Option<Currency>) -> LineItem {
        let image = self.image.as_ref().and_then(|image| image.src.as_deref());
        LineItem {
            title: self
                .name
                .as_deref()
                .and_then(clean::html_line)
                .unwrap_or_default(),
            variant: None,
            quantity: clean::quantity(&self.quantity),
            price: clean::money(&self.price, currency),
            sku: self.sku.as_deref().and_then(clean::html_line),
            product_id: self.product_id.nonzero().and_then(clean::line),
            variant_id: self.variation_id.nonzero().and_then(clean::line),
            image_url: image.and_then(clean::url),
            url: None,
        }
    }
}
