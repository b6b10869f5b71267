//! `customers/create`, `customers/update` and `customers_email_marketing_consent/update`.
//!
//! Called by the topic dispatch. Customers may have only a phone number: then there is no address and no consent.

use super::wire::{Customer, MarketingConsent};
use super::{Delivery, consent};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentifierKind;
use crate::domain::time::Timestamp;
use crate::sources::loose::{Object, Text};
use crate::sources::{Error, arrival};
use serde::Deserialize;

/// A change of consent alone. It may come before `customers/create`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct ConsentUpdate {
    customer_id: Text,
    email_address: Text,
    email_marketing_consent: Object<MarketingConsent>,
}

pub fn created(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let customer: Customer = delivery.verified.json()?;
    let at = arrival::rfc3339(&customer.created_at).or_else(|| arrival::rfc3339(&customer.updated_at));
    event(delivery, EventKind::SignedUp, at, &customer)
}

pub fn updated(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let customer: Customer = delivery.verified.json()?;
    let at = arrival::rfc3339(&customer.updated_at);
    event(delivery, EventKind::ContactUpdated, at, &customer)
}

pub fn consent_updated(delivery: &Delivery<'_>) -> Result<Event, Error> {
    let update: ConsentUpdate = delivery.verified.json()?;
    let record = update.email_marketing_consent.0.unwrap_or_default();
    let at = arrival::rfc3339(&record.consent_updated_at);
    let customer = Customer {
        id: update.customer_id,
        email: update.email_address,
        email_marketing_consent: Object(Some(record)),
        ..Customer::default()
    };
    event(delivery, EventKind::ContactUpdated, at, &customer)
}

fn event(
    delivery: &Delivery<'_>,
    kind: EventKind,
    at: Option<Timestamp>,
    customer: &Customer,
) -> Result<Event, Error> {
    let arrival = delivery.arrival;
    let mut event = arrival.event(kind, &delivery.event_id, at.or(delivery.triggered_at))?;
    event.test = delivery.test;
    event.email = arrival::email(&customer.email);
    event.identifiers = arrival
        .identifiers()
        .email(event.email.as_ref())
        .own(IdentifierKind::Customer, customer.id.as_deref())
        .into_list();
    event.profile = customer.profile();
    event.consent = event
        .email
        .as_ref()
        .and(customer.email_marketing_consent.as_ref())
        .and_then(|record| consent::recorded(record, event.occurred_at, arrival.now));
    Ok(event)
}
