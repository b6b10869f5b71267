//! The Segment-compatible API: what each call means, what a page may say, and what becomes of the rest.

use super::{PAGE, PUBLIC, TRUSTED, fixture, keyed, now, posted, shown};
use proptest::prelude::*;
use serde_json::{Value, json};
use wend::domain::consent::ConsentState;
use wend::domain::event::{Event, EventKind};
use wend::domain::identity::IdentifierKind;
use wend::domain::time::{Delay, FUTURE_TOLERANCE};
use wend::http::Headers;
use wend::sources::segment::{
    Endpoint, Error, Ignored, MAX_BATCH, MAX_CALL_BYTES, MAX_REQUEST_BYTES, Refused, Verdict,
};

const VISITOR: &str = "0f8fad5bd9cb469fa165708867728950";

fn verdict(path: &str, key: &str, call: &Value) -> Verdict {
    let heard = posted(path, &keyed(Headers::new(), key), call.to_string()).unwrap();
    heard.into_iter().next().unwrap().verdict
}

fn event(path: &str, key: &str, call: &Value) -> Event {
    match verdict(path, key, call) {
        Verdict::Event(event) => *event,
        other => panic!("{other:?}"),
    }
}

fn trusted(path: &str, call: &Value) -> Event {
    event(path, TRUSTED, call)
}

fn reason(path: &str, key: &str, call: &Value) -> String {
    match verdict(path, key, call) {
        Verdict::Refused(call) => call.reason.to_string(),
        other => panic!("{other:?}"),
    }
}

fn identifiers(event: &Event) -> Vec<(IdentifierKind, &str)> {
    let all = event.identifiers.iter();
    all.map(|identifier| (identifier.kind, identifier.value.as_str()))
        .collect()
}

#[test]
fn what_the_official_library_posts() {
    let body = String::from_utf8(fixture("segment/analytics_node_batch")).unwrap();
    let heard = posted("batch", &keyed(Headers::new(), TRUSTED), &body).unwrap();
    let (mut events, mut ignored) = (Vec::new(), Vec::new());
    for call in heard {
        match call.verdict {
            Verdict::Event(event) => events.push(*event),
            Verdict::Ignored(reason) => ignored.push((call.index, reason)),
            Verdict::Refused(call) => panic!("{call:?}"),
        }
    }
    assert_eq!(
        ignored,
        [
            (3, Ignored::Undeclared("Button Clicked".to_owned())),
            (5, Ignored::Group),
        ]
    );
    insta::assert_snapshot!("segment_analytics_node", shown(&events));
}

#[test]
fn names_of_the_specification_old_and_new_are_ours() {
    for (name, kind) in [
        ("Product Viewed", EventKind::ProductViewed),
        ("product added", EventKind::ProductAdded),
        ("Checkout Started", EventKind::CheckoutStarted),
        ("Completed Order", EventKind::OrderCompleted),
        ("Viewed Product", EventKind::ProductViewed),
        ("Order Refunded", EventKind::OrderRefunded),
        ("Signed Up", EventKind::SignedUp),
        ("Quiz Taken", EventKind::Custom("Quiz Taken".to_owned())),
    ] {
        assert_eq!(
            trusted("track", &json!({"userId": "u", "event": name})).kind,
            kind,
            "{name}"
        );
    }
}

#[test]
fn a_wrong_clock_does_not_matter() {
    let at = |call: Value| trusted("track", &call).occurred_at;
    let call = |sent_at: Value| json!({"userId": "u", "event": "Product Viewed", "timestamp": "2031-05-05T10:00:00Z", "sentAt": sent_at});
    assert_eq!(
        at(call(json!("2031-05-05T10:30:00Z"))),
        now().minus(Delay::from_minutes(30))
    );
    // Without the other time there is nothing to correct by; nothing happens in the future.
    assert_eq!(at(call(Value::Null)), now().plus(FUTURE_TOLERANCE));
    assert_eq!(at(call(json!("soon"))), now().plus(FUTURE_TOLERANCE));
    assert_eq!(
        at(json!({"userId": "u", "event": "Product Viewed", "timestamp": "x"})),
        now()
    );
    let past = json!({"userId": "u", "event": "Product Viewed", "timestamp": "2025-01-01T00:00:00Z"});
    assert_eq!(at(past).to_rfc3339(), "2025-01-01T00:00:00.000Z");
}

#[test]
fn a_message_id_names_the_event_and_an_order_names_itself() {
    let of = |key, call: Value| event("track", key, &call).id.as_str().to_owned();
    let call =
        |id: &str| json!({"userId": "u", "anonymousId": VISITOR, "event": "Product Viewed", "messageId": id});
    assert_eq!(of(TRUSTED, call("m-1")), "segment:m-1");
    assert_eq!(of(PUBLIC, call("m-1")), "browser:m-1");
    let nameless = json!({"userId": "u", "event": "Product Viewed"});
    assert_eq!(of(TRUSTED, nameless.clone()), of(TRUSTED, nameless));
    let order =
        json!({"userId": "u", "event": "Order Completed", "messageId": "m", "properties": {"order_id": 7}});
    assert_eq!(of(TRUSTED, order), "events:order:7:completed");
}

#[test]
fn whom_a_call_is_about() {
    use IdentifierKind::{Anonymous, Customer, Email};
    let identified = json!({"userId": "u", "anonymousId": "a", "traits": {"email": "Ana@Example.com",
        "consent": {"marketing": "subscribed", "method": "signup-form"}, "plan": "gold", "tags": ["x"], "vip": true}});
    let event = trusted("identify", &identified);
    assert_eq!(
        identifiers(&event),
        [(Email, "ana@example.com"), (Customer, "u"), (Anonymous, "a")]
    );
    assert_eq!(event.consent.unwrap().state, ConsentState::Subscribed);
    assert_eq!(
        json!(event.profile.attributes),
        json!({"plan": "gold", "vip": true})
    );
    assert!(event.data.properties.is_empty());
    let by_address = json!({"userId": "ana@example.com", "event": "Product Viewed"});
    let event = trusted("track", &by_address);
    assert_eq!(
        identifiers(&event),
        [(Email, "ana@example.com"), (Customer, "ana@example.com")]
    );
    let in_context = json!({"userId": "u", "event": "Signed Up", "context": {"traits": {"email": "a@b.cd"}}});
    assert_eq!(trusted("track", &in_context).email.unwrap().as_str(), "a@b.cd");
    let alias = json!({"userId": "u", "previousId": "was"});
    let event = trusted("alias", &alias);
    assert_eq!(
        identifiers(&event),
        [(Customer, "was"), (Customer, "u"), (Anonymous, "was")]
    );
    // Ids stand beside the properties, never among them.
    let smuggled = json!({"anonymousId": "a", "event": "Product Viewed", "properties": {"user_id": "u", "customer_id": 7}});
    assert_eq!(identifiers(&trusted("track", &smuggled)), [(Anonymous, "a")]);
}

#[test]
fn one_bad_call_costs_the_others_nothing() {
    let long = json!({"type": "track", "userId": "u", "event": "Signed Up", "properties": {"x": "y".repeat(MAX_CALL_BYTES)}});
    let batch = json!({"batch": [
        {"type": "track", "userId": "u", "event": "Signed Up", "messageId": "good"},
        {"type": "track", "event": "Signed Up", "messageId": "nobody"},
        {"type": "track", "userId": "u"},
        {"type": "dance", "userId": "u"},
        "text", 7, null, [], {},
        long,
        {"type": "alias", "previousId": "p"},
        {"type": "identify", "userId": "u", "traits": "gold"},
    ]});
    let heard = posted("batch", &keyed(Headers::new(), TRUSTED), batch.to_string()).unwrap();
    let told: Vec<String> = heard
        .iter()
        .map(|call| match &call.verdict {
            Verdict::Event(event) => format!("{} {}", call.index, event.kind),
            Verdict::Ignored(reason) => format!("{} ignored: {reason}", call.index),
            Verdict::Refused(refused) => format!("{} refused: {}", call.index, refused.reason),
        })
        .collect();
    insta::assert_snapshot!("segment_batch_with_bad_calls", told.join("\n"));
    let Verdict::Refused(refused) = &heard[1].verdict else {
        panic!("{heard:?}");
    };
    assert_eq!(refused.id(heard[1].message_id.as_deref()), "segment:nobody");
    let kept = refused.to_json(Some("nobody"));
    assert_eq!(
        kept["call"],
        json!({"type": "track", "event": "Signed Up", "messageId": "nobody"})
    );
    assert_eq!(kept["sent"]["event"], "Signed Up");
}

#[test]
fn a_page_tells_ids_of_the_catalogue_and_nothing_else() {
    let call = json!({
        "anonymousId": VISITOR, "userId": "victim@example.com", "event": "Checkout Started", "messageId": "m",
        "context": {"locale": "de", "timezone": "Europe/Berlin", "traits": {"email": "victim@example.com", "firstName": "X"}},
        "properties": {
            "email": "victim@example.com", "first_name": "X", "checkout_id": "c-1", "cart_id": "k-1", "order_id": "7",
            "value": "57.05", "currency": "EUR", "coupon": "FREE", "url": "https://shop.example/checkout/c-1", "note": "buy pills",
            "consent": {"marketing": "subscribed"},
            "products": [
                {"product_id": "93", "variant_id": "931", "sku": "LS-M", "name": "Buy pills at evil.example", "variant": "M",
                 "price": "57.05", "quantity": 1, "url": "https://shop.example.evil/", "image_url": "https://evil.example/x.png"},
                {"product_id": "evil.example/pills", "sku": "buy me", "url": "https://shop.example/p/94"},
            ],
        },
    });
    insta::assert_snapshot!("segment_of_a_page", shown(&[event("track", PUBLIC, &call)]));
}

#[test]
fn a_page_may_not_say_who_somebody_is_nor_what_they_bought() {
    let track =
        |event: &str| json!({"anonymousId": VISITOR, "event": event, "properties": {"order_id": "1"}});
    for name in EventKind::known_names() {
        let browsing = [
            "Product Viewed",
            "Product Added",
            "Checkout Started",
            "Checkout Updated",
        ];
        match verdict("track", PUBLIC, &track(name)) {
            Verdict::Event(_) => assert!(browsing.contains(&name), "{name}"),
            Verdict::Refused(_) => assert!(!browsing.contains(&name), "{name}"),
            Verdict::Ignored(reason) => panic!("{name}: {reason}"),
        }
    }
    for (path, call) in [
        ("track", track("Quiz Taken")),
        (
            "identify",
            json!({"anonymousId": VISITOR, "traits": {"email": "a@b.cd"}}),
        ),
        ("alias", json!({"userId": "u", "previousId": VISITOR})),
        ("track", json!({"anonymousId": "7", "event": "Product Viewed"})),
    ] {
        assert!(
            reason(path, PUBLIC, &call).starts_with("the public key may not send it"),
            "{path}"
        );
    }
    let named = json!({"userId": "u", "event": "Product Viewed"});
    assert_eq!(reason("track", PUBLIC, &named), Refused::Nobody.to_string());
    let page = event("page", PUBLIC, &json!({"anonymousId": VISITOR, "name": "Home"}));
    assert_eq!(
        (page.kind.as_str(), page.data.properties.len()),
        ("Page Viewed", 0)
    );
}

#[test]
fn keys_and_where_they_may_come_from() {
    let call =
        |key: Value| json!({"writeKey": key, "anonymousId": VISITOR, "event": "Product Viewed"}).to_string();
    let none = Headers::new();
    let origin = |origin: &str| Headers::new().with("Origin", origin);
    let refused = |headers: &Headers, body: &str| posted("t", headers, body).err();
    for good in [
        (&none, call(json!(PUBLIC))),
        (&none, call(json!("old-page-key"))),
        (&none, call(json!(TRUSTED))),
        (&origin("https://SHOP.example"), call(json!(PUBLIC))),
        (&keyed(Headers::new(), TRUSTED), call(Value::Null)),
    ] {
        assert_eq!(refused(good.0, &good.1), None, "{}", good.1);
    }
    for key in [
        json!(null),
        json!(""),
        json!("page"),
        json!("old-page-key page-key"),
        json!(7),
        json!([]),
    ] {
        assert_eq!(refused(&none, &call(key.clone())), Some(Error::Key), "{key}");
    }
    // A header decides alone: a wrong one is not helped by the body.
    assert_eq!(
        refused(&keyed(Headers::new(), "x"), &call(json!(TRUSTED))),
        Some(Error::Key)
    );
    let bearer = Headers::new().with("Authorization", &format!("Bearer {TRUSTED}"));
    assert_eq!(refused(&bearer, &call(json!(TRUSTED))), Some(Error::Key));
    for elsewhere in [
        "https://evil.example",
        "null",
        "https://shop.example.evil",
        "http://shop.example",
    ] {
        assert_eq!(
            refused(&origin(elsewhere), &call(json!(PUBLIC))),
            Some(Error::Origin),
            "{elsewhere}"
        );
    }
    assert_eq!(
        refused(&origin(PAGE), &call(json!(TRUSTED))),
        Some(Error::Exposed)
    );
}

#[test]
fn requests_that_cannot_be_taken_at_all() {
    let headers = keyed(Headers::new(), TRUSTED);
    let status = |path: &str, body: &str| posted(path, &headers, body).err().map(|error| error.status());
    for body in ["", "{", "[]", "null", "{\"batch\": {}}", "{\"batch\": 7}"] {
        assert_eq!(status("batch", body), Some(400), "{body}");
    }
    assert_eq!(status("track", "{"), Some(400));
    assert_eq!(status("batch", "{}"), None);
    assert_eq!(status("batch", &" ".repeat(MAX_REQUEST_BYTES + 1)), Some(413));
    let many = json!({"batch": vec![json!({}); MAX_BATCH + 1]});
    assert_eq!(status("batch", &many.to_string()), Some(413));
    assert!(Endpoint::parse("projects").is_none());
}

/// Anything that JSON can say, with the names of the API more often than chance would have them.
fn garbage() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        prop_oneof![
            Just("Product Viewed"),
            Just("track"),
            Just("Order Completed"),
            Just("a@b.cd"),
            Just(VISITOR),
            Just("9999-12-31T23:59:59Z"),
            Just("0001-01-01T00:00:00Z")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let name = prop_oneof![
            "\\PC{0,8}",
            prop_oneof![
                Just("type"),
                Just("event"),
                Just("userId"),
                Just("anonymousId"),
                Just("previousId"),
                Just("timestamp"),
                Just("sentAt"),
                Just("traits"),
                Just("properties"),
                Just("context"),
                Just("products"),
                Just("email"),
                Just("consent"),
                Just("messageId"),
                Just("batch")
            ]
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..10).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn garbage_is_told_call_by_call(calls in prop::collection::vec(garbage(), 0..6), by_page in any::<bool>()) {
        let headers = keyed(Headers::new(), if by_page { PUBLIC } else { TRUSTED });
        let heard = posted("batch", &headers, json!({"batch": calls}).to_string()).unwrap();
        prop_assert_eq!(heard.len(), calls.len());
        for call in heard {
            if let Verdict::Event(event) = call.verdict {
                prop_assert!(!event.identifiers.is_empty());
                prop_assert!(event.occurred_at <= now().plus(FUTURE_TOLERANCE));
                if by_page {
                    prop_assert!(event.identifiers.iter().all(|id| id.kind == IdentifierKind::Anonymous));
                    prop_assert!(event.email.is_none() && event.consent.is_none() && event.data.properties.is_empty());
                }
                let stored = serde_json::to_string(&event).unwrap();
                prop_assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), *event);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_call_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), path in "[a-z]{1,8}") {
        let path = if Endpoint::parse(&path).is_some() { &path } else { "track" };
        let _ = posted(path, &keyed(Headers::new(), TRUSTED), &body);
    }
}
