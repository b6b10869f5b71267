//! Saving and loading: what is written when, and what comes back.

use crate::engine::schedule::Slot;
use crate::engine::state::{Contact, Document, MAX_DOCUMENT_BYTES, Position};
use crate::store::contact::{bury, count, dead, due, fail, load, page, raw, save};
use crate::store::fixtures::{at, contact, contact_id, enrollment, shard};
use crate::store::{Error, Sql};
use proptest::prelude::*;
use std::sync::Arc;

fn slot(seconds: i64, queue: &str) -> Slot {
    Slot {
        due: at(seconds),
        queue: queue.to_owned(),
    }
}

#[test]
fn an_unknown_contact_is_none() {
    assert_eq!(load(&shard(), &contact_id("8c")), Ok(None));
}

#[test]
fn a_contact_comes_back_as_it_was_saved() {
    let sql = shard();
    let contact = contact("8c");
    let slot = slot(10, "1");
    save(&sql, &contact, None, Some(&slot)).unwrap();
    let loaded = load(&sql, &contact.id).unwrap().unwrap();
    assert_eq!(loaded.document, Document::Live(Box::new(contact)));
    assert_eq!((loaded.slot, loaded.failures), (Some(slot), 0));
}

#[test]
fn only_what_changed_is_written() {
    let sql = shard();
    let mut contact = contact("8c");
    save(&sql, &contact, None, Some(&slot(10, "1"))).unwrap();
    let held = load(&sql, &contact.id).unwrap();
    let held = held.as_ref();
    assert_eq!(
        sql.written_by(|sql| save(sql, &contact, held, Some(&slot(10, "1")))),
        0
    );
    contact.purchases.orders += 1;
    assert_eq!(
        sql.written_by(|sql| save(sql, &contact, held, Some(&slot(10, "1")))),
        1
    );
    let held = load(&sql, &contact.id).unwrap();
    assert_eq!(
        sql.written_by(|sql| save(sql, &contact, held.as_ref(), Some(&slot(10, "0")))),
        1
    );
    assert_eq!(
        load(&sql, &contact.id).unwrap().unwrap().slot,
        Some(slot(10, "0"))
    );
    let held = load(&sql, &contact.id).unwrap();
    save(&sql, &contact, held.as_ref(), None).unwrap();
    assert_eq!(load(&sql, &contact.id).unwrap().unwrap().slot, None);
}

#[test]
fn a_document_that_is_too_large_is_refused_before_anything_is_written() {
    let sql = shard();
    let mut contact = contact("8c");
    contact.profile.first_name = Some("x".repeat(MAX_DOCUMENT_BYTES));
    let refused = save(&sql, &contact, None, None);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(load(&sql, &contact.id), Ok(None));
}

#[test]
fn a_poison_contact_waits_and_dies_without_being_read() {
    let sql = shard();
    let contact = contact("8c");
    let sick = "UPDATE contact SET doc = 'broken'";
    save(&sql, &contact, None, Some(&slot(10, "1"))).unwrap();
    let healthy = load(&sql, &contact.id).unwrap();
    sql.query(sick, &[]).unwrap();
    assert!(matches!(load(&sql, &contact.id), Err(Error::Corrupt { .. })));
    assert_eq!(raw(&sql, &contact.id).unwrap().as_deref(), Some("broken"));

    fail(&sql, &contact.id, at(70), 1).unwrap();
    assert!(due(&sql, "1", at(69), 9).unwrap().is_empty());
    let again = due(&sql, "1", at(70), 9).unwrap();
    assert_eq!((again[0].failures, again[0].due), (1, at(70)));

    assert_eq!(sql.written_by(|sql| dead(sql, &contact.id, 5)), 1);
    assert!(due(&sql, "1", at(9_999), 9).unwrap().is_empty());
    assert_eq!(sql.written_by(|sql| dead(sql, &contact.id, 5)), 0);
    assert_eq!(sql.written_by(|sql| fail(sql, &contact.id, at(1), 6)), 0);

    let healthy = healthy.map(|loaded| crate::store::contact::Loaded {
        slot: None,
        failures: 5,
        ..loaded
    });
    save(&sql, &contact, healthy.as_ref(), Some(&slot(10, "1"))).unwrap();
    assert_eq!(load(&sql, &contact.id).unwrap().unwrap().failures, 0);
    assert_eq!(due(&sql, "1", at(10), 9).unwrap().len(), 1);
}

#[test]
fn failures_are_cleared_by_a_save_that_changes_nothing_else() {
    let sql = shard();
    let contact = contact("8c");
    let slot = slot(10, "1");
    save(&sql, &contact, None, Some(&slot)).unwrap();
    fail(&sql, &contact.id, at(10), 3).unwrap();
    let held = load(&sql, &contact.id).unwrap();
    assert_eq!(held.as_ref().unwrap().failures, 3);
    save(&sql, &contact, held.as_ref(), Some(&slot)).unwrap();
    assert_eq!(load(&sql, &contact.id).unwrap().unwrap().failures, 0);
}

#[test]
fn a_tombstone_leads_on_and_can_live_again() {
    let sql = shard();
    let [loser, winner] = [contact("8c"), contact("9d")];
    save(&sql, &loser, None, Some(&slot(10, "1"))).unwrap();
    save(&sql, &winner, None, None).unwrap();
    bury(&sql, &loser.id, &winner.id, at(3)).unwrap();
    let held = load(&sql, &loser.id).unwrap().unwrap();
    let expected = Document::Moved {
        to: winner.id.clone(),
        at: at(3),
    };
    assert_eq!((&held.document, &held.slot), (&expected, &None));
    assert_eq!(page(&sql, None, 9), Ok(vec![winner.id.clone()]));
    assert_eq!(count(&sql), Ok(1));

    save(&sql, &loser, Some(&held), None).unwrap();
    assert_eq!(page(&sql, None, 9), Ok(vec![loser.id.clone(), winner.id]));

    bury(&sql, &contact_id("aa"), &loser.id, at(4)).unwrap();
    assert!(load(&sql, &contact_id("aa")).unwrap().is_some());
}

#[test]
fn pages_go_through_every_contact_once() {
    let sql = shard();
    for digits in ["03", "01", "02"] {
        save(&sql, &contact(digits), None, None).unwrap();
    }
    let first = page(&sql, None, 2).unwrap();
    assert_eq!(first, [contact_id("01"), contact_id("02")]);
    assert_eq!(page(&sql, first.last(), 2), Ok(vec![contact_id("03")]));
}

prop_compose! {
    fn any_contact()(
        digits in "[0-9a-f]{2}",
        name in proptest::option::of(any::<String>()),
        tags in proptest::option::of(proptest::collection::vec(any::<String>(), 0..4)),
        attributes in proptest::collection::btree_map(
            any::<String>(),
            prop_oneof![
                any::<i64>().prop_map(|number| serde_json::json!(number)),
                any::<String>().prop_map(|text| serde_json::json!(text)),
                Just(serde_json::json!({"a": [null, true, {}]})),
            ],
            0..4,
        ),
        orders in any::<u32>(),
        full in any::<bool>(),
        waits in proptest::collection::vec(0_i64..100_000_000, 0..6),
        title in any::<String>(),
    ) -> Contact {
        let mut made = contact(&digits);
        if !full {
            made = Contact::new(made.id, made.since);
        }
        made.profile.first_name = name;
        made.profile.tags = tags;
        made.profile.attributes = attributes;
        made.purchases.orders = orders;
        for (index, wait) in waits.into_iter().enumerate() {
            let position = Position::Waiting { until: at(wait) };
            let mut enrollment = enrollment(&made.id, &format!("{index:02}"), position);
            let items = &mut Arc::make_mut(&mut enrollment.data).items;
            Arc::make_mut(items)[0].title.clone_from(&title);
            made.enrollments.push(enrollment);
        }
        made
    }
}

proptest! {
    #[test]
    fn any_document_survives_storage(contact in any_contact(), due in proptest::option::of(0_i64..1_000_000)) {
        let sql = shard();
        let slot = due.map(|due| slot(due, "2:welcome"));
        save(&sql, &contact, None, slot.as_ref()).unwrap();
        let loaded = load(&sql, &contact.id).unwrap().unwrap();
        prop_assert_eq!(&loaded.document, &Document::Live(Box::new(contact.clone())));
        prop_assert_eq!(&loaded.slot, &slot);
        prop_assert_eq!(sql.written_by(|sql| save(sql, &contact, Some(&loaded), slot.as_ref())), 0);
    }
}
