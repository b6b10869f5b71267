//! Shopify: its topics as events, and the traps of its payloads.

use super::*;
use serde_json::json;
use wend::domain::consent::{ConsentGrade, ConsentState};
use wend::domain::event::EventKind;
use wend::domain::identity::Identifier;
use wend::domain::privacy::Kind;
use wend::sources::Reason;

pub fn of_fixture(topic: &str) -> Delivery {
    shopify(topic, fixture(&format!("shopify/{}", topic.replace('/', "_"))))
}

pub fn of_changed(topic: &str, changes: &[(&str, Value)]) -> Delivery {
    shopify(
        topic,
        changed(&format!("shopify/{}", topic.replace('/', "_")), changes),
    )
}

#[test]
fn every_topic() {
    for topic in SHOPIFY_EVENTS {
        insta::assert_snapshot!(
            format!("shopify_{}", topic.replace('/', "_")),
            shown(&of_fixture(topic).events())
        );
    }
}

#[test]
fn the_other_family_of_headers_and_unknown_topics() {
    let body = fixture("shopify/orders_create");
    let mut delivery = shopify("orders/create", body.clone());
    delivery.headers = Headers::new()
        .with("shopify-topic", "orders/create")
        .with("shopify-hmac-sha256", &body_hmac(SHOPIFY_SECRET, &body));
    assert_eq!(delivery.event().kind, EventKind::OrderCompleted);
    for topic in ["themes/update", "Customer", ""] {
        let ignored = Ok(Reading::Ignored(Reason::Topic(topic.to_owned())));
        assert_eq!(shopify(topic, "not even JSON").read(), ignored);
    }
}

/// They name nobody, or nothing that a journey could wait for; docs/sources.md says what tells it instead.
#[test]
fn topics_that_tell_nothing_new_are_let_go() {
    for topic in [
        "carts/create",
        "carts/update",
        "refunds/create",
        "inventory_levels/update",
        "app/uninstalled",
    ] {
        let ignored = Ok(Reading::Ignored(Reason::Topic(topic.to_owned())));
        assert_eq!(of_fixture(topic).read(), ignored);
    }
}

#[test]
fn a_repeat_without_an_id_is_the_same_event_and_another_body_is_not() {
    let id = |topic: &str, body: Vec<u8>| shopify(topic, body).without("X-Shopify-Webhook-Id").event().id;
    let body = fixture("shopify/checkouts_update");
    assert_eq!(
        id("checkouts/update", body.clone()),
        id("checkouts/update", body.clone())
    );
    assert_ne!(
        id("checkouts/update", body.clone()),
        id("checkouts/create", body.clone())
    );
    let other = changed("shopify/checkouts_update", &[("/total_price", json!("57.06"))]);
    assert_ne!(id("checkouts/update", body), id("checkouts/update", other));
}

#[test]
fn nobody_is_made_of_an_empty_address() {
    for empty in [json!(""), json!("  "), json!(null), json!(7), json!("nobody")] {
        let event = of_changed(
            "orders/create",
            &[
                ("/email", empty.clone()),
                ("/contact_email", empty.clone()),
                ("/customer", json!(null)),
            ],
        )
        .event();
        assert_eq!(
            (event.email.as_ref(), event.strongest(), event.consent.as_ref()),
            (None, None, None)
        );
        assert_eq!(identifiers(&event)[0], "order shopify:6120011223763");
        let customer = of_changed("customers/update", &[("/email", empty)]).event();
        assert_eq!(identifiers(&customer), ["customer shopify:7311905521811"]);
        assert_eq!(customer.consent, None);
    }
}

#[test]
fn an_order_under_another_address_keeps_both_and_takes_no_foreign_consent() {
    let event = of_changed("orders/create", &[("/email", json!("Office@Example.com"))]).event();
    assert_eq!(event.email.as_ref().unwrap().as_str(), "Office@Example.com");
    assert_eq!(
        identifiers(&event),
        [
            "email office@example.com",
            "email nadia.okafor@example.com",
            "customer shopify:7311905521811",
            "order shopify:6120011223763",
            "checkout shopify:0d3c1f4e7a9b4c2f8e6d5b4a39281706",
            "cart shopify:Z2NwLWV1cm9wZS13ZXN0MTowMUpIUkZY",
        ]
    );
    // The customer's record is about the customer's own address; the checkbox is about this one.
    let consent = event.consent.unwrap();
    assert_eq!(
        (consent.state, consent.grade),
        (ConsentState::Subscribed, ConsentGrade::Implied)
    );
    assert_eq!(consent.ip.as_deref(), Some("203.0.113.24"));
}

#[test]
fn consent_has_three_values_and_silence_is_none_of_them() {
    let consent = |record: Value| {
        let event = of_changed("customers/update", &[("/email_marketing_consent", record)]).event();
        event
            .consent
            .map(|signal| (signal.state, signal.grade, signal.at.to_rfc3339()))
    };
    let record = |state: Value| json!({"state": state, "consent_updated_at": "2026-01-06T18:30:01+00:00"});
    let at = "2026-01-06T18:30:01.000Z".to_owned();
    for (state, expected) in [
        ("subscribed", Some(ConsentState::Subscribed)),
        ("unsubscribed", Some(ConsentState::Unsubscribed)),
        ("pending", Some(ConsentState::Pending)),
        ("not_subscribed", None),
        ("redacted", None),
        ("invalid", None),
        ("", None),
    ] {
        let expected = expected.map(|state| (state, ConsentGrade::Explicit, at.clone()));
        assert_eq!(consent(record(json!(state))), expected, "{state}");
    }
    for silent in [
        json!(null),
        record(json!(null)),
        json!([]),
        json!("subscribed"),
        json!({}),
    ] {
        assert_eq!(consent(silent), None);
    }
    // Without its own time a consent may be older than a withdrawal that we know of.
    let updated_at = "2026-01-06T18:30:02.000Z".to_owned();
    let timeless = |state| json!({"state": state, "consent_updated_at": null});
    assert_eq!(
        consent(timeless("subscribed")),
        Some((
            ConsentState::Subscribed,
            ConsentGrade::Implied,
            updated_at.clone()
        ))
    );
    assert_eq!(
        consent(timeless("unsubscribed")),
        Some((ConsentState::Unsubscribed, ConsentGrade::Explicit, updated_at))
    );
}

#[test]
fn a_checkbox_is_implied_and_unticked_says_nothing() {
    let consent = |record: Value, ticked: Value| {
        let changes = [
            ("/customer/email_marketing_consent", record),
            ("/buyer_accepts_marketing", ticked),
        ];
        of_changed("checkouts/update", &changes)
            .event()
            .consent
            .map(|signal| (signal.state, signal.grade))
    };
    let implied = Some((ConsentState::Subscribed, ConsentGrade::Implied));
    assert_eq!(consent(json!(null), json!(true)), implied);
    assert_eq!(consent(json!(null), json!(false)), None);
    assert_eq!(consent(json!(null), json!(null)), None);
    assert_eq!(consent(json!({"state": "not_subscribed"}), json!(true)), None);
}

#[test]
fn a_completed_checkout_starts_nothing_and_empties_what_runs() {
    for topic in ["checkouts/create", "checkouts/update"] {
        let event = of_changed(topic, &[("/completed_at", json!("2026-01-06T20:06:29+00:00"))]).event();
        assert_eq!(event.kind, EventKind::CheckoutUpdated);
        assert!(event.data.items.is_empty());
        assert_eq!(event.data.value.unwrap().to_string(), "0.00 GBP");
        assert_eq!(event.data.url, None);
        assert_eq!(
            event.data.checkout_id.as_deref(),
            Some("0d3c1f4e7a9b4c2f8e6d5b4a39281706")
        );
    }
}

#[test]
fn an_anonymous_checkout_is_kept_under_its_tokens() {
    let event = of_changed(
        "checkouts/create",
        &[("/email", json!(null)), ("/customer", json!(null))],
    )
    .event();
    assert_eq!(
        identifiers(&event),
        [
            "checkout shopify:0d3c1f4e7a9b4c2f8e6d5b4a39281706",
            "cart shopify:Z2NwLWV1cm9wZS13ZXN0MTowMUpIUkZY"
        ]
    );
}

#[test]
fn values_are_in_the_currency_the_shopper_saw() {
    let order = |amount: &str, code: &str| {
        let seen = json!({"shop_money": {"amount": "57.05", "currency_code": "GBP"},
            "presentment_money": {"amount": amount, "currency_code": code}});
        let changes = [
            ("/total_price_set", seen.clone()),
            ("/line_items/0/price_set", seen),
            ("/line_items/1/price_set", json!(null)),
        ];
        let data = of_changed("orders/create", &changes).event().data;
        let prices: Vec<_> = data
            .items
            .iter()
            .map(|item| item.price.unwrap().to_string())
            .collect();
        (data.value.unwrap().to_string(), prices)
    };
    assert_eq!(
        order("10984", "JPY"),
        ("10984 JPY".into(), vec!["10984 JPY".into(), "15.50 GBP".into()])
    );
    assert_eq!(order("23.155", "KWD").0, "23.155 KWD");
    let checkout = of_changed(
        "checkouts/update",
        &[
            ("/presentment_currency", json!("JPY")),
            ("/total_price", json!("10984")),
        ],
    );
    assert_eq!(checkout.event().data.value.unwrap().to_string(), "10984 JPY");
    let plain = r#"{"id":1,"total_price":"398.00","currency":"USD"}"#;
    assert_eq!(
        shopify("orders/create", plain)
            .event()
            .data
            .value
            .unwrap()
            .to_string(),
        "398.00 USD"
    );
}

#[test]
fn ids_beyond_what_a_float_holds_stay_exact() {
    let body = r#"{"id":820982911946154508,"customer":{"id":"98765432109876543210"},"line_items":[{"product_id":9007199254740993}]}"#;
    let event = shopify("orders/create", body).event();
    assert_eq!(event.id.as_str(), "shopify:order:820982911946154508:completed");
    assert_eq!(
        identifiers(&event),
        [
            "customer shopify:98765432109876543210",
            "order shopify:820982911946154508"
        ]
    );
    assert_eq!(
        event.data.items[0].product_id.as_deref(),
        Some("9007199254740993")
    );
}

#[test]
fn each_transition_has_its_own_time() {
    let at = |delivery: Delivery| delivery.event().occurred_at.to_rfc3339();
    assert_eq!(at(of_fixture("orders/paid")), "2026-01-06T20:06:30.000Z");
    assert_eq!(at(of_fixture("orders/fulfilled")), "2026-01-07T14:10:00.000Z");
    assert_eq!(at(of_fixture("orders/cancelled")), "2026-01-06T21:00:00.000Z");
    assert_eq!(at(of_fixture("customers/create")), "2026-01-05T09:12:44.000Z");
    assert_eq!(at(of_fixture("checkouts/create")), "2026-01-06T20:01:12.000Z");
    // An imported order keeps its day.
    let imported = of_changed(
        "orders/create",
        &[("/processed_at", json!("2024-05-01T10:00:00+02:00"))],
    );
    assert_eq!(at(imported), "2024-05-01T08:00:00.000Z");
    // Without a time in the body the header's counts; without that, ours.
    assert_eq!(
        at(shopify("orders/create", r#"{"id":1}"#)),
        "2026-02-01T00:00:00.123Z"
    );
    let timeless = shopify("orders/create", r#"{"id":1}"#).without("X-Shopify-Triggered-At");
    assert_eq!(at(timeless), now().to_rfc3339());
    // A clock far ahead is believed for five minutes.
    let ahead = of_changed(
        "checkouts/update",
        &[("/updated_at", json!("2031-01-01T00:00:00Z"))],
    );
    assert_eq!(at(ahead), "2026-03-01T12:05:00.000Z");
}

#[test]
fn fulfilment_takes_the_last_parcel_that_was_not_called_back() {
    let parcels = json!([
        {"status": "success", "created_at": "2026-01-07T10:00:00Z", "tracking_url": "https://post.example/1"},
        {"status": "success", "created_at": "2026-01-08T10:00:00Z", "tracking_urls": ["https://post.example/2"]},
        {"status": "cancelled", "created_at": "2026-01-09T10:00:00Z", "tracking_url": "https://post.example/3"},
    ]);
    let event = of_changed("orders/fulfilled", &[("/fulfillments", parcels)]).event();
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-01-08T10:00:00.000Z");
    assert_eq!(event.data.url.as_deref(), Some("https://post.example/2"));
    let event = of_changed("orders/fulfilled", &[("/fulfillments", json!(null))]).event();
    assert_eq!(event.occurred_at.to_rfc3339(), "2026-01-07T14:10:01.000Z");
    assert!(
        event
            .data
            .url
            .unwrap()
            .starts_with("https://demo-shop.myshopify.com/")
    );
}

#[test]
fn test_orders_are_marked() {
    assert!(!of_fixture("orders/create").event().test);
    assert!(
        of_changed("orders/create", &[("/test", json!(true))])
            .event()
            .test
    );
    assert!(
        of_fixture("orders/create")
            .with("X-Shopify-Test", "true")
            .event()
            .test
    );
}

#[test]
fn a_hundred_lines_are_kept_and_thousands_are_counted() {
    let line = json!({"title": "Tea", "quantity": 1, "price": "2.50"});
    let items = |count: usize| {
        let lines = json!(vec![line.clone(); count]);
        of_changed("orders/create", &[("/line_items", lines)])
            .event()
            .data
    };
    assert_eq!(items(100).items.len(), 100);
    assert!(items(100).properties.is_empty());
    let many = items(3000);
    assert_eq!(
        (many.items.len(), &many.properties["left_out"]),
        (500, &json!(2500))
    );
}

#[test]
fn addresses_of_the_whole_world() {
    for address in [
        "анна@пример.рф",
        "Müller@Bücher.example",
        "O'Neil+shop@Example.IE",
    ] {
        let event = of_changed("customers/create", &[("/email", json!(address))]).event();
        assert_eq!(event.email.unwrap().as_str(), address);
        assert_eq!(event.identifiers[0].value, address.to_lowercase());
    }
}

#[test]
fn an_order_without_an_id_is_no_order() {
    let error = shopify("orders/create", "{}").read().unwrap_err();
    assert_eq!(error.status(), 400);
    assert!(error.to_string().contains("`id`"), "{error}");
}

#[test]
fn an_order_tells_by_whose_link_it_came() {
    let code = "HHZG04926D80";
    let page = json!(format!("/products/mug?utm_source=x&ref={code}"));
    let note =
        |name: &str, value: &str| json!([{"name": "gift", "value": "yes"}, {"name": name, "value": value}]);
    let coupons =
        |code: &str| json!([{"code": "TEA10", "amount": "5.00", "type": "percentage"}, {"code": code}]);
    let of = |changes: &[(&str, Value)]| {
        let found = of_changed("orders/create", changes).event().data.referral;
        found.map(|code| code.to_string())
    };
    assert_eq!(
        of(&[]),
        None,
        "an ordinary coupon and a landing page without a code"
    );
    for changes in [
        ("/discount_codes", coupons("hhzg-0492-6d80")),
        ("/note_attributes", note("ref", code)),
        ("/landing_site", page.clone()),
    ] {
        assert_eq!(
            of(std::slice::from_ref(&changes)).as_deref(),
            Some(code),
            "{changes:?}"
        );
    }
    let other = "ZZZZZZZZZZ7J";
    assert_eq!(
        of(&[
            ("/discount_codes", coupons(other)),
            ("/landing_site", page.clone())
        ])
        .as_deref(),
        Some(other),
        "what was redeemed says more than where they came in"
    );
    for nothing in [
        json!(null),
        json!(7),
        json!([null, 7]),
        json!({"ref": code}),
        note("href", code),
        note("ref", "HHZG04926D81"),
    ] {
        assert_eq!(of(&[("/note_attributes", nothing)]), None);
    }
    let checkout = of_changed("checkouts/update", &[("/landing_site", page)]).event();
    assert_eq!(checkout.data.referral, None, "a cart is no order");
}

/// `kind: identifiers`, of a request about personal data.
fn privacy(delivery: &Delivery) -> (String, Kind, Vec<String>) {
    let Ok(Reading::Privacy(request)) = delivery.read() else {
        panic!("{:?}", delivery.read());
    };
    let show = |id: &Identifier| format!("{} {}", id.kind.as_str(), id.value);
    (
        request.id,
        request.kind,
        request.subject.identifiers.iter().map(show).collect(),
    )
}

#[test]
fn requests_about_personal_data() {
    let (id, kind, who) = privacy(&of_fixture("customers/data_request"));
    // Delivered twice, it is one request: Shopify numbers them.
    assert_eq!(
        (id.as_str(), kind),
        ("shopify:data_request:9999", Kind::DataRequest)
    );
    let named = [
        "email nadia.okafor@example.com",
        "customer 7311905521811",
        "order 6120011223763",
    ];
    assert_eq!(who, named);
    let (id, kind, who) = privacy(&of_fixture("customers/redact"));
    assert_eq!(id, "shopify:b54557e4-bdd9-4b37-8a5f-bf7d70bcd043");
    assert_eq!(
        (kind, who.as_slice()),
        (Kind::Erase, named.map(str::to_owned).as_slice())
    );
    let (_, kind, who) = privacy(&of_fixture("shop/redact"));
    assert_eq!((kind, who.len()), (Kind::EraseShop, 0));
}

#[test]
fn who_is_to_be_erased_may_have_no_address_any_more() {
    let no_address = of_changed(
        "customers/redact",
        &[
            ("/customer/email", json!(null)),
            ("/orders_to_redact", json!([1, "2", null])),
        ],
    );
    assert_eq!(
        privacy(&no_address).2,
        ["customer 7311905521811", "order 1", "order 2"]
    );
    let nobody = of_changed(
        "customers/redact",
        &[("/customer", json!(null)), ("/orders_to_redact", json!([]))],
    );
    assert_eq!(nobody.read().unwrap_err().status(), 400);
    let forged = of_fixture("customers/redact").with("X-Shopify-Hmac-Sha256", "AAAA");
    assert_eq!(forged.read().unwrap_err().status(), 401);
}
