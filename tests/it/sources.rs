//! Sources: signed deliveries in, events out. One module a storefront, plus what all have in common.

mod bad_input;
mod documents;
mod driven;
mod ended;
mod events;
mod polls;
mod products;
mod robustness;
mod samples;
mod segment;
pub mod sent;
mod shopify;
mod signatures;
mod storefronts;
mod table;
mod traps;
mod unread;
mod woocommerce;

use base64::Engine as _;
pub use sent::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wend::domain::event::Event;
use wend::domain::identity::IdentifierKind;
use wend::domain::money::Currency;
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::signing::asymmetric::BASE64_URL;
use wend::signing::{Secrets, route_token, standard_webhooks};
use wend::sources::{Error, HOOK_TOKEN, Keys, Proof, Reading, SourceKind, Unverified};

pub fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/tests/fixtures/sources/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A fixture with some of its fields replaced (`/` separated paths, as JSON pointers).
pub fn changed(name: &str, changes: &[(&str, Value)]) -> Vec<u8> {
    let mut json: Value = serde_json::from_slice(&fixture(name)).unwrap();
    for (path, value) in changes {
        *json
            .pointer_mut(path)
            .unwrap_or_else(|| panic!("{name} has no {path}")) = value.clone();
    }
    json.to_string().into_bytes()
}

/// A fixture with some of its fields set (JSON pointers); those that are not there are added.
pub fn edited(name: &str, changes: &[(&str, Value)]) -> Value {
    let mut json: Value = serde_json::from_slice(&fixture(name)).unwrap();
    for (path, value) in changes {
        let (parent, field) = path.rsplit_once('/').unwrap();
        match json
            .pointer_mut(parent)
            .unwrap_or_else(|| panic!("{name} has no {parent}"))
        {
            Value::Array(items) => items[field.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[field] = value.clone(),
        }
    }
    json
}

/// Identifiers as `kind source:value`.
pub fn identifiers(event: &Event) -> Vec<String> {
    let show = |id: &wend::domain::identity::Identifier| match id.kind {
        IdentifierKind::Email => format!("email {}", id.value),
        kind => format!("{} {}:{}", kind.as_str(), id.source, id.value),
    };
    event.identifiers.iter().map(show).collect()
}

pub fn shown(events: &[Event]) -> String {
    serde_json::to_string_pretty(events).unwrap()
}
