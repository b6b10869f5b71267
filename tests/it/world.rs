//! A pretend installation of this repository's own journeys, as the build made them.

use std::path::Path;
use wend::providers::ProviderKind;
use wend::simulation::world::World;

pub fn world(shards: u16, provider: ProviderKind) -> World {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalog = wend::generated::catalog().unwrap();
    World::new(root, catalog, shards, provider).unwrap()
}
