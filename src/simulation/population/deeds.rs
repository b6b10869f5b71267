//! What people do, as the events that a storefront or the email API would tell of it.

use super::people::{Person, Reading, Sale, Shopping};
use super::shop;
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::referral::ReferralCode;
use crate::domain::time::Timestamp;
use crate::engine::interest::REQUESTED;
use crate::signing::identity::identity_hash;
use crate::simulation::error::Failure;
use crate::simulation::telling::signal;
use crate::turn;
use std::sync::Arc;

/// A deed as a storefront sees it.
#[derive(Default)]
struct Told {
    product: Option<u8>,
    order: Option<u32>,
    checkout: Option<u32>,
    /// By whose link.
    friend: Option<u32>,
    /// The journey that is asked for.
    journey: Option<&'static str>,
}

impl Told {
    fn product(product: u8) -> Self {
        Self {
            product: Some(product),
            ..Self::default()
        }
    }

    fn order(sale: Sale) -> Self {
        Self {
            product: Some(sale.product),
            order: Some(sale.number),
            ..Self::default()
        }
    }
}

/// The event's kind and what it is about.
fn told(what: &Shopping) -> (EventKind, Told) {
    let own = |name: &str| EventKind::from(name.to_owned());
    match what {
        Shopping::Signup => (EventKind::SignedUp, Told::default()),
        Shopping::Guide => (own("Guide Requested"), Told::default()),
        Shopping::Code => (own("Code Requested"), Told::default()),
        Shopping::Course => {
            let asked = Told {
                journey: Some("course"),
                ..Told::default()
            };
            (EventKind::JourneyRequested, asked)
        }
        Shopping::View(product) => (EventKind::ProductViewed, Told::product(*product)),
        Shopping::Add(product) => (EventKind::ProductAdded, Told::product(*product)),
        Shopping::Ask(product) => (own(REQUESTED), Told::product(*product)),
        Shopping::Checkout(sale) => {
            let checkout = Told {
                checkout: Some(sale.number),
                ..Told::product(sale.product)
            };
            (EventKind::CheckoutStarted, checkout)
        }
        Shopping::Refused(sale) => (own("Payment Failed"), Told::order(*sale)),
        Shopping::Order {
            sale,
            checkout,
            friend,
        } => {
            let order = Told {
                checkout: *checkout,
                friend: *friend,
                ..Told::order(*sale)
            };
            (EventKind::OrderCompleted, order)
        }
        Shopping::Download(sale) => (own("Download Ready"), Told::order(*sale)),
        Shopping::Fulfilled(sale) => (EventKind::OrderFulfilled, Told::order(*sale)),
        Shopping::OnTheWay(sale) => (own("Out For Delivery"), Told::order(*sale)),
        Shopping::Delivered(sale) => (EventKind::OrderDelivered, Told::order(*sale)),
        Shopping::Cancelled(sale) => (EventKind::OrderCancelled, Told::order(*sale)),
        Shopping::Refunded(sale) => (EventKind::OrderRefunded, Told::order(*sale)),
    }
}

impl Person {
    /// The event that a storefront tells of. `key` is what people's ids are hashed with.
    ///
    /// # Errors
    /// When an id of ours is not one.
    pub fn event(&self, at: Timestamp, what: &Shopping, key: &[u8]) -> Result<Event, Failure> {
        let (kind, told) = told(what);
        let source = SourceName::parse("shopify").map_err(turn::Error::from)?;
        let order = told.order.map(|number| format!("{}-{number}", self.number));
        let checkout = told.checkout.map(|number| format!("c{}-{number}", self.number));
        let id = format!("{source}:{kind}:{}:{}", self.number, at.as_millis());
        let email = address(self.number)?;
        let mut identifiers = vec![Identifier::email(&email)];
        for (kind, id) in [
            (IdentifierKind::Order, &order),
            (IdentifierKind::Checkout, &checkout),
        ] {
            if let Some(id) = id {
                let identifier = Identifier::of_source(kind, &source, id);
                identifiers.push(identifier.map_err(|error| Failure::Asked(error.to_string()))?);
            }
        }
        let id = EventId::parse(&id).map_err(turn::Error::from)?;
        let mut event = Event::new(id, kind, source, at, at);
        event.identifiers = identifiers;
        event.email = Some(email);
        if *what == Shopping::Signup || checkout.is_some() {
            event.profile = self.profile(what);
            event.consent = self.consent(at, what);
        }
        event.data = data(&told, order, checkout)?;
        event.data.referral = match told.friend {
            Some(friend) => Some(code_of(friend, key)?),
            None => None,
        };
        Ok(event)
    }

    /// What the email API reports of a mail.
    ///
    /// # Errors
    /// As [`Person::event`].
    pub fn report(&self, at: Timestamp, what: &Reading) -> Result<DeliveryEvent, Failure> {
        let (kind, message) = match what {
            Reading::Open(message) => (DeliveryKind::Opened, message),
            Reading::Click(message) => (DeliveryKind::Clicked, message),
        };
        let id = format!("resend:{}:{message}:{}", kind.as_str(), at.as_millis());
        let id = EventId::parse(&id).map_err(turn::Error::from)?;
        let mut report = DeliveryEvent::new(id, kind, at);
        report.message = Some(MessageId::parse(message).map_err(turn::Error::from)?);
        report.recipient = EmailAddress::parse(&self.email).ok();
        Ok(report)
    }

    /// The dates that people have are told by a form of the shop, and not at the checkout.
    fn profile(&self, what: &Shopping) -> Profile {
        let mut profile = Profile {
            timezone: self.zone.clone(),
            locale: self.locale.clone(),
            ..Profile::default()
        };
        if *what == Shopping::Signup {
            let dates = [("birthday", &self.birthday), ("name_day", &self.name_day)];
            let told = dates
                .into_iter()
                .filter_map(|(name, date)| Some((name, date.as_ref()?)));
            profile.attributes = told
                .map(|(name, date)| (name.to_owned(), date.as_str().into()))
                .collect();
        }
        profile
    }

    fn consent(&self, at: Timestamp, what: &Shopping) -> Option<ConsentSignal> {
        let grade = if *what == Shopping::Signup {
            ConsentGrade::Explicit
        } else {
            ConsentGrade::Implied
        };
        self.subscribes
            .then(|| signal(ConsentState::Subscribed, grade, at))
    }
}

fn address(number: u32) -> Result<EmailAddress, Failure> {
    EmailAddress::parse(&format!("p{number}@example.com")).map_err(|error| Failure::Asked(error.to_string()))
}

/// The code that somebody hands on: it is made of the id, which is the hash of the address.
fn code_of(number: u32, key: &[u8]) -> Result<ReferralCode, Failure> {
    let hash = identity_hash(key, &Identifier::email(&address(number)?));
    Ok(ReferralCode::of(&hash.into()))
}

fn data(told: &Told, order: Option<String>, checkout: Option<String>) -> Result<EventData, Failure> {
    let mut data = EventData {
        checkout_id: checkout,
        order_number: order.as_ref().map(|id| format!("#{id}")),
        order_id: order,
        url: Some("https://northfold.example/go".to_owned()),
        ..EventData::default()
    };
    if let Some(product) = told.product {
        let (line, price) = shop::line(product).map_err(|error| Failure::Asked(error.to_string()))?;
        data.items = Arc::new(vec![line]);
        data.value = Some(price);
    }
    if let Some(journey) = told.journey {
        data.properties.insert("journey".to_owned(), journey.into());
    }
    Ok(data)
}
