//! Medusa (version 2), which posts nothing itself: a subscriber in the shop forwards its events with the document they are
//! about, signed by Standard Webhooks. `docs/sources.md` has that subscriber.
//!
//! Called by the registry. Sources: <https://docs.medusajs.com/resources/references/events>, and the types of orders, carts
//! and customers of its admin API.

use super::arrival::Arrival;
use super::document::Fields;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::event::{Event, EventKind};
use crate::signing::{self, standard_webhooks};

pub(super) const SOURCE: Source = Source {
    name: "medusa",
    settings: &[SECRET],
    proof: "Standard Webhooks",
    verify,
    read,
    fetching: None,
    polling: None,
};

const SECRET: &str = "MEDUSA_WEBHOOK_SECRET";

/// Amounts are in major units, as everywhere in version 2.
const ORDER: Shape = Shape {
    order: "id",
    checkout: "cart_id|cart.id|metadata.cart_id",
    customer: "customer_id|customer.id",
    email: "email|customer.email",
    first_name: "customer.first_name|billing_address.first_name|shipping_address.first_name",
    last_name: "customer.last_name|billing_address.last_name|shipping_address.last_name",
    locale: "locale",
    country: "billing_address.country_code|shipping_address.country_code",
    number: "display_id",
    currency: "currency_code",
    value: "total",
    url: "url|metadata.url",
    codes: "promotions.code",
    referral: "metadata.ref",
    lines: "items",
    line: LINE,
    ..BLANK
};

const CART: Shape = Shape {
    order: "",
    checkout: "id",
    number: "",
    ..ORDER
};

const CUSTOMER: Shape = Shape {
    customer: "id",
    email: "email",
    first_name: "first_name",
    last_name: "last_name",
    locale: "locale",
    ..BLANK
};

/// `title` is the variant's where `product_title` is there.
const LINE: Line = Line {
    title: "product_title|title",
    variant: "variant_title",
    quantity: "quantity",
    price: "unit_price",
    sku: "variant_sku",
    product: "product_id",
    variant_id: "variant_id",
    image: "thumbnail",
    ..BLANK_LINE
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let signed_with = standard_webhooks::keys(keys.secrets(SECRET)?);
    delivery.verify_standard_webhooks(SECRET, &signed_with, keys)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let document = Fields::parse(verified.text()?)?;
    let topic = document.word("name");
    let id = match verified.signed() {
        Some(delivery) => delivery.id.to_owned(),
        None => signing::content_name(&[verified.body()]),
    };
    let told = Told {
        arrival,
        document: &document,
        id,
    };
    let event = match topic.as_str() {
        "order.placed" => told.order(EventKind::OrderCompleted, "created_at")?,
        "shipment.created" => told.order(EventKind::OrderFulfilled, "updated_at")?,
        "delivery.created" => told.order(EventKind::OrderDelivered, "updated_at")?,
        "order.canceled" => told.order(EventKind::OrderCancelled, "canceled_at|updated_at")?,
        "payment.refunded" => told.order(EventKind::OrderRefunded, "updated_at")?,
        "cart.created" => told.cart(EventKind::CheckoutStarted, "created_at")?,
        "cart.updated" | "cart.customer_updated" => told.cart(EventKind::CheckoutUpdated, "updated_at")?,
        "customer.created" => told.of("customer", &CUSTOMER, EventKind::SignedUp, "created_at")?,
        "customer.updated" => told.of("customer", &CUSTOMER, EventKind::ContactUpdated, "updated_at")?,
        _ => return Ok(Reading::ignored(&topic)),
    };
    Ok(Reading::Events(vec![event]))
}

struct Told<'a> {
    arrival: Arrival,
    document: &'a Fields<'a>,
    id: String,
}

impl Told<'_> {
    fn order(&self, kind: EventKind, time: &str) -> Result<Event, Error> {
        let order = self.document.object("order");
        ORDER.transition(&order, self.arrival, kind, order.time(time))
    }

    /// A cart that became an order stays, and may change once more.
    fn cart(&self, kind: EventKind, time: &str) -> Result<Event, Error> {
        let event = self.of("cart", &CART, kind, time)?;
        let bought = self.document.text("cart.completed_at").as_deref().is_some();
        Ok(if bought { shape::emptied(event) } else { event })
    }

    fn of(&self, name: &str, shape: &Shape, kind: EventKind, time: &str) -> Result<Event, Error> {
        let object = self.document.object(name);
        shape.event(&object, self.arrival, kind, &self.id, object.time(time))
    }
}
