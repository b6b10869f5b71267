//! Stored bytes are a public interface: these pins may grow by new optional fields and by nothing else. A pin that
//! must change is a new version, with the reading of the old one kept.

use crate::domain::event::{Event, EventKind};
use crate::domain::ids::SegmentName;
use crate::engine::address_health::AddressHealth;
use crate::engine::state::{Document, EndReason};
use crate::store::Sql;
use crate::store::fixtures::{at, contact, contact_id, ended, event, shard};
use crate::store::rusqlite::Sqlite;
use crate::store::{contact as contacts, enrollment, event as events, meta, setting};
use serde_json::{Value, json};
use std::sync::Arc;

const DOCUMENT_V1: &str = include_str!("document_v1.json");
const EVENT_BODY_V1: &str = include_str!("event_body_v1.json");

fn only(sql: &Sqlite, text: &'static str) -> String {
    sql.query(text, &[]).unwrap()[0].text("a").unwrap().to_owned()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_document_is_pinned() {
    let sql = shard();
    contacts::save(&sql, &contact("8c"), None, None).unwrap();
    let written = only(&sql, "SELECT doc AS a FROM contact");
    assert_eq!(parsed(&written), parsed(DOCUMENT_V1));
    let read: Document = serde_json::from_str(DOCUMENT_V1).unwrap();
    assert_eq!(read, Document::Live(Box::new(contact("8c"))));
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
}

/// As it was written before anything was kept of an address's bounces.
#[test]
fn a_document_without_what_came_later_is_read() {
    let mut old = parsed(DOCUMENT_V1);
    let address = old["live"]["addresses"][0].as_object_mut().unwrap();
    assert!(address.remove("health").is_some());
    let Document::Live(read) = serde_json::from_value(old).unwrap() else {
        panic!("a tombstone");
    };
    let mut expected = contact("8c");
    expected.addresses[0].health = AddressHealth::default();
    assert_eq!(*read, expected);
}

#[test]
fn the_tombstone_is_pinned() {
    let sql = shard();
    contacts::bury(&sql, &contact_id("8c"), &contact_id("9d"), at(0)).unwrap();
    let written = only(&sql, "SELECT doc AS a FROM contact");
    let expected = json!({"moved": {"to": contact_id("9d").as_str(), "at": 1_790_000_000_000_i64}});
    assert_eq!(parsed(&written), expected);
}

#[test]
fn the_tombstone_of_an_erasure_is_pinned() {
    let sql = shard();
    contacts::save(&sql, &contact("8c"), None, None).unwrap();
    contacts::erase(&sql, &contact_id("8c"), at(0)).unwrap();
    let written = only(&sql, "SELECT doc AS a FROM contact");
    assert_eq!(parsed(&written), json!({"erased": {"at": 1_790_000_000_000_i64}}));
    let held = contacts::load(&sql, &contact_id("8c")).unwrap().unwrap();
    assert_eq!(held.document, Document::Erased { at: at(0) });
    // Somebody comes back under that id.
    let mut back = contact("8c");
    back.erased_at = Some(at(0));
    contacts::save(&sql, &back, Some(&held), None).unwrap();
    let held = contacts::load(&sql, &contact_id("8c")).unwrap().unwrap();
    assert_eq!(held.document, Document::Live(Box::new(back)));
    assert_eq!(contacts::count(&sql), Ok(1));
}

#[test]
fn the_event_body_is_pinned_and_gives_the_event_back() {
    let sql = shard();
    events::record(&sql, &contact_id("8c"), &event("e")).unwrap();
    assert_eq!(
        parsed(&only(&sql, "SELECT body AS a FROM event")),
        parsed(EVENT_BODY_V1)
    );
    assert_eq!(only(&sql, "SELECT kind AS a FROM event"), "Checkout Started");
    assert_eq!(
        events::list(&sql, &contact_id("8c"), None, 9),
        Ok(vec![event("e")])
    );
}

#[test]
fn an_event_that_says_little_is_stored_in_little() {
    let sql = shard();
    let bare: Event = serde_json::from_value(json!({
        "id": "e", "kind": "Quiz Taken", "source": "events", "occurred_at": 1, "received_at": 2
    }))
    .unwrap();
    events::record(&sql, &contact_id("8c"), &bare).unwrap();
    assert_eq!(
        only(&sql, "SELECT body AS a FROM event"),
        r#"{"v":1,"source":"events"}"#
    );
    assert_eq!(events::list(&sql, &contact_id("8c"), None, 9), Ok(vec![bare]));
}

#[test]
fn an_event_that_says_too_much_is_cut_and_still_counts_once() {
    let sql = shard();
    let id = contact_id("8c");
    let mut long = event("e");
    Arc::make_mut(&mut long.data.items)[0].title = "x".repeat(events::MAX_BODY_BYTES);
    events::record(&sql, &id, &long).unwrap();
    assert_eq!(events::seen(&sql, &id, &long.id), Ok(true));
    let body = parsed(&only(&sql, "SELECT body AS a FROM event"));
    assert_eq!(
        (&body["cut"], &body["data"]["order_id"]),
        (&json!(true), &json!("6120"))
    );
    let read = events::list(&sql, &id, None, 9).unwrap();
    assert!(read[0].data.items.is_empty());
}

#[test]
fn events_are_listed_in_pages_and_recorded_once() {
    let sql = shard();
    let id = contact_id("8c");
    for name in ["b", "a", "c", "a"] {
        events::record(&sql, &id, &event(name)).unwrap();
    }
    let first = events::list(&sql, &id, None, 2).unwrap();
    assert_eq!(first, [event("a"), event("b")]);
    let rest = events::list(&sql, &id, first.last().map(|event| &event.id), 2).unwrap();
    assert_eq!(rest, [event("c")]);
}

fn vip() -> SegmentName {
    SegmentName::parse("vip").unwrap()
}

#[test]
fn every_reason_to_end_comes_back() {
    let sql = shard();
    let reasons = [
        (EndReason::Completed, "completed"),
        (EndReason::Exited(EventKind::OrderCompleted), "exited"),
        (
            EndReason::Exited(EventKind::Custom("Quiz Taken".to_owned())),
            "exited",
        ),
        (EndReason::EnteredSegment(vip()), "entered_segment"),
        (EndReason::LeftSegment(vip()), "left_segment"),
        (EndReason::TimedOut, "timed_out"),
        (EndReason::Restarted, "restarted"),
        (EndReason::CheckoutTaken, "checkout_taken"),
        (EndReason::StepRemoved, "step_removed"),
        (EndReason::JourneyRemoved, "journey_removed"),
        (EndReason::TooManyEnrollments, "too_many_enrollments"),
        (EndReason::StepLimit, "step_limit"),
        (EndReason::Merged, "merged"),
    ];
    let id = contact_id("8c");
    let mut expected = Vec::new();
    for (index, (reason, word)) in reasons.into_iter().enumerate() {
        assert_eq!(reason.as_str(), word);
        let row = ended(&format!("{index:024x}"), reason);
        enrollment::put(&sql, &id, &row).unwrap();
        assert_eq!(sql.written_by(|sql| enrollment::put(sql, &id, &row)), 0);
        expected.push(row);
    }
    assert_eq!(enrollment::list(&sql, &id, 99), Ok(expected));
    sql.query("UPDATE enrollment SET reason = 'bored'", &[]).unwrap();
    assert!(enrollment::list(&sql, &id, 99).is_err());
}

#[test]
fn dispatch_members_and_keys_of_settings_are_pinned() {
    let members = vec![crate::store::fixtures::message_id(&contact_id("8c"), "01")];
    let dispatch = crate::store::dispatch::Dispatch {
        id: "d1".to_owned(),
        provider: "resend".to_owned(),
        key: "k".to_owned(),
        attempt: 1,
        generation: 1,
        first_at: at(0),
        lease_until: at(60),
        next_at: None,
        members,
        addressees: vec![crate::store::fixtures::hash("8c")],
    };
    let sql = shard();
    crate::store::dispatch::put(&sql, &dispatch, b"x").unwrap();
    assert_eq!(
        only(&sql, "SELECT members AS a FROM dispatch"),
        r#"["8c8c8c8c8c8c8c8c010101010101010101010101"]"#
    );
    let hash = "8c".repeat(16);
    assert_eq!(
        only(&sql, "SELECT addressees AS a FROM dispatch"),
        format!(r#"["{hash}"]"#)
    );
    assert_eq!(only(&sql, "SELECT hex(request) AS a FROM dispatch"), "78");
    let keys = [
        meta::Key::Shard,
        meta::Key::Shards,
        meta::Key::Jurisdiction,
        meta::Key::SweepCursor,
    ];
    assert_eq!(
        keys.map(meta::Key::as_str),
        ["shard", "shards", "jurisdiction", "sweep_cursor"]
    );
    let sql = crate::store::fixtures::store();
    setting::set(&sql, &setting::Key::HashKey, "x").unwrap();
    assert_eq!(only(&sql, "SELECT max(key) AS a FROM setting"), "schema");
    assert_eq!(only(&sql, "SELECT min(key) AS a FROM setting"), "hash_key");
}
