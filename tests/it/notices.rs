//! Documents that a source named: kept by a shard, due a moment later, tried again, and given up.

use crate::world::world;
use wend::domain::notice::Notice;
use wend::domain::time::{Delay, Timestamp};
use wend::http::{Headers, Response};
use wend::providers::ProviderKind;
use wend::simulation::world::World;
use wend::store::forward;
use wend::turn::call::{Answer, Call};
use wend::turn::notice::{Looked, NOTICES_AT_ONCE, document, work};

const HOUR: Delay = Delay::from_hours(1);

fn notice(world: &World, id: u32) -> Notice {
    let now = world.now.as_millis();
    serde_json::from_value(serde_json::json!({
        "source": "squarespace", "topic": "order.create", "id": format!("n-{id}"), "at": now, "received_at": now,
        "documents": [["order", "/orders/1"]],
    }))
    .unwrap()
}

/// Hands it to its shard, as the Worker does.
fn keep(world: &World, notice: &Notice) {
    let work = work(&world.settings, notice.clone());
    let shard = world.settings.shards.of_identifier(&work.to);
    let answer = world.call(shard, Call::Receive(Box::new(work))).unwrap();
    assert_eq!(answer, Answer::Done);
}

/// Looks at all that is due in every shard; how many there were.
fn look(world: &World, looked: &Looked) -> usize {
    let mut seen = 0;
    for shard in world.indices() {
        for kept in world.turn(shard, |turn| turn.due_notices()).unwrap() {
            world.turn(shard, |turn| turn.looked(&kept, looked)).unwrap();
            seen += 1;
        }
    }
    seen
}

fn waiting(world: &World) -> u32 {
    let shards = world.indices().into_iter();
    let counts = shards.map(|shard| {
        world
            .turn(shard, |turn| Ok(forward::count(turn.sql).unwrap()))
            .unwrap()
    });
    counts.sum()
}

fn next(world: &World) -> Option<Timestamp> {
    let shards = world.indices().into_iter();
    shards
        .filter_map(|shard| world.turn(shard, |turn| turn.next_due()).unwrap())
        .min()
}

fn failed() -> Looked {
    Looked::Failed {
        reason: "the shop's API answered 503".to_owned(),
        after: None,
    }
}

#[test]
fn a_notice_waits_a_moment_and_twice_the_same_is_once() {
    for shards in [1, 4] {
        let mut world = world(shards, ProviderKind::Outbox);
        let notice = notice(&world, 1);
        keep(&world, &notice);
        keep(&world, &notice);
        assert_eq!((waiting(&world), look(&world, &Looked::Done)), (1, 0));
        assert_eq!(next(&world), Some(world.now.plus(Delay::from_seconds(1))));
        world.now = world.now.plus(Delay::from_seconds(1));
        assert_eq!((look(&world, &Looked::Done), waiting(&world)), (1, 0));
    }
}

#[test]
fn an_outage_is_waited_out_for_three_days_and_then_shown() {
    let mut world = world(1, ProviderKind::Outbox);
    keep(&world, &notice(&world, 1));
    let (began, mut looks) = (world.now, 0);
    while let Some(due) = next(&world) {
        world.now = due;
        looks += look(&world, &failed());
        assert!(looks < 200);
    }
    let lasted = world.now.since(began);
    assert!(
        (Delay::from_days(3)..Delay::from_hours(74)).contains(&lasted),
        "{lasted}"
    );
    assert_eq!(waiting(&world), 0);
    let letters = world.turn(world.indices()[0], |turn| turn.overview()).unwrap();
    assert!(letters.to_string().contains("503"), "{letters}");
}

#[test]
fn a_document_that_is_not_there_may_be_late_for_an_hour_and_is_then_shown() {
    let mut world = world(1, ProviderKind::Outbox);
    keep(&world, &notice(&world, 1));
    let began = world.now;
    while let Some(due) = next(&world) {
        world.now = due;
        look(&world, &Looked::Missing);
    }
    assert!(world.now.since(began) >= HOUR && world.now.since(began) < Delay::from_hours(3));
    let overview = world.turn(world.indices()[0], |turn| turn.overview()).unwrap();
    assert!(
        overview.to_string().contains("notice:"),
        "it may be the wrong shop that is asked: {overview}"
    );
}

#[test]
fn a_shop_that_says_when_is_asked_then() {
    let mut world = world(1, ProviderKind::Outbox);
    keep(&world, &notice(&world, 1));
    world.now = world.now.plus(Delay::from_seconds(1));
    let busy = Response {
        status: 429,
        headers: Headers::new().with("Retry-After", "1200"),
        body: Vec::new(),
    };
    let looked = document(busy, 0, world.now).unwrap_err();
    assert_eq!(look(&world, &looked), 1);
    let waits = next(&world).unwrap().since(world.now);
    let asked = Delay::from_seconds(1200);
    assert!(
        waits >= asked && waits <= Delay::from_seconds(1440),
        "a fifth of jitter at most: {waits}"
    );
}

#[test]
fn an_answer_without_a_document_is_an_empty_list_only_beside_one_that_is_had() {
    let of = |status| Response {
        status,
        headers: Headers::new(),
        body: b"{}".to_vec(),
    };
    let now = Timestamp::from_seconds(1_767_700_000);
    assert_eq!(document(of(200), 0, now), Ok(b"{}".to_vec()));
    assert_eq!(document(of(204), 1, now), Ok(b"[]".to_vec()));
    for (status, had) in [(204, 0), (404, 0), (404, 1), (410, 0)] {
        assert_eq!(document(of(status), had, now), Err(Looked::Missing), "{status}");
    }
    assert_eq!(document(of(503), 0, now), Err(failed()));
}

#[test]
fn a_crowd_is_looked_at_in_slices_and_hides_no_work_for_other_shards() {
    let mut world = world(1, ProviderKind::Outbox);
    for id in 0..NOTICES_AT_ONCE * 2 {
        keep(&world, &notice(&world, id));
    }
    world.now = world.now.plus(Delay::from_seconds(1));
    let shard = world.indices()[0];
    assert!(world.turn(shard, |turn| turn.due_forwards()).unwrap().is_empty());
    assert_eq!(look(&world, &failed()), NOTICES_AT_ONCE as usize);
    assert_eq!(
        look(&world, &Looked::Unreadable("it is not UTF-8".to_owned())),
        NOTICES_AT_ONCE as usize
    );
    assert_eq!(
        (look(&world, &Looked::Done), waiting(&world)),
        (0, NOTICES_AT_ONCE)
    );
}
