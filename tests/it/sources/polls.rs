//! Lists of a shop's API: what is asked, and that what they list comes to the very events of the webhooks.

use super::*;
use serde_json::json;
use wend::domain::event::EventKind;
use wend::http::Response;
use wend::sources::Reason;
use wend::sources::poll::{Feed, Listing, Page};

const SETTINGS: [(&str, &str); 5] = [
    ("WOOCOMMERCE_URL", "https://shop.example/wordpress/"),
    ("WOOCOMMERCE_CONSUMER_KEY", "ck_1"),
    ("WOOCOMMERCE_CONSUMER_SECRET", "cs_2"),
    ("SHOPIFY_SHOP", "demo-shop.myshopify.com"),
    ("SHOPIFY_ADMIN_TOKEN", "shpat_3"),
];

fn secrets(settings: &[(&str, &str)]) -> BTreeMap<String, Secrets> {
    let pairs = settings.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), Secrets::new(value)))
        .collect()
}

/// The settings with one of them changed.
fn but(name: &str, value: &str) -> BTreeMap<String, Secrets> {
    let mut changed = secrets(&SETTINGS);
    changed.insert(name.to_owned(), Secrets::new(value));
    changed
}

/// A full page of what was changed since `now`; none of the marks is the first's.
fn page(mark: Option<&str>) -> Page<'_> {
    Page {
        since: now(),
        mark,
        size: 100,
    }
}

fn feed(name: &str) -> Feed {
    let mut all = Feed::all(&secrets(&SETTINGS)).into_iter();
    all.find(|feed| feed.name() == name).unwrap()
}

fn answer(body: impl Into<Vec<u8>>, headers: &[(&str, &str)]) -> Response {
    Response {
        status: 200,
        headers: headers.iter().copied().collect(),
        body: body.into(),
    }
}

fn listed(name: &str, body: &Value) -> Listing {
    let answer = answer(body.to_string(), &[]);
    feed(name)
        .read(&answer, page(None), now(), Currency::parse("EUR").ok())
        .unwrap()
}

/// The events that a list of one document comes to.
pub fn events(name: &str, body: &Value) -> Vec<Event> {
    let mut readings = listed(name, body).readings;
    assert_eq!(readings.len(), 1);
    match readings.remove(0) {
        Ok(Reading::Events(events)) => events,
        other => panic!("no events but {other:?}"),
    }
}

/// As a webhook would have told it.
fn told(events: Vec<Event>) -> Vec<Event> {
    assert!(events.iter().all(|event| event.polled));
    let webhook = |event| Event {
        polled: false,
        ..event
    };
    events.into_iter().map(webhook).collect()
}

#[test]
fn what_is_asked_of_each_shop() {
    let mut text = String::new();
    let since = Timestamp::parse_rfc3339("2026-02-28T12:00:00.5Z").unwrap();
    for feed in Feed::all(&secrets(&SETTINGS)) {
        for (mark, size) in [(None, 100), (Some("2"), 100), (None, 12)] {
            let page = Page { since, mark, size };
            let request = feed.request(&secrets(&SETTINGS), page).unwrap();
            text.push_str(&format!(
                "{} {} {}\n",
                feed.name(),
                request.method.as_str(),
                request.url
            ));
            for (name, value) in request.headers.iter().filter(|(name, _)| *name != "user-agent") {
                text.push_str(&format!("    {name}: {value}\n"));
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_listed_order_of_woocommerce_is_the_webhooks_event() {
    for changes in [
        &[][..],
        &[
            ("/status", json!("completed")),
            ("/date_completed_gmt", json!("2026-01-12T08:00:00")),
        ],
        &[("/status", json!("cancelled"))],
        &[("/status", json!("refunded"))],
    ] {
        let order = edited("woocommerce/order_updated", changes);
        let webhook = woocommerce("order.updated", order.to_string()).events();
        assert_eq!(told(events("woocommerce/orders", &json!([order]))), webhook);
    }
}

#[test]
fn a_listed_order_of_shopify_is_the_webhooks_event() {
    for (topic, name) in [
        ("orders/create", "shopify/orders_create"),
        ("orders/cancelled", "shopify/orders_cancelled"),
        // Of one that ended nothing else is told, so that nobody is thanked for it.
        ("orders/updated", "shopify/orders_updated"),
    ] {
        let order: Value = serde_json::from_slice(&fixture(name)).unwrap();
        let webhook = shopify(topic, order.to_string()).events();
        assert_eq!(
            told(events("shopify/orders", &json!({ "orders": [order] }))),
            webhook
        );
    }
    // What its webhooks tell in two topics, a list tells in one document.
    let order: Value = serde_json::from_slice(&fixture("shopify/orders_fulfilled")).unwrap();
    assert_eq!(order["fulfillment_status"], "fulfilled");
    let webhooks =
        ["orders/create", "orders/fulfilled"].map(|topic| shopify(topic, order.to_string()).event());
    assert_eq!(
        told(events("shopify/orders", &json!({ "orders": [order] }))),
        webhooks
    );
    let partly = edited(
        "shopify/orders_fulfilled",
        &[("/fulfillment_status", json!("partial"))],
    );
    let kinds: Vec<EventKind> = events("shopify/orders", &json!({ "orders": [partly] }))
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(kinds, [EventKind::OrderCompleted]);
}

#[test]
fn a_listed_checkout_says_what_its_webhook_says_under_a_name_of_its_own() {
    let recent = json!("2026-03-01T11:00:00Z");
    let checkout = edited("shopify/checkouts_create", &[("/updated_at", recent)]);
    let webhook = shopify("checkouts/create", checkout.to_string()).event();
    let listed = events("shopify/checkouts", &json!({ "checkouts": [checkout] })).remove(0);
    assert!(listed.polled && listed.id.as_str().starts_with("shopify:poll:"));
    assert_eq!(
        Event {
            id: webhook.id.clone(),
            polled: false,
            ..listed
        },
        webhook
    );
    // An order that waits for its payment is WooCommerce's checkout.
    let pending = edited(
        "woocommerce/order_created",
        &[("/date_modified_gmt", json!("2026-03-01T11:00:00"))],
    );
    let [one] = events("woocommerce/orders", &json!([pending]))
        .try_into()
        .unwrap();
    assert!(one.polled && one.kind == EventKind::CheckoutStarted);
    assert!(one.id.as_str().starts_with("woocommerce:poll:1727:"));
}

#[test]
fn nobody_is_reminded_of_a_checkout_of_long_ago_but_what_ends_one_counts() {
    let at = |updated: &str, completed: Value| {
        let changes = [("/updated_at", json!(updated)), ("/completed_at", completed)];
        let checkout = edited("shopify/checkouts_create", &changes);
        listed("shopify/checkouts", &json!({ "checkouts": [checkout] }))
            .readings
            .remove(0)
    };
    let old = Ok(Reading::Ignored(Reason::LeftLongAgo));
    assert_eq!(at("2026-02-28T11:59:00Z", json!(null)), old);
    assert!(matches!(
        at("2026-02-28T12:01:00Z", json!(null)),
        Ok(Reading::Events(_))
    ));
    assert!(matches!(
        at("2026-02-20T12:00:00Z", json!("2026-02-20T12:00:00Z")),
        Ok(Reading::Events(_))
    ));
}

#[test]
fn a_document_that_cannot_be_read_costs_the_others_nothing() {
    let order = edited("woocommerce/order_updated", &[]);
    let listing = listed(
        "woocommerce/orders",
        &json!([{}, 7, null, [order.clone()], order, {"id": 9, "status": "stars"}]),
    );
    let read: Vec<_> = listing
        .readings
        .iter()
        .map(|reading| match reading {
            Ok(Reading::Events(events)) => format!("{} events", events.len()),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.to_string(),
        })
        .collect();
    insta::assert_snapshot!(read.join("\n"));
}

#[test]
fn what_is_no_list_is_refused_whole() {
    let of = |name: &str, body: &[u8]| {
        let read = feed(name).read(&answer(body, &[]), page(None), now(), None);
        read.unwrap_err().to_string()
    };
    for body in [
        &b""[..],
        b"<!doctype html><title>Maintenance</title>",
        b"{\"code\":\"woocommerce_rest_cannot_view\"}",
        b"[{\"id\":1},",
        b"null",
        b"\"ana@example.com\"",
        b"\xff[]",
    ] {
        for name in ["woocommerce/orders", "shopify/orders", "shopify/checkouts"] {
            let problem = of(name, body);
            assert!(!problem.contains("ana"), "{problem}");
        }
    }
    assert!(of("shopify/orders", b"{\"checkouts\":[]}").contains("it has no `orders`"));
    assert!(of("shopify/orders", b"[]").contains("read"));
}

#[test]
fn the_next_page_is_the_one_that_the_shop_names() {
    let next = |name: &str, mark: Option<&str>, documents: usize, headers: &[(&str, &str)]| {
        let list = vec![json!({"id": 1, "status": "stars"}); documents];
        let body = match name {
            "woocommerce/orders" => json!(list),
            _ => json!({ "orders": list }),
        };
        let answer = answer(body.to_string(), headers);
        feed(name).read(&answer, page(mark), now(), None).unwrap().next
    };
    let woo =
        |mark, documents, headers: &[(&str, &str)]| next("woocommerce/orders", mark, documents, headers);
    assert_eq!(woo(None, 3, &[]), None);
    assert_eq!(woo(None, 100, &[]).as_deref(), Some("2"));
    assert_eq!(woo(Some("2"), 100, &[("X-WP-TotalPages", "2")]), None);
    // A small page that is full has more behind it.
    let small = Page {
        size: 3,
        ..page(None)
    };
    let full = answer(
        json!(vec![json!({"id": 1, "status": "stars"}); 3]).to_string(),
        &[],
    );
    let listing = feed("woocommerce/orders")
        .read(&full, small, now(), None)
        .unwrap();
    assert_eq!(listing.next.as_deref(), Some("2"));
    assert_eq!(
        woo(Some("2"), 20, &[("X-WP-TotalPages", "3")]).as_deref(),
        Some("3"),
        "a plugin makes pages smaller"
    );
    assert_eq!(
        woo(Some("2"), 0, &[("X-WP-TotalPages", "9")]),
        None,
        "it ends where nothing comes"
    );
    let link = "<https://x.myshopify.com/a.json?limit=100&page_info=prev1>; rel=\"previous\", \
                <https://evil.example/a.json?limit=100&page_info=eyJu_-=>; rel=\"next\"";
    let shopify = |headers: &[(&str, &str)]| next("shopify/orders", None, 100, headers);
    assert_eq!(shopify(&[]), None);
    assert_eq!(shopify(&[("Link", link)]).as_deref(), Some("eyJu_-="));
    assert_eq!(
        shopify(&[("Link", "<https://x/a.json?page_info=p>; rel=\"previous\"")]),
        None
    );
    // Only the mark is taken of it: whom it names is nobody's business.
    let request = feed("shopify/orders")
        .request(&secrets(&SETTINGS), page(Some("eyJu_-=")))
        .unwrap();
    assert!(
        request
            .url
            .starts_with("https://demo-shop.myshopify.com/admin/api/"),
        "{}",
        request.url
    );
}

#[test]
fn the_shops_clock_is_heard() {
    let at = |date: &str| {
        let answer = answer("[]", &[("Date", date)]);
        feed("woocommerce/orders")
            .read(&answer, page(None), now(), None)
            .unwrap()
            .shop_time
    };
    assert_eq!(
        at("Sun, 01 Mar 2026 11:58:00 GMT")
            .map(Timestamp::to_rfc3339)
            .as_deref(),
        Some("2026-03-01T11:58:00.000Z")
    );
    assert_eq!(at("yesterday"), None);
}

#[test]
fn a_key_goes_to_the_shop_and_nowhere_else() {
    let refused = |feed_name: &str, name: &str, value: &str| {
        let request = feed(feed_name).request(&but(name, value), page(None));
        request.map(|request| request.url).unwrap_err().to_string()
    };
    for value in [
        "http://shop.example",
        "shop.example",
        "https://a:b@shop.example",
        "https://10.0.0.7",
    ] {
        let problem = refused("woocommerce/orders", "WOOCOMMERCE_URL", value);
        assert!(problem.contains("`WOOCOMMERCE_URL` must be"), "{problem}");
    }
    for value in [
        "https://shop.example",
        "evil.example/.myshopify.com",
        ".myshopify.com",
        "http://demo.myshopify.com",
    ] {
        let problem = refused("shopify/orders", "SHOPIFY_SHOP", value);
        assert!(problem.contains("`SHOPIFY_SHOP` must be"), "{problem}");
    }
    for value in [
        "demo.myshopify.com",
        "https://demo.myshopify.com/",
        "http://127.0.0.1:9000/",
    ] {
        assert!(
            feed("shopify/orders")
                .request(&but("SHOPIFY_SHOP", value), page(None))
                .is_ok(),
            "{value}"
        );
    }
}

#[test]
fn a_poll_is_on_when_all_its_settings_are_there() {
    let names = |settings: &[(&str, &str)]| -> Vec<String> {
        Feed::all(&secrets(settings)).iter().map(Feed::name).collect()
    };
    assert_eq!(
        names(&SETTINGS),
        ["shopify/orders", "shopify/checkouts", "woocommerce/orders"]
    );
    assert_eq!(names(&SETTINGS[..2]), [""; 0]);
    assert_eq!(names(&SETTINGS[..3]), ["woocommerce/orders"]);
    let lacks = |settings: &[(&str, &str)]| {
        let secrets = secrets(settings);
        (
            SourceKind::Woocommerce.lacks_to_poll(&secrets),
            SourceKind::Woocommerce.is_half_set_to_poll(&secrets),
        )
    };
    assert_eq!(lacks(&[]), (None, false), "nobody uses it");
    assert_eq!(
        lacks(&[("WOOCOMMERCE_WEBHOOK_SECRET", "s")]),
        (Some("WOOCOMMERCE_URL"), false)
    );
    assert_eq!(lacks(&SETTINGS[..2]), (Some("WOOCOMMERCE_CONSUMER_SECRET"), true));
    assert_eq!(lacks(&SETTINGS), (None, false));
    assert_eq!(
        SourceKind::Ecwid.lacks_to_poll(&secrets(&[("ECWID_CLIENT_SECRET", "s")])),
        None
    );
}
