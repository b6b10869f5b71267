//! What waits: events without a person, work for other shards, mails of the outbox, dead letters, suppressions.

use crate::domain::ids::ContactId;
use crate::domain::objection::{Ground, Objection};
use crate::store::fixtures::{at, contact_id, event, hash, shard};
use crate::store::forward::{self, Forward};
use crate::store::outbox::{self, Mail};
use crate::store::parked::{MAX_PARKED, MAX_PARKED_BYTES, Parking, park, release, take};
use crate::store::{Sql, dead_letter, suppression};

#[test]
fn parked_events_are_taken_once_in_the_order_they_happened() {
    let sql = shard();
    let [mut late, early] = ["a", "b"].map(event);
    late.occurred_at = at(50);
    for (parked, how) in [
        (&late, Parking::Kept),
        (&early, Parking::Kept),
        (&late, Parking::Repeated),
    ] {
        assert_eq!(park(&sql, &hash("01"), parked, at(60)), Ok(how));
    }
    assert_eq!(sql.written_by(|sql| park(sql, &hash("01"), &late, at(60))), 0);
    let both = [hash("02"), hash("01")];
    assert_eq!(release(&sql, &both[..1], at(61)), Ok(vec![]));
    let taken = [early, late].map(|event| (hash("01"), event));
    assert_eq!(release(&sql, &both, at(61)), Ok(taken.to_vec()));
    assert_eq!(release(&sql, &both, at(61)), Ok(vec![]));
}

#[test]
fn a_browser_cannot_fill_a_shard() {
    let sql = shard();
    for number in 0..MAX_PARKED {
        let parked = park(&sql, &hash("01"), &event(&number.to_string()), at(0));
        assert_eq!(parked, Ok(Parking::Kept));
    }
    assert_eq!(
        park(&sql, &hash("01"), &event("one more"), at(0)),
        Ok(Parking::Full)
    );
    assert_eq!(park(&sql, &hash("01"), &event("0"), at(0)), Ok(Parking::Repeated));
    let mut huge = event("huge");
    huge.data.url = Some("x".repeat(MAX_PARKED_BYTES));
    assert_eq!(park(&sql, &hash("02"), &huge, at(0)), Ok(Parking::TooLarge));
}

#[test]
fn an_unreadable_parked_event_becomes_a_dead_letter() {
    let sql = shard();
    for id in ["a", "b"] {
        park(&sql, &hash("01"), &event(id), at(0)).unwrap();
    }
    sql.query("UPDATE parked SET body = 'broken' WHERE event_id = 'a'", &[])
        .unwrap();
    assert_eq!(
        release(&sql, &[hash("01")], at(9)),
        Ok(vec![(hash("01"), event("b"))])
    );
    let letters = dead_letter::list(&sql, 9).unwrap();
    assert_eq!(
        (letters.len(), letters[0].body.as_str(), letters[0].at),
        (1, "broken", at(9))
    );
    assert_eq!(dead_letter::count(&sql), Ok(1));
    assert_eq!(
        dead_letter::take(&sql, &letters[0].id),
        Ok(Some(letters[0].clone()))
    );
    assert_eq!(dead_letter::take(&sql, &letters[0].id), Ok(None));
}

#[test]
fn what_dies_twice_is_listed_once() {
    let sql = shard();
    let mut letter = dead_letter::DeadLetter {
        id: "contact:1".to_owned(),
        at: at(1),
        what: "contact".to_owned(),
        reason: "first".to_owned(),
        body: "{}".to_owned(),
    };
    dead_letter::put(&sql, &letter).unwrap();
    letter.reason = "second".to_owned();
    dead_letter::put(&sql, &letter).unwrap();
    assert_eq!(dead_letter::list(&sql, 9), Ok(vec![letter]));
}

#[test]
fn a_forward_stays_until_it_is_taken() {
    let sql = shard();
    let forward = |id: &str, seconds| Forward {
        id: id.to_owned(),
        target: contact_id("8c").into(),
        kind: "event".to_owned(),
        body: "{}".to_owned(),
        attempts: 0,
        next_at: at(seconds),
    };
    for (id, seconds) in [("a", 20), ("b", 10), ("c", 90), ("b", 0)] {
        forward::put(&sql, &forward(id, seconds)).unwrap();
    }
    assert_eq!(
        forward::due(&sql, at(20), 9),
        Ok(vec![forward("b", 10), forward("a", 20)])
    );
    assert_eq!(forward::due(&sql, at(20), 1), Ok(vec![forward("b", 10)]));
    assert_eq!(forward::earliest(&sql), Ok(Some(at(10))));
    forward::retry(&sql, "b", 1, at(95)).unwrap();
    forward::done(&sql, "a").unwrap();
    assert_eq!(
        (forward::earliest(&sql), forward::count(&sql)),
        (Ok(Some(at(90))), Ok(2))
    );
    let left = forward::due(&sql, at(99), 9).unwrap();
    assert_eq!(
        (left[1].attempts, ContactId::from(left[1].target.clone())),
        (1, contact_id("8c"))
    );
    forward::done(&sql, "b").unwrap();
    forward::done(&sql, "c").unwrap();
    assert_eq!(forward::earliest(&sql), Ok(None));
}

#[test]
fn the_outbox_keeps_a_mail_once_and_shows_the_oldest_first() {
    let sql = shard();
    let mail = |id: &str, seconds| Mail {
        id: id.to_owned(),
        sent_at: at(seconds),
        body: "{}".to_owned(),
    };
    for (id, seconds) in [("b", 2), ("a", 3), ("c", 1), ("b", 9)] {
        outbox::put(&sql, &mail(id, seconds)).unwrap();
    }
    assert_eq!(
        outbox::list(&sql, 9),
        Ok(vec![mail("c", 1), mail("b", 2), mail("a", 3)])
    );
    assert_eq!(outbox::list(&sql, 2), Ok(vec![mail("b", 2), mail("a", 3)]));
    assert_eq!(outbox::get(&sql, "a"), Ok(Some(mail("a", 3))));
    outbox::clear(&sql).unwrap();
    assert_eq!(outbox::list(&sql, 9), Ok(vec![]));
}

#[test]
fn a_suppression_keeps_its_first_reason_and_outlasts_an_erasure() {
    let sql = shard();
    assert_eq!(suppression::get(&sql, &hash("01")), Ok(None));
    let put = |ground, seconds| {
        let objection = Objection {
            ground,
            at: at(seconds),
        };
        let rows = sql.written_by(|sql| suppression::put(sql, &hash("01"), objection));
        (rows, suppression::get(&sql, &hash("01")).unwrap().unwrap())
    };
    let held = |ground, seconds| Objection {
        ground,
        at: at(seconds),
    };
    assert_eq!(put(Ground::Erased, 1), (1, held(Ground::Erased, 1)));
    assert_eq!(put(Ground::Erased, 1), (0, held(Ground::Erased, 1)));
    assert_eq!(put(Ground::Erased, 2), (1, held(Ground::Erased, 2)));
    assert_eq!(put(Ground::HardBounce, 3), (1, held(Ground::HardBounce, 3)));
    assert_eq!(put(Ground::Complaint, 4), (0, held(Ground::HardBounce, 3)));
    assert_eq!(put(Ground::Erased, 5), (0, held(Ground::HardBounce, 3)));
    let asked = [&hash("01"), &hash("02")];
    assert_eq!(
        suppression::of(&sql, &asked),
        Ok(vec![(hash("01"), held(Ground::HardBounce, 3))])
    );
}

#[test]
fn one_parked_event_is_taken_once() {
    let sql = shard();
    for id in ["a", "b"] {
        park(&sql, &hash("01"), &event(id), at(0)).unwrap();
    }
    let id = event("a").id;
    assert_eq!(take(&sql, &hash("02"), &id, at(1)), Ok(None));
    assert_eq!(take(&sql, &hash("01"), &id, at(1)), Ok(Some(event("a"))));
    assert_eq!(take(&sql, &hash("01"), &id, at(1)), Ok(None));
    assert_eq!(
        release(&sql, &[hash("01")], at(1)),
        Ok(vec![(hash("01"), event("b"))])
    );
}

#[test]
fn a_letter_of_an_event_tells_what_it_was_and_stays_small() {
    let letter = |event: &crate::domain::event::Event| {
        let letter = dead_letter::DeadLetter::of_event("parked:1".to_owned(), event, "full", at(1)).unwrap();
        assert!(letter.body.len() < 70_000, "{}", letter.body.len());
        serde_json::from_str::<crate::domain::event::Event>(&letter.body).unwrap()
    };
    let mut lost = event("a");
    assert_eq!(letter(&lost), lost);
    lost.data
        .properties
        .insert("note".to_owned(), "x".repeat(200_000).into());
    let kept = letter(&lost);
    assert_eq!(
        (&kept.id, &kept.identifiers, &kept.data.order_id),
        (&lost.id, &lost.identifiers, &lost.data.order_id)
    );
    assert!(kept.data.properties.is_empty());
}
