//! Wix: webhooks of an app, each a JSON Web Token that the app's key verifies.
//!
//! Called by the registry. Sources: <https://dev.wix.com/docs/build-apps/develop-your-app/api-integrations/events-and-webhooks/about-webhooks>,
//! and the objects Order, Abandoned Checkout and Contact below <https://dev.wix.com/docs/rest>.

use super::arrival::Arrival;
use super::document::Fields;
use super::shape::{self, BLANK, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::consent::{ConsentGrade, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::signing::asymmetric::{BASE64_URL, Jws, public_keys};
use base64::Engine as _;

pub(super) const SOURCE: Source = Source {
    name: "wix",
    settings: &[PUBLIC_KEY],
    proof: "a JSON Web Token, RS256, until it expires",
    verify,
    read,
    fetching: None,
    polling: None,
};

const PUBLIC_KEY: &str = "WIX_PUBLIC_KEY";

const ORDER: Shape = Shape {
    order: "id",
    checkout: "checkoutId",
    customer: "buyerInfo.contactId",
    email: "buyerInfo.email",
    first_name: "billingInfo.contactDetails.firstName|recipientInfo.contactDetails.firstName",
    last_name: "billingInfo.contactDetails.lastName|recipientInfo.contactDetails.lastName",
    locale: "buyerLanguage",
    country: "billingInfo.address.country|shippingInfo.logistics.shippingDestination.address.country",
    number: "number",
    currency: "currency",
    value: "priceSummary.total.amount",
    codes: "appliedDiscounts.coupon.code",
    lines: "lineItems",
    line: LINE,
    ..BLANK
};

const CHECKOUT: Shape = Shape {
    checkout: "checkoutId",
    cart: "cartId",
    customer: "buyerInfo.contactId",
    email: "buyerInfo.email|contactDetails.email",
    first_name: "contactDetails.firstName",
    last_name: "contactDetails.lastName",
    locale: "buyerLanguage",
    currency: "currency",
    value: "totalPrice.amount",
    url: "checkoutUrl",
    lines: "lineItems",
    line: LINE,
    ..BLANK
};

const CONTACT: Shape = Shape {
    customer: "id",
    email: "primaryInfo.email|primaryEmail.email|info.emails.items.email",
    first_name: "info.name.first",
    last_name: "info.name.last",
    locale: "info.locale",
    ..BLANK
};

const LINE: Line = Line {
    title: "productName.translated|productName.original",
    variant: "descriptionLines.plainText.translated|descriptionLines.plainText.original",
    quantity: "quantity",
    price: "price.amount",
    sku: "physicalProperties.sku",
    product: "catalogReference.catalogItemId",
    variant_id: "catalogReference.options.variantId",
    image: "image.url",
    url: "url.url",
};

/// The body is the token; its signature stands in it.
fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys.secrets(PUBLIC_KEY)?;
    let public: Vec<Vec<u8>> = secrets.iter_with_spaces().take(1).flat_map(public_keys).collect();
    if public.is_empty() {
        return Err(Error::Unconfigured { setting: PUBLIC_KEY });
    }
    let token = delivery.text().and_then(|text| Jws::rs256(text).ok());
    let token = token.ok_or_else(|| Error::unauthorized("the body is no token signed with RS256"))?;
    let payload = token.payload;
    let expired = claims(payload)
        .and_then(|claims| Fields::parse(&claims).ok()?.time("exp"))
        .is_some_and(|until| until <= keys.now);
    if expired {
        return Err(Error::unauthorized("the token has expired"));
    }
    Ok(delivery.pending(token.claims(payload.as_bytes(), public)))
}

fn claims(payload: &str) -> Option<String> {
    let bytes = BASE64_URL.decode(payload).ok()?;
    String::from_utf8(bytes).ok()
}

/// The payload holds a text that is a document, which holds another one.
fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let payload = verified.text()?.split('.').nth(1).and_then(claims);
    let payload = payload.ok_or_else(|| Error::unreadable("the token's payload is no text"))?;
    let envelope = Fields::parse(&payload)?.word("data");
    let envelope = Fields::parse(&envelope)?;
    let (topic, inner) = (envelope.word("eventType"), envelope.word("data"));
    let event = Fields::parse(&inner)?;
    // A person is being erased: what is left of the document is of nobody.
    if event.is("triggeredByAnonymizeRequest", "true") {
        return Ok(Reading::ignored("anonymized"));
    }
    let changed = [
        "createdEvent.entityAsJson",
        "updatedEvent.currentEntityAsJson",
        "actionEvent.bodyAsJson",
    ];
    let written = changed.map(|path| event.word(path)).concat();
    let entity = if written.is_empty() {
        event.object("createdEvent.entity|updatedEvent.currentEntity|actionEvent.body")
    } else {
        Fields::parse(&written)?
    };
    let told = Told {
        arrival,
        event: &event,
    };
    match topic.as_str() {
        "wix.ecom.v1.order_created"
        | "wix.ecom.v1.order_updated"
        | "wix.ecom.v1.order_approved"
        | "wix.ecom.v1.order_canceled"
        | "wix.ecom.v1.order_payment_status_updated" => {
            let inner = entity.object("order");
            told.order(if inner.has("id") { &inner } else { &entity })
        }
        "wix.ecom.v1.abandoned_checkout_created" => told.checkout(&entity, EventKind::CheckoutStarted),
        "wix.ecom.v1.abandoned_checkout_updated" => told.checkout(&entity, EventKind::CheckoutUpdated),
        "wix.ecom.v1.abandoned_checkout_recovered" => {
            let inner = entity.object("abandonedCheckout");
            told.checkout(
                if inner.has("id") { &inner } else { &entity },
                EventKind::CheckoutUpdated,
            )
        }
        "wix.contacts.v4.contact_created" => told.contact(&entity, EventKind::SignedUp),
        "wix.contacts.v4.contact_updated" => told.contact(&entity, EventKind::ContactUpdated),
        _ => Ok(Reading::ignored(&topic)),
    }
}

struct Told<'a> {
    arrival: Arrival,
    event: &'a Fields<'a>,
}

impl Told<'_> {
    /// What happened is told by the order's own states: an order may be approved when it is made.
    fn order(&self, order: &Fields<'_>) -> Result<Reading, Error> {
        let now = || order.time("updatedDate").or_else(|| self.event.time("eventTime"));
        let placed = order
            .time("purchasedDate|createdDate")
            .or_else(|| self.event.time("eventTime"));
        let completed = (EventKind::OrderCompleted, placed);
        let transitions = match (
            order.word("status").as_str(),
            order.word("paymentStatus").as_str(),
        ) {
            ("CANCELED", _) => vec![(EventKind::OrderCancelled, now())],
            (_, "FULLY_REFUNDED") => vec![(EventKind::OrderRefunded, now())],
            // Made by the checkout, and neither paid nor taken on account.
            (status @ ("INITIALIZED" | "REJECTED"), _) => return Ok(Reading::of_status(status)),
            _ if order.word("fulfillmentStatus") == "FULFILLED" => {
                vec![completed, (EventKind::OrderFulfilled, now())]
            }
            _ => vec![completed],
        };
        let events = transitions
            .into_iter()
            .map(|(kind, at)| ORDER.transition(order, self.arrival, kind, at));
        events.collect::<Result<_, _>>().map(Reading::Events)
    }

    fn checkout(&self, checkout: &Fields<'_>, kind: EventKind) -> Result<Reading, Error> {
        let event = self.of(&CHECKOUT, checkout, kind)?;
        let bought = checkout.word("status") == "RECOVERED";
        let event = if bought { shape::emptied(event) } else { event };
        Ok(Reading::Events(vec![event]))
    }

    fn contact(&self, contact: &Fields<'_>, kind: EventKind) -> Result<Reading, Error> {
        let mut event = self.of(&CONTACT, contact, kind)?;
        // The state of a contact's first address, without the time of its change.
        let signal = match contact.word("primaryEmail.subscriptionStatus").as_str() {
            "SUBSCRIBED" => Some((ConsentState::Subscribed, ConsentGrade::Implied)),
            "UNSUBSCRIBED" => Some((ConsentState::Unsubscribed, ConsentGrade::Explicit)),
            "PENDING" => Some((ConsentState::Pending, ConsentGrade::Implied)),
            _ => None,
        };
        event.consent =
            signal.and_then(|(state, grade)| shape::consent(&event, state, grade, "subscriptionStatus"));
        Ok(Reading::Events(vec![event]))
    }

    fn of(&self, shape: &Shape, entity: &Fields<'_>, kind: EventKind) -> Result<Event, Error> {
        let id = self.event.text("id");
        let id = id
            .as_deref()
            .ok_or_else(|| Error::unreadable("the event has no `id`"))?;
        shape.event(entity, self.arrival, kind, id, self.event.time("eventTime"))
    }
}
