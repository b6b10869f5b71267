//! Who is told that an offer is back or cheaper, on several shards, and that telling again tells nobody twice.

use crate::world::{contact_of, event, pass, tell, world};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use wend::domain::event::{Event, LineItem};
use wend::domain::ids::SourceName;
use wend::domain::offer::{Change, News, Offer};
use wend::domain::shard::ShardIndex;
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::offer_news::Batch;
use wend::turn::Error;
use wend::turn::call::{Answer, Call};
use wend::turn::interest::Heard;

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

fn page(world: &World, shard: ShardIndex, number: i64, news: &[News]) -> Heard {
    let news = news.to_vec();
    match world.call(shard, Call::TellNews(Box::new(Batch { number, news }))) {
        Ok(Answer::NewsHeard(heard)) => heard,
        other => panic!("{other:?}"),
    }
}

/// Tells all shards a batch to its end; how many events that made.
fn told(world: &World, number: i64, news: &[News]) -> u32 {
    let mut events = 0;
    for shard in world.indices() {
        loop {
            let heard = page(world, shard, number, news);
            events += heard.events;
            if heard.all {
                break;
            }
        }
    }
    events
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
        let events = told(&world, 1, &[back("", "v1")]);
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
    assert_eq!(told(&world, 1, &[back("shopify", "v1")]), 3);
    assert_eq!(told(&world, 2, &[back("woocommerce", "v1")]), 3);
    assert_eq!(told(&world, 3, &[back("", "v1")]), 4);
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
    assert_eq!(told(&world, 1, &news), 30);
    // Event and document, and how far each of four shards has come; the index of slots is not counted here.
    assert_eq!(world.rows_written() - before, 30 * 2 + 4);
    pass(&mut world, Delay::from_days(1));
    let before = world.rows_written();
    assert_eq!(told(&world, 1, &news), 0);
    assert_eq!(world.rows_written(), before);
}

#[test]
fn where_no_journey_asks_nobody_is_looked_for() {
    let (world, mut story) = (world(1, ProviderKind::Outbox), Story::default());
    tell(&world, &mut story, "viewed by=nadia subscribed products=v1");
    let before = world.rows_written();
    assert_eq!(told(&world, 1, &[back("", "v1")]), 0);
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
        assert_eq!(told(&world, 1, &[back("", "v1")]), 2, "{spoil}");
        // By later news they are told again, and it is one letter.
        assert_eq!(told(&world, 2, &[back("", "v1")]), 2, "{spoil}");
        let letters = world.letters().unwrap();
        assert_eq!(letters.len(), 1, "{spoil}");
        assert_eq!(letters[0].id, format!("news:{omar}"));
        assert!(!letters[0].reason.contains('@'), "{}", letters[0].reason);
    }
}

/// Somebody's event is written before their document, which cannot be: what was written of them goes again.
#[test]
fn who_fails_half_way_leaves_nothing_half_written() {
    let (world, mut story) = (shop(), Story::default());
    for who in ["nadia", "omar", "pia"] {
        looks(&world, &mut story, who, "shopify", line(Some("v1"), None, None));
    }
    let omar = contact_of(&world, "omar");
    let shard = world.settings.shards.of_contact(&omar);
    let fails = format!(
        "CREATE TRIGGER broken BEFORE UPDATE ON contact WHEN new.contact_id = '{omar}'
         BEGIN SELECT raise(ABORT, 'broken'); END"
    );
    let events = |of: &str| {
        let text = "SELECT count(*) AS n FROM event WHERE contact_id = ?1 AND kind = 'Back In Stock'";
        let rows = world.turn(shard, |turn| Ok(turn.sql.query(text, &[of.into()])?));
        rows.unwrap()[0].count("n").unwrap()
    };
    world
        .turn(shard, |turn| Ok(turn.sql.query(fails.leak(), &[])?))
        .unwrap();
    assert_eq!(told(&world, 1, &[back("", "v1")]), 2);
    assert_eq!(events(omar.as_str()), 0);
    assert_eq!(world.letters().unwrap()[0].id, format!("news:{omar}"));
    world
        .turn(shard, |turn| Ok(turn.sql.query("DROP TRIGGER broken", &[])?))
        .unwrap();
    assert_eq!(told(&world, 2, &[back("", "v1")]), 3);
    assert_eq!(events(omar.as_str()), 1);
}

/// One shard, where so many people looked at something.
fn crowd(people: u32) -> World {
    let mut world = world(1, ProviderKind::Outbox);
    world
        .deploy(&[("back".to_owned(), Some(JOURNEY.to_owned()))])
        .unwrap();
    world.sweep().unwrap();
    let mut story = Story::default();
    for n in 0..people {
        looks(
            &world,
            &mut story,
            &format!("shopper{n}"),
            "shopify",
            line(Some("v1"), None, None),
        );
    }
    world
}

/// How many people were told this batch, and how many events that were.
fn heard_of(world: &World, number: i64) -> (u32, u32) {
    let text =
        "SELECT count(*) AS events, count(DISTINCT contact_id) AS people FROM event WHERE event_id = ?1";
    let id = format!("catalogue:{number}:back-in-stock");
    let shard = world.indices()[0];
    let rows = world
        .turn(shard, |turn| Ok(turn.sql.query(text, &[id.as_str().into()])?))
        .unwrap();
    (rows[0].count("people").unwrap(), rows[0].count("events").unwrap())
}

#[test]
fn a_telling_that_breaks_off_goes_on_where_it_stood_and_reads_nobody_twice() {
    let world = crowd(450);
    let shard = world.indices()[0];
    let news = [back("", "v1")];
    let first = page(&world, shard, 7, &news);
    assert_eq!((first.events, first.all), (200, false));
    // The Worker is gone, and cron begins anew: the shard knows the place.
    let before = world.rows_written();
    let second = page(&world, shard, 7, &news);
    assert_eq!((second.events, second.all), (200, false));
    assert_eq!(world.rows_written() - before, 200 * 2 + 1);
    let third = page(&world, shard, 7, &news);
    assert_eq!((third.events, third.all), (50, true));
    assert_eq!(heard_of(&world, 7), (450, 450));
    // Told once more, by whomever, and with older news that somebody still holds.
    let before = world.rows_written();
    for number in [7, 6] {
        let again = page(&world, shard, number, &news);
        assert_eq!((again.events, again.all), (0, true));
    }
    assert_eq!(world.rows_written(), before);
    assert_eq!(heard_of(&world, 6), (0, 0));
}

#[test]
fn who_wanted_nothing_of_late_is_passed_over_in_one_page() {
    let (mut world, mut story) = (shop(), Story::default());
    for n in 0..300 {
        let line = format!("signup by=reader{n} subscribed");
        tell(&world, &mut story, &line);
    }
    looks(
        &world,
        &mut story,
        "nadia",
        "shopify",
        line(Some("v1"), None, None),
    );
    let pages: u32 = world
        .indices()
        .into_iter()
        .map(|shard| page(&world, shard, 1, &[back("", "v1")]))
        .map(|heard| u32::from(heard.all))
        .sum();
    assert_eq!(pages, 4, "a page a shard");
    // Who looked at it long ago is not asked for their events any more.
    pass(&mut world, Delay::from_days(61));
    assert_eq!(told(&world, 2, &[back("", "v1")]), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Pages that are told twice, turns that fail and are forgotten, calls that come late: at the end everybody was told each
    /// batch once.
    #[test]
    fn whatever_breaks_off_everybody_is_told_each_batch_once(
        people in 1..260_u32,
        steps in vec((0..4_u8, any::<bool>()), 1..14),
    ) {
        let world = crowd(people);
        let shard = world.indices()[0];
        let news = [back("", "v1")];
        let mut number = 1;
        for (what, late) in steps {
            match what {
                // A turn that is rolled back: the object died before it committed.
                0 => {
                    let lost = world.turn(shard, |turn| {
                        turn.tell_news(&Batch { number, news: news.to_vec() })?;
                        Err::<(), _>(Error::Loop(contact_of(&world, "nobody")))
                    });
                    prop_assert!(lost.is_err());
                }
                1 if late && number > 1 => {
                    let heard = page(&world, shard, number - 1, &news);
                    prop_assert_eq!((heard.events, heard.all), (0, true));
                }
                _ => {
                    if page(&world, shard, number, &news).all && late {
                        prop_assert_eq!(heard_of(&world, number), (people, people));
                        number += 1;
                    }
                }
            }
        }
        told(&world, number, &news);
        for number in 1..=number {
            prop_assert_eq!(heard_of(&world, number), (people, people));
        }
    }
}
