//! `orders/create`, `orders/paid`, `orders/fulfilled`, `orders/cancelled`, and of `orders/updated` that all was refunded.
//!
//! Called by the topic dispatch. Each is one transition of the order, at the time at which that transition happened:
//! every payload shows the whole order as it is now, so its `updated_at` is the time of something else.

use super::wire::{Fulfillment, Sale};
use super::{Delivery, consent};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentifierKind;
use crate::domain::time::Timestamp;
use crate::sources::arrival::Identifiers;
use crate::sources::{Error, arrival, clean};

/// Placed. The earlier of the order's two times: an imported order keeps the day it was placed in `processed_at`.
pub fn completed(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let sale: Sale = delivery.verified.json()?;
    let at = [&sale.created_at, &sale.processed_at]
        .into_iter()
        .filter_map(arrival::rfc3339)
        .min();
    event(delivery, EventKind::OrderCompleted, at, &sale)
}

/// Everything sent. The time and the tracking page are those of the last parcel.
pub fn fulfilled(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let sale: Sale = delivery.verified.json()?;
    let parcels = sale.fulfillments.0.iter();
    let last = parcels
        .filter(|parcel| parcel.status.as_deref() != Some("cancelled"))
        .max_by_key(|parcel| parcel.sent_at());
    let at = last.and_then(Fulfillment::sent_at);
    let at = at.or_else(|| arrival::rfc3339(&sale.updated_at));
    let mut event = event(delivery, EventKind::OrderFulfilled, at, &sale)?;
    let tracking = last.and_then(Fulfillment::tracking);
    event.data.url = tracking.or(event.data.url);
    Ok(event)
}

/// An order as a list shows it: what it is by now stands in its fields, where the webhooks' topics say it. Of one that was
/// cancelled nothing else is told, so that nobody is thanked for it.
pub fn listed(delivery: &Delivery<'_>) -> Result<Vec<Event>, Error> {
    let sale: Sale = delivery.verified.json()?;
    if sale.cancelled_at.as_deref().is_some() {
        return Ok(vec![cancelled(delivery)?]);
    }
    let mut events = vec![completed(delivery)?];
    if sale.fulfillment_status.as_deref() == Some("fulfilled") {
        events.push(fulfilled(delivery)?);
    }
    events.extend(refunded(delivery)?);
    Ok(events)
}

/// All of it went back, which only the order says: `refunds/create` does not know what the order was worth. Of an order that was
/// cancelled that is told; then its money goes back anyway.
pub fn refunded(delivery: &Delivery<'_>) -> Result<Option<Event>, Error> {
    let sale: Sale = delivery.verified.json()?;
    let is_refunded = sale.financial_status.as_deref() == Some("refunded");
    if !is_refunded || sale.cancelled_at.as_deref().is_some() {
        return Ok(None);
    }
    let refunds = sale.refunds.0.iter();
    let last = refunds
        .filter_map(|refund| arrival::rfc3339(&refund.created_at))
        .max();
    let at = last.or_else(|| arrival::rfc3339(&sale.updated_at));
    event(delivery, EventKind::OrderRefunded, at, &sale).map(Some)
}

/// How far an order is paid, in Shopify's word: `paid`, `partially_refunded`.
pub fn payment(delivery: &Delivery<'_>) -> Result<String, Error> {
    let sale: Sale = delivery.verified.json()?;
    Ok(sale.financial_status.as_deref().unwrap_or_default().to_owned())
}

pub fn cancelled(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let sale: Sale = delivery.verified.json()?;
    let at = arrival::rfc3339(&sale.cancelled_at).or_else(|| arrival::rfc3339(&sale.updated_at));
    event(delivery, EventKind::OrderCancelled, at, &sale)
}

fn event(
    delivery: &Delivery<'_>,
    kind: EventKind,
    at: Option<Timestamp>,
    sale: &Sale,
) -> Result<Event, Error> {
    let order_id = sale
        .id
        .as_deref()
        .ok_or_else(|| Error::unreadable("the order has no `id`"))?;
    let at = at.or(delivery.triggered_at);
    let mut event = delivery.arrival.order_event(kind, order_id, at)?;
    event.test = delivery.test || sale.test.0;
    event.identifiers = people(delivery, sale, &mut event)
        .own(IdentifierKind::Order, Some(order_id))
        .own(IdentifierKind::Checkout, sale.checkout_token.as_deref())
        .own(IdentifierKind::Cart, sale.cart_token.as_deref())
        .into_list();
    event.data.order_id = clean::line(order_id);
    event.data.order_number = sale.name.as_deref().and_then(clean::line);
    event.data.checkout_id = sale.checkout_token.as_deref().and_then(clean::line);
    event.data.cart_id = sale.cart_token.as_deref().and_then(clean::line);
    let currency = sale.order_currency();
    event.data.value = sale.value(currency);
    arrival::set_lines(&mut event.data, sale.lines(currency));
    event.data.url = sale.order_status_url.as_deref().and_then(clean::url);
    event.data.discount_codes = sale.codes();
    event.data.referral = sale.referral();
    Ok(event)
}

/// Sets who a checkout or order is of, and returns the identifiers that name a person: its address, the customer's own
/// address where that is another, and the customer.
pub fn people(delivery: &Delivery<'_>, sale: &Sale, event: &mut Event) -> Identifiers {
    let customer = sale.customer.as_ref();
    let own_address = customer.and_then(|customer| arrival::email(&customer.email));
    let given = arrival::email(&sale.email).or_else(|| arrival::email(&sale.contact_email));
    event.email = given.or_else(|| own_address.clone());
    event.profile = sale.profile();
    event.consent = event
        .email
        .as_ref()
        .and_then(|address| consent::of_sale(sale, address, event.occurred_at, event.received_at));
    delivery
        .arrival
        .identifiers()
        .email(event.email.as_ref())
        .email(own_address.as_ref())
        .own(
            IdentifierKind::Customer,
            customer.and_then(|customer| customer.id.as_deref()),
        )
}

impl Fulfillment {
    fn sent_at(&self) -> Option<Timestamp> {
        arrival::rfc3339(&self.created_at).or_else(|| arrival::rfc3339(&self.updated_at))
    }

    fn tracking(&self) -> Option<String> {
        let several = self.tracking_urls.0.iter();
        std::iter::once(&self.tracking_url)
            .chain(several)
            .find_map(|url| url.as_deref().and_then(clean::url))
    }
}
