//! What people do, as the events that a storefront or the email API would tell of it.

use super::people::{Deed, Person, Sale, What};
use super::shop;
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{EventId, MessageId, SourceName};
use crate::domain::referral::ReferralCode;
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

/// The event's kind and what it is about; none for a deed that is no event of a storefront.
fn told(what: &What) -> Option<(EventKind, Told)> {
    let own = |name: &str| EventKind::from(name.to_owned());
    Some(match what {
        What::Signup => (EventKind::SignedUp, Told::default()),
        What::Guide => (own("Guide Requested"), Told::default()),
        What::Course => {
            let asked = Told {
                journey: Some("course"),
                ..Told::default()
            };
            (EventKind::JourneyRequested, asked)
        }
        What::View(product) => (EventKind::ProductViewed, Told::product(*product)),
        What::Add(product) => (EventKind::ProductAdded, Told::product(*product)),
        What::Ask(product) => (own(REQUESTED), Told::product(*product)),
        What::Checkout(sale) => {
            let checkout = Told {
                checkout: Some(sale.number),
                ..Told::product(sale.product)
            };
            (EventKind::CheckoutStarted, checkout)
        }
        What::Refused(sale) => (own("Payment Failed"), Told::order(*sale)),
        What::Order {
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
        What::Download(sale) => (own("Download Ready"), Told::order(*sale)),
        What::Fulfilled(sale) => (EventKind::OrderFulfilled, Told::order(*sale)),
        What::OnTheWay(sale) => (own("Out For Delivery"), Told::order(*sale)),
        What::Delivered(sale) => (EventKind::OrderDelivered, Told::order(*sale)),
        What::Cancelled(sale) => (EventKind::OrderCancelled, Told::order(*sale)),
        What::Refunded(sale) => (EventKind::OrderRefunded, Told::order(*sale)),
        What::Open(_)
        | What::Click(_)
        | What::Unsubscribe(_)
        | What::Answer { .. }
        | What::Unwrap { .. }
        | What::Offer(_) => return None,
    })
}

impl Person {
    /// The event that a deed is told by; none for one that is no event. `key` is what people's ids are hashed with.
    ///
    /// # Errors
    /// When an id of ours is not one.
    pub fn event(&self, deed: &Deed, key: &[u8]) -> Result<Option<Event>, Failure> {
        let Some((kind, told)) = told(&deed.what) else {
            return Ok(None);
        };
        let source = SourceName::parse("shopify").map_err(turn::Error::from)?;
        let order = told.order.map(|number| format!("{}-{number}", self.number));
        let checkout = told.checkout.map(|number| format!("c{}-{number}", self.number));
        let id = format!("{source}:{kind}:{}:{}", self.number, deed.at.as_millis());
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
        let mut event = Event::new(id, kind, source, deed.at, deed.at);
        event.identifiers = identifiers;
        event.email = Some(email);
        if deed.what == What::Signup || checkout.is_some() {
            event.profile = self.profile(&deed.what);
            event.consent = self.consent(deed);
        }
        event.data = data(&told, order, checkout)?;
        event.data.referral = match told.friend {
            Some(friend) => Some(code_of(friend, key)?),
            None => None,
        };
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
            | What::Guide
            | What::Course
            | What::View(_)
            | What::Add(_)
            | What::Ask(_)
            | What::Checkout(_)
            | What::Refused(_)
            | What::Order { .. }
            | What::Download(_)
            | What::Fulfilled(_)
            | What::OnTheWay(_)
            | What::Delivered(_)
            | What::Cancelled(_)
            | What::Refunded(_)
            | What::Unsubscribe(_)
            | What::Answer { .. }
            | What::Unwrap { .. }
            | What::Offer(_) => return Ok(None),
        };
        let id = format!("resend:{}:{message}:{}", kind.as_str(), deed.at.as_millis());
        let id = EventId::parse(&id).map_err(turn::Error::from)?;
        let mut report = DeliveryEvent::new(id, kind, deed.at);
        report.message = Some(MessageId::parse(message).map_err(turn::Error::from)?);
        report.recipient = EmailAddress::parse(&self.email).ok();
        Ok(Some(report))
    }

    /// The dates that people have are told by a form of the shop, and not at the checkout.
    fn profile(&self, what: &What) -> Profile {
        let mut profile = Profile {
            timezone: self.zone.clone(),
            locale: self.locale.clone(),
            ..Profile::default()
        };
        if *what == What::Signup {
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

    fn consent(&self, deed: &Deed) -> Option<ConsentSignal> {
        let grade = if deed.what == What::Signup {
            ConsentGrade::Explicit
        } else {
            ConsentGrade::Implied
        };
        self.subscribes
            .then(|| signal(ConsentState::Subscribed, grade, deed.at))
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
