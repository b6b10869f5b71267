//! Claimed requests: one claim an id, the same bytes for ever, and only the run that holds the attempt may write.

use crate::store::dispatch::{
    Attempt, Dispatch, count, delete, due, earliest, get, holds_contact, list, open_members, put, request,
    update_attempt,
};
use crate::store::fixtures::{at, contact_id, hash, message_id, shard};
use crate::store::{Error, MAX_VALUE_BYTES, Sql};

fn dispatch(id: &str, first: i64) -> Dispatch {
    Dispatch {
        id: id.to_owned(),
        provider: "resend".to_owned(),
        key: format!("wend-{id}"),
        attempt: 1,
        generation: 1,
        first_at: at(first),
        lease_until: at(first + 60),
        next_at: None,
        members: vec![
            message_id(&contact_id("8c"), "01"),
            message_id(&contact_id("9d"), "01"),
        ],
        addressees: vec![hash("8c"), hash("9d")],
    }
}

#[test]
fn a_claim_is_made_once_and_its_bytes_never_change() {
    let sql = shard();
    let bytes = [0, 159, 146, 150, 255];
    assert_eq!(put(&sql, &dispatch("d1", 0), &bytes), Ok(true));
    assert_eq!(put(&sql, &dispatch("d1", 5), b"other"), Ok(false));
    assert_eq!(request(&sql, "d1").unwrap().as_deref(), Some(bytes.as_slice()));
    assert_eq!(get(&sql, "d1"), Ok(Some(dispatch("d1", 0))));
    assert_eq!((get(&sql, "d2"), request(&sql, "d2")), (Ok(None), Ok(None)));
    assert_eq!(put(&sql, &dispatch("d3", 0), b""), Ok(true));
    assert_eq!(request(&sql, "d3"), Ok(Some(vec![])));
}

#[test]
fn only_the_run_that_holds_the_attempt_may_write() {
    let sql = shard();
    put(&sql, &dispatch("d1", 0), b"x").unwrap();
    let second = Attempt {
        attempt: 2,
        lease_until: at(200),
        next_at: Some(at(150)),
    };
    assert_eq!(update_attempt(&sql, "d1", 1, second), Ok(true));
    assert_eq!(update_attempt(&sql, "d1", 1, second), Ok(false));
    let held = get(&sql, "d1").unwrap().unwrap();
    assert_eq!(
        (held.attempt, held.lease_until, held.next_at),
        (2, at(200), Some(at(150)))
    );
    assert_eq!(delete(&sql, "d1", 1), Ok(false));
    assert_eq!(delete(&sql, "d1", 2), Ok(true));
    assert_eq!(delete(&sql, "d1", 2), Ok(false));
}

#[test]
fn the_alarm_follows_the_first_lease_or_retry() {
    let sql = shard();
    assert_eq!(earliest(&sql), Ok(None));
    put(&sql, &dispatch("d2", 30), b"x").unwrap();
    put(&sql, &dispatch("d1", 40), b"x").unwrap();
    assert_eq!(earliest(&sql), Ok(Some(at(90))));
    let retry = Attempt {
        attempt: 2,
        lease_until: at(400),
        next_at: Some(at(70)),
    };
    update_attempt(&sql, "d1", 1, retry).unwrap();
    assert_eq!(earliest(&sql), Ok(Some(at(70))));
    let ids: Vec<String> = list(&sql, 9).unwrap().into_iter().map(|open| open.id).collect();
    assert_eq!(ids, ["d2", "d1"]);
}

#[test]
fn bytes_that_cannot_be_stored_are_refused_before_anything_is_written() {
    let sql = shard();
    let refused = put(&sql, &dispatch("d1", 0), &vec![0; MAX_VALUE_BYTES + 1]);
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{refused:?}");
    assert_eq!(get(&sql, "d1"), Ok(None));
}

#[test]
fn what_is_due_comes_page_by_page() {
    let sql = shard();
    for number in 0..25 {
        put(&sql, &dispatch(&format!("d{number:02}"), number % 2), b"x").unwrap();
    }
    put(&sql, &dispatch("later", 100), b"x").unwrap();
    let (mut after, mut seen) = (String::new(), Vec::new());
    loop {
        let page = due(&sql, at(61), &after, 10).unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        seen.extend(page);
    }
    assert_eq!((seen.len(), count(&sql)), (25, Ok(26)));
    assert!(seen.is_sorted() && !seen.contains(&"later".to_owned()));
}

#[test]
fn a_claim_knows_its_members_however_many_are_open() {
    let sql = shard();
    // More than any bound that once hid the last ones.
    sql.query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
         INSERT INTO dispatch (dispatch_id, provider, key, attempt, generation, first_at, lease_until, next_at,
           members, request)
         SELECT printf('a%05d', i), 'resend', 'k', 1, 1, 0, 0, NULL, '[]', x'00' FROM n",
        &[],
    )
    .unwrap();
    put(&sql, &dispatch("z", 0), b"x").unwrap();
    let (held, free) = (
        message_id(&contact_id("8c"), "01"),
        message_id(&contact_id("8c"), "02"),
    );
    let open = open_members(&sql, &[&held, &free]).unwrap();
    assert_eq!(open.into_iter().collect::<Vec<_>>(), [held]);
    assert_eq!(holds_contact(&sql, &contact_id("9d")), Ok(true));
    assert_eq!(holds_contact(&sql, &contact_id("77")), Ok(false));
}
