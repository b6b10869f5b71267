//! Pruning: what is past its time goes, in slices, and nothing else.

use crate::domain::identity::IdentifierKind;
use crate::domain::message::MessageState;
use crate::domain::time::{Delay, Timestamp};
use crate::store::directory::{self, Claim};
use crate::store::fixtures::{at, contact, contact_id, event, hash, message, shard};
use crate::store::retention::{
    CLOSED_CHECKOUTS_FOR, EVENTS_FOR, MESSAGES_FOR, Pruned, TOMBSTONES_FOR, prune,
};
use crate::store::rusqlite::Sqlite;
use crate::store::{contact as contacts, event as events, message as messages, parked};

/// One of everything that has an age, all of the time 0, and the same for a second contact.
fn filled() -> Sqlite {
    let sql = shard();
    for digits in ["8c", "9d"] {
        let id = contact_id(digits);
        let mut recorded = event("old");
        (recorded.occurred_at, recorded.received_at) = (at(-9_000_000), at(0));
        events::record(&sql, &id, &recorded).unwrap();
        for (message_digits, state, settled_at) in [
            ("01", MessageState::Accepted, Some(at(0))),
            ("02", MessageState::Intended, None),
        ] {
            let mut row = message(&id, message_digits);
            (row.state, row.settled_at) = (state, settled_at);
            messages::put(&sql, &id, &row).unwrap();
        }
        contacts::bury(&sql, &id, &contact_id("77"), at(0)).unwrap();
        let claim = Claim {
            hash: hash(digits),
            kind: IdentifierKind::Checkout,
            contact: id,
        };
        directory::close(&sql, &[claim], at(0)).unwrap();
        parked::park(&sql, &hash(digits), &event("p"), at(0)).unwrap();
    }
    contacts::save(&sql, &contact("77"), None, None).unwrap();
    sql
}

fn after(delay: Delay) -> Timestamp {
    at(1).plus(delay)
}

#[test]
fn nothing_goes_before_its_time() {
    let sql = filled();
    let finished = Pruned {
        finished: true,
        ..Pruned::default()
    };
    let written = sql.rows_written();
    assert_eq!(prune(&sql, at(0).plus(parked::PARKED_FOR), 1000), Ok(finished));
    assert_eq!(sql.rows_written(), written);
}

#[test]
fn each_kind_goes_at_its_own_age() {
    let sql = filled();
    let at_age = |delay| prune(&sql, after(delay), 1000).unwrap();
    assert_eq!(at_age(parked::PARKED_FOR).parked, 2);
    assert_eq!(TOMBSTONES_FOR, CLOSED_CHECKOUTS_FOR);
    let at_90_days = at_age(TOMBSTONES_FOR);
    assert_eq!((at_90_days.tombstones, at_90_days.closed_checkouts), (2, 2));
    let at_400_days = at_age(EVENTS_FOR);
    assert_eq!((at_400_days.events, at_400_days.messages), (2, 0));
    assert_eq!(at_age(MESSAGES_FOR).messages, 2);
    let left = messages::list(&sql, &MessageState::ALL, None, 9).unwrap();
    assert!(left.iter().all(|row| row.message.state == MessageState::Intended));
    assert_eq!((left.len(), contacts::count(&sql)), (2, Ok(1)));
}

#[test]
fn slices_add_up_and_the_cursor_goes_on() {
    let sql = filled();
    let mut sum = Pruned::default();
    let mut calls = 0;
    while !sum.finished {
        let slice = prune(&sql, after(MESSAGES_FOR), 1).unwrap();
        let deleted = slice.total();
        assert!(deleted <= 2, "one contact's rows at most: {slice:?}");
        sum.events += slice.events;
        sum.messages += slice.messages;
        sum.tombstones += slice.tombstones;
        sum.closed_checkouts += slice.closed_checkouts;
        sum.parked += slice.parked;
        sum.consents += slice.consents;
        sum.finished = slice.finished;
        calls += 1;
        assert!(calls < 100, "the walk does not end");
    }
    let all = Pruned {
        events: 2,
        messages: 2,
        tombstones: 2,
        closed_checkouts: 2,
        parked: 2,
        consents: 0,
        finished: true,
    };
    assert_eq!(sum, all);
    assert!(calls > 5, "one slice a call");
}

#[test]
fn a_cursor_that_cannot_be_read_starts_anew() {
    let sql = filled();
    for cursor in ["", "nonsense", "table:ff"] {
        crate::store::meta::set(&sql, crate::store::meta::Key::PruneCursor, cursor).unwrap();
        assert!(prune(&sql, at(0), 1000).unwrap().finished, "{cursor}");
    }
}

#[test]
fn the_marker_of_a_merge_stays_as_long_as_the_mails_whose_links_ask_for_it() {
    let sql = shard();
    let id = contact_id("8c");
    let mut marker = event("absorbed:9d");
    (marker.occurred_at, marker.received_at) = (at(0), at(0));
    events::record(&sql, &id, &marker).unwrap();
    assert_eq!(prune(&sql, after(EVENTS_FOR), 1000).unwrap().events, 0);
    assert_eq!(prune(&sql, after(MESSAGES_FOR), 1000).unwrap().events, 1);
}
