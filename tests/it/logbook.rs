//! The logbook: what became of deliveries, read from the rows that are there, and from those of what left none.

use crate::world::{event, tell, world};
use serde_json::Value;
use std::fs;
use std::path::Path;
use wend::domain::event::Event;
use wend::domain::ids::EventId;
use wend::domain::logbook::{Asked, Line, Place, Verdict};
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::logbook::{KEPT_FOR, MAX_IN_AN_HOUR, MAX_KEPT};
use wend::turn::call::{Answer, Call};
use wend::turn::logbook::{self, shard_of};
use wend::turn::refused::RefusedCall;

const SOURCES: [&str; 4] = ["shopify", "woocommerce", "segment", "events"];

fn keep(world: &World, line: &Line) {
    let shard = shard_of(&world.settings, line);
    assert_eq!(
        world.call(shard, Call::KeepLines(vec![line.clone()])).unwrap(),
        Answer::Done
    );
}

fn ignored(world: &World, topic: &str, id: &str) -> Line {
    Line::new(
        world.now,
        "shopify",
        topic,
        id,
        Verdict::Ignored,
        &format!("the topic `{topic}` is not used"),
    )
}

fn asked(world: &World) -> Asked {
    Asked {
        sources: SOURCES.map(str::to_owned).to_vec(),
        verdict: None,
        before: Place::after_all_of(world.now),
        limit: 100,
    }
}

/// A page of all shards, as the edge puts it together.
fn page(world: &World, asked: &Asked) -> Vec<Line> {
    let mut lines = Vec::new();
    for shard in world.indices() {
        let Answer::Log(part) = world.call(shard, Call::Log(asked.clone())).unwrap() else {
            panic!("no lines");
        };
        assert!(part.len() <= asked.limit as usize);
        lines.extend(part);
    }
    lines.sort_by(|one, other| (other.received_at, &other.id).cmp(&(one.received_at, &one.id)));
    lines.truncate(asked.limit as usize);
    lines
}

fn shown(world: &World, lines: &[Line]) -> String {
    let line = |line: &Line| {
        let reason = line
            .reason
            .as_deref()
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let poll = if line.polled { " (poll)" } else { "" };
        let minutes = line.received_at.since(world.start).as_millis() / 60_000;
        format!(
            "+{minutes}m {} {} {} {}{reason}{poll}",
            line.source,
            line.topic,
            line.id,
            line.verdict.as_str()
        )
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn minute(world: &mut World) {
    world.now = world.now.plus(Delay::from_minutes(1));
}

/// One line of each kind, a minute apart.
fn one_of_each(shards: u16) -> World {
    let mut world = world(shards, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    minute(&mut world);
    tell(&world, &mut story, "order 77 by=nadia checkout=T1 polled");
    minute(&mut world);
    tell(&world, &mut story, "checkout T9 by=nadia source=woocommerce");
    minute(&mut world);
    tell(&world, &mut story, "checkout T5");
    minute(&mut world);
    keep(
        &world,
        &ignored(&world, "locations/update", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"),
    );
    minute(&mut world);
    let refused = RefusedCall {
        id: "segment:m-1".to_owned(),
        reason: "it names nobody".to_owned(),
        body: r#"{"call":{"type":"track","event":"Quiz Taken","messageId":"m-1"},"sent":{"email":"ana@example.com"}}"#.to_owned(),
    };
    let first = world.indices()[0];
    world.call(first, Call::KeepRefused(vec![refused])).unwrap();
    minute(&mut world);
    keep(
        &world,
        &Line::new(
            world.now,
            "woocommerce",
            "order.updated",
            "d-2",
            Verdict::Unreadable,
            "the order has no `id`",
        ),
    );
    world
}

#[test]
fn each_delivery_has_its_line_newest_first() {
    for shards in [1, 4] {
        let world = one_of_each(shards);
        let lines = page(&world, &asked(&world));
        insta::assert_snapshot!("a_line_each", shown(&world, &lines));
        assert!(!format!("{lines:?}").contains('@'), "ids only");
    }
}

#[test]
fn pages_follow_each_other_without_a_gap_and_without_a_repeat() {
    for shards in [1, 4] {
        let mut world = one_of_each(shards);
        // A batch is received at one moment.
        let mut story = Story::default();
        for order in 0..9 {
            tell(&world, &mut story, &format!("order {order} by=bea"));
            keep(&world, &ignored(&world, "products/update", &format!("p-{order}")));
        }
        minute(&mut world);
        let all = page(&world, &asked(&world));
        let mut wanted = Asked {
            limit: 2,
            ..asked(&world)
        };
        let mut paged = Vec::new();
        loop {
            let lines = page(&world, &wanted);
            let Some(last) = lines.last() else { break };
            wanted.before = Place::parse(&last.place().to_text()).unwrap();
            paged.extend(lines);
        }
        assert_eq!(paged, all);
    }
}

#[test]
fn lines_are_found_by_source_and_verdict() {
    let world = one_of_each(4);
    let count = |source: Option<&str>, verdict: Option<Verdict>| {
        let sources = match source {
            Some(source) => vec![source.to_owned()],
            None => asked(&world).sources,
        };
        let wanted = Asked {
            sources: sources.clone(),
            verdict,
            ..asked(&world)
        };
        let lines = page(&world, &wanted);
        assert!(lines.iter().all(|line| sources.contains(&line.source)));
        assert!(
            lines
                .iter()
                .all(|line| verdict.is_none_or(|verdict| line.verdict == verdict))
        );
        lines.len()
    };
    let all = count(None, None);
    let by_verdict = Verdict::ALL.map(|verdict| count(None, Some(verdict)));
    assert_eq!(by_verdict, [3, 1, 1, 1, 1, 0]);
    assert_eq!(by_verdict.iter().sum::<usize>(), all);
    let sources = SOURCES.map(|source| count(Some(source), None));
    assert_eq!(sources, [4, 2, 1, 0]);
    assert_eq!(count(Some("woocommerce"), Some(Verdict::Unreadable)), 1);
}

#[test]
fn what_wend_did_itself_is_no_delivery() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    let own = |id: &str, told: Event| Event {
        id: EventId::parse(id).unwrap(),
        ..told
    };
    let signup = event(&world, &mut story, "signup by=nadia subscribed");
    world.ingest(own("unsubscribe:1", signup)).unwrap();
    minute(&mut world);
    assert_eq!(page(&world, &asked(&world)), []);
}

#[test]
fn a_repeated_delivery_has_one_line_and_a_noisy_topic_sixty_an_hour() {
    let mut world = world(1, ProviderKind::Outbox);
    for _ in 0..3 {
        keep(&world, &ignored(&world, "products/update", "d-1"));
        minute(&mut world);
    }
    assert_eq!(page(&world, &asked(&world)).len(), 1);
    for id in 0..MAX_IN_AN_HOUR * 2 {
        keep(
            &world,
            &ignored(&world, "inventory_levels/update", &format!("i-{id}")),
        );
    }
    keep(&world, &ignored(&world, "products/delete", "d-2"));
    let lines = page(
        &world,
        &Asked {
            limit: 500,
            ..asked(&world)
        },
    );
    assert_eq!(
        lines.len(),
        2 + MAX_IN_AN_HOUR as usize,
        "the other topics' lines are there"
    );
    world.now = world.now.plus(Delay::from_hours(1));
    keep(&world, &ignored(&world, "inventory_levels/update", "later"));
    assert_eq!(
        page(
            &world,
            &Asked {
                limit: 1,
                ..asked(&world)
            }
        )[0]
        .id,
        "later"
    );
}

#[test]
fn lines_go_by_age_and_by_number() {
    let mut world = world(1, ProviderKind::Outbox);
    let shard = world.indices()[0];
    let lines: Vec<Line> = (0..MAX_KEPT + 50)
        .map(|number| ignored(&world, &format!("topic-{}", number / 50), &format!("{number:05}")))
        .collect();
    world.call(shard, Call::KeepLines(lines)).unwrap();
    let held = page(
        &world,
        &Asked {
            limit: 5_000,
            ..asked(&world)
        },
    );
    assert!(
        (MAX_KEPT as usize - 200..=MAX_KEPT as usize).contains(&held.len()),
        "{}",
        held.len()
    );
    world.now = world.now.plus(KEPT_FOR).plus(Delay::from_hours(1));
    let mut slices = 0;
    while !page(&world, &asked(&world)).is_empty() {
        world.call(shard, Call::Prune).unwrap();
        slices += 1;
        assert!(slices < 50);
    }
}

/// The answer with a line of text for each of its lines.
fn printed(answer: &Value) -> String {
    let lines = answer["lines"].as_array().unwrap().iter();
    let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    let (next, unanswered) = (&answer["next"], &answer["unanswered"]);
    format!(
        "{{\"lines\":[\n{}],\n \"next\":{next},\"unanswered\":{unanswered}}}\n",
        lines.join(",\n")
    )
}

#[test]
fn the_guide_shows_a_page_as_it_is() {
    let world = one_of_each(1);
    let asked = Asked {
        sources: vec!["shopify".to_owned()],
        limit: 4,
        ..asked(&world)
    };
    let answer = logbook::answer(&asked, page(&world, &asked), &[]);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let guide = fs::read_to_string(&file).unwrap();
    let head = "```json\n";
    let start = guide.find("```json\n{\"lines\"").unwrap() + head.len();
    let end = start + guide[start..].find("```").unwrap();
    let written = format!("{}{}{}", &guide[..start], printed(&answer), &guide[end..]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, written).unwrap();
    } else {
        assert!(
            written == guide,
            "UPDATE_DOCS=1 writes it anew:\n{}",
            printed(&answer)
        );
    }
    assert_eq!(serde_json::from_str::<Value>(&printed(&answer)).unwrap(), answer);
}
