//! Sources: signed deliveries in, events out. One module a storefront, plus what all have in common.
//!
//! Deliveries are signed here the way each storefront signs; that our verification agrees with theirs is shown by the
//! vectors in `signatures.rs`, which we did not compute.

mod bad_input;
mod events;
mod robustness;
mod shopify;
mod signatures;
mod unread;
mod woocommerce;

use base64::Engine as _;
use serde_json::Value;
use wend::domain::event::Event;
use wend::domain::identity::IdentifierKind;
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::signing::{BASE64, Secrets, hmac_sha256, standard_webhooks};
use wend::sources::{Error, Reading, SourceKind, Unverified};

pub const SHOPIFY_SECRET: &str = "shpss_test";
pub const WOOCOMMERCE_SECRET: &str = "wc-test";
pub const EVENTS_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// After everything in the fixtures.
pub fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap()
}

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

/// A delivery with the headers that its source sets.
pub struct Delivery {
    pub source: SourceKind,
    pub headers: Headers,
    pub body: Vec<u8>,
}

fn body_hmac(secret: &str, body: &[u8]) -> String {
    BASE64.encode(hmac_sha256(secret.as_bytes(), &[body]))
}

pub fn shopify(topic: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = Headers::new()
        .with("X-Shopify-Topic", topic)
        .with("X-Shopify-Hmac-Sha256", &body_hmac(SHOPIFY_SECRET, &body))
        .with("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
        .with("X-Shopify-Triggered-At", "2026-02-01T00:00:00.123456789Z");
    let source = SourceKind::Shopify;
    Delivery {
        source,
        headers,
        body,
    }
}

pub fn woocommerce(topic: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = Headers::new()
        .with("X-WC-Webhook-Topic", topic)
        .with("X-WC-Webhook-Signature", &body_hmac(WOOCOMMERCE_SECRET, &body))
        .with("X-WC-Webhook-Delivery-ID", "2f1d9a4e0b8c7766f5a0c3b2d1e4f907");
    let source = SourceKind::Woocommerce;
    Delivery {
        source,
        headers,
        body,
    }
}

pub fn our_events(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = standard_webhooks::sign(EVENTS_SECRET, "msg_1", now(), &body).unwrap();
    let source = SourceKind::Events;
    Delivery {
        source,
        headers,
        body,
    }
}

impl Delivery {
    pub fn secret(&self) -> &'static str {
        match self.source {
            SourceKind::Shopify => SHOPIFY_SECRET,
            SourceKind::Woocommerce => WOOCOMMERCE_SECRET,
            SourceKind::Events => EVENTS_SECRET,
        }
    }

    pub fn read_with(&self, secret: &str) -> Result<Reading, Error> {
        let unverified = Unverified::new(&self.headers, &self.body);
        self.source.read(unverified, &Secrets::new(secret), now())
    }

    pub fn read(&self) -> Result<Reading, Error> {
        self.read_with(self.secret())
    }

    pub fn events(&self) -> Vec<Event> {
        match self.read() {
            Ok(Reading::Events(events)) => events,
            other => panic!("no events but {other:?}"),
        }
    }

    /// The only event.
    pub fn event(&self) -> Event {
        let mut events = self.events();
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// The same delivery without one of its headers.
    pub fn without(mut self, name: &str) -> Self {
        self.headers = self.headers.iter().filter(|(held, _)| *held != name).collect();
        self
    }

    /// The same delivery with a header replaced.
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut delivery = self.without(name);
        delivery.headers.push(name, value);
        delivery
    }
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
