//! BigCommerce: webhooks of an app, which name an order, a cart or a customer and carry none of it.
//!
//! Called by the registry. Sources: <https://developer.bigcommerce.com/docs/integrations/webhooks>, and the resources Orders
//! (version 2), Carts, Customers and Subscribers (version 3) of <https://developer.bigcommerce.com/docs/rest-management>.

use super::arrival::Arrival;
use super::document::Fields;
use super::notice::Fetching;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::consent::{ConsentGrade, ConsentState};
use crate::domain::event::EventKind;
use crate::domain::notice::Notice;

pub(super) const SOURCE: Source = Source {
    name: "bigcommerce",
    settings: &[SECRET],
    proof: "Standard Webhooks, under the app's client secret as it is",
    verify,
    read,
    fetching: Some(&FETCHING),
    polling: None,
};

const SECRET: &str = "BIGCOMMERCE_CLIENT_SECRET";

const FETCHING: Fetching = Fetching {
    token: "BIGCOMMERCE_ACCESS_TOKEN",
    address: "https://api.bigcommerce.com/stores",
    url: "BIGCOMMERCE_URL",
    header: ("x-auth-token", ""),
    read: read_documents,
};

/// The cart's id is the checkout's too.
const ORDER: Shape = Shape {
    order: "id",
    checkout: "cart_id",
    customer: "customer_id",
    email: "billing_address.email",
    first_name: "billing_address.first_name",
    last_name: "billing_address.last_name",
    locale: "customer_locale",
    country: "billing_address.country_iso2",
    number: "id",
    // The one that was paid in; `currency_code` is the one that prices were shown in.
    currency: "default_currency_code|currency_code",
    value: "total_inc_tax",
    lines: "products",
    line: Line {
        title: "name",
        quantity: "quantity",
        price: "price_inc_tax",
        sku: "sku",
        product: "product_id",
        variant_id: "variant_id",
        ..BLANK_LINE
    },
    ..BLANK
};

const CART: Shape = Shape {
    checkout: "id",
    customer: "customer_id",
    email: "email",
    locale: "locale",
    currency: "currency.code",
    value: "cart_amount",
    url: "redirect_urls.cart_url",
    codes: "coupons.code",
    lines: "line_items.*",
    line: Line {
        title: "name",
        quantity: "quantity",
        price: "sale_price|list_price",
        sku: "sku",
        product: "product_id",
        variant_id: "variant_id",
        image: "image_url",
        url: "url",
        ..BLANK_LINE
    },
    ..BLANK
};

const CUSTOMER: Shape = Shape {
    customer: "id",
    email: "email",
    first_name: "first_name",
    last_name: "last_name",
    ..BLANK
};

const SUBSCRIBER: Shape = Shape {
    customer: "",
    ..CUSTOMER
};

/// The key is the secret's own bytes, where the specification would decode it.
fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys.values(SECRET)?;
    delivery.verify_standard_webhooks(SECRET, &secrets, keys)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let delivery = Fields::parse(verified.text()?)?;
    let (topic, id) = (delivery.word("scope"), delivery.word("data.id"));
    let at = delivery.time("created_at");
    // The same for every retry, and where one change fires twice.
    let name = delivery.word("hash");
    let name = match verified.signed() {
        Some(signed) if name.is_empty() => signed.id.to_owned(),
        Some(_) | None => name,
    };
    let producer = delivery.word("producer");
    let store = producer.strip_prefix("stores/").unwrap_or_default();
    let notice = || Notice::new(arrival, &topic, &name, at);
    let notice = match topic.as_str() {
        "store/order/created" | "store/order/updated" | "store/order/statusUpdated" => notice()
            .with("order", "/{}/v2/orders/{}", &[store, &id])?
            .with("products", "/{}/v2/orders/{}/products?limit=250", &[store, &id])?,
        "store/cart/abandoned" => {
            notice().with("cart", "/{}/v3/carts/{}?include=redirect_urls", &[store, &id])?
        }
        // The order tells the rest; this says at once that the cart is no more.
        "store/cart/converted" => {
            let cart = delivery.object("data");
            let event = CART.event(&cart, arrival, EventKind::CheckoutUpdated, &name, at)?;
            return Ok(Reading::Events(vec![shape::emptied(event)]));
        }
        "store/customer/created" | "store/customer/updated" => {
            notice().with("customer", "/{}/v3/customers?id:in={}", &[store, &id])?
        }
        "store/subscriber/created" => {
            notice().with("customer", "/{}/v3/customers/subscribers/{}", &[store, &id])?
        }
        _ => return Ok(Reading::ignored(&topic)),
    };
    Ok(Reading::Notice(notice))
}

fn read_documents(notice: &Notice, documents: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let of = |shape: &Shape, kind, at: &str| {
        let object = documents.object(at);
        shape.event(&object, arrival, kind, &notice.id, Some(notice.at))
    };
    let event = match notice.topic.as_str() {
        "store/cart/abandoned" => of(&CART, EventKind::CheckoutStarted, "cart.data")?,
        "store/customer/created" | "store/customer/updated" => {
            let made = notice.topic == "store/customer/created";
            let kind = if made {
                EventKind::SignedUp
            } else {
                EventKind::ContactUpdated
            };
            // `accepts_product_review_abandoned_cart_emails` is a yes to those mails and not to marketing.
            of(&CUSTOMER, kind, "customer.data")?
        }
        "store/subscriber/created" => {
            let mut event = of(&SUBSCRIBER, EventKind::ContactUpdated, "customer.data")?;
            let (state, grade) = (ConsentState::Subscribed, ConsentGrade::Explicit);
            event.consent = shape::consent(&event, state, grade, "subscriber");
            event
        }
        _ => return order(notice, documents, arrival),
    };
    Ok(Reading::Events(vec![event]))
}

/// What happened is told by the order's status, which the document shows as it is now.
fn order(notice: &Notice, documents: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    // The lines are a document of their own.
    let order = documents.object("order").with("products", documents);
    let placed = order.time("date_created").or(Some(notice.at));
    let completed = (EventKind::OrderCompleted, placed);
    let now = Some(notice.at);
    let transitions = match order.word("status_id").as_str() {
        "" => return Err(Error::unreadable("the order has no `status_id`")),
        // Incomplete and Pending: the shopper reached the payment and did not complete it.
        "0" | "1" => return Ok(Reading::of_status(&order.word("status"))),
        "2" | "10" => vec![completed, (EventKind::OrderFulfilled, now)],
        "4" => vec![(EventKind::OrderRefunded, now)],
        "5" | "6" => vec![(EventKind::OrderCancelled, now)],
        _ => vec![completed],
    };
    let events = transitions
        .into_iter()
        .map(|(kind, at)| ORDER.transition(&order, arrival, kind, at));
    events.collect::<Result<_, _>>().map(Reading::Events)
}
