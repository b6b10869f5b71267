//! The schedule: queues by a loose index scan, and who is due in one.

use crate::domain::ids::ContactId;
use crate::engine::schedule::Slot;
use crate::engine::state::Contact;
use crate::store::Sql;
use crate::store::contact::{DUE, QUEUES, Queue, due, queues, save};
use crate::store::fixtures::{at, contact_id, shard};
use crate::store::rusqlite::Sqlite;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn add(sql: &Sqlite, id: ContactId, seconds: i64, queue: &str) {
    let slot = Slot {
        due: at(seconds),
        queue: queue.to_owned(),
    };
    save(sql, &Contact::new(id, at(0)), None, Some(&slot)).unwrap();
}

#[test]
fn queues_come_in_order_with_their_earliest_due() {
    let sql = shard();
    assert_eq!(queues(&sql), Ok(vec![]));
    save(&sql, &Contact::new(contact_id("00"), at(0)), None, None).unwrap();
    for (digits, seconds, queue) in [
        ("01", 50, "2:welcome"),
        ("02", 40, "2:welcome"),
        ("03", 90, "0"),
        ("04", 10, "2:after"),
        ("05", 20, "1"),
    ] {
        add(&sql, contact_id(digits), seconds, queue);
    }
    let found: Vec<(String, i64)> = queues(&sql)
        .unwrap()
        .into_iter()
        .map(|Queue { queue, due }| (queue, due.since(at(0)).as_millis() / 1000))
        .collect();
    let expected = [("0", 90), ("1", 20), ("2:after", 10), ("2:welcome", 40)];
    assert_eq!(found, expected.map(|(queue, due)| (queue.to_owned(), due)));
}

#[test]
fn the_due_come_longest_due_first_and_no_more_than_asked() {
    let sql = shard();
    for (digits, seconds) in [("01", 30), ("02", 10), ("03", 20), ("04", 31)] {
        add(&sql, contact_id(digits), seconds, "1");
    }
    add(&sql, contact_id("05"), 5, "0");
    let ids = |now, limit| -> Vec<ContactId> {
        let found = due(&sql, "1", at(now), limit).unwrap();
        found.into_iter().map(|due| due.contact).collect()
    };
    assert_eq!(ids(30, 9), ["02", "03", "01"].map(contact_id));
    assert_eq!(ids(30, 2), ["02", "03"].map(contact_id));
    assert!(ids(9, 9).is_empty());
}

/// Neither question may ever read contacts that are not due, or sort.
#[test]
fn the_index_answers_both_questions() {
    let sql = shard();
    let plan = |text: &str, params: &[crate::store::Value]| -> Vec<String> {
        let rows = sql
            .query(format!("EXPLAIN QUERY PLAN {text}").leak(), params)
            .unwrap();
        let detail = |row: &crate::store::Row| row.text("detail").unwrap().to_owned();
        rows.iter().map(detail).collect()
    };
    let due = plan(DUE, &["1".into(), at(0).into(), 9_u32.into()]);
    assert_eq!(
        due,
        ["SEARCH contact USING INDEX contact_due (queue=? AND due>? AND due<?)"]
    );
    let queues = plan(QUEUES, &[]);
    let reads: Vec<&String> = queues.iter().filter(|line| line.contains(" contact ")).collect();
    assert_eq!(reads.len(), 3, "{queues:?}");
    for line in reads {
        assert!(line.contains("USING COVERING INDEX contact_due"), "{line}");
    }
    assert!(
        !queues.iter().any(|line| line.contains("TEMP B-TREE")),
        "{queues:?}"
    );
}

proptest! {
    #[test]
    fn the_scan_finds_what_a_grouping_would(
        contacts in proptest::collection::btree_map("[0-9a-f]{2}", (0_i64..1000, "[0-2]|2:[a-c]"), 0..30)
    ) {
        let sql = shard();
        let mut expected: BTreeMap<String, i64> = BTreeMap::new();
        for (digits, (seconds, queue)) in &contacts {
            add(&sql, contact_id(digits), *seconds, queue);
            let earliest = expected.entry(queue.clone()).or_insert(*seconds);
            *earliest = (*earliest).min(*seconds);
        }
        let expected: Vec<Queue> = expected
            .into_iter()
            .map(|(queue, seconds)| Queue { queue, due: at(seconds) })
            .collect();
        prop_assert_eq!(queues(&sql).unwrap(), expected);
    }
}
