//! Pruning: what is past its time goes, in slices, and nothing else.

use crate::domain::identity::IdentifierKind;
use crate::domain::ids::EnrollmentKey;
use crate::domain::message::MessageState;
use crate::domain::money::Currency;
use crate::domain::privacy::Kind;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::intake::purchases_of;
use crate::engine::state::{Document, EndReason};
use crate::journey::store_file::Retention;
use crate::store::dead_letter::{self, DeadLetter};
use crate::store::directory::{self, Claim};
use crate::store::fixtures::{at, contact, contact_id, event, hash, message, shard};
use crate::store::fixtures::{ended, order};
use crate::store::privacy_request::{self, PrivacyRequest};
use crate::store::retention::{
    self, CLOSED_CHECKOUTS_FOR, DEAD_LETTERS_FOR, OUTBOX_MAILS_FOR, Policy, Pruned, TOMBSTONES_FOR,
};
use crate::store::rusqlite::Sqlite;
use crate::store::{Error, Sql};
use crate::store::{
    contact as contacts, enrollment, event as events, message as messages, order as orders, outbox, parked,
};

const EVENTS_FOR: Delay = Retention::LONGEST.events;
const MESSAGES_FOR: Delay = Retention::LONGEST.messages;
const ORDERS_FOR: Delay = Retention::LONGEST.orders;

fn prune(sql: &dyn Sql, now: Timestamp, limit: u32) -> Result<Pruned, Error> {
    prune_by(sql, Retention::LONGEST, now, limit)
}

fn prune_by(sql: &dyn Sql, retention: Retention, now: Timestamp, limit: u32) -> Result<Pruned, Error> {
    let currency = Currency::parse("GBP").unwrap();
    let policy = Policy { retention, currency };
    retention::prune(sql, &policy, now, limit)
}

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
            closed_at: Some(at(0)),
        };
        directory::claim(&sql, &[claim], at(0)).unwrap();
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
        ..Pruned::default()
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

#[test]
fn orders_become_totals_of_their_contact_and_nothing_counts_twice() {
    let sql = shard();
    let mut bought = contact("8c");
    let old: Vec<_> = [("shopify:1", -2_000), ("shopify:2", -1_000)]
        .map(|(key, placed)| order(key, placed))
        .into();
    let news = order("shopify:3", 40_000_000);
    let currency = Currency::parse("GBP").unwrap();
    let all = purchases_of(old.iter().chain([&news]), currency);
    bought.purchases = all.clone();
    contacts::save(&sql, &bought, None, None).unwrap();
    // Whose document cannot be read keeps them; what a merge left behind goes.
    contacts::save(&sql, &contact("aa"), None, None).unwrap();
    contacts::bury(&sql, &contact_id("9d"), &bought.id, at(94_000_000)).unwrap();
    for id in [&bought.id, &contact_id("9d"), &contact_id("aa")] {
        for order in old.iter().chain([&news]) {
            orders::put(&sql, id, order).unwrap();
        }
    }
    let spoil = "UPDATE contact SET doc = '{' WHERE contact_id = ?1";
    (&sql as &dyn Sql)
        .run(spoil, &[(&contact_id("aa")).into()])
        .unwrap();
    let before = sql.rows_written();
    assert_eq!(prune(&sql, after(ORDERS_FOR), 1000).unwrap().orders, 4);
    // Four orders and one document.
    assert_eq!(sql.rows_written() - before, 5);
    let left = |digits: &str| orders::list(&sql, &contact_id(digits), 9).unwrap().len();
    assert_eq!((left("8c"), left("9d"), left("aa")), (1, 1, 3));
    let held = contacts::load(&sql, &bought.id).unwrap().unwrap().document;
    let Document::Live(held) = held else {
        panic!("a tombstone");
    };
    assert_eq!(held.archived, purchases_of(old.iter(), currency));
    assert_eq!(purchases_of([news].iter(), currency).plus(&held.archived), all);
    assert_eq!(held.purchases, all);
    assert_eq!(prune(&sql, after(ORDERS_FOR), 1000).unwrap().orders, 0);
}

#[test]
fn runs_about_the_contact_itself_stay_and_those_about_a_cart_go() {
    let sql = shard();
    let id = contact_id("8c");
    for (run, key) in [("e1", id.as_str()), ("e2", "shopify:T1")] {
        let mut run = ended(run, EndReason::Completed);
        run.key = EnrollmentKey::parse(key).unwrap();
        run.ended_at = at(0);
        enrollment::put(&sql, &id, &run).unwrap();
    }
    assert_eq!(prune(&sql, at(0).plus(ORDERS_FOR), 1000).unwrap().enrollments, 0);
    assert_eq!(prune(&sql, after(ORDERS_FOR), 1000).unwrap().enrollments, 1);
    let left = enrollment::list(&sql, &id, 9).unwrap();
    assert_eq!((left.len(), left[0].key.as_str()), (1, id.as_str()));
}

#[test]
fn letters_outbox_mails_and_requests_that_are_done_go() {
    let sql = shard();
    let letter = DeadLetter {
        id: "forward:x".to_owned(),
        at: at(0),
        what: "forward".to_owned(),
        reason: "unreadable".to_owned(),
        body: "{}".to_owned(),
    };
    dead_letter::put(&sql, &letter).unwrap();
    let mail = outbox::Mail {
        id: "8c".to_owned(),
        sent_at: at(0),
        body: "{}".to_owned(),
    };
    outbox::put(&sql, &mail).unwrap();
    for (id, contact) in [("done", "8c"), ("open", "9d")] {
        let request = PrivacyRequest {
            id: id.to_owned(),
            at: at(-1_000_000),
            kind: Kind::DataRequest,
            contact: Some(contact_id(contact)),
            done_at: None,
        };
        privacy_request::put(&sql, &request).unwrap();
        privacy_request::put(&sql, &request).unwrap();
    }
    privacy_request::done(&sql, &contact_id("8c"), at(0)).unwrap();
    let at_90_days = prune(&sql, after(DEAD_LETTERS_FOR), 1000).unwrap();
    assert_eq!((at_90_days.dead_letters, at_90_days.privacy_requests), (1, 1));
    assert_eq!(at_90_days.outbox_mails, 0);
    assert_eq!(
        prune(&sql, after(OUTBOX_MAILS_FOR), 1000).unwrap().outbox_mails,
        1
    );
    let open = privacy_request::open(&sql, 9).unwrap();
    assert_eq!(
        open.iter().map(|request| request.id.as_str()).collect::<Vec<_>>(),
        ["open"]
    );
}

#[test]
fn a_store_may_keep_less() {
    let shortest = Retention {
        events: Retention::SHORTEST,
        orders: Retention::SHORTEST,
        messages: Retention::SHORTEST,
    };
    let sql = filled();
    let pruned = prune_by(&sql, shortest, after(Retention::SHORTEST), 1000).unwrap();
    assert_eq!((pruned.events, pruned.messages), (2, 2));
}
