//! An order of Shopify over all its topics: what is one event, how it ends and that webhook, poll and list of the past agree on
//! that, and when consent was given.

use super::shopify::{of_changed, of_fixture};
use super::*;
use serde_json::json;
use wend::domain::event::EventKind;
use wend::imports::file::File;
use wend::imports::form::Subject;
use wend::imports::read::{List, Settings, Taken};
use wend::sources::Reason;

/// The ids of events, by which one is known wherever it comes from.
fn named(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.id.as_str().to_owned()).collect()
}

/// The events of an order in Shopify's export of orders.
fn exported(status: &str, cancelled_at: &str) -> Vec<Event> {
    let file = format!(
        "Name,Email,Financial Status,Currency,Total,Created at,Cancelled at,Id\n\
         #1042,nadia.okafor@example.com,{status},GBP,57.05,2026-01-06 20:06:30 +0000,{cancelled_at},6120011223763\n"
    );
    let file = File::read(file.as_bytes()).unwrap();
    let settings = Settings {
        now: now(),
        ..crate::imports::settings()
    };
    let mut events = Vec::new();
    let list = List::of(&file, Subject::Orders, &settings).unwrap();
    list.each(Subject::Orders, |taken| {
        let Taken::Record(_, record) = taken else {
            panic!("it is rejected");
        };
        events.extend(record.events(now()).unwrap());
        Ok::<(), String>(())
    })
    .unwrap();
    events
}

#[test]
fn webhook_poll_and_export_agree_how_an_order_ended() {
    let statuses = [
        ("pending", None),
        ("authorized", None),
        ("partially_paid", None),
        ("paid", None),
        ("partially_refunded", None),
        ("expired", None),
        ("voided", Some("cancelled")),
        ("refunded", Some("refunded")),
    ];
    for (status, ended) in statuses {
        for (cancelled_at, ended) in [(None, ended), (Some("2026-01-06T21:00:00Z"), Some("cancelled"))] {
            let what = format!("{status}, cancelled {cancelled_at:?}");
            let name = |transition: &str| format!("shopify:order:6120011223763:{transition}");
            let (placed, ended) = (name("completed"), ended.map(name));
            let order = edited(
                "shopify/orders_create",
                &[
                    ("/financial_status", json!(status)),
                    ("/cancelled_at", json!(cancelled_at)),
                ],
            );
            let webhook = match shopify("orders/updated", order.to_string()).read() {
                Ok(Reading::Events(events)) => named(&events),
                Ok(Reading::Ignored(Reason::Edit)) => Vec::new(),
                other => panic!("{what}: {other:?}"),
            };
            assert_eq!(webhook, Vec::from_iter(ended.clone()), "{what}");
            let poll = polls::events("shopify/orders", &json!({ "orders": [order] }));
            assert_eq!(
                named(&poll),
                [ended.clone().unwrap_or_else(|| placed.clone())],
                "{what}"
            );
            let list = named(&exported(status, cancelled_at.unwrap_or_default()));
            assert_eq!(list, Vec::from_iter([placed].into_iter().chain(ended)), "{what}");
        }
    }
}

#[test]
fn create_and_paid_are_one_event() {
    let [created, paid] = ["orders/create", "orders/paid"].map(|topic| of_fixture(topic).event());
    assert_eq!(created.id.as_str(), "shopify:order:6120011223763:completed");
    assert_eq!((&created.id, created.occurred_at), (&paid.id, paid.occurred_at));
}

/// A part of the money may be all that went back: only the order says that it was all.
#[test]
fn an_order_is_refunded_when_all_of_it_went_back() {
    let event = of_fixture("orders/updated").event();
    assert_eq!(event.kind, EventKind::OrderRefunded);
    assert_eq!(event.id.as_str(), "shopify:order:6120011223763:refunded");
    assert_eq!(event.occurred_at.to_string(), "2026-01-10T09:30:00.000Z");
    let edit = Reason::Edit;
    for status in ["pending", "authorized", "paid", "partially_refunded", "expired"] {
        let edited = of_changed("orders/updated", &[("/financial_status", json!(status))]);
        assert_eq!(edited.read(), Ok(Reading::Ignored(edit.clone())));
    }
    assert!(!edit.to_string().contains("paid"), "{edit}");
    assert!(!edit.is_logged());
}

/// A cancellation is one event, whichever topic tells it, and the money that then goes back is none.
#[test]
fn an_order_that_was_cancelled_is_so_in_each_topic() {
    let body = fixture("shopify/orders_cancelled");
    let [cancelled, updated] =
        ["orders/cancelled", "orders/updated"].map(|topic| shopify(topic, body.clone()).event());
    assert_eq!(cancelled, updated);
    let at = ("/cancelled_at", json!("2026-01-08T10:00:00Z"));
    let event = of_changed("orders/updated", &[at]).event();
    assert_eq!(event.kind, EventKind::OrderCancelled);
    assert_eq!(event.occurred_at.to_string(), "2026-01-08T10:00:00.000Z");
}

/// The box was ticked at the checkout, however late the order is sent, cancelled or refunded.
#[test]
fn the_checkbox_of_an_order_is_of_when_it_was_placed() {
    let silent = ("/customer/email_marketing_consent", json!(null));
    for topic in [
        "orders/create",
        "orders/paid",
        "orders/fulfilled",
        "orders/cancelled",
        "orders/updated",
    ] {
        let at = |processed: &str| {
            let changes = [silent.clone(), ("/processed_at", json!(processed))];
            let consent = of_changed(topic, &changes).event().consent.unwrap();
            assert_eq!(consent.method.as_deref(), Some("buyer_accepts_marketing"));
            consent.at.to_string()
        };
        assert_eq!(at("2026-01-07T00:00:00Z"), "2026-01-06T20:06:30.000Z", "{topic}");
        assert_eq!(at("2026-01-05T08:00:00Z"), "2026-01-05T08:00:00.000Z", "{topic}");
    }
}
