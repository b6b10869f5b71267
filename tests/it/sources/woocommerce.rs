//! WooCommerce: order statuses as events, its ping, and the traps of its payloads.

use super::*;
use serde_json::json;
use wend::domain::event::EventKind;
use wend::sources::Reason;

fn order(changes: &[(&str, Value)]) -> Delivery {
    woocommerce("order.updated", changed("woocommerce/order_updated", changes))
}

fn with_status(status: &str) -> Delivery {
    order(&[("/status", json!(status))])
}

#[test]
fn every_topic() {
    for (topic, name) in [
        ("customer.created", "customer_created"),
        ("order.created", "order_created"),
        ("order.updated", "order_updated"),
    ] {
        let delivery = woocommerce(topic, fixture(&format!("woocommerce/{name}")));
        insta::assert_snapshot!(format!("woocommerce_{name}"), shown(&delivery.events()));
    }
}

#[test]
fn the_status_tells_what_happened() {
    use EventKind::{CheckoutStarted, OrderCancelled, OrderCompleted, OrderFulfilled, OrderRefunded};
    for (status, expected) in [
        ("pending", vec![CheckoutStarted]),
        ("failed", vec![CheckoutStarted]),
        ("checkout-draft", vec![CheckoutStarted]),
        ("on-hold", vec![OrderCompleted]),
        ("processing", vec![OrderCompleted]),
        ("wc-processing", vec![OrderCompleted]),
        ("completed", vec![OrderCompleted, OrderFulfilled]),
        ("cancelled", vec![OrderCancelled]),
        ("refunded", vec![OrderRefunded]),
    ] {
        let kinds: Vec<_> = with_status(status)
            .events()
            .into_iter()
            .map(|event| event.kind)
            .collect();
        assert_eq!(kinds, expected, "{status}");
    }
    let ignored = Reading::Ignored(Reason::Status("awaiting-stars".to_owned()));
    assert_eq!(with_status("awaiting-stars").read(), Ok(ignored));
}

#[test]
fn an_order_is_its_own_checkout() {
    let started = woocommerce("order.created", fixture("woocommerce/order_created")).event();
    let placed = woocommerce("order.updated", fixture("woocommerce/order_updated")).event();
    assert_eq!(started.data.checkout_id.as_deref(), Some("1727"));
    assert_eq!(started.data.order_id, None);
    assert!(started.data.url.unwrap().contains("/order-pay/1727/"));
    assert_eq!(placed.id.as_str(), "woocommerce:order:1727:completed");
    assert_eq!(
        identifiers(&placed),
        [
            "email marta.nowak@example.pl",
            "customer woocommerce:412",
            "order woocommerce:1727",
            "checkout woocommerce:1727"
        ]
    );
    assert_eq!(started.identifiers, placed.identifiers);
}

#[test]
fn completed_has_both_transitions_at_their_own_times() {
    let changes = [
        ("/status", json!("completed")),
        ("/date_completed_gmt", json!("2026-01-12T08:00:00")),
    ];
    let [placed, sent] = order(&changes).events().try_into().unwrap();
    assert_eq!(placed.occurred_at.to_rfc3339(), "2026-01-10T11:06:00.000Z");
    assert_eq!(sent.occurred_at.to_rfc3339(), "2026-01-12T08:00:00.000Z");
    assert_eq!(sent.id.as_str(), "woocommerce:order:1727:fulfilled");
    // Paid by bank transfer: placed when it was made.
    let on_hold = order(&[("/status", json!("on-hold")), ("/date_paid_gmt", json!(null))]).event();
    assert_eq!(on_hold.occurred_at.to_rfc3339(), "2026-01-10T11:05:10.000Z");
}

#[test]
fn a_delivery_id_names_nothing_but_the_content_does() {
    let id = |changes: &[(&str, Value)]| {
        let mut all = vec![("/status", json!("pending"))];
        all.extend_from_slice(changes);
        order(&all).event().id
    };
    assert_eq!(id(&[]), id(&[]));
    // The same Delivery-ID, the same second, two bodies: two events.
    assert_ne!(id(&[]), id(&[("/total", json!("265.20"))]));
    assert!(
        id(&[])
            .as_str()
            .starts_with("woocommerce:order.updated:1727:2026-01-10T11:06:00:")
    );
}

#[test]
fn the_ping_is_answered_and_only_the_ping() {
    let ping = |body: &str| {
        let mut delivery = woocommerce("", body);
        delivery.headers = Headers::new().with("Content-Type", "application/x-www-form-urlencoded");
        delivery
    };
    assert_eq!(ping("webhook_id=7").read(), Ok(Reading::Ping));
    for body in [
        "webhook_id=",
        "webhook_id=7&x=1",
        "webhook_id=x",
        "webhook_idx=7",
        "x",
        "",
    ] {
        assert_eq!(ping(body).read().unwrap_err().status(), 401, "{body}");
    }
    let disguised = ping("webhook_id=7").with("x-wc-webhook-topic", "order.created");
    assert_eq!(disguised.read().unwrap_err().status(), 401);
    assert_eq!(ping("webhook_id=7").read_with("").unwrap_err().status(), 401);
}

#[test]
fn a_guest_is_known_by_address_alone() {
    let event = order(&[("/customer_id", json!(0))]).event();
    assert_eq!(
        identifiers(&event),
        [
            "email marta.nowak@example.pl",
            "order woocommerce:1727",
            "checkout woocommerce:1727"
        ]
    );
    for nobody in [json!(""), json!(null)] {
        let event = order(&[("/customer_id", json!(0)), ("/billing/email", nobody)]).event();
        assert_eq!((event.strongest(), event.email.as_ref()), (None, None));
    }
}

#[test]
fn names_lose_their_entities_once() {
    let event = order(&[
        (
            "/line_items/0/name",
            json!("Len &amp; jedwab &ndash; &quot;Lato&quot;"),
        ),
        ("/billing/first_name", json!("Anna &#039;Ania&#039;")),
        ("/coupon_lines/0/code", json!("tom&amp;jerry")),
    ])
    .event();
    assert_eq!(event.data.items[0].title, "Len & jedwab – \"Lato\"");
    assert_eq!(event.profile.first_name.as_deref(), Some("Anna 'Ania'"));
    assert_eq!(event.data.discount_codes, ["tom&jerry"]);
}

#[test]
fn amounts_and_ids_never_pass_a_float() {
    let body = r#"{"id":9007199254740993,"status":"processing","currency":"KWD","total":"29.355",
        "line_items":[{"name":"A","quantity":2,"price":14.677499999999999,"product_id":18446744073709551617},
        {"name":"Gift","quantity":1,"price":0},{"name":"Gone","quantity":0,"price":1},null,7]}"#;
    let event = woocommerce("order.created", body).event();
    assert_eq!(event.id.as_str(), "woocommerce:order:9007199254740993:completed");
    assert_eq!(event.data.value.unwrap().to_string(), "29.355 KWD");
    let items: Vec<_> = event
        .data
        .items
        .iter()
        .map(|item| (item.title.as_str(), item.price.unwrap().amount.to_string()))
        .collect();
    assert_eq!(items, [("A", "14.6775".to_owned()), ("Gift", "0".to_owned())]);
    assert_eq!(
        event.data.items[0].product_id.as_deref(),
        Some("18446744073709551617")
    );
}

#[test]
fn topics_that_are_not_ours() {
    for topic in [
        "order.deleted",
        "order.restored",
        "coupon.created",
        "action.woocommerce_add_to_cart",
    ] {
        let delivery = woocommerce(topic, fixture("woocommerce/order_deleted"));
        assert_eq!(
            delivery.read(),
            Ok(Reading::Ignored(Reason::Topic(topic.to_owned())))
        );
    }
}

#[test]
fn a_changed_customer_is_an_update() {
    let body = changed(
        "woocommerce/customer_created",
        &[("/date_modified_gmt", json!("2026-02-02T10:00:00"))],
    );
    let event = woocommerce("customer.updated", body).event();
    assert_eq!(event.kind, EventKind::ContactUpdated);
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-02-02T10:00:00.000Z");
    assert_eq!(event.profile.country.as_deref(), Some("PL"));
}

#[test]
fn an_order_tells_by_whose_link_it_came() {
    let code = "HHZG04926D80";
    let of = |status: &str, changes: &[(&str, Value)]| {
        let mut all = vec![("/status", json!(status))];
        all.extend_from_slice(changes);
        order(&all).events()[0].data.referral.map(|code| code.to_string())
    };
    assert_eq!(of("processing", &[]), None);
    let meta = |key: &str, value: Value| json!([{"id": 1, "key": "vat", "value": {"deep": [1]}}, {"id": 2, "key": key, "value": value}]);
    let landed = json!(format!("https://shop.example/?ref={code}&utm_source=x"));
    for changes in [
        // WooCommerce writes the codes of coupons in lower case.
        ("/coupon_lines/0/code", json!(code.to_lowercase())),
        ("/meta_data", meta("ref", json!(code))),
        ("/meta_data", meta("_ref", json!(code))),
        ("/meta_data", meta("_wc_order_attribution_session_entry", landed)),
    ] {
        assert_eq!(
            of("processing", std::slice::from_ref(&changes)).as_deref(),
            Some(code),
            "{changes:?}"
        );
        assert_eq!(of("pending", &[changes]), None, "it waits for its payment");
    }
    for nothing in [json!(null), json!(7), json!([code]), json!("TEA10")] {
        assert_eq!(of("processing", &[("/meta_data", meta("ref", nothing))]), None);
    }
}
