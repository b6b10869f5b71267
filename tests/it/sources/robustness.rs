//! No genuine delivery, however damaged, makes a source panic; and what it does read is fit to store.

use super::*;
use proptest::prelude::*;
use wend::domain::event::EventData;

const FIXTURES: [(&str, &str); 13] = [
    ("customers/create", "shopify/customers_create"),
    ("customers/update", "shopify/customers_update"),
    (
        "customers_email_marketing_consent/update",
        "shopify/customers_email_marketing_consent_update",
    ),
    ("checkouts/create", "shopify/checkouts_create"),
    ("checkouts/update", "shopify/checkouts_update"),
    ("orders/create", "shopify/orders_create"),
    ("orders/paid", "shopify/orders_paid"),
    ("orders/fulfilled", "shopify/orders_fulfilled"),
    ("orders/cancelled", "shopify/orders_cancelled"),
    ("customer.created", "woocommerce/customer_created"),
    ("order.created", "woocommerce/order_created"),
    ("order.updated", "woocommerce/order_updated"),
    ("", "standard_webhooks/contact_created"),
];

/// Topics whose payload has the fields of another one.
const ALIKE: [&str; 6] = [
    "customers/create",
    "checkouts/create",
    "orders/create",
    "orders/paid",
    "orders/cancelled",
    "order.created",
];

/// Values that some shop has sent where another type was expected, and worse.
const STRANGE: [&str; 16] = [
    "null",
    "true",
    "0",
    "-1",
    "1e400",
    "0.1",
    "98765432109876543210",
    "\"\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u0000\"",
    "[]",
    "{}",
    "[[[]]]",
    "{\"a\":{\"b\":null}}",
    "\"9999-12-31T23:59:59Z\"",
    "\"-999999999999999999999999999999\"",
];

fn deliver(topic: &str, name: &str, body: Vec<u8>) -> Delivery {
    match name.split('/').next() {
        Some("shopify") => shopify(topic, body),
        Some("woocommerce") => woocommerce(topic, body),
        _ => our_events(body),
    }
}

fn is_fit(event: &Event) {
    let EventData {
        items, properties, ..
    } = &event.data;
    assert!(items.len() <= 500 && properties.len() <= 102);
    assert!(event.occurred_at <= now().plus(wend::domain::time::FUTURE_TOLERANCE));
    assert!(
        event
            .identifiers
            .iter()
            .all(|identifier| !identifier.value.trim().is_empty())
    );
    assert!(event.consent.is_none() || event.email.is_some());
    let stored = serde_json::to_string(event).unwrap();
    assert_eq!(&serde_json::from_str::<Event>(&stored).unwrap(), event);
}

fn check(topic: &str, name: &str, body: Vec<u8>) {
    match deliver(topic, name, body).read() {
        Ok(Reading::Events(events)) => {
            assert!(!events.is_empty());
            events.iter().for_each(is_fit);
        }
        Ok(Reading::Ignored(_)) | Err(Error::Unreadable { .. }) => {}
        other => panic!("{topic} {name}: {other:?}"),
    }
}

/// Paths of every value in a document.
fn paths(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, inner)| paths(inner, format!("{at}/{name}"), all)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, inner)| paths(inner, format!("{at}/{n}"), all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all.push(at);
}

#[test]
fn any_one_value_may_be_anything_and_the_event_is_kept() {
    // The fields without which there is no event, and the one whose text decides which.
    let needed = ["", "/id", "/status", "/type", "/data"];
    for (topic, name) in FIXTURES.into_iter().filter(|(topic, _)| !ALIKE.contains(topic)) {
        let json: Value = serde_json::from_slice(&fixture(name)).unwrap();
        let mut all = Vec::new();
        paths(&json, String::new(), &mut all);
        all.retain(|path| !needed.contains(&path.as_str()));
        for (n, path) in all.iter().enumerate() {
            // Every value at the top; one, in turn, further down, where there are thousands of combinations.
            let top = path.matches('/').count() == 1;
            for strange in STRANGE
                .iter()
                .cycle()
                .skip(n)
                .take(if top { STRANGE.len() } else { 1 })
            {
                // Placed as text, since a `Value` could not hold every one of them.
                let mut holed = json.clone();
                *holed.pointer_mut(path).unwrap() = Value::from("HOLE");
                let body = holed.to_string().replace("\"HOLE\"", strange);
                match deliver(topic, name, body.into_bytes()).read() {
                    Ok(Reading::Events(events)) => events.iter().for_each(is_fit),
                    other => panic!("{name}{path} = {strange}: {other:?}"),
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_damaged_body_panics(
        (which, cuts) in (0..FIXTURES.len(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..40_usize), 1..6))
    ) {
        let (topic, name) = FIXTURES[which];
        let mut body = fixture(name);
        for (at, byte, length) in cuts {
            let at = at.index(body.len());
            let end = (at + length).min(body.len());
            body.splice(at..end, [byte]);
        }
        check(topic, name, body);
    }

    #[test]
    fn no_text_panics(text in "\\PC{1,200}") {
        for (topic, name) in FIXTURES {
            check(topic, name, text.clone().into_bytes());
        }
    }
}
