//! Deliveries that only name a document: what is asked for it, of whom, and what the answer means.

use super::samples::{bigcommerce_cart, bigcommerce_products, documents, ecwid_order};
use super::*;
use wend::domain::event::EventKind;
use wend::domain::notice::Notice;

fn notice(delivery: &Delivery) -> Notice {
    match delivery.read() {
        Ok(Reading::Notice(notice)) => notice,
        other => panic!("{other:?}"),
    }
}

fn secrets(pairs: &[(&str, &str)]) -> BTreeMap<String, Secrets> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), Secrets::new(value)))
        .collect()
}

fn asked(delivery: &Delivery, pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let requests = SourceKind::requests(&notice(delivery), &secrets(pairs)).unwrap();
    let header = |request: &wend::http::Request| {
        let headers = ["x-auth-token", "authorization"];
        let held = headers.into_iter().find_map(|name| request.headers.get(name));
        held.unwrap_or_default().to_owned()
    };
    requests
        .iter()
        .map(|request| (request.url.clone(), header(request)))
        .collect()
}

fn bigcommerce_order() -> Delivery {
    bigcommerce(fixture("bigcommerce/store_order_statusUpdated"))
}

#[test]
fn what_is_named_is_asked_of_the_shops_own_api_with_its_token() {
    let pair = |url: &str, header: &str| (url.to_owned(), header.to_owned());
    assert_eq!(
        asked(&bigcommerce_order(), &[("BIGCOMMERCE_ACCESS_TOKEN", "new old")]),
        [
            pair("https://api.bigcommerce.com/stores/abc123/v2/orders/318", "new"),
            pair(
                "https://api.bigcommerce.com/stores/abc123/v2/orders/318/products?limit=250",
                "new"
            ),
        ]
    );
    let unfinished = ecwid(fixture("ecwid/unfinished_order_created"));
    let cart = "https://app.ecwid.com/api/v3/1003/carts/6626E60A-A6F9-4CD5-8230-43D5F162E0CD";
    assert_eq!(
        asked(&unfinished, &[("ECWID_API_TOKEN", "t")]),
        [pair(cart, "Bearer t")]
    );
    // Where the order is named only by its number.
    let numbered = edited("ecwid/order_updated", &[("/data", json!({}))]);
    let url = "http://127.0.0.1:9/1003/orders/184";
    let local = [("ECWID_API_TOKEN", "t"), ("ECWID_URL", "http://127.0.0.1:9/")];
    assert_eq!(
        asked(&ecwid(numbered.to_string()), &local),
        [pair(url, "Bearer t")]
    );
    let order = squarespace(fixture("squarespace/order_create"));
    let url = "https://api.squarespace.com/1.0/commerce/orders/695d1a20c0a8012f7d1e2a34";
    assert_eq!(
        asked(&order, &[("SQUARESPACE_API_KEY", "k")]),
        [pair(url, "Bearer k")]
    );
    let unset = SourceKind::requests(&notice(&order), &secrets(&[])).unwrap_err();
    assert!(unset.to_string().contains("SQUARESPACE_API_KEY"));
}

#[test]
fn no_id_leads_elsewhere() {
    for id in [
        "",
        "..",
        "1/../2",
        "1?x=1",
        "%2e%2e",
        "1#",
        "a b",
        "é",
        &"1".repeat(101),
    ] {
        let body = edited("squarespace/order_create", &[("/data/orderId", json!(id))]);
        let refused = squarespace(body.to_string()).read().unwrap_err();
        assert_eq!(refused.status(), 400, "{id}");
        let body = edited(
            "ecwid/order_updated",
            &[("/data/orderId", json!(id)), ("/storeId", json!(id))],
        );
        assert_eq!(ecwid(body.to_string()).read().unwrap_err().status(), 400, "{id}");
    }
    let foreign = edited(
        "bigcommerce/store_cart_abandoned",
        &[("/producer", json!("https://evil.example"))],
    );
    assert_eq!(bigcommerce(foreign.to_string()).read().unwrap_err().status(), 400);
}

#[test]
fn a_retry_is_the_same_work_and_another_change_is_not() {
    let first = notice(&bigcommerce_order());
    // One change may fire twice, and be sent at another time.
    let again = edited(
        "bigcommerce/store_order_statusUpdated",
        &[("/created_at", json!(1_767_707_402))],
    );
    assert_eq!(first.work_id(), notice(&bigcommerce(again.to_string())).work_id());
    let changed = edited(
        "bigcommerce/store_order_statusUpdated",
        &[("/hash", json!("another"))],
    );
    assert_ne!(
        first.work_id(),
        notice(&bigcommerce(changed.to_string())).work_id()
    );
    // It is stored: what an older Worker wrote is read.
    let stored = serde_json::to_string(&first).unwrap();
    assert_eq!(serde_json::from_str::<Notice>(&stored).unwrap(), first);
}

#[test]
fn documents_that_are_none_are_unreadable() {
    let notice = notice(&bigcommerce_order());
    let order = fixture("bigcommerce/fetched_order_v2");
    for bodies in [
        vec![],
        vec![b"<html>".to_vec(), b"[]".to_vec()],
        vec![b"null".to_vec(), b"[]".to_vec()],
        vec![b"{}},{".to_vec(), b"[]".to_vec()],
        vec![order.clone(), b"\xff".to_vec()],
        vec![b"{}".to_vec(), b"[]".to_vec()],
    ] {
        let read = documents(&notice, &bodies);
        assert!(matches!(read, Err(Error::Unreadable { .. })), "{read:?}");
    }
    // An order whose products came back empty is an order all the same.
    let Ok(Reading::Events(events)) = documents(&notice, &[order, b"[]".to_vec()]) else {
        panic!()
    };
    assert_eq!(events[0].data.value.unwrap().to_string(), "96.60 USD");
}

#[test]
fn an_order_is_in_the_currency_it_was_paid_in() {
    let notice = notice(&bigcommerce_order());
    let shown = edited(
        "bigcommerce/fetched_order_v2",
        &[
            ("/currency_code", json!("EUR")),
            ("/default_currency_code", json!("USD")),
        ],
    );
    let bodies = [shown.to_string().into_bytes(), b"[]".to_vec()];
    let Ok(Reading::Events(events)) = documents(&notice, &bodies) else {
        panic!()
    };
    assert_eq!(events[0].data.value.unwrap().to_string(), "96.60 USD");
}

#[test]
fn a_yes_to_mails_about_carts_is_no_yes_to_marketing() {
    let notice = notice(&bigcommerce(fixture("bigcommerce/store_customer_created")));
    let customer = json!({"data": [{"id": 9, "email": "a@example.com",
        "accepts_product_review_abandoned_cart_emails": true}]});
    let Ok(Reading::Events(events)) = documents(&notice, &[customer.to_string().into_bytes()]) else {
        panic!()
    };
    assert!(events[0].email.is_some() && events[0].consent.is_none());
}

#[test]
fn a_free_gift_is_a_line_of_no_worth_and_every_kind_of_line_counts() {
    let notice = notice(&bigcommerce_order());
    let bodies = [
        fixture("bigcommerce/fetched_order_v2"),
        bigcommerce_products().to_string().into_bytes(),
    ];
    let Ok(Reading::Events(events)) = documents(&notice, &bodies) else {
        panic!()
    };
    let gift = &events[0].data.items[1];
    assert!(gift.price.unwrap().amount.is_zero() && gift.sku.is_none());
    let abandoned = notice_of_cart();
    let Ok(Reading::Events(events)) = documents(&abandoned, &[bigcommerce_cart().to_string().into_bytes()])
    else {
        panic!()
    };
    let titles: Vec<&str> = events[0]
        .data
        .items
        .iter()
        .map(|item| item.title.as_str())
        .collect();
    assert_eq!(titles, ["Plans", "Garden chair"]);
}

fn notice_of_cart() -> Notice {
    notice(&bigcommerce(fixture("bigcommerce/store_cart_abandoned")))
}

#[test]
fn what_the_document_says_by_now_counts() {
    let unfinished = notice(&ecwid(fixture("ecwid/unfinished_order_created")));
    let cart = edited("ecwid/fetched_cart", &[("/recoveredOrderId", json!("XJ12H"))]);
    let Ok(Reading::Events(events)) = documents(&unfinished, &[cart.to_string().into_bytes()]) else {
        panic!()
    };
    assert!(events[0].data.items.is_empty() && events[0].data.value.unwrap().amount.is_zero());
    let order = notice(&ecwid(fixture("ecwid/order_updated")));
    let unpaid = ecwid_order("INCOMPLETE", "AWAITING_PROCESSING")
        .to_string()
        .into_bytes();
    assert!(matches!(documents(&order, &[unpaid]), Ok(Reading::Ignored(_))));
    let incomplete = edited("bigcommerce/fetched_order_v2", &[("/status_id", json!(0))]);
    let bodies = [incomplete.to_string().into_bytes(), b"[]".to_vec()];
    assert!(matches!(
        documents(&notice(&bigcommerce_order()), &bodies),
        Ok(Reading::Ignored(_))
    ));
    let test = edited("squarespace/fetched_order", &[("/testmode", json!(true))]);
    let order = notice(&squarespace(fixture("squarespace/order_create")));
    let Ok(Reading::Events(events)) = documents(&order, &[test.to_string().into_bytes()]) else {
        panic!()
    };
    assert!(events[0].test && events[0].kind == EventKind::OrderCompleted);
}
