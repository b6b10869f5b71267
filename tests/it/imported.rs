//! An import in a world: many records together come to what each alone does, at any number of shards; what it costs, whom
//! it leaves alone, and that all of it comes out again page by page.

use crate::privacy::{SHARDS, email};
use crate::world::{pass, tell, world};
use std::collections::{BTreeMap, BTreeSet};
use wend::domain::event::Event;
use wend::domain::shard::ShardIndex;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::state::Contact;
use wend::imports::record::Record;
use wend::providers::ProviderKind;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store;
use wend::store::everything::{Kind, Place};
use wend::turn::call::{Answer, Call, Ingested};
use wend::turn::convoy::Convoy;

fn record(json: serde_json::Value) -> Record {
    serde_json::from_value(json).unwrap()
}

fn contact(name: &str, rest: serde_json::Value) -> Record {
    let mut fields = serde_json::json!({ "list": "klaviyo", "email": format!("{name}@example.com") });
    let more = rest.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    record(serde_json::json!({ "contact": fields }))
}

fn order(name: &str, id: &str, rest: serde_json::Value) -> Record {
    let mut fields = serde_json::json!({ "source": "shopify", "id": id, "email": format!("{name}@example.com"),
        "placed_at": 1_740_000_000_000_i64, "total": { "amount": "20.00", "currency": "GBP" } });
    let more = rest.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    record(serde_json::json!({ "order": fields }))
}

fn yes(at: Timestamp) -> serde_json::Value {
    serde_json::json!({ "consent": { "state": "subscribed", "at": at } })
}

fn events(world: &World, records: &[Record]) -> Vec<Event> {
    let events = records.iter().map(|record| record.events(world.now).unwrap());
    events.flatten().collect()
}

/// What `edge` does with a batch, and `await` between the calls.
fn import(world: &World, records: &[Record]) -> Vec<Ingested> {
    let mut convoy = Convoy::start(&world.settings, events(world, records));
    loop {
        let calls = convoy.calls();
        if calls.is_empty() {
            return convoy.outcomes().cloned().collect();
        }
        let shards: BTreeSet<ShardIndex> = calls.iter().map(|(shard, _)| *shard).collect();
        assert_eq!(shards.len(), calls.len(), "one call a shard");
        let answers = calls
            .into_iter()
            .map(|(shard, call)| world.call(shard, call).unwrap());
        convoy.answer(answers.collect()).unwrap();
    }
}

fn many(world: &World) -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..60 {
        let (name, id) = (format!("n{number}"), number.to_string());
        let known = serde_json::json!({ "customers": [["shopify", id]], "profile": { "first_name": name } });
        records.push(contact(&name, known));
        if number % 2 == 0 {
            records.push(contact(&name, yes(world.now)));
        }
        if number % 3 == 0 {
            let later = serde_json::json!({ "customer": id, "later": [["refunded", 1_740_000_500_000_i64]] });
            records.push(order(&name, &format!("a{number}"), later));
        }
        records.push(order(
            &name,
            &format!("b{number}"),
            serde_json::json!({ "customer": id }),
        ));
    }
    records
}

fn people(world: &World) -> BTreeMap<String, Contact> {
    let live = world.live().unwrap();
    live.into_iter()
        .map(|contact| (contact.id.to_string(), contact))
        .collect()
}

#[test]
fn together_they_come_to_what_each_alone_does_and_a_second_time_to_nothing() {
    for shards in SHARDS {
        let [mut alone, mut together] = [0, 1].map(|_| world(shards, ProviderKind::Outbox));
        let records = many(&alone);
        for event in events(&alone, &records) {
            assert_eq!(alone.ingest(event).unwrap(), Ingested::Applied);
        }
        let outcomes = import(&together, &records);
        assert!(outcomes.iter().all(|outcome| *outcome == Ingested::Applied));
        for world in [&mut alone, &mut together] {
            pass(world, Delay::from_days(30));
        }
        assert_eq!(people(&alone), people(&together), "{shards} shards");
        assert_eq!(people(&together).len(), 60);
        assert!(together.messages().unwrap().is_empty(), "nothing is sent");
        assert!(
            people(&together)
                .values()
                .all(|contact| contact.enrollments.is_empty())
        );
        let before = together.rows_written();
        let again = import(&together, &records);
        // Records of a known consent, made at another time, have another content.
        assert_eq!(again.len(), outcomes.len());
        assert!(again.iter().all(|outcome| *outcome == Ingested::Duplicate));
        assert_eq!(together.rows_written(), before, "{shards} shards");
    }
}

#[test]
fn rows_of_an_imported_contact_and_order_are_these() {
    let world = world(1, ProviderKind::Outbox);
    let costs = |records: &[Record]| {
        let before = world.rows_written();
        assert!(import(&world, records).contains(&Ingested::Applied));
        world.rows_written() - before
    };
    let none = || serde_json::json!({});
    // Event, document, the address.
    assert_eq!(costs(&[contact("ana", none())]), 3);
    // A line of the ledger of consent besides.
    assert_eq!(costs(&[contact("bea", yes(world.now))]), 4);
    let shop = serde_json::json!({ "customers": [["shopify", "7"]] });
    assert_eq!(costs(&[contact("cleo", shop)]), 4);
    // Event, document, order, the order's id.
    assert_eq!(costs(&[order("ana", "1", none())]), 4);
    // The order that was refunded: two events, of which each writes the document and the order.
    let refunded = serde_json::json!({ "later": [["refunded", 1_740_000_500_000_i64]] });
    assert_eq!(costs(&[order("ana", "2", refunded)]), 7);
    // A stranger's: the address besides.
    assert_eq!(costs(&[order("dora", "3", none())]), 5);
}

#[test]
fn an_event_is_stored_with_the_word_that_it_was_imported() {
    let world = world(1, ProviderKind::Outbox);
    let since = serde_json::json!({ "since": 1_600_000_000_000_i64 });
    import(
        &world,
        &[contact("ana", since), order("ana", "1", serde_json::json!({}))],
    );
    let id = people(&world).into_values().next().unwrap().id;
    let stored = world.turn(world.indices()[0], |turn| {
        Ok(store::event::list(turn.sql, &id, None, 10)?)
    });
    let since = stored
        .unwrap()
        .into_iter()
        .map(|event| event.imported.unwrap().since);
    let known = [1_600_000_000_000, 1_740_000_000_000].map(|at| Some(Timestamp::from_millis(at)));
    assert_eq!(since.collect::<Vec<_>>(), known);
}

#[test]
fn who_was_erased_stays_so_whatever_list_they_are_in() {
    for shards in SHARDS {
        let world = world(shards, ProviderKind::Outbox);
        let shop = serde_json::json!({ "customers": [["shopify", "7"]] });
        import(
            &world,
            &[contact("ana", shop.clone()), contact("bea", shop_of("8"))],
        );
        world.erase(&email("ana")).unwrap();
        let lists = [
            contact("ana", yes(world.now)),
            contact("ana", shop),
            order("ana", "1", serde_json::json!({})),
            order("ana", "2", serde_json::json!({ "customer": "7" })),
        ];
        let outcomes = import(&world, &lists);
        assert!(
            outcomes.iter().all(|outcome| *outcome == Ingested::Ignored),
            "{shards} shards: {outcomes:?}"
        );
        let left: Vec<Contact> = people(&world).into_values().collect();
        assert_eq!(left.len(), 1, "bea alone");
    }
}

fn shop_of(id: &str) -> serde_json::Value {
    serde_json::json!({ "customers": [["shopify", id]] })
}

#[test]
fn a_list_fills_in_what_the_shop_has_not_told_and_gives_way_to_a_later_list() {
    let named = |name: &str, zone: &str| serde_json::json!({ "profile": { "first_name": name, "timezone": zone }, "since": 1_600_000_000_000_i64 });
    let told = |world: &World| {
        let person = people(world).into_values().next().unwrap();
        (person.profile.first_name.unwrap(), person.profile.timezone)
    };
    let live = world(1, ProviderKind::Outbox);
    tell(&live, &mut Story::default(), "signup by=ana name=Anna");
    import(&live, &[contact("ana", named("ANA", "Europe/Warsaw"))]);
    assert_eq!(told(&live), ("Anna".to_owned(), Some("Europe/Warsaw".to_owned())));
    let person = people(&live).into_values().next().unwrap();
    assert_eq!(person.since, Timestamp::from_millis(1_600_000_000_000));
    let listed = world(1, ProviderKind::Outbox);
    import(&listed, &[contact("ana", named("Anna", "Europe/Warsaw"))]);
    import(&listed, &[contact("ana", named("Ana", "Europe/Lisbon"))]);
    assert_eq!(
        told(&listed),
        ("Ana".to_owned(), Some("Europe/Lisbon".to_owned()))
    );
}

#[test]
fn everything_comes_out_by_pages_each_row_once() {
    let world = world(4, ProviderKind::Outbox);
    let records: Vec<Record> = (0..150)
        .flat_map(|number| {
            let name = format!("n{number}");
            let orders = (0..3).map({
                let name = name.clone();
                move |order_number| order(&name, &format!("{number}-{order_number}"), serde_json::json!({}))
            });
            let person = contact(&name, yes(Timestamp::from_millis(1_700_000_000_000)));
            std::iter::once(person).chain(orders).collect::<Vec<_>>()
        })
        .collect();
    for batch in records.chunks(200) {
        import(&world, batch);
    }
    let mut rows: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    let (mut total, mut pages) = (0, 0);
    for shard in world.indices() {
        let mut next = Some(Place::start());
        while let Some(place) = next {
            let before = world.rows_written();
            let Answer::Page(page) = world.call(shard, Call::Everything(place)).unwrap() else {
                panic!("no page");
            };
            assert!(page.rows.len() <= 100);
            assert_eq!(world.rows_written(), before);
            (total, pages) = (total + page.rows.len(), pages + 1);
            let all = rows.entry(page.kind).or_default();
            all.extend(page.rows.iter().map(ToString::to_string));
            next = page.next;
        }
    }
    let counts: Vec<(Kind, usize)> = rows.iter().map(|(kind, rows)| (*kind, rows.len())).collect();
    let expected = [
        (Kind::Contact, 150),
        (Kind::Consent, 150),
        (Kind::Order, 450),
        (Kind::Event, 600),
        (Kind::Enrollment, 0),
        (Kind::Message, 0),
    ];
    assert_eq!(counts, expected);
    assert_eq!(total, 1_350, "no row comes twice");
    assert!(pages > 24, "{pages} pages");
}
