//! `customers/data_request`, `customers/redact` and `shop/redact`: what Shopify asks on behalf of people, or of a shop
//! that took the app away. <https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance>
//!
//! Called by the topic dispatch. A customer may have no address any more, and an order no customer: all that is named is
//! handed on, and whom it means is found by whoever keeps them.

use super::Delivery;
use crate::domain::identity::IdentifierKind;
use crate::domain::privacy::{Kind, PrivacyRequest, Subject};
use crate::sources::loose::{List, Object, Text};
use crate::sources::{Error, arrival};
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Request {
    customer: Object<Customer>,
    orders_requested: List<Text>,
    orders_to_redact: List<Text>,
    data_request: Object<DataRequest>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Customer {
    id: Text,
    email: Text,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DataRequest {
    id: Text,
}

pub fn request(delivery: &Delivery<'_>, kind: Kind) -> Result<PrivacyRequest, Error> {
    let request: Request = delivery.verified.json()?;
    let customer = request.customer.0.unwrap_or_default();
    let email = arrival::email(&customer.email);
    let mut identifiers = delivery
        .arrival
        .identifiers()
        .email(email.as_ref())
        .own(IdentifierKind::Customer, customer.id.as_deref());
    for order in request
        .orders_requested
        .0
        .iter()
        .chain(&request.orders_to_redact.0)
    {
        identifiers = identifiers.own(IdentifierKind::Order, order.as_deref());
    }
    let subject = Subject {
        identifiers: identifiers.into_list(),
    };
    match kind {
        Kind::DataRequest | Kind::Erase if subject.identifiers.is_empty() => {
            return Err(Error::unreadable("it names neither a customer nor an order"));
        }
        Kind::DataRequest | Kind::Erase | Kind::EraseShop => {}
    }
    let number = request.data_request.0.unwrap_or_default().id;
    let id = match number.as_deref() {
        Some(number) => format!("{}:{}:{number}", delivery.arrival.source, kind.as_str()),
        None => delivery.event_id.clone(),
    };
    Ok(PrivacyRequest { id, kind, subject })
}
