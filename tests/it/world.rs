//! A pretend installation of this repository's own journeys, with another system that `notify` may tell.

use std::collections::BTreeMap;
use std::path::Path;
use wend::providers::ProviderKind;
use wend::simulation::setup::edited;
use wend::simulation::world::World;

pub fn world(shards: u16, provider: ProviderKind) -> World {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let hooks = "webhooks: [{ name: stock, url: 'http://127.0.0.1:9/stock' }]";
    let store = std::fs::read_to_string(root.join("store.yaml")).unwrap();
    let store = store.replace("webhooks: []", hooks);
    let edits = BTreeMap::from([("store".to_owned(), Some(store))]);
    let catalog = edited(root, &edits).unwrap();
    World::new(root, catalog, shards, provider)
        .unwrap()
        .with_edits(edits)
}
