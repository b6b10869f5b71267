//! What people do, as the events that a storefront or the email API would tell of it.

use super::people::{Deed, Person, What};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::money::{Currency, Money};
use crate::simulation::error::Failure;
use crate::simulation::telling::signal;
use crate::turn;
use std::sync::Arc;

impl Person {
    /// The event that a deed is told by; none for one that is no event.
    ///
    /// # Errors
    /// When an id of ours is not one.
    pub fn event(&self, deed: &Deed) -> Result<Option<Event>, Failure> {
        let (kind, checkout, order) = match &deed.what {
            What::Signup => (EventKind::SignedUp, None, None),
            What::View => (EventKind::ProductViewed, None, None),
            What::Checkout(number) => (EventKind::CheckoutStarted, Some(*number), None),
            What::Order { number, checkout } => (EventKind::OrderCompleted, *checkout, Some(*number)),
            What::Fulfilled(number) => (EventKind::OrderFulfilled, None, Some(*number)),
            What::Delivered(number) => (EventKind::OrderDelivered, None, Some(*number)),
            What::Refunded(number) => (EventKind::OrderRefunded, None, Some(*number)),
            What::Open(_) | What::Click(_) | What::Unsubscribe(_) => return Ok(None),
        };
        let source = SourceName::parse("shopify").map_err(turn::Error::from)?;
        let name = |number: u32| format!("{}-{number}", self.number);
        let id = format!("{source}:{kind}:{}:{}", self.number, deed.at.as_millis());
        let email = EmailAddress::parse(&self.email).map_err(|error| Failure::Asked(error.to_string()))?;
        let mut identifiers = vec![Identifier::email(&email)];
        let own = [
            (IdentifierKind::Order, order.map(name)),
            (
                IdentifierKind::Checkout,
                checkout.map(|number| format!("c{}", name(number))),
            ),
        ];
        for (kind, id) in own {
            if let Some(id) = id {
                let identifier = Identifier::of_source(kind, &source, &id);
                identifiers.push(identifier.map_err(|error| Failure::Asked(error.to_string()))?);
            }
        }
        let id = EventId::parse(&id).map_err(turn::Error::from)?;
        let mut event = Event::new(id, kind, source, deed.at, deed.at);
        event.identifiers = identifiers;
        event.email = Some(email);
        event.data = data(
            checkout.map(|number| format!("c{}", name(number))),
            order.map(name),
        )?;
        if deed.what == What::Signup || checkout.is_some() {
            event.profile = self.profile();
            event.consent = self.consent(deed);
        }
        Ok(Some(event))
    }

    /// What the email API reports of a deed; none for one that it knows nothing of.
    ///
    /// # Errors
    /// As [`Person::event`].
    pub fn report(&self, deed: &Deed) -> Result<Option<DeliveryEvent>, Failure> {
        let (kind, message) = match &deed.what {
            What::Open(message) => (DeliveryKind::Opened, message),
            What::Click(message) => (DeliveryKind::Clicked, message),
            What::Signup
            | What::View
            | What::Checkout(_)
            | What::Order { .. }
            | What::Fulfilled(_)
            | What::Delivered(_)
            | What::Refunded(_)
            | What::Unsubscribe(_) => return Ok(None),
        };
        let id = format!("resend:{}:{message}:{}", kind.as_str(), deed.at.as_millis());
        let id = EventId::parse(&id).map_err(turn::Error::from)?;
        let mut report = DeliveryEvent::new(id, kind, deed.at);
        report.message = Some(MessageId::parse(message).map_err(turn::Error::from)?);
        report.recipient = EmailAddress::parse(&self.email).ok();
        Ok(Some(report))
    }

    fn profile(&self) -> Profile {
        Profile {
            timezone: self.zone.clone(),
            locale: self.locale.clone(),
            ..Profile::default()
        }
    }

    fn consent(&self, deed: &Deed) -> Option<ConsentSignal> {
        let grade = match &deed.what {
            What::Signup => ConsentGrade::Explicit,
            What::View
            | What::Checkout(_)
            | What::Order { .. }
            | What::Fulfilled(_)
            | What::Delivered(_)
            | What::Refunded(_)
            | What::Open(_)
            | What::Click(_)
            | What::Unsubscribe(_) => ConsentGrade::Implied,
        };
        self.subscribes
            .then(|| signal(ConsentState::Subscribed, grade, deed.at))
    }
}

fn data(checkout: Option<String>, order: Option<String>) -> Result<EventData, Failure> {
    if checkout.is_none() && order.is_none() {
        return Ok(EventData::default());
    }
    let wrong = |error: crate::domain::money::Error| Failure::Asked(error.to_string());
    let currency = Currency::parse("GBP").map_err(wrong)?;
    Ok(EventData {
        checkout_id: checkout,
        order_number: order.as_ref().map(|id| format!("#{id}")),
        order_id: order,
        value: Some(Money::parse("57.00", currency).map_err(wrong)?),
        items: Arc::new(vec![LineItem {
            title: "Mug".to_owned(),
            variant: None,
            quantity: 1,
            price: None,
            sku: None,
            product_id: Some("1".to_owned()),
            variant_id: None,
            image_url: None,
            url: None,
        }]),
        url: Some("https://northfold.example/go".to_owned()),
        ..EventData::default()
    })
}
