//! What a webhook costs before anything is stored: `cargo bench --profile host --bench sources`. Verified, parsed and mapped as by
//! the Worker, which is built for size and takes twice as long: without the profile that is what is measured.
//!
//! The targets are 150 µs for an order of Shopify as most are (11 KB), and 10 ms for one of a thousand lines, which no shop
//! should ever send.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use base64::Engine as _;
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hint::black_box;
use wend::domain::money::Currency;
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::signing::{BASE64, Secrets, hmac_sha256};
use wend::sources::{Keys, Proof, Reading, SourceKind, Unverified};

const SECRET: &str = "shpss_bench";
const LINES: usize = 1_000;

struct Delivery {
    headers: Headers,
    body: Vec<u8>,
}

impl Delivery {
    fn new(topic: &str, body: Vec<u8>) -> Self {
        let signature = BASE64.encode(hmac_sha256(SECRET.as_bytes(), &[&body]));
        let headers = Headers::new()
            .with("x-shopify-topic", topic)
            .with("x-shopify-webhook-id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
            .with("x-shopify-hmac-sha256", &signature);
        Self { headers, body }
    }

    fn reading(&self, secrets: &BTreeMap<String, Secrets>, now: Timestamp, currency: Currency) -> Reading {
        let keys = Keys {
            secrets,
            fetched: None,
            now,
        };
        let source = SourceKind::Shopify;
        let delivery = Unverified::new(&self.headers, &self.body);
        let Ok(Proof::Genuine(verified)) = source.verify(delivery, &keys) else {
            panic!("the delivery is genuine");
        };
        source.read(&verified, now, Some(currency)).unwrap()
    }
}

fn fixture() -> Vec<u8> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sources/shopify/orders_create.json"
    );
    std::fs::read(path).unwrap()
}

/// The same order with its lines over and over.
fn long() -> Vec<u8> {
    let mut order: Value = serde_json::from_slice(&fixture()).unwrap();
    let lines = order.get("line_items").and_then(Value::as_array).unwrap();
    let many: Vec<Value> = lines.iter().cycle().take(LINES).cloned().collect();
    order
        .as_object_mut()
        .unwrap()
        .insert("line_items".to_owned(), many.into());
    order.to_string().into_bytes()
}

fn sources(criterion: &mut Criterion) {
    let secrets = BTreeMap::from([("SHOPIFY_WEBHOOK_SECRET".to_owned(), Secrets::new(SECRET))]);
    let now = Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
    let currency = Currency::parse("EUR").unwrap();
    for (what, topic, body) in [
        ("an order of Shopify", "orders/create", fixture()),
        ("an order of 1,000 lines", "orders/create", long()),
        // It has not ended, so nothing comes of it.
        ("a change of an order of 1,000 lines", "orders/updated", long()),
    ] {
        let delivery = Delivery::new(topic, body);
        let reading = delivery.reading(&secrets, now, currency);
        assert_eq!(matches!(reading, Reading::Events(_)), topic == "orders/create");
        let what = format!("{what}, {} KB", delivery.body.len() >> 10);
        criterion.bench_function(&what, |bencher| {
            bencher.iter(|| black_box(delivery.reading(&secrets, now, currency)));
        });
    }
}

criterion_group!(benches, sources);
criterion_main!(benches);
