//! Segments in a whole installation: what a sweep costs, how fast a backfill goes, what an event writes.

use crate::world::world;
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::story;
use wend::simulation::telling::Story;
use wend::simulation::world::World;

const BUYERS: &str = "title: Buyers
stage: retention
trigger: { enters: buyer, key: contact }
steps:
  - wait: 1d
  - send: welcome-hello
    stream: marketing
";

fn tell(world: &World, story: &mut Story, line: &str) {
    let line = story::read(&format!("at +0m {line}")).unwrap().remove(0);
    let event = story.event(&line, world.start, world.now).unwrap();
    world.ingest(event).unwrap();
}

fn deploy(world: &mut World, segments: &str) {
    world
        .deploy(&[
            ("segments".to_owned(), Some(segments.to_owned())),
            ("buyers".to_owned(), Some(BUYERS.to_owned())),
            ("post-purchase".to_owned(), None),
        ])
        .unwrap();
}

#[test]
fn a_backfill_starts_one_contact_a_second() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    for number in 0..5 {
        tell(
            &world,
            &mut story,
            &format!("order {number} by=person{number} subscribed"),
        );
    }
    deploy(&mut world, "buyer: {when: contact.orders > 0, backfill: true}");
    world.sweep().unwrap();
    let begin = world.now;
    let running = |world: &World| {
        world
            .live()
            .unwrap()
            .iter()
            .map(|contact| contact.enrollments.len())
            .sum::<usize>()
    };
    assert_eq!(running(&world), 0);
    let mut after = Vec::new();
    for seconds in 0..8 {
        world
            .run_until(begin.plus(Delay::from_seconds(seconds)), |_| Ok(()))
            .unwrap();
        after.push(running(&world));
    }
    assert_eq!(after, [0, 1, 2, 3, 4, 5, 5, 5]);
}

#[test]
fn a_second_sweep_and_an_event_without_effect_write_no_more_than_before() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    deploy(
        &mut world,
        "buyer: {when: contact.orders > 0}\nlapsed: {when: contact.days_since_order > 60}\n\
         curious: {when: 'count(\"Product Added\", 7) > 2'}\n",
    );
    world.sweep().unwrap();
    tell(&world, &mut story, "order 1 by=nadia subscribed");
    let before = world.rows_written();
    tell(&world, &mut story, "viewed by=nadia");
    assert!(
        world.rows_written() - before <= 2,
        "{}",
        world.rows_written() - before
    );
    world.catalog.hash.push('0');
    let before = world.rows_written();
    world.sweep().unwrap();
    // The catalog's hash; of contacts nothing.
    assert_eq!(world.rows_written() - before, 1);
}
