//! A pretend installation of this repository's own journeys, with another system that `notify` may tell.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use wend::journey::catalog::Catalog;
use wend::providers::ProviderKind;
use wend::simulation::setup::edited;
use wend::simulation::world::World;

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
