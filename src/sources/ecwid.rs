//! Ecwid by Lightspeed: webhooks of an app. The signature covers only an event's id and time, so the rest of a delivery is a
//! hint, and the document is fetched.
//!
//! Called by the registry. Sources: <https://docs.ecwid.com/api-reference/rest-api> on orders, carts and customers, and
//! `WebhooksUtils.kt` in github.com/Ecwid/ecwid-java-api-client for the signature.

use super::arrival::Arrival;
use super::document::Fields;
use super::notice::Fetching;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::IdentifierKind;
use crate::domain::notice::Notice;
use crate::domain::privacy::{Kind, PrivacyRequest, Subject};
use crate::signing;

pub(super) const SOURCE: Source = Source {
    name: "ecwid",
    settings: &[SECRET],
    proof: "HMAC-SHA256 of the event's time and id, base64; the document itself is fetched",
    verify,
    read,
    fetching: Some(&FETCHING),
    polling: None,
};

const SECRET: &str = "ECWID_CLIENT_SECRET";
const SIGNATURE: [&str; 1] = ["X-Ecwid-Webhook-Signature"];

const FETCHING: Fetching = Fetching {
    token: "ECWID_API_TOKEN",
    address: "https://app.ecwid.com/api/v3",
    url: "ECWID_URL",
    header: ("authorization", "Bearer "),
    read: read_documents,
};

/// Amounts name no currency: they are in the store's.
const ORDER: Shape = Shape {
    order: "id",
    checkout: "cartId",
    customer: "customerId",
    email: "email",
    first_name: "billingPerson.firstName|shippingPerson.firstName",
    last_name: "billingPerson.lastName|shippingPerson.lastName",
    name: "billingPerson.name|shippingPerson.name",
    locale: "lang",
    country: "billingPerson.countryCode|shippingPerson.countryCode",
    number: "vendorOrderNumber|id",
    value: "total",
    codes: "discountCoupon.code",
    referral: "refererUrl",
    lines: "items",
    line: LINE,
    ..BLANK
};

const CART: Shape = Shape {
    checkout: "cartId",
    customer: "customerId",
    email: "email",
    first_name: "billingPerson.firstName|shippingPerson.firstName",
    last_name: "billingPerson.lastName|shippingPerson.lastName",
    name: "billingPerson.name|shippingPerson.name",
    locale: "lang",
    country: "billingPerson.countryCode|shippingPerson.countryCode",
    value: "total",
    url: "checkoutUrl",
    codes: "discountCoupon.code",
    lines: "items",
    line: LINE,
    ..BLANK
};

const CUSTOMER: Shape = Shape {
    customer: "id",
    email: "email",
    first_name: "billingPerson.firstName",
    last_name: "billingPerson.lastName",
    name: "name|billingPerson.name",
    locale: "lang",
    country: "billingPerson.countryCode",
    ..BLANK
};

const LINE: Line = Line {
    title: "name",
    quantity: "quantity",
    price: "price",
    sku: "sku",
    product: "productId",
    variant_id: "combinationId",
    image: "imageUrl",
    ..BLANK_LINE
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys.values(SECRET)?;
    let given = delivery.header(&SIGNATURE)?;
    let body = delivery.text().and_then(|text| Fields::parse(text).ok());
    let body =
        body.ok_or_else(|| Error::unauthorized("the body is no JSON object, so nothing in it is signed"))?;
    let signed = format!("{}.{}", body.word("eventCreated"), body.word("eventId"));
    delivery.genuine_if(signing::hmac_sha256_base64_matches(
        &secrets,
        signed.as_bytes(),
        given,
    ))
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let delivery = Fields::parse(verified.text()?)?;
    let (topic, id) = (delivery.word("eventType"), delivery.word("eventId"));
    let store = delivery.word("storeId");
    let notice = Notice::new(arrival, &topic, &id, delivery.time("eventCreated"));
    // -1 where newer stores name the order only in `data`.
    let entity = delivery.word("entityId");
    let entity = if entity == "-1" { String::new() } else { entity };
    let or_entity = |path: &str| {
        let named = delivery.word(path);
        if named.is_empty() { entity.clone() } else { named }
    };
    let notice = match topic.as_str() {
        "order.created" | "order.updated" => {
            let order = or_entity("data.orderId");
            notice.with("order", "/{}/orders/{}", &[&store, &order])?
        }
        "unfinished_order.created" | "unfinished_order.updated" => {
            let cart = or_entity("data.cartId|data.orderId");
            notice.with("cart", "/{}/carts/{}", &[&store, &cart])?
        }
        "customer.created" | "customer.updated" => {
            notice.with("customer", "/{}/customers/{}", &[&store, &entity])?
        }
        "customer.personal_data_removal_request" => {
            return privacy(arrival, Kind::Erase, &id, &entity).map(Reading::Privacy);
        }
        "customer.personal_data_export_request" => {
            return privacy(arrival, Kind::DataRequest, &id, &entity).map(Reading::Privacy);
        }
        _ => return Ok(Reading::ignored(&topic)),
    };
    Ok(Reading::Notice(notice))
}

fn read_documents(notice: &Notice, documents: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let of =
        |shape: &Shape, kind, object: &Fields<'_>, at| shape.event(object, arrival, kind, &notice.id, at);
    let customer = || documents.object("customer");
    let (event, object) = match notice.topic.as_str() {
        "unfinished_order.created" | "unfinished_order.updated" => {
            let kind = if notice.topic == "unfinished_order.created" {
                EventKind::CheckoutStarted
            } else {
                EventKind::CheckoutUpdated
            };
            let cart = documents.object("cart");
            let at = cart.time("updateTimestamp").or(Some(notice.at));
            let event = of(&CART, kind, &cart, at)?;
            // By the time it was fetched the shopper may have come back.
            let bought = cart.text("recoveredOrderId").nonzero().is_some();
            (if bought { shape::emptied(event) } else { event }, cart)
        }
        "customer.created" => {
            let customer = customer();
            (
                of(&CUSTOMER, EventKind::SignedUp, &customer, Some(notice.at))?,
                customer,
            )
        }
        "customer.updated" => {
            let customer = customer();
            let event = of(&CUSTOMER, EventKind::ContactUpdated, &customer, Some(notice.at))?;
            (event, customer)
        }
        _ => return order(notice, &documents.object("order"), arrival),
    };
    Ok(Reading::Events(vec![with_consent(event, &object)]))
}

/// What happened is told by the order's two states, which the document shows as they are now.
fn order(notice: &Notice, order: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let placed = order.time("createTimestamp").or(Some(notice.at));
    let completed = (EventKind::OrderCompleted, placed);
    let now = order.time("updateTimestamp").or(Some(notice.at));
    let (payment, fulfillment) = (order.word("paymentStatus"), order.word("fulfillmentStatus"));
    let transitions = match (payment.as_str(), fulfillment.as_str()) {
        ("INCOMPLETE", _) => return Ok(Reading::of_status(&payment)),
        ("REFUNDED", _) | (_, "RETURNED") => vec![(EventKind::OrderRefunded, now)],
        ("CANCELLED", _) | (_, "WILL_NOT_DELIVER") => vec![(EventKind::OrderCancelled, now)],
        (_, "SHIPPED" | "OUT_FOR_DELIVERY") => vec![completed, (EventKind::OrderFulfilled, now)],
        (_, "DELIVERED") => vec![completed, (EventKind::OrderDelivered, now)],
        _ => vec![completed],
    };
    let events = transitions.into_iter().map(|(kind, at)| {
        ORDER
            .transition(order, arrival, kind, at)
            .map(|event| with_consent(event, order))
    });
    events.collect::<Result<_, _>>().map(Reading::Events)
}

/// The box of the checkout, which may be a copy of an old one; unticked it takes back no more than itself.
fn with_consent(mut event: Event, object: &Fields<'_>) -> Event {
    event.consent = shape::remark(&event, object, "acceptMarketing");
    event
}

/// Done at its word: the customer may be gone from the shop before anything could be fetched.
fn privacy(arrival: Arrival, kind: Kind, id: &str, customer: &str) -> Result<PrivacyRequest, Error> {
    let identifiers = arrival
        .identifiers()
        .own(IdentifierKind::Customer, Some(customer));
    let subject = Subject {
        identifiers: identifiers.into_list(),
    };
    if subject.identifiers.is_empty() {
        return Err(Error::unreadable("it names no customer"));
    }
    let id = format!("{}:{}:{id}", arrival.source, kind.as_str());
    Ok(PrivacyRequest { id, kind, subject })
}
