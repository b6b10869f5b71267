//! Saleor: webhooks of an app, whose payload is what the app's subscription query asks for; `docs/sources.md` has ours.
//!
//! Called by the registry. Sources: <https://docs.saleor.io/developer/extending/webhooks/payload-signature>,
//! <https://docs.saleor.io/developer/extending/webhooks/subscription-webhook-payloads>.

use super::arrival::Arrival;
use super::document::Fields;
use super::shape::{self, BLANK, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::event::{Event, EventKind};
use crate::signing;
use crate::signing::asymmetric::{Jws, published_keys};

pub(super) const SOURCE: Source = Source {
    name: "saleor",
    settings: &[API_URL, SECRET],
    proof: "a detached JSON Web Signature, RS256, under a key that the shop publishes; or HMAC-SHA256 of the body, hex",
    verify,
    read,
    fetching: None,
    polling: None,
};

/// Whose keys we believe: without this, anybody's Saleor could sign.
const API_URL: &str = "SALEOR_API_URL";
/// Of webhooks that still have a `secretKey`.
const SECRET: &str = "SALEOR_WEBHOOK_SECRET";
// Both are sent until Saleor 4; then the one without `X-`.
const SIGNATURE: [&str; 2] = ["Saleor-Signature", "X-Saleor-Signature"];
const TOPIC: [&str; 2] = ["Saleor-Event", "X-Saleor-Event"];
const FROM: [&str; 2] = ["Saleor-Api-Url", "X-Saleor-Api-Url"];

const ORDER: Shape = Shape {
    order: "id",
    checkout: "checkoutId",
    customer: "user.id",
    email: "userEmail|user.email|user_email",
    first_name: "user.firstName|billingAddress.firstName",
    last_name: "user.lastName|billingAddress.lastName",
    locale: "languageCodeEnum|user.languageCode|language_code",
    country: "billingAddress.country.code|shippingAddress.country.code",
    number: "number",
    currency: "total.gross.currency|currency",
    value: "total.gross.amount|total_gross_amount",
    codes: "voucherCode|voucher.code",
    lines: "lines",
    line: Line {
        title: "productName|product_name",
        variant: "variantName|variant_name",
        quantity: "quantity",
        price: "unitPrice.gross.amount|unit_price_gross_amount",
        sku: "productSku|product_sku",
        product: "variant.product.id",
        variant_id: "variant.id|productVariantId|product_variant_id",
        image: "thumbnail.url",
        url: "",
    },
    ..BLANK
};

const CHECKOUT: Shape = Shape {
    checkout: "id",
    customer: "user.id",
    email: "email|user.email",
    first_name: "user.firstName|billingAddress.firstName",
    last_name: "user.lastName|billingAddress.lastName",
    locale: "languageCode",
    country: "billingAddress.country.code|shippingAddress.country.code",
    currency: "totalPrice.gross.currency",
    value: "totalPrice.gross.amount",
    url: "metafields.url",
    codes: "voucherCode",
    lines: "lines",
    line: Line {
        title: "variant.product.name",
        variant: "variant.name",
        quantity: "quantity",
        price: "unitPrice.gross.amount",
        sku: "variant.sku",
        product: "variant.product.id",
        variant_id: "variant.id",
        image: "variant.product.thumbnail.url",
        url: "",
    },
    ..BLANK
};

const CUSTOMER: Shape = Shape {
    customer: "id",
    email: "email",
    first_name: "firstName",
    last_name: "lastName",
    locale: "languageCode",
    ..BLANK
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let given = delivery.header(&SIGNATURE)?;
    if !given.contains('.') {
        return delivery.verify_body_hmac_hex(&SIGNATURE, &keys.values(SECRET)?);
    }
    let jws = Jws::rs256(given).ok().filter(|jws| jws.payload.is_empty());
    let jws = jws.ok_or_else(|| Error::unauthorized("the signature is no detached one with RS256"))?;
    let url = keys_address(delivery, keys)?;
    let fetched = keys.fetched.filter(|(at, _)| *at == url);
    let public = fetched.map(|(_, set)| published_keys(set, jws.key_id.as_deref()));
    let Some(public) = public.filter(|keys| !keys.is_empty()) else {
        return Ok(Proof::NeedsKeys { url });
    };
    // RFC 7797: the payload is signed as it is, not in base64.
    Ok(delivery.pending(jws.claims(&delivery.after(""), public)))
}

/// Where the keys stand of the shop that says it sent this, if it is one of ours.
fn keys_address(delivery: Unverified<'_>, keys: &Keys<'_>) -> Result<String, Error> {
    let shops = keys.values(API_URL)?;
    let from = delivery.header(&FROM)?;
    let ours = shops
        .iter()
        .find(|shop| shop.trim_end_matches('/') == from.trim_end_matches('/'));
    let host = ours.and_then(|shop| {
        let (scheme, rest) = shop.split_once("://")?;
        Some(format!(
            "{scheme}://{}/.well-known/jwks.json",
            rest.split('/').next()?
        ))
    });
    host.ok_or_else(|| Error::unauthorized(format!("`{API_URL}` does not list its shop")))
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let document = Fields::parse(verified.text()?)?;
    let topic = verified.header(&TOPIC).unwrap_or_default();
    let told = Told {
        arrival,
        document: &document,
        name: signing::content_name(&[topic.as_bytes(), verified.body()]),
    };
    let event = match topic {
        "order_created" | "order_confirmed" | "order_paid" | "order_fully_paid" => {
            told.order(EventKind::OrderCompleted, "created")?
        }
        "order_fulfilled" => told.order(EventKind::OrderFulfilled, "updatedAt")?,
        "order_cancelled" => told.order(EventKind::OrderCancelled, "updatedAt")?,
        "order_fully_refunded" => told.order(EventKind::OrderRefunded, "updatedAt")?,
        "checkout_created" => told.of("checkout", &CHECKOUT, EventKind::CheckoutStarted)?,
        "checkout_updated" => told.of("checkout", &CHECKOUT, EventKind::CheckoutUpdated)?,
        "checkout_fully_paid" => told
            .of("checkout", &CHECKOUT, EventKind::CheckoutUpdated)
            .map(shape::emptied)?,
        "customer_created" => told.of("user", &CUSTOMER, EventKind::SignedUp)?,
        "customer_updated" => told.of("user", &CUSTOMER, EventKind::ContactUpdated)?,
        _ => return Ok(Reading::ignored(topic)),
    };
    Ok(Reading::Events(vec![event]))
}

struct Told<'a> {
    arrival: Arrival,
    document: &'a Fields<'a>,
    /// Deliveries have no id, so what is in one names it.
    name: String,
}

impl<'a> Told<'a> {
    /// The object that the query calls so; payloads without a query are the object itself.
    fn object(&self, name: &str) -> Fields<'a> {
        if self.document.has(name) {
            self.document.object(name)
        } else {
            self.document.clone()
        }
    }

    /// When the order was placed it says itself; of a later transition the time of the event is nearer.
    fn order(&self, kind: EventKind, own_time: &str) -> Result<Event, Error> {
        let order = self.object("order");
        let own = order.time(own_time);
        let issued = self.document.time("issuedAt");
        let at = if kind == EventKind::OrderCompleted {
            own.or(issued)
        } else {
            issued.or(own)
        };
        ORDER.transition(&order, self.arrival, kind, at)
    }

    fn of(&self, name: &str, shape: &Shape, kind: EventKind) -> Result<Event, Error> {
        let object = self.object(name);
        let at = object
            .time("updatedAt")
            .or_else(|| self.document.time("issuedAt"));
        shape.event(&object, self.arrival, kind, &self.name, at)
    }
}
