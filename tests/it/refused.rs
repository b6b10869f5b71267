//! What the Segment-compatible API leaves behind in a shard: calls that were not taken, and visitors whom nobody knows.

use crate::world::world;
use serde_json::{Value, json};
use wend::domain::event::{Event, EventKind};
use wend::domain::identity::{Identifier, IdentifierKind};
use wend::domain::ids::{EventId, SourceName};
use wend::providers::ProviderKind;
use wend::simulation::world::World;
use wend::store::dead_letter;
use wend::store::parked::MAX_PARKED;
use wend::turn::call::{Answer, Call, Ingested};
use wend::turn::refused::RefusedCall;

fn refused(id: usize) -> RefusedCall {
    let sent = json!({"type": "track", "traits": {"email": "ana@example.com"}});
    RefusedCall {
        id: format!("segment:{id}"),
        reason: "it names nobody".to_owned(),
        body: json!({"call": {"type": "track", "messageId": id.to_string()}, "sent": sent}).to_string(),
    }
}

fn keep(world: &World, calls: Vec<RefusedCall>) {
    let shard = world.indices()[0];
    assert_eq!(world.call(shard, Call::KeepRefused(calls)).unwrap(), Answer::Done);
}

fn letters(world: &World) -> u32 {
    let count = |shard| {
        world
            .turn(shard, |turn| Ok(dead_letter::count(turn.sql)?))
            .unwrap()
    };
    world.indices().into_iter().map(count).sum()
}

fn overview(world: &World) -> Value {
    match world.call(world.indices()[0], Call::Overview).unwrap() {
        Answer::Overview(overview) => overview,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_refused_call_is_shown_once_and_without_whom_it_names() {
    let world = world(1, ProviderKind::Resend);
    keep(&world, vec![refused(1), refused(2)]);
    keep(&world, vec![refused(1)]);
    assert_eq!(letters(&world), 2);
    let overview = overview(&world);
    let shown = &overview["dead_letters"][0];
    assert_eq!(shown["about"], json!({"type": "track", "messageId": "1"}));
    assert_eq!(
        (&shown["what"], &shown["reason"]),
        (&json!("refused call"), &json!("it names nobody"))
    );
    assert!(!overview.to_string().contains("ana@example.com"));
}

#[test]
fn a_sender_that_does_all_wrong_cannot_fill_a_shard() {
    let world = world(1, ProviderKind::Resend);
    for round in 0..6 {
        keep(&world, (0..250).map(|n| refused(round * 250 + n)).collect());
    }
    assert_eq!(letters(&world), 1_000);
}

#[test]
fn what_a_visitor_only_looked_at_is_let_go_when_too_much_of_it_waits() {
    for shards in [1, 4] {
        let world = world(shards, ProviderKind::Resend);
        let source = SourceName::parse("events").unwrap();
        let visitor = Identifier::of_source(IdentifierKind::Anonymous, &source, "0f8fad5bd9cb469f").unwrap();
        let mut told = 0;
        let mut tell = |kind: EventKind| {
            told += 1;
            let id = EventId::parse(&format!("browser:{told}")).unwrap();
            let event = Event {
                identifiers: vec![visitor.clone()],
                ..Event::new(id, kind, source.clone(), world.now, world.now)
            };
            assert_eq!(world.ingest(event).unwrap(), Ingested::Parked);
        };
        for _ in 0..MAX_PARKED + 10 {
            tell(EventKind::ProductViewed);
        }
        assert_eq!(letters(&world), 0);
        // A checkout is more than a look: operators see that it could not wait.
        tell(EventKind::CheckoutStarted);
        assert_eq!(letters(&world), 1);
    }
}
