//! `checkouts/create` and `checkouts/update`: a shopper at the checkout, perhaps not yet known by name.
//!
//! Called by the topic dispatch. Shopify has no "abandoned" event; journeys wait and look for the order.

use super::wire::Sale;
use super::{Delivery, order};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentifierKind;
use crate::domain::money::Money;
use crate::sources::{Error, arrival, clean};

pub fn created(delivery: &Delivery<'_>) -> Result<Event, Error> {
    event(delivery, EventKind::CheckoutStarted)
}

pub fn updated(delivery: &Delivery<'_>) -> Result<Event, Error> {
    event(delivery, EventKind::CheckoutUpdated)
}

/// A checkout that is already completed becomes a `Checkout Updated` of an empty cart worth nothing.
///
/// It cannot start an abandoned-checkout journey, and one that already runs is left by the same rule that an emptied
/// cart leaves it by, even when the order's own webhook is late or lost. It is no `Order Completed`: it has no order
/// id, so the order would count twice.
fn event(delivery: &Delivery<'_>, kind: EventKind) -> Result<Event, Error> {
    let sale: Sale = delivery.verified.json()?;
    let completed = sale.completed_at.as_deref().is_some();
    let kind = if completed {
        EventKind::CheckoutUpdated
    } else {
        kind
    };
    let at = arrival::rfc3339(&sale.updated_at)
        .or_else(|| arrival::rfc3339(&sale.created_at))
        .or(delivery.triggered_at);
    let arrival = delivery.arrival;
    let mut event = arrival.event(kind, &delivery.event_id, at)?;
    event.test = delivery.test || sale.test.0;
    let token = sale.token.as_deref().or(sale.id.as_deref());
    let asked_at = event.occurred_at;
    event.identifiers = order::people(delivery, &sale, &mut event, asked_at)
        .own(IdentifierKind::Checkout, token)
        .own(IdentifierKind::Cart, sale.cart_token.as_deref())
        .into_list();
    event.data.checkout_id = token.and_then(clean::line);
    event.data.cart_id = sale.cart_token.as_deref().and_then(clean::line);
    let currency = sale.checkout_currency();
    event.data.value = sale.value(currency);
    if completed {
        event.data.value = event.data.value.map(|value| Money::zero(value.currency));
        return Ok(event);
    }
    arrival::set_lines(&mut event.data, sale.lines(currency));
    event.data.url = sale.abandoned_checkout_url.as_deref().and_then(clean::url);
    event.data.discount_codes = sale.codes();
    Ok(event)
}
