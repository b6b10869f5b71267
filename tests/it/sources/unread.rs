//! Bad values at the rim: the field is left out with its reason, and neither the event nor the person's document
//! suffers.

use super::*;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use wend::domain::ids::ContactId;
use wend::engine::bounds::fit;
use wend::engine::decide::decide;
use wend::engine::decision::{Input, Remark};
use wend::engine::state::{Contact, Facts, MAX_DOCUMENT_BYTES};
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;

fn catalog() -> Catalog {
    let project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    check(&project, Mode::Append).catalog.unwrap()
}

fn sent(kind: &str, data: &str) -> Event {
    let at = r#""timestamp":"2026-02-01T09:00:00Z""#;
    our_events(format!(r#"{{"type":"{kind}",{at},"data":{data}}}"#)).event()
}

fn unread(event: &Event) -> Vec<&str> {
    event.unread.iter().map(|unread| unread.field.as_str()).collect()
}

/// The event decided for somebody new; what is remarked, and the document that is left.
fn decided(event: &Event) -> (Vec<Remark>, Contact) {
    let id = ContactId::parse(&"8c7f".repeat(8)).unwrap();
    let input = Input::Event(Arc::new(event.clone()));
    let mut decision = decide(
        &catalog(),
        &Contact::new(id, now()),
        &Facts::default(),
        &input,
        now(),
    );
    assert!(fit(&mut decision.contact, MAX_DOCUMENT_BYTES));
    let stored = serde_json::to_string(&decision.contact).unwrap();
    assert_eq!(
        serde_json::from_str::<Contact>(&stored).unwrap(),
        decision.contact
    );
    (decision.remarks, decision.contact)
}

#[test]
fn what_cannot_be_read_is_named_with_a_reason_and_never_its_value() {
    let data = r#"{"email":"not an address","locale":"??","timezone":"Mars/Base","country":"XXX","currency":"EUR",
        "value":"NaN","total":1e400,"revenue":-99999999999999999999999999999999999,"url":"javascript:alert(1)",
        "first_name":["Ada"],"checkout_id":"T1","products":[{"name":"A","price":"free","quantity":"NaN"}],
        "consent":{"marketing":"perhaps"}}"#;
    let event = sent("Checkout Started", data);
    let fields = [
        "email",
        "first_name",
        "locale",
        "timezone",
        "country",
        "value",
        "total",
        "revenue",
        "url",
        "products.price",
        "products.quantity",
    ];
    assert_eq!(unread(&event), fields);
    let (remarks, _) = decided(&event);
    let said = remarks[0].to_string();
    assert!(
        said.starts_with("event events:msg_1: left out; `email` is no address"),
        "{said}"
    );
    for value in ["not an address", "Mars", "NaN", "free", "javascript"] {
        assert!(!said.contains(value), "{said}");
    }
}

#[test]
fn what_is_empty_or_absent_is_nothing_to_remark() {
    let event = sent(
        "Signed Up",
        r#"{"email":"","locale":null,"timezone":"  ","first_name":""}"#,
    );
    assert_eq!(unread(&event), Vec::<&str>::new());
    assert_eq!(decided(&event).0, []);
}

#[test]
fn impossible_times_give_way_to_the_moment_of_signing() {
    let body = r#"{"type":"Signed Up","timestamp":"2026-02-31T25:00:00Z","data":{"email":"ada@example.com",
        "consent":{"marketing":"subscribed","at":"2026-13-01T00:00:00Z"}}}"#;
    let event = our_events(body).event();
    assert_eq!(
        (event.occurred_at, event.consent.as_ref().unwrap().at),
        (now(), now())
    );
    assert_eq!(unread(&event), ["timestamp", "consent.at"]);
    let unknown = sent(
        "Signed Up",
        r#"{"email":"ada@example.com","consent":{"marketing":"perhaps"}}"#,
    );
    assert_eq!(unread(&unknown), ["consent.marketing"]);
    // The year 9999 is one that a source may say; it is not believed.
    let far = r#"{"type":"Signed Up","timestamp":"9999-12-31T23:59:59Z","data":{"email":"ada@example.com"}}"#;
    assert!(our_events(far).event().occurred_at <= now().plus(wend::domain::time::FUTURE_TOLERANCE));
}

#[test]
fn a_cart_of_10_000_lines_and_a_property_of_a_megabyte_fit_a_document() {
    let line = json!({"name": "Mug ".repeat(100), "price": "12.50", "quantity": 1, "sku": "s".repeat(400)});
    let data = json!({
        "email": "ada@example.com", "checkout_id": "T1", "currency": "GBP", "value": "1e3",
        "products": vec![line; 10_000], "note": "x".repeat(1_000_000), "small": 1,
    });
    let event = sent("Checkout Started", &data.to_string());
    assert!(event.data.items.len() <= 500 && event.data.properties["small"] == 1);
    assert!(unread(&event).contains(&"products") && unread(&event).contains(&"properties"));
    let (remarks, contact) = decided(&event);
    assert_eq!(remarks.len(), 1);
    assert!(contact.addresses.len() == 1);
}
