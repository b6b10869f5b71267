//! Squarespace: webhook subscriptions for orders, which carry only the order's id.
//!
//! Called by the registry. Sources: <https://developers.squarespace.com/webhooks/overview>,
//! <https://developers.squarespace.com/webhooks/verifying-notifications>, and the Orders API.

use super::arrival::Arrival;
use super::document::Fields;
use super::notice::Fetching;
use super::shape::{BLANK, BLANK_LINE, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::event::EventKind;
use crate::domain::notice::Notice;

pub(super) const SOURCE: Source = Source {
    name: "squarespace",
    settings: &[SECRET],
    proof: "HMAC-SHA256 of the body, hex, under the secret decoded from hex",
    verify,
    read,
    fetching: Some(&FETCHING),
    polling: None,
};

const SECRET: &str = "SQUARESPACE_WEBHOOK_SECRET";

const FETCHING: Fetching = Fetching {
    token: "SQUARESPACE_API_KEY",
    address: "https://api.squarespace.com/1.0/commerce",
    url: "SQUARESPACE_URL",
    header: ("authorization", "Bearer "),
    read: read_documents,
};

const ORDER: Shape = Shape {
    order: "id",
    customer: "customerId",
    email: "customerEmail",
    first_name: "billingAddress.firstName|shippingAddress.firstName",
    last_name: "billingAddress.lastName|shippingAddress.lastName",
    country: "billingAddress.countryCode|shippingAddress.countryCode",
    number: "orderNumber",
    currency: "grandTotal.currency",
    value: "grandTotal.value",
    codes: "discountLines.promoCode",
    lines: "lineItems",
    line: Line {
        title: "productName",
        variant: "variantOptions.value",
        quantity: "quantity",
        price: "unitPricePaid.value",
        sku: "sku",
        product: "productId",
        variant_id: "variantId",
        image: "imageUrl",
        ..BLANK_LINE
    },
    ..BLANK
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys
        .values(SECRET)?
        .into_iter()
        .filter_map(|secret| hex::decode(secret).ok());
    let secrets: Vec<Vec<u8>> = secrets.collect();
    if secrets.is_empty() {
        return Err(Error::Unconfigured { setting: SECRET });
    }
    delivery.verify_body_hmac_hex(&["Squarespace-Signature"], &secrets)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let delivery = Fields::parse(verified.text()?)?;
    let topic = delivery.word("topic");
    if !matches!(topic.as_str(), "order.create" | "order.update") {
        return Ok(Reading::ignored(&topic));
    }
    let notice = Notice::new(arrival, &topic, &delivery.word("id"), delivery.time("createdOn"));
    let order = delivery.word("data.orderId");
    notice.with("order", "/orders/{}", &[&order]).map(Reading::Notice)
}

fn read_documents(notice: &Notice, documents: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let order = documents.object("order");
    let placed = order.time("createdOn").or(Some(notice.at));
    let completed = (EventKind::OrderCompleted, placed);
    let now = order.time("modifiedOn").or(Some(notice.at));
    let refunded = order.word("refundedTotal.value");
    // All of it: of a part, the order stays what it is.
    let all_refunded = !refunded.is_empty() && refunded == order.word("grandTotal.value");
    let transitions = match order.word("fulfillmentStatus").as_str() {
        "CANCELED" => vec![(EventKind::OrderCancelled, now)],
        _ if all_refunded && refunded.bytes().any(|digit| matches!(digit, b'1'..=b'9')) => {
            vec![(EventKind::OrderRefunded, now)]
        }
        "FULFILLED" => vec![
            completed,
            (EventKind::OrderFulfilled, order.time("fulfilledOn").or(now)),
        ],
        _ => vec![completed],
    };
    let events = transitions.into_iter().map(|(kind, at)| {
        let mut event = ORDER.transition(&order, arrival, kind, at)?;
        event.test = order.is("testmode", "true");
        Ok(event)
    });
    events.collect::<Result<_, _>>().map(Reading::Events)
}
