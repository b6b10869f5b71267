//! Who is told that an offer is back or cheaper, on several shards, and that telling again tells nobody twice.

use crate::world::{contact_of, event, pass, tell, world};
use std::collections::BTreeMap;
use wend::domain::event::{Event, LineItem};
use wend::domain::ids::SourceName;
use wend::domain::offer::{Change, News, Offer};
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::{Answer, Call};
use wend::turn::interest::Telling;

const JOURNEY: &str = "title: Back\nstage: consideration\ntrigger: { on: Back In Stock, key: contact }\nsteps:\n  - wait: 1h\n  - send: welcome-story\n    stream: marketing\n";

/// A shop on four shards where somebody who hears that something is back gets a mail.
fn shop() -> World {
    let mut world = world(4, ProviderKind::Outbox);
    let edits = BTreeMap::from([("back".to_owned(), Some(JOURNEY.to_owned()))]);
    let edits: Vec<_> = edits.into_iter().collect();
    world.deploy(&edits).unwrap();
    world.sweep().unwrap();
    world
}

fn back(space: &str, id: &str) -> News {
    News {
        change: Change::BackInStock,
        space: space.to_owned(),
        offer: Offer {
            id: id.to_owned(),
            product: Some("mug".to_owned()),
            sku: Some("MUG-1".to_owned()),
            available: true,
            ..Offer::default()
        },
    }
}

/// Tells all shards; how many events that made.
fn told(world: &World, run: &str, news: &[News]) -> u32 {
    let shards = world.indices().into_iter();
    let heard = shards.map(|shard| {
        let telling = Telling {
            run: run.to_owned(),
            news: news.to_vec(),
            after: None,
        };
        match world.call(shard, Call::TellNews(Box::new(telling))).unwrap() {
            Answer::NewsHeard(heard) => heard.events,
            other => panic!("{other:?}"),
        }
    });
    heard.sum()
}

/// Somebody looks at this line in a shop of this source.
fn looks(world: &World, story: &mut Story, who: &str, source: &str, line: LineItem) {
    let viewed = event(world, story, &format!("viewed by={who} subscribed"));
    let viewed = Event {
        source: SourceName::parse(source).unwrap(),
        data: wend::domain::event::EventData {
            items: vec![line].into(),
            ..viewed.data.clone()
        },
        ..viewed
    };
    world.ingest(viewed).unwrap();
}

fn line(variant: Option<&str>, sku: Option<&str>, product: Option<&str>) -> LineItem {
    LineItem {
        variant_id: variant.map(str::to_owned),
        sku: sku.map(str::to_owned),
        product_id: product.map(str::to_owned),
        ..Offer::default().line()
    }
}

#[test]
fn a_line_means_an_offer_by_its_variant_its_sku_or_a_product_without_a_choice() {
    for (variant, sku, product, expected) in [
        (Some("v1"), None, None, 1),
        (None, Some("MUG-1"), None, 1),
        (None, Some("v1"), None, 1),
        (None, None, Some("mug"), 1),
        // Another variant of it was chosen.
        (Some("v2"), None, Some("mug"), 0),
        (None, None, Some("cup"), 0),
        (None, None, None, 0),
    ] {
        let (world, mut story) = (shop(), Story::default());
        looks(
            &world,
            &mut story,
            "nadia",
            "shopify",
            line(variant, sku, product),
        );
        let events = told(&world, "r", &[back("", "v1")]);
        assert_eq!(events, expected, "{variant:?} {sku:?} {product:?}");
    }
}

#[test]
fn an_id_of_another_shop_is_another_product() {
    let (world, mut story) = (shop(), Story::default());
    for (who, source) in [
        ("nadia", "shopify"),
        ("omar", "woocommerce"),
        ("pia", "segment"),
        ("quin", "events"),
    ] {
        looks(&world, &mut story, who, source, line(Some("v1"), None, None));
    }
    // Pages and scripts name the ids of the shop they stand in.
    assert_eq!(told(&world, "a", &[back("shopify", "v1")]), 3);
    assert_eq!(told(&world, "b", &[back("woocommerce", "v1")]), 3);
    assert_eq!(told(&world, "c", &[back("", "v1")]), 4);
}

#[test]
fn telling_again_writes_nothing_and_many_products_are_one_event() {
    let (mut world, mut story) = (shop(), Story::default());
    for n in 0..30 {
        tell(
            &world,
            &mut story,
            &format!("viewed by=shopper{n} subscribed products=tea,coffee"),
        );
    }
    let news: Vec<News> = ["tea", "coffee"]
        .into_iter()
        .map(|id| News {
            offer: Offer {
                id: id.to_owned(),
                available: true,
                ..Offer::default()
            },
            ..back("", id)
        })
        .collect();
    let before = world.rows_written();
    assert_eq!(told(&world, "r", &news), 30);
    // Event and document; the index of slots is not counted here.
    assert_eq!(world.rows_written() - before, 30 * 2);
    pass(&mut world, Delay::from_days(1));
    let before = world.rows_written();
    assert_eq!(told(&world, "r", &news), 0);
    assert_eq!(world.rows_written(), before);
}

#[test]
fn where_no_journey_asks_nobody_is_looked_for() {
    let (world, mut story) = (world(1, ProviderKind::Outbox), Story::default());
    tell(&world, &mut story, "viewed by=nadia subscribed products=v1");
    let before = world.rows_written();
    assert_eq!(told(&world, "r", &[back("", "v1")]), 0);
    assert_eq!(world.rows_written(), before);
}

#[test]
fn who_cannot_be_read_keeps_no_news_from_the_others() {
    for spoil in [
        "UPDATE contact SET doc = '{' WHERE contact_id = ?1",
        "UPDATE event SET body = '{' WHERE contact_id = ?1",
        "UPDATE event SET body = '{}' WHERE contact_id = ?1",
    ] {
        let (world, mut story) = (shop(), Story::default());
        for who in ["nadia", "omar", "pia"] {
            looks(&world, &mut story, who, "shopify", line(Some("v1"), None, None));
        }
        let omar = contact_of(&world, "omar");
        let shard = world.settings.shards.of_contact(&omar);
        world
            .turn(shard, |turn| Ok(turn.sql.query(spoil, &[(&omar).into()])?))
            .unwrap();
        assert_eq!(told(&world, "r", &[back("", "v1")]), 2, "{spoil}");
        // Again: they are not told twice, and it is one letter.
        assert_eq!(told(&world, "r", &[back("", "v1")]), 0, "{spoil}");
        let letters = world.letters().unwrap();
        assert_eq!(letters.len(), 1, "{spoil}");
        assert_eq!(letters[0].id, format!("news:{omar}"));
        assert!(!letters[0].reason.contains('@'), "{}", letters[0].reason);
    }
}
