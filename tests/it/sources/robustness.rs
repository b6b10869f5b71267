//! No genuine delivery, however damaged, makes a source panic; and what it does read is fit to store.

use super::*;
use proptest::prelude::*;
use std::sync::LazyLock;
use wend::domain::event::EventData;
use wend::sources::Reason;

/// Each topic that becomes an event, with a fixture of it.
static FIXTURES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let shopify = SHOPIFY_EVENTS.map(|topic| (topic, format!("shopify/{}", topic.replace('/', "_"))));
    let others = [
        ("customer.created", "woocommerce/customer_created"),
        ("order.created", "woocommerce/order_created"),
        ("order.updated", "woocommerce/order_updated"),
        ("", "standard_webhooks/contact_created"),
    ];
    let others = others.map(|(topic, name)| (topic, name.to_owned()));
    shopify.into_iter().chain(others).collect()
});

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
        Ok(Reading::Ignored(_) | Reading::Ping) | Err(Error::Unreadable { .. }) => {}
        other => panic!("{topic} {name}: {other:?}"),
    }
}

/// The same body from the sources whose fields are a table, under one of their topics.
fn check_tables(body: &[u8]) {
    let mut deliveries = vec![
        bigcommerce(body),
        stripe(body),
        squarespace(body),
        medusa(body),
        insales(body),
        tilda(body),
        wix_with("wix.ecom.v1.order_created", &String::from_utf8_lossy(body)),
        ecwid(body),
    ];
    for topic in ["order_created", "checkout_updated", "customer_created"] {
        deliveries.push(saleor(topic, body));
    }
    for delivery in deliveries {
        match delivery.read() {
            Ok(Reading::Events(events)) => events.iter().for_each(is_fit),
            Ok(
                Reading::Notice(_)
                | Reading::Privacy(_)
                | Reading::Product(_)
                | Reading::Ignored(_)
                | Reading::Ping,
            ) => {}
            Err(Error::Unreadable { .. } | Error::Unauthorized { .. }) => {}
            Err(error @ Error::Unconfigured { .. }) => panic!("{}: {error}", delivery.source),
        }
    }
}

/// The document in which a sample's facts stand: what is fetched, or else what was posted.
fn facts(sample: &samples::Sample) -> Vec<u8> {
    if sample.delivery.source == SourceKind::Wix {
        return event_of_wix(&sample.delivery.body);
    }
    sample.documents.first().unwrap_or(&sample.delivery.body).clone()
}

/// The document within a token.
fn event_of_wix(token: &[u8]) -> Vec<u8> {
    let payload = token.split(|byte| *byte == b'.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&BASE64_URL.decode(payload).unwrap()).unwrap();
    let envelope: Value = serde_json::from_str(claims["data"].as_str().unwrap()).unwrap();
    envelope["data"].as_str().unwrap().as_bytes().to_vec()
}

/// The sample with another document, signed anew.
fn resent(sample: &samples::Sample, body: Vec<u8>) -> Result<Reading, Error> {
    if !sample.documents.is_empty() {
        let Ok(Reading::Notice(notice)) = sample.delivery.read() else {
            panic!("{}", sample.topic)
        };
        let mut bodies = sample.documents.clone();
        bodies[0] = body;
        return samples::documents(&notice, &bodies);
    }
    let topic = sample.topic;
    match sample.delivery.source {
        SourceKind::Shopify => shopify(topic, body),
        SourceKind::Woocommerce => {
            let topic = topic.split(", ").next().unwrap_or_default();
            woocommerce(topic, body)
        }
        SourceKind::Bigcommerce => bigcommerce(body),
        SourceKind::Ecwid => ecwid(body),
        SourceKind::Stripe => stripe(body),
        SourceKind::Squarespace => squarespace(body),
        SourceKind::Wix => {
            let topic = topic.split(", ").next().unwrap_or_default();
            wix_with(topic, &String::from_utf8_lossy(&body))
        }
        SourceKind::Saleor => saleor(topic, body),
        SourceKind::Medusa => medusa(body),
        SourceKind::Insales => insales(body),
        SourceKind::Tilda => tilda(body),
        SourceKind::Events => our_events(body),
    }
    .read()
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
    for (topic, name) in FIXTURES.iter().filter(|(topic, _)| !ALIKE.contains(topic)) {
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
                    // By this field alone it is known that an order ended.
                    Ok(Reading::Ignored(Reason::Edit)) if path == "/financial_status" => {}
                    other => panic!("{name}{path} = {strange}: {other:?}"),
                }
            }
        }
    }
}

#[test]
fn any_one_value_of_a_sample_may_be_anything_and_nothing_breaks() {
    // Those of the first two are gone through above, strange value by strange value.
    let gone_through = [SourceKind::Shopify, SourceKind::Woocommerce];
    let new = |sample: &samples::Sample| !gone_through.contains(&sample.delivery.source);
    for sample in samples::all().into_iter().filter(new) {
        let json: Value = serde_json::from_slice(&facts(&sample)).unwrap();
        let mut all = Vec::new();
        paths(&json, String::new(), &mut all);
        for (n, path) in all.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
            for strange in STRANGE.iter().cycle().skip(n).take(3) {
                let mut holed = json.clone();
                *holed.pointer_mut(path).unwrap() = Value::from("HOLE");
                let body = holed.to_string().replace("\"HOLE\"", strange);
                match resent(&sample, body.into_bytes()) {
                    Ok(Reading::Events(events)) => events.iter().for_each(is_fit),
                    Ok(
                        Reading::Ignored(_)
                        | Reading::Notice(_)
                        | Reading::Privacy(_)
                        | Reading::Product(_)
                        | Reading::Ping,
                    )
                    | Err(Error::Unreadable { .. } | Error::Unauthorized { .. }) => {}
                    Err(error) => panic!("{} {path} = {strange}: {error}", sample.topic),
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_damaged_sample_panics(
        (which, cuts) in (any::<prop::sample::Index>(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..40_usize), 1..6))
    ) {
        let all = samples::all();
        let sample = which.get(&all);
        let mut body = facts(sample);
        for (at, byte, length) in cuts {
            let at = at.index(body.len());
            let end = (at + length).min(body.len());
            body.splice(at..end, [byte]);
        }
        if let Ok(Reading::Events(events)) = resent(sample, body) {
            events.iter().for_each(is_fit);
        }
    }

    #[test]
    fn no_damaged_body_panics(
        (which, cuts) in (0..FIXTURES.len(), prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..40_usize), 1..6))
    ) {
        let (topic, name) = &FIXTURES[which];
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
        for (topic, name) in FIXTURES.iter() {
            check(topic, name, text.clone().into_bytes());
        }
        check_tables(text.as_bytes());
    }
}
