//! A pretend installation of this repository's own journeys, with another system that `notify` may tell,
//! and what tests do with it: tell a line of a story, let time pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use wend::domain::email::EmailAddress;
use wend::domain::event::Event;
use wend::domain::identity::{Identifier, IdentifierKind};
use wend::domain::ids::{ContactId, IdentifierHash, SourceName};
use wend::domain::time::Delay;
use wend::journey::catalog::Catalog;
use wend::providers::ProviderKind;
use wend::signing::identity::identity_hash;
use wend::simulation::setup::edited;
use wend::simulation::story::{self, address};
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::{Answer, Call};

type Edits = BTreeMap<String, Option<String>>;

/// Checked once: hundreds of worlds begin with it.
static BEGINNING: LazyLock<(Edits, Catalog)> = LazyLock::new(|| {
    let hooks = "webhooks: [{ name: stock, url: 'http://127.0.0.1:9/stock' }]";
    let store = std::fs::read_to_string(root().join("store.yaml")).unwrap();
    let store = store.replace("webhooks: []", hooks);
    let edits = BTreeMap::from([("store".to_owned(), Some(store))]);
    let catalog = edited(root(), &edits).unwrap();
    (edits, catalog)
});

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn world(shards: u16, provider: ProviderKind) -> World {
    let (edits, catalog) = LazyLock::force(&BEGINNING);
    World::new(root(), catalog.clone(), shards, provider)
        .unwrap()
        .with_edits(edits.clone())
}

/// The event of a line of a story, now.
pub fn event(world: &World, story: &mut Story, line: &str) -> Event {
    let line = story::read(&format!("at +0m {line}")).unwrap().remove(0);
    story.event(&line, world.start, world.now).unwrap()
}

pub fn tell(world: &World, story: &mut Story, line: &str) {
    world.ingest(event(world, story, line)).unwrap();
}

pub fn hash(world: &World, kind: IdentifierKind, value: &str) -> IdentifierHash {
    let identifier = match kind {
        IdentifierKind::Email => Identifier::email(&EmailAddress::parse(&address(value)).unwrap()),
        _ => Identifier::of_source(kind, &SourceName::parse("shopify").unwrap(), value).unwrap(),
    };
    identity_hash(
        world.settings.hash_key.iter().next().unwrap().as_bytes(),
        &identifier,
    )
}

pub fn contact_of(world: &World, name: &str) -> ContactId {
    hash(world, IdentifierKind::Email, name).into()
}

pub fn pass(world: &mut World, time: Delay) {
    world.run_until(world.now.plus(time), |_| Ok(())).unwrap();
}

/// Reasons of what waits, each with its number.
pub fn waiting(world: &World) -> Vec<(String, u64)> {
    let shard = world.indices()[0];
    let Answer::Overview(overview) = world.call(shard, Call::Overview).unwrap() else {
        panic!("no overview");
    };
    let rows = overview["messages"].as_array().unwrap().iter();
    let held = rows.filter(|row| row["state"] == "intended" && !row["reason"].is_null());
    held.map(|row| {
        (
            row["reason"].as_str().unwrap().to_owned(),
            row["count"].as_u64().unwrap(),
        )
    })
    .collect()
}
