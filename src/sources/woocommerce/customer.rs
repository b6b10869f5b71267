//! `customer.created` and `customer.updated`: people with an account. Guests appear only in orders.
//!
//! Called by the topic dispatch. WooCommerce keeps no consent, locale or time zone, so none is given.

use super::{Delivery, gmt};
use crate::domain::contact::Profile;
use crate::domain::event::EventKind;
use crate::domain::identity::IdentifierKind;
use crate::domain::time::Timestamp;
use crate::sources::loose::{Object, Text};
use crate::sources::{Error, Reading, arrival, clean};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Customer {
    id: Text,
    email: Text,
    first_name: Text,
    last_name: Text,
    billing: Object<Address>,
    date_created_gmt: Text,
    date_modified_gmt: Text,
}

/// An address as customers and orders have it; also the only place of a guest's name and email.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Address {
    pub email: Text,
    first_name: Text,
    last_name: Text,
    country: Text,
}

pub fn created(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let customer: Customer = delivery.verified.json()?;
    let at = gmt(&customer.date_created_gmt);
    customer.event(delivery, EventKind::SignedUp, at)
}

pub fn updated(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let customer: Customer = delivery.verified.json()?;
    let at = gmt(&customer.date_modified_gmt).or_else(|| gmt(&customer.date_created_gmt));
    customer.event(delivery, EventKind::ContactUpdated, at)
}

impl Customer {
    fn event(
        self,
        delivery: &Delivery<'_>,
        kind: EventKind,
        at: Option<Timestamp>,
    ) -> Result<Reading, Error> {
        let id = self.id.nonzero();
        let event_id = delivery.event_id(id.unwrap_or_default(), &self.date_modified_gmt);
        let mut event = delivery.arrival.event(kind, &event_id, at)?;
        let billing = self.billing.as_ref();
        event.email = arrival::email(&self.email)
            .or_else(|| billing.and_then(|address| arrival::email(&address.email)));
        event.identifiers = delivery
            .arrival
            .identifiers()
            .email(event.email.as_ref())
            .own(IdentifierKind::Customer, id)
            .into_list();
        event.profile = Profile {
            first_name: self.first_name.as_deref().and_then(clean::html_line),
            last_name: self.last_name.as_deref().and_then(clean::html_line),
            ..Profile::default()
        };
        if let Some(address) = billing {
            event.profile.fill_from(&address.profile());
        }
        Ok(Reading::Events(vec![event]))
    }
}

impl Address {
    pub fn profile(&self) -> Profile {
        Profile {
            first_name: self.first_name.as_deref().and_then(clean::html_line),
            last_name: self.last_name.as_deref().and_then(clean::html_line),
            country: self.country.as_deref().and_then(clean::country),
            ..Profile::default()
        }
    }
}
