//! Twists that real shops have: guests, missing and empty fields, other scripts, other currencies, test orders, tokens.

use super::samples::{charge, wix_of};
use super::*;
use wend::domain::consent::{ConsentGrade, ConsentState};
use wend::domain::event::EventKind;
use wend::domain::privacy::Kind;

fn session(changes: &[(&str, Value)]) -> Delivery {
    let mut all = vec![("/livemode", json!(true))];
    all.extend(changes.iter().cloned());
    stripe(edited("stripe/checkout_session_completed", &all).to_string())
}

fn order_of_medusa(changes: &[(&str, Value)]) -> Delivery {
    medusa(edited("medusa/order_placed_forwarded", changes).to_string())
}

#[test]
fn amounts_follow_the_currency_and_are_never_floats() {
    for (currency, units, shown) in [
        ("jpy", json!(4500), "4500 JPY"),
        ("kwd", json!(4500), "4.500 KWD"),
        ("eur", json!(4500), "45.00 EUR"),
        ("isk", json!(450_000), "4500 ISK"),
    ] {
        let changes = [
            ("/data/object/currency", json!(currency)),
            ("/data/object/amount_total", units),
        ];
        assert_eq!(session(&changes).event().data.value.unwrap().to_string(), shown);
    }
    for (currency, total, shown) in [
        ("krw", json!(59_000), "59000 KRW"),
        ("bhd", json!(59.985), "59.985 BHD"),
        ("usd", json!("59.98"), "59.98 USD"),
    ] {
        let changes = [("/order/currency_code", json!(currency)), ("/order/total", total)];
        assert_eq!(
            order_of_medusa(&changes).event().data.value.unwrap().to_string(),
            shown
        );
    }
    let rubles = insales(fixture("insales/orders_create")).event();
    assert_eq!(rubles.data.value.unwrap().to_string(), "4390.00 RUB");
    // Tilda names no currency: amounts are in the store's.
    let tilda = tilda(fixture("tilda/form_order")).event();
    assert_eq!(tilda.data.value.unwrap().to_string(), "2100.00 EUR");
    assert_eq!(tilda.data.items[0].price.unwrap().to_string(), "900.00 EUR");
}

#[test]
fn ids_beyond_two_to_the_53_are_kept_to_the_digit() {
    let body = String::from_utf8(fixture("insales/orders_create")).unwrap();
    let long = body.replace("52011223", "9007199254740993");
    assert_eq!(
        insales(long).event().data.order_id.as_deref(),
        Some("9007199254740993")
    );
}

#[test]
fn a_guest_without_an_address_is_kept_by_what_else_it_has() {
    let guest = [
        ("/data/object/customer_details", json!(null)),
        ("/data/object/customer", json!(null)),
        ("/data/object/consent", json!(null)),
    ];
    let event = session(&guest).event();
    assert!(event.email.is_none() && event.consent.is_none());
    assert_eq!(
        identifiers(&event),
        ["order stripe:pi_3Sm", "checkout stripe:cs_test_a1B2c3"]
    );
    for empty in [
        json!(""),
        json!(null),
        json!("  "),
        json!("no address"),
        json!([]),
        json!(0),
    ] {
        let event = order_of_medusa(&[("/order/email", empty.clone()), ("/order/customer", empty)]).event();
        assert_eq!(identifiers(&event), ["order medusa:order_01JH3ZK2M4"]);
    }
    let nobody = edited("insales/orders_create", &[("/client", json!(null))]);
    assert_eq!(
        identifiers(&insales(nobody.to_string()).event()),
        ["order insales:52011223"]
    );
}

#[test]
fn other_scripts_and_domains_are_taken_as_they_are() {
    let event = insales(fixture("insales/orders_create")).event();
    assert_eq!(event.profile.first_name.as_deref(), Some("Пётр"));
    assert_eq!(event.data.discount_codes, ["НОВЫЙ10"]);
    let address = [("/data/object/customer_details/email", json!("анна@почта.рф"))];
    let event = session(&address).event();
    assert_eq!(event.email.unwrap().as_str(), "анна@почта.рф");
    let names = [(
        "/data/object/customer_details/name",
        json!("  Анна   Мария Лебедева "),
    )];
    let event = session(&names).event();
    assert_eq!(event.profile.first_name.as_deref(), Some("Анна"));
    assert_eq!(event.profile.last_name.as_deref(), Some("Мария Лебедева"));
}

#[test]
fn a_hundred_lines_are_a_hundred_lines() {
    let line = json!({"product_title": "Mug", "quantity": 1, "unit_price": 0});
    let event = order_of_medusa(&[("/order/items", json!(vec![line; 100]))]).event();
    assert_eq!(event.data.items.len(), 100);
    assert!(event.data.items[99].price.unwrap().amount.is_zero());
}

#[test]
fn what_is_only_a_test_is_marked() {
    assert!(stripe(fixture("stripe/checkout_session_completed")).event().test);
    assert!(!session(&[]).event().test);
}

#[test]
fn a_payment_that_takes_days_is_no_order_yet_and_no_cart_any_more() {
    let unpaid = session(&[("/data/object/payment_status", json!("unpaid"))]).event();
    assert_eq!(unpaid.kind, EventKind::CheckoutUpdated);
    assert!(unpaid.data.value.unwrap().amount.is_zero() && unpaid.data.order_id.is_none());
}

#[test]
fn a_recovered_session_that_is_paid_slowly_ends_the_first_carts_mails_too() {
    let changes = [
        ("/data/object/payment_status", json!("unpaid")),
        ("/data/object/recovered_from", json!("cs_test_x9Y8z7")),
    ];
    let events = session(&changes).events();
    let closed: Vec<_> = events
        .iter()
        .map(|event| event.data.checkout_id.as_deref().unwrap())
        .collect();
    assert_eq!(closed, ["cs_test_a1B2c3", "cs_test_x9Y8z7"]);
    assert_ne!(events[0].id, events[1].id);
    for event in &events {
        assert!(event.data.value.unwrap().amount.is_zero() && event.data.items.is_empty());
    }
}

#[test]
fn a_subscription_whose_invoice_came_first_keeps_what_its_session_says() {
    let changes = [
        ("/data/object/mode", json!("subscription")),
        ("/data/object/payment_intent", json!(null)),
        ("/data/object/invoice", json!("in_1Sm")),
    ];
    let events = session(&changes).events();
    let invoice = stripe(fixture("stripe/invoice_paid")).event();
    assert_eq!(events[0].id, invoice.id, "one order, told of twice");
    // So its consent must be in an event that the invoice does not make a repetition of.
    assert!(events[0].consent.is_none());
    assert_eq!(events[1].kind, EventKind::CheckoutUpdated);
    assert_eq!(
        events[1].consent.as_ref().map(|signal| signal.state),
        Some(ConsentState::Subscribed)
    );
}

#[test]
fn consent_counts_from_when_the_session_was_made_and_only_its_end_is_the_persons_word() {
    for (topic, grade) in [
        ("checkout.session.completed", ConsentGrade::Explicit),
        ("checkout.session.async_payment_succeeded", ConsentGrade::Implied),
        ("checkout.session.async_payment_failed", ConsentGrade::Implied),
        ("checkout.session.expired", ConsentGrade::Implied),
    ] {
        // Days after the session.
        let changes = [("/type", json!(topic)), ("/created", json!(1_767_707_300))];
        let signal = session(&changes).event().consent.unwrap();
        assert_eq!(signal.grade, grade, "{topic}");
        assert_eq!(signal.at, Timestamp::from_seconds(1_767_700_000), "{topic}");
    }
}

#[test]
fn what_all_shoppers_may_share_is_no_cart() {
    assert_eq!(session(&[]).event().data.cart_id, None);
    let named = [("/data/object/metadata", json!({"cart_id": "cart_9"}))];
    assert_eq!(session(&named).event().data.cart_id.as_deref(), Some("cart_9"));
}

#[test]
fn a_session_that_only_keeps_a_card_is_nothing_of_ours() {
    for name in ["completed", "expired"] {
        let body = edited(
            &format!("stripe/checkout_session_{name}"),
            &[("/data/object/mode", json!("setup"))],
        );
        let read = stripe(body.to_string()).read();
        assert!(matches!(read, Ok(Reading::Ignored(_))), "{read:?}");
    }
}

#[test]
fn a_cart_of_medusa_that_became_an_order_comes_emptied() {
    let cart = json!({"id": "cart_1", "email": "kofi@example.com", "currency_code": "usd", "total": 20,
        "items": [{"title": "Shirt", "quantity": 1, "unit_price": 20}]});
    let updated = |completed: Value| {
        let mut cart = cart.clone();
        cart["completed_at"] = completed;
        medusa(json!({"name": "cart.updated", "cart": cart}).to_string()).event()
    };
    assert_eq!(updated(json!(null)).data.items.len(), 1);
    let bought = updated(json!("2026-01-06T14:00:00Z"));
    assert!(bought.data.items.is_empty() && bought.data.value.unwrap().amount.is_zero());
}

#[test]
fn a_recovered_session_closes_the_one_it_goes_on_with() {
    let event = session(&[("/data/object/recovered_from", json!("cs_test_x9Y8z7"))]).event();
    assert!(identifiers(&event).contains(&"checkout stripe:cs_test_x9Y8z7".to_owned()));
}

#[test]
fn a_refund_of_a_part_and_invoices_of_other_kinds_are_ignored() {
    let mut part = charge();
    part["data"]["object"]["refunded"] = json!(false);
    let manual = edited(
        "stripe/invoice_paid",
        &[("/data/object/billing_reason", json!("manual"))],
    );
    for body in [
        part,
        manual,
        json!({"object": "v2.core.event", "type": "v1.billing.meter"}),
    ] {
        assert!(
            matches!(stripe(body.to_string()).read(), Ok(Reading::Ignored(_))),
            "{body}"
        );
    }
    // The refund is of the order that the session made.
    assert_eq!(
        stripe(charge().to_string()).event().id.as_str(),
        "stripe:order:pi_3Sm:refunded"
    );
    assert_eq!(session(&[]).event().id.as_str(), "stripe:order:pi_3Sm:completed");
}

#[test]
fn consent_is_only_what_the_person_gave() {
    let state = |event: Event| event.consent.map(|signal| signal.state);
    let box_of = |value: Value| state(session(&[("/data/object/consent", value)]).event());
    assert_eq!(
        box_of(json!({"promotions": "opt_in"})),
        Some(ConsentState::Subscribed)
    );
    assert_eq!(
        box_of(json!({"promotions": "opt_out"})),
        Some(ConsentState::Unsubscribed)
    );
    assert_eq!(box_of(json!({"promotions": null})), None);
    assert_eq!(box_of(json!(null)), None);
    // A box that is not ticked takes back what the same box gave, and that only.
    let unticked = edited("insales/orders_create", &[("/client/subscribe", json!(false))]);
    let signal = insales(unticked.to_string()).event().consent.unwrap();
    assert_eq!(
        (signal.state, signal.grade, signal.method.as_deref()),
        (
            ConsentState::Unsubscribed,
            ConsentGrade::Implied,
            Some("subscribe")
        )
    );
    let unsaid = edited("insales/orders_create", &[("/client/subscribe", json!(null))]);
    assert_eq!(state(insales(unsaid.to_string()).event()), None);
    // Tilda's `Checkbox` is whatever the site made it, mostly the privacy policy.
    assert_eq!(state(tilda(fixture("tilda/form_order")).event()), None);
    assert_eq!(
        state(saleor("order_created", fixture("saleor/order_created")).event()),
        None
    );
}

#[test]
fn tilda_posts_forms_in_several_ways_and_first_a_test() {
    let plain = "Name=%D0%9E%D0%BB%D1%8C%D0%B3%D0%B0&Email=olga.petrova%40example.ru&tranid=1%3A2&formid=f\
        &payment%5Borderid%5D=1774061124&payment%5Bamount%5D=2100&payment%5Bpromocode%5D=%D0%97%D0%98%D0%9C%D0%90\
        &payment%5Bproducts%5D%5B0%5D%5Bname%5D=A+%26+B&payment%5Bproducts%5D%5B0%5D%5Bquantity%5D=2\
        &payment%5Bproducts%5D%5B0%5D%5Bprice%5D=900";
    let json = "Name=%D0%9E%D0%BB%D1%8C%D0%B3%D0%B0&Email=olga.petrova%40example.ru&tranid=1%3A2&payment=%7B%22orderid\
        %22%3A%221774061124%22%2C%22amount%22%3A%222100%22%2C%22promocode%22%3A%22%D0%97%D0%98%D0%9C%D0%90%22%2C%22products\
        %22%3A%5B%7B%22name%22%3A%22A+%26+B%22%2C%22quantity%22%3A2%2C%22price%22%3A%22900%22%7D%5D%7D";
    for body in [plain, json] {
        let event = tilda(body).event();
        assert_eq!(event.id.as_str(), "tilda:order:1774061124:completed");
        assert_eq!(event.profile.first_name.as_deref(), Some("Ольга"));
        assert_eq!(
            (event.data.items.len(), event.data.items[0].title.as_str()),
            (1, "A & B")
        );
        assert_eq!(event.data.value.unwrap().to_string(), "2100.00 EUR");
    }
    for body in [
        "test=test".to_owned().into_bytes(),
        fixture("tilda/connection_test"),
    ] {
        assert_eq!(tilda(body).read(), Ok(Reading::Ping));
    }
    // A visitor may call a field so.
    assert!(matches!(
        tilda("test=test&tranid=1&Email=a%40example.com").read(),
        Ok(Reading::Events(_))
    ));
}

#[test]
fn insales_in_xml_says_what_to_change() {
    let error = insales("<?xml version=\"1.0\"?><order></order>")
        .read()
        .unwrap_err();
    assert!(
        error.status() == 400 && error.to_string().contains("format_type"),
        "{error}"
    );
    assert!(matches!(insales("{\"id\":1}").read(), Ok(Reading::Ignored(_))));
}

#[test]
fn wix_erasures_are_ignored_and_orders_not_yet_made_are_no_orders() {
    let erased = edited(
        "wix/order_created_decoded",
        &[("/data/triggeredByAnonymizeRequest", json!(true))],
    );
    assert!(matches!(wix(&erased).read(), Ok(Reading::Ignored(_))));
    let path = "/data/createdEvent/entity/status";
    let open = edited("wix/order_created_decoded", &[(path, json!("INITIALIZED"))]);
    assert!(matches!(wix(&open).read(), Ok(Reading::Ignored(_))));
    // An action's body may hold the order one level down.
    let event: Value = serde_json::from_slice(&fixture("wix/order_created_decoded")).unwrap();
    let order = &event["data"]["createdEvent"]["entity"];
    let action = json!({"id": "e", "actionEvent": {"body": {"order": order}}});
    let delivery = wix_of("wix.ecom.v1.order_approved", &action);
    assert_eq!(delivery.event().id, wix(&event).event().id);
}

#[test]
fn saleor_payloads_without_a_query_are_the_object_itself() {
    let order: Value = serde_json::from_slice(&fixture("saleor/order_created")).unwrap();
    let bare = json!([order["order"]]).to_string();
    let (bare, queried) = (
        saleor("order_created", bare),
        saleor("order_created", order.to_string()),
    );
    assert_eq!(bare.event(), queried.event());
    assert_eq!(bare.event().profile.locale.as_deref(), Some("pl-PL"));
}

#[test]
fn ecwid_asks_to_erase_a_customer_and_to_tell_what_is_held() {
    for (topic, kind) in [
        ("customer.personal_data_removal_request", Kind::Erase),
        ("customer.personal_data_export_request", Kind::DataRequest),
    ] {
        let body = edited("ecwid/customer_created", &[("/eventType", json!(topic))]);
        let Ok(Reading::Privacy(request)) = ecwid(body.to_string()).read() else {
            panic!("{topic}")
        };
        assert_eq!(request.kind, kind);
        // The address beside it is not signed.
        let named = &request.subject.identifiers;
        assert_eq!((named.len(), named[0].value.as_str()), (1, "1663830"));
        let body = edited(
            "ecwid/customer_created",
            &[("/eventType", json!(topic)), ("/entityId", json!(-1))],
        );
        assert_eq!(ecwid(body.to_string()).read().unwrap_err().status(), 400);
    }
}

/// The source's own time orders what arrives late and reordered.
#[test]
fn events_happened_when_the_source_says() {
    let at = |event: &Event| event.occurred_at.to_rfc3339();
    assert_eq!(
        at(&insales(fixture("insales/orders_create")).event()),
        "2026-01-06T14:20:00.000Z"
    );
    assert_eq!(at(&session(&[]).event()), "2026-01-06T12:03:20.000Z");
    assert_eq!(at(&order_of_medusa(&[]).event()), "2026-01-06T15:00:00.000Z");
    let wild = [("/order/created_at", json!("9999-12-31T23:59:59Z"))];
    assert!(order_of_medusa(&wild).event().occurred_at <= now().plus(wend::domain::time::FUTURE_TOLERANCE));
}
