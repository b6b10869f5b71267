//! Our own JSON at `/hooks/events`.

use super::*;
use serde_json::json;
use wend::domain::consent::{ConsentGrade, ConsentState};
use wend::domain::event::EventKind;

fn sent(kind: &str, data: Value) -> Delivery {
    let body = json!({"type": kind, "timestamp": "2026-02-01T09:00:00.5+01:00", "data": data});
    our_events(body.to_string())
}

#[test]
fn everything_the_format_knows() {
    let event = sent(
        "Order Completed",
        json!({
            "email": "Ana@Example.com", "first_name": "Ana", "last_name": "Díaz", "locale": "es_ES",
            "timezone": "Europe/Madrid", "country": "es", "user_id": "u-7", "anonymous_id": "a-9",
            "checkout_id": "c-1", "cart_id": "k-1", "order_id": 820982911946154508_u64, "order_number": "#1042",
            "value": 57.05, "revenue": 50, "currency": "eur", "coupon": "WELCOME10", "url": "https://shop.example/o/1",
            "products": [{"product_id": 93, "sku": "LS-M", "name": "Dress", "variant": "M", "price": "28.525",
                "quantity": 2, "image_url": "https://shop.example/1.jpg", "url": "https://shop.example/p/1"}],
            "consent": {"marketing": "subscribed", "method": "footer-form", "text": "v3",
                "at": "2026-01-31T10:00:00Z", "ip": "203.0.113.9"},
            "gift": true, "warehouse": 18446744073709551617_f64, "note": {"deep": [1, 2]},
        }),
    )
    .events();
    insta::assert_snapshot!("events_everything", shown(&event));
}

#[test]
fn the_specifications_own_sample_is_a_custom_event() {
    let delivery = our_events(fixture("standard_webhooks/contact_created"));
    insta::assert_snapshot!("events_contact_created", shown(&delivery.events()));
}

#[test]
fn the_id_is_the_senders_except_for_orders() {
    assert_eq!(
        sent("Checkout Started", json!({"checkout_id": "c"}))
            .event()
            .id
            .as_str(),
        "events:msg_1"
    );
    for (kind, id) in [
        ("Order Completed", "events:order:7:completed"),
        ("Order Delivered", "events:order:7:delivered"),
        ("Order Refunded", "events:order:7:refunded"),
    ] {
        assert_eq!(sent(kind, json!({"order_id": 7})).event().id.as_str(), id);
    }
    assert_eq!(
        sent("Order Completed", json!({"email": "a@b.cd"}))
            .event()
            .id
            .as_str(),
        "events:msg_1"
    );
    let long = "x".repeat(300);
    let id = sent("Order Completed", json!({"order_id": long})).event().id;
    assert!(
        id.as_str().len() < 60 && id.as_str().starts_with("events:"),
        "{id}"
    );
}

#[test]
fn consent_needs_an_address_and_a_word_we_know() {
    let consent = |data: Value| sent("Contact Updated", data).event().consent;
    let given = |word: &str| json!({"email": "a@b.cd", "consent": {"marketing": word}});
    let signal = consent(given("unsubscribed")).unwrap();
    assert_eq!(
        (signal.state, signal.grade),
        (ConsentState::Unsubscribed, ConsentGrade::Explicit)
    );
    assert_eq!(signal.at.to_rfc3339(), "2026-02-01T08:00:00.500Z");
    assert_eq!(
        consent(given("subscribed")).unwrap().state,
        ConsentState::Subscribed
    );
    for word in ["", "yes", "true", "suppressed", "unknown"] {
        assert_eq!(consent(given(word)), None, "{word}");
    }
    assert_eq!(
        consent(json!({"user_id": "u", "consent": {"marketing": "subscribed"}})),
        None
    );
    assert_eq!(consent(json!({"email": "a@b.cd", "consent": true})), None);
    let event = sent("Unsubscribed", json!({"email": "a@b.cd"})).event();
    assert_eq!(event.consent.unwrap().state, ConsentState::Unsubscribed);
}

#[test]
fn a_bad_value_loses_the_field_and_never_the_event() {
    let body = r#"{"type":"Order Completed","timestamp":"yesterday","data":{"email":"","order_id":5,"currency":"EUR",
        "value":1e400,"total":"NaN","revenue":"12.30","locale":"??","timezone":"Mars/Base","country":"XXX",
        "products":[{"name":"A","price":"free","quantity":"many"},"x",null],"url":"javascript:alert(1)",
        "huge":1e999,"products_url":null,"consent":[]}}"#;
    let event = our_events(body).event();
    assert_eq!((event.email.as_ref(), event.consent.as_ref()), (None, None));
    assert_eq!(event.occurred_at, now());
    assert_eq!(event.data.value.unwrap().to_string(), "12.30 EUR");
    assert_eq!(event.data.items.len(), 1);
    assert_eq!(
        (event.data.items[0].price, event.data.items[0].quantity),
        (None, 1)
    );
    assert_eq!((event.data.url, event.profile), (None, Default::default()));
    assert_eq!(event.data.properties["left_out"], json!(1));
}

#[test]
fn an_amount_without_a_currency_is_a_property() {
    let data = sent("Quiz Taken", json!({"value": 12.5})).event().data;
    assert_eq!((data.value, &data.properties["value"]), (None, &json!(12.5)));
}

/// What is kept goes on inside calls and rows, whose reader stops at 128 levels: an event that it cannot read would be refused
/// for ever.
#[test]
fn a_property_that_is_too_deep_is_left_out_and_what_is_kept_can_be_handed_on() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for depth in [
            1, 16, 17, 100, 120, 121, 122, 123, 124, 125, 126, 127, 128, 100_000,
        ] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let body = format!(
                r#"{{"type":"Quiz Taken","data":{{"email":"a@example.com","deep":{deep},"flat":1}}}}"#
            );
            let event = our_events(body.as_str()).event();
            let names: Vec<&String> = event.data.properties.keys().collect();
            let kept = if depth <= 16 {
                ["deep", "flat"]
            } else {
                ["flat", "left_out"]
            };
            assert_eq!(names, kept, "{depth} levels of {open}");
            let row = serde_json::to_string(&event).unwrap();
            assert_eq!(
                serde_json::from_str::<wend::domain::event::Event>(&row).unwrap(),
                event
            );
        }
    }
}

#[test]
fn properties_are_bounded_and_whole_numbers_exact() {
    let many: serde_json::Map<String, Value> = (0..150).map(|n| (format!("p{n:03}"), json!(n))).collect();
    let properties = sent("Quiz Taken", Value::Object(many)).event().data.properties;
    assert_eq!((properties.len(), &properties["left_out"]), (101, &json!(50)));
    let large = json!({"a": "x".repeat(16_000), "b": "y".repeat(16_000)});
    let properties = sent("Quiz Taken", large).event().data.properties;
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["a", "left_out"]);
    let body = r#"{"type":"Quiz Taken","data":{"big":98765432109876543210,"fits":9007199254740993}}"#;
    let properties = our_events(body).event().data.properties;
    assert_eq!(properties["big"], json!("98765432109876543210"));
    assert_eq!(properties["fits"], json!(9_007_199_254_740_993_u64));
}

#[test]
fn one_product_stands_at_the_top_level() {
    let data = json!({"product_id": 7, "name": "Tea", "price": 4.5, "currency": "EUR", "shelf": "A"});
    let event = sent("Product Viewed", data.clone()).event();
    assert_eq!(
        (event.data.items.len(), event.data.items[0].title.as_str()),
        (1, "Tea")
    );
    assert_eq!(event.data.properties.keys().collect::<Vec<_>>(), ["shelf"]);
    let event = sent("Quiz Taken", data).event();
    assert!(event.data.items.is_empty());
    assert_eq!(event.data.properties["name"], json!("Tea"));
}

#[test]
fn a_type_and_an_object_are_needed() {
    for body in [
        "{}",
        r#"{"type":"","data":{}}"#,
        r#"{"type":7.5}"#,
        r#"{"type":"Signed Up","data":null}"#,
        r#"{"type":"Signed Up","data":[]}"#,
        r#"{"type":"Signed Up"}"#,
    ] {
        assert_eq!(our_events(body).read().unwrap_err().status(), 400, "{body}");
    }
    let long = format!(r#"{{"type":"{}","data":{{}}}}"#, "x".repeat(101));
    assert_eq!(our_events(long).read().unwrap_err().status(), 400);
    let event = our_events("\u{feff} {\"type\":\"Signed Up\",\"data\":{}}").event();
    assert_eq!(event.kind, EventKind::SignedUp);
}

#[test]
fn an_order_tells_by_whose_link_it_came() {
    let code = "HHZG04926D80";
    let of = |kind: &str, data: Value| sent(kind, data).event().data;
    let by_property = of(
        "Order Completed",
        json!({"order_id": 7, "email": "a@b.cd", "ref": code}),
    );
    assert_eq!(
        by_property.referral.map(|code| code.to_string()).as_deref(),
        Some(code)
    );
    assert_eq!(
        by_property.properties["ref"],
        json!(code),
        "it stays what the sender sent"
    );
    let by_coupon = of(
        "Order Completed",
        json!({"order_id": 7, "email": "a@b.cd", "coupon": code}),
    );
    assert_eq!(by_coupon.referral, by_property.referral);
    for nothing in [json!("newsletter"), json!(7), json!(null), json!([code])] {
        let data = of(
            "Order Completed",
            json!({"order_id": 7, "email": "a@b.cd", "ref": nothing}),
        );
        assert_eq!(data.referral, None);
    }
    let viewed = of("Product Viewed", json!({"email": "a@b.cd", "ref": code}));
    assert_eq!(viewed.referral, None, "only an order is credited");
}
