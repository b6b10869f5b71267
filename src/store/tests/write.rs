//! A decision on its way into the tables: all of it, once, or nothing. Rows counted here leave out index entries;
//! the end-to-end tests hold the billed numbers against the budgets.

use crate::domain::email::EmailAddress;
use crate::domain::ids::IdentifierHash;
use crate::domain::message::{DropReason, MessageState};
use crate::engine::decision::{Change, Decision, Settlement};
use crate::engine::schedule::Slot;
use crate::engine::state::{Contact, EndReason, Facts, MAX_DOCUMENT_BYTES};
use crate::store::fixtures::{at, contact, contact_id, ended, event, message, message_id, order, shard};
use crate::store::rusqlite::Sqlite;
use crate::store::{
    Error, apply, contact as contacts, enrollment, event as events, load_facts, message as messages,
    order as orders,
};
use std::sync::Arc;

fn decision(contact: Contact, changes: Vec<Change>) -> Decision {
    Decision {
        contact,
        changes,
        effects: vec![],
        remarks: vec![],
    }
}

fn hash(email: &EmailAddress) -> IdentifierHash {
    IdentifierHash::from_digest(&hex::encode(email.canonical()))
}

fn slot(seconds: i64) -> Slot {
    Slot {
        due: at(seconds),
        queue: "1".to_owned(),
    }
}

fn apply_one(sql: &Sqlite, decision: &Decision, slot: Option<&Slot>) -> u64 {
    let held = contacts::load(sql, &decision.contact.id).unwrap();
    sql.written_by(|sql| apply(sql, held.as_ref(), decision, slot, &hash).map(drop))
}

#[test]
fn an_enrolling_event_writes_its_row_the_contact_and_the_intent() {
    let sql = shard();
    let contact = contact("8c");
    let id = contact.id.clone();
    let changes = vec![
        Change::RecordEvent(Arc::new(event("e"))),
        Change::PutMessage(message(&id, "01")),
    ];
    let first = decision(contact, changes);
    // The slot's index entry is the fourth billed row.
    assert_eq!(apply_one(&sql, &first, Some(&slot(1))), 3);
    assert_eq!(apply_one(&sql, &first, Some(&slot(1))), 0);
    assert_eq!(events::list(&sql, &id, None, 9), Ok(vec![event("e")]));
    assert!(messages::get(&sql, &message_id(&id, "01")).unwrap().is_some());
}

#[test]
fn an_event_without_effect_writes_two_rows_and_its_duplicate_none() {
    let sql = shard();
    let mut contact = contact("8c");
    contacts::save(&sql, &contact, None, Some(&slot(1))).unwrap();
    contact.addresses[0].seen_at = at(99);
    let changes = vec![Change::RecordEvent(Arc::new(event("e")))];
    assert_eq!(
        apply_one(&sql, &decision(contact.clone(), changes), Some(&slot(1))),
        2
    );
    assert!(
        load_facts(&sql, &contact.id, Some(&event("e")), false)
            .unwrap()
            .seen
    );
    assert_eq!(apply_one(&sql, &decision(contact, vec![]), Some(&slot(1))), 0);
}

#[test]
fn a_decision_about_nobody_makes_nobody() {
    let sql = shard();
    assert_eq!(apply_one(&sql, &decision(contact("8c"), vec![]), None), 0);
    assert_eq!(contacts::count(&sql), Ok(0));
}

#[test]
fn outcomes_are_written_and_impossible_ones_reported() {
    let sql = shard();
    let contact = contact("8c");
    let id = contact.id.clone();
    let dropped = |digits| Change::SettleMessage {
        message: message_id(&id, digits),
        how: Settlement::Dropped(DropReason::TooLate),
        at: at(5),
    };
    let changes = vec![
        Change::PutMessage(message(&id, "01")),
        dropped("01"),
        dropped("02"),
        Change::EndEnrollment(ended("e1", EndReason::Completed)),
    ];
    let applied = apply(&sql, None, &decision(contact, changes), None, &hash).unwrap();
    assert_eq!(applied.refused, [message_id(&id, "02")]);
    let settled = messages::get(&sql, &message_id(&id, "01")).unwrap().unwrap();
    assert_eq!(settled.message.state, MessageState::Dropped);
    assert_eq!(settled.message.reason.as_deref(), Some("too_late"));
}

#[test]
fn a_document_that_cannot_be_stored_leaves_nothing_behind() {
    let sql = shard();
    let mut contact = contact("8c");
    contact.profile.first_name = Some("x".repeat(MAX_DOCUMENT_BYTES));
    let changes = vec![Change::RecordEvent(Arc::new(event("e")))];
    let written = sql.rows_written();
    let refused = apply(&sql, None, &decision(contact, changes), None, &hash);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(sql.rows_written(), written);
}

#[test]
fn facts_are_the_orders_and_the_past_of_this_contact_alone() {
    let sql = shard();
    let id = contact_id("8c");
    for (key, placed) in [("shopify:1", 10), ("shopify:2", 30), ("shopify:3", 20)] {
        orders::put(&sql, &id, &order(key, placed)).unwrap();
    }
    orders::put(&sql, &contact_id("9d"), &order("shopify:4", 40)).unwrap();
    enrollment::put(&sql, &id, &ended("e1", EndReason::TimedOut)).unwrap();
    let facts = load_facts(&sql, &id, Some(&event("e")), true).unwrap();
    let expected = Facts {
        seen: false,
        checkout_closed: true,
        orders: vec![
            order("shopify:2", 30),
            order("shopify:3", 20),
            order("shopify:1", 10),
        ],
        ended: vec![ended("e1", EndReason::TimedOut)],
        ..Facts::default()
    };
    assert_eq!(facts, expected);
    assert_eq!(
        load_facts(&sql, &contact_id("aa"), None, false),
        Ok(Facts::default())
    );
}

#[test]
fn the_events_own_order_is_always_among_the_facts() {
    let sql = shard();
    let id = contact_id("8c");
    orders::put(&sql, &id, &order("shopify:6120", 0)).unwrap();
    for number in 0..crate::store::facts::MAX_ORDERS_READ {
        orders::put(&sql, &id, &order(&format!("x:{number}"), 100)).unwrap();
    }
    let facts = load_facts(&sql, &id, Some(&event("e")), false).unwrap();
    assert_eq!(facts.orders.last(), Some(&order("shopify:6120", 0)));
}

#[test]
fn an_order_is_one_row_with_its_newest_status() {
    let sql = shard();
    let id = contact_id("8c");
    let mut changed = order("shopify:1", 0);
    orders::put(&sql, &id, &changed).unwrap();
    (changed.total, changed.number, changed.attributed_to) = (None, None, None);
    changed.items = vec![crate::store::fixtures::line_item(); orders::MAX_ITEMS + 1].into();
    orders::put(&sql, &id, &changed).unwrap();
    Arc::make_mut(&mut changed.items).pop();
    assert_eq!(orders::list(&sql, &id, 9), Ok(vec![changed]));
}

#[test]
fn the_totals_of_a_good_customer_count_every_order() {
    let sql = shard();
    let id = contact_id("8c");
    let many = crate::store::facts::MAX_ORDERS_READ + 40;
    for number in 0..many {
        orders::put(&sql, &id, &order(&format!("x:{number}"), i64::from(number))).unwrap();
    }
    let event = event("e");
    let facts = load_facts(&sql, &id, Some(&event), false).unwrap();
    let currency = crate::domain::money::Currency::parse("GBP").unwrap();
    let totals = crate::engine::intake::purchases_of(facts.orders.iter(), currency);
    assert_eq!((totals.orders, facts.orders.len()), (many, many as usize));
    // What is no order needs no totals.
    let bare = crate::domain::event::Event {
        data: crate::domain::event::EventData::default(),
        ..event
    };
    let facts = load_facts(&sql, &id, Some(&bare), false).unwrap();
    assert_eq!(facts.orders.len(), crate::store::facts::MAX_ORDERS_READ as usize);
}
