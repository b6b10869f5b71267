//! `orders/create`, `orders/paid`, `orders/fulfilled`, `orders/cancelled`, and of `orders/updated` how the order ended.
//!
//! Called by the topic dispatch. Each is one transition of the order, at the time at which that transition happened:
//! every payload shows the whole order as it is now, so its `updated_at` is the time of something else.

use super::Delivery;
use super::consent::{self, Times};
use super::wire::{Fulfillment, Sale};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentifierKind;
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::sources::arrival::Identifiers;
use crate::sources::{Error, Reading, Reason, arrival, clean};

pub fn completed(delivery: &Delivery<'_>) -> Result<Event, Error> {
    placed(delivery, &delivery.verified.json()?)
}

pub fn fulfilled(delivery: &Delivery<'_>) -> Result<Event, Error> {
    sent(delivery, &delivery.verified.json()?)
}

pub fn cancelled(delivery: &Delivery<'_>) -> Result<Event, Error> {
    called_off(delivery, &delivery.verified.json()?)
}

/// An order that was changed in any way. What its other topics do not tell is that all of it was refunded: `refunds/create` does
/// not know what the order was worth. A cancellation is told again, and is the one event that `orders/cancelled` is.
pub fn updated(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let sale: Sale = delivery.verified.json()?;
    let ended = ending(delivery, &sale)?;
    Ok(ended.map_or(Reading::Ignored(Reason::Edit), |event| {
        Reading::Events(vec![event])
    }))
}

/// An order as a list shows it: what it is by now stands in its fields, where the webhooks' topics say it. Of one that has
/// ended nothing else is told, so that nobody is thanked for it.
pub fn listed(delivery: &Delivery<'_>) -> Result<Vec<Event>, Error> {
    let sale: Sale = delivery.verified.json()?;
    if let Some(event) = ending(delivery, &sale)? {
        return Ok(vec![event]);
    }
    let mut events = vec![placed(delivery, &sale)?];
    if sale.fulfillment_status.as_deref() == Some("fulfilled") {
        events.push(sent(delivery, &sale)?);
    }
    Ok(events)
}

/// How an order ended, of whether it was cancelled and how far it is paid. The one rule for webhooks, polls and lists of the past.
///
/// `voided` is what Shopify calls an unpaid order that was cancelled by hand. `expired` says only that the time to capture the
/// payment ran out: such an order stands until somebody cancels it. The money of a cancelled order goes back anyway.
/// <https://shopify.dev/docs/api/admin-graphql/latest/enums/OrderDisplayFinancialStatus>
pub fn ended(is_cancelled: bool, financial_status: Option<&str>) -> Option<OrderStatus> {
    if is_cancelled || financial_status == Some("voided") {
        return Some(OrderStatus::Cancelled);
    }
    (financial_status == Some("refunded")).then_some(OrderStatus::Refunded)
}

fn ending(delivery: &Delivery<'_>, sale: &Sale) -> Result<Option<Event>, Error> {
    let is_cancelled = sale.cancelled_at.as_deref().is_some();
    match ended(is_cancelled, sale.financial_status.as_deref()) {
        Some(OrderStatus::Cancelled) => called_off(delivery, sale).map(Some),
        Some(OrderStatus::Refunded) => refunded(delivery, sale).map(Some),
        Some(OrderStatus::Completed | OrderStatus::Fulfilled | OrderStatus::Delivered) | None => Ok(None),
    }
}

fn placed(delivery: &Delivery<'_>, sale: &Sale) -> Result<Event, Error> {
    event(delivery, EventKind::OrderCompleted, sale.placed_at(), sale)
}

/// Everything sent. The time and the tracking page are those of the last parcel.
fn sent(delivery: &Delivery<'_>, sale: &Sale) -> Result<Event, Error> {
    let parcels = sale.fulfillments.0.iter();
    let last = parcels
        .filter(|parcel| parcel.status.as_deref() != Some("cancelled"))
        .max_by_key(|parcel| parcel.sent_at());
    let at = last.and_then(Fulfillment::sent_at);
    let at = at.or_else(|| arrival::rfc3339(&sale.updated_at));
    let mut event = event(delivery, EventKind::OrderFulfilled, at, sale)?;
    let tracking = last.and_then(Fulfillment::tracking);
    event.data.url = tracking.or(event.data.url);
    Ok(event)
}

/// All of it went back, with the last of its refunds.
fn refunded(delivery: &Delivery<'_>, sale: &Sale) -> Result<Event, Error> {
    let refunds = sale.refunds.0.iter();
    let last = refunds
        .filter_map(|refund| arrival::rfc3339(&refund.created_at))
        .max();
    let at = last.or_else(|| arrival::rfc3339(&sale.updated_at));
    event(delivery, EventKind::OrderRefunded, at, sale)
}

fn called_off(delivery: &Delivery<'_>, sale: &Sale) -> Result<Event, Error> {
    let at = arrival::rfc3339(&sale.cancelled_at).or_else(|| arrival::rfc3339(&sale.updated_at));
    event(delivery, EventKind::OrderCancelled, at, sale)
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
    let asked_at = sale.placed_at().unwrap_or(event.occurred_at);
    event.identifiers = people(delivery, sale, &mut event, asked_at)
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
/// address where that is another, and the customer. `asked_at` is when the checkbox for news was as it is.
pub fn people(delivery: &Delivery<'_>, sale: &Sale, event: &mut Event, asked_at: Timestamp) -> Identifiers {
    let customer = sale.customer.as_ref();
    let own_address = customer.and_then(|customer| arrival::email(&customer.email));
    let given = arrival::email(&sale.email).or_else(|| arrival::email(&sale.contact_email));
    event.email = given.or_else(|| own_address.clone());
    event.profile = sale.profile();
    let times = Times {
        occurred_at: event.occurred_at,
        asked_at,
        now: event.received_at,
    };
    event.consent = event
        .email
        .as_ref()
        .and_then(|address| consent::of_sale(sale, address, times));
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
