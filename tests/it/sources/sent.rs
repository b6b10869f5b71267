//! Deliveries as each storefront would send them, signed the way it signs. Used by the tests of sources and, as a file, by
//! fuzz/entries.rs.
//!
//! That our verification agrees with the storefronts' is shown by the vectors in `signatures.rs`, which we did not compute.

use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wend::domain::event::Event;
use wend::domain::money::Currency;
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::signing::asymmetric::BASE64_URL;
use wend::signing::{BASE64, Secrets, hmac_sha256, route_token, standard_webhooks};
use wend::sources::segment::{self, Endpoint, Heard, Rules};
use wend::sources::{Error, Keys, Proof, Reading, SourceKind, Unverified, Verified, WriteKeys};

pub const SHOPIFY_SECRET: &str = "shpss_test";
pub const WOOCOMMERCE_SECRET: &str = "wc-test";
pub const EVENTS_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// Shopify's topics that become events.
pub const SHOPIFY_EVENTS: [&str; 10] = [
    "customers/create",
    "customers/update",
    "customers_email_marketing_consent/update",
    "checkouts/create",
    "checkouts/update",
    "orders/create",
    "orders/paid",
    "orders/fulfilled",
    "orders/cancelled",
    "orders/updated",
];
/// Those that become something else.
pub const SHOPIFY_OTHERS: [&str; 6] = [
    "customers/redact",
    "customers/data_request",
    "shop/redact",
    "products/create",
    "products/update",
    "products/delete",
];

/// After everything in the fixtures.
pub fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap()
}

/// A delivery with the headers that its source sets.
pub struct Delivery {
    pub source: SourceKind,
    pub headers: Headers,
    pub body: Vec<u8>,
    /// What stands behind the source's name in the path.
    pub token: Option<String>,
}

pub fn body_hmac(secret: &str, body: &[u8]) -> String {
    BASE64.encode(hmac_sha256(secret.as_bytes(), &[body]))
}

/// A delivery as its source would send it.
fn sent(source: SourceKind, headers: Headers, body: Vec<u8>) -> Delivery {
    Delivery {
        source,
        headers,
        body,
        token: None,
    }
}

pub fn shopify(topic: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = Headers::new()
        .with("X-Shopify-Topic", topic)
        .with("X-Shopify-Hmac-Sha256", &body_hmac(SHOPIFY_SECRET, &body))
        .with("X-Shopify-Webhook-Id", "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043")
        .with("X-Shopify-Triggered-At", "2026-02-01T00:00:00.123456789Z");
    sent(SourceKind::Shopify, headers, body)
}

pub fn woocommerce(topic: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = Headers::new()
        .with("X-WC-Webhook-Topic", topic)
        .with("X-WC-Webhook-Signature", &body_hmac(WOOCOMMERCE_SECRET, &body))
        .with("X-WC-Webhook-Delivery-ID", "2f1d9a4e0b8c7766f5a0c3b2d1e4f907");
    sent(SourceKind::Woocommerce, headers, body)
}

pub fn our_events(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let headers = standard_webhooks::sign(EVENTS_SECRET, "msg_1", now(), &body).unwrap();
    sent(SourceKind::Events, headers, body)
}

pub const STRIPE_SECRET: &str = "whsec_test_secret";
pub const BIGCOMMERCE_SECRET: &str = "bc_client_secret_4f0c7d2ab9";
pub const ECWID_SECRET: &str = "ecwid_client_secret_abcde12345";
pub const SQUARESPACE_SECRET: &str = "8C1F3A5B7D9E0246810ACE13579BDF02";
pub const SALEOR_SECRET: &str = "saleor-secret";
pub const WIX_KEY: &str = "-----BEGIN PUBLIC KEY-----\nAQIDBAUG\n-----END PUBLIC KEY-----";
pub const HOOK_SECRET: &str = "hook-token-of-tests";

pub fn stripe(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let at = now().as_seconds().to_string();
    let mac = hex::encode(hmac_sha256(
        STRIPE_SECRET.as_bytes(),
        &[at.as_bytes(), b".", &body],
    ));
    let headers = Headers::new().with("Stripe-Signature", &format!("t={at},v0=00,v1={mac}"));
    sent(SourceKind::Stripe, headers, body)
}

pub fn medusa(body: impl Into<Vec<u8>>) -> Delivery {
    Delivery {
        source: SourceKind::Medusa,
        ..our_events(body)
    }
}

pub fn bigcommerce(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let at = now().as_seconds().to_string();
    let parts: [&[u8]; 4] = [b"evt_1.", at.as_bytes(), b".", &body];
    let mac = BASE64.encode(hmac_sha256(BIGCOMMERCE_SECRET.as_bytes(), &parts));
    let headers = Headers::new()
        .with("webhook-id", "evt_1")
        .with("webhook-timestamp", &at)
        .with("webhook-signature", &format!("v1,{mac}"));
    sent(SourceKind::Bigcommerce, headers, body)
}

/// Signed as far as Ecwid signs: the two fields.
pub fn ecwid(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let read: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| match &read[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let signed = format!("{}.{}", text("eventCreated"), text("eventId"));
    let headers = Headers::new().with(
        "X-Ecwid-Webhook-Signature",
        &body_hmac(ECWID_SECRET, signed.as_bytes()),
    );
    sent(SourceKind::Ecwid, headers, body)
}

pub fn squarespace(body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let mac = hmac_sha256(&hex::decode(SQUARESPACE_SECRET).unwrap(), &[&body]);
    let headers = Headers::new().with("Squarespace-Signature", &hex::encode(mac));
    sent(SourceKind::Squarespace, headers, body)
}

/// An event in its envelope, whose signature is taken to hold.
pub fn wix(event: &Value) -> Delivery {
    wix_with(
        event["eventType"].as_str().unwrap_or_default(),
        &event["data"].to_string(),
    )
}

/// As [`wix`], of a document that may be none.
pub fn wix_with(kind: &str, document: &str) -> Delivery {
    let envelope = json!({ "eventType": kind, "instanceId": "i", "data": document });
    let claims = json!({ "data": envelope.to_string(), "iat": 1_772_366_400, "exp": 1_780_000_000 });
    sent(
        SourceKind::Wix,
        Headers::new(),
        token(r#"{"alg":"RS256","kid":"k"}"#, &claims.to_string()),
    )
}

pub fn token(header: &str, claims: &str) -> Vec<u8> {
    let [header, claims, signature] = [header, claims, "sig"].map(|part| BASE64_URL.encode(part));
    format!("{header}.{claims}.{signature}").into_bytes()
}

pub fn saleor(topic: &str, body: impl Into<Vec<u8>>) -> Delivery {
    let body = body.into();
    let mac = hmac_sha256(SALEOR_SECRET.as_bytes(), &[&body]);
    let headers = Headers::new()
        .with("Saleor-Event", topic)
        .with("Saleor-Signature", &hex::encode(mac));
    sent(SourceKind::Saleor, headers, body)
}

/// A delivery to the address that holds the source's token.
fn by_token(source: SourceKind, body: Vec<u8>) -> Delivery {
    let token = route_token::derive(HOOK_SECRET, &format!("hooks/{source}"));
    Delivery {
        token: Some(token),
        ..sent(source, Headers::new(), body)
    }
}

pub fn insales(body: impl Into<Vec<u8>>) -> Delivery {
    by_token(SourceKind::Insales, body.into())
}

pub fn tilda(body: impl Into<Vec<u8>>) -> Delivery {
    by_token(SourceKind::Tilda, body.into())
}

/// The settings that prove a source's deliveries, each with this value.
pub fn settings(source: SourceKind, value: &str) -> BTreeMap<String, Secrets> {
    let names = source.settings().iter().map(|name| (*name).to_owned());
    names.map(|name| (name, Secrets::new(value))).collect()
}

impl Delivery {
    pub fn secret(&self) -> &'static str {
        match self.source {
            SourceKind::Shopify => SHOPIFY_SECRET,
            SourceKind::Woocommerce => WOOCOMMERCE_SECRET,
            SourceKind::Bigcommerce => BIGCOMMERCE_SECRET,
            SourceKind::Ecwid => ECWID_SECRET,
            SourceKind::Stripe => STRIPE_SECRET,
            SourceKind::Squarespace => SQUARESPACE_SECRET,
            SourceKind::Wix => WIX_KEY,
            SourceKind::Saleor => SALEOR_SECRET,
            SourceKind::Medusa | SourceKind::Events => EVENTS_SECRET,
            SourceKind::Insales | SourceKind::Tilda => HOOK_SECRET,
        }
    }

    /// Verifies it at a time. Asymmetric signatures are taken to hold; none of a ping.
    pub fn verified(&self, secret: &str, at: Timestamp) -> Result<Option<Verified<'_>>, Error> {
        let secrets = settings(self.source, secret);
        let keys = Keys {
            secrets: &secrets,
            fetched: None,
            now: at,
        };
        let delivery = Unverified::new(&self.headers, &self.body).at(self.token.as_deref());
        match self.source.verify(delivery, &keys)? {
            Proof::Genuine(verified) => Ok(Some(verified)),
            Proof::Pending(pending) => pending.settle(true).map(Some),
            Proof::NeedsKeys { url } => panic!("{url} is wanted"),
            Proof::Ping => Ok(None),
        }
    }

    pub fn read_with(&self, secret: &str) -> Result<Reading, Error> {
        let Some(verified) = self.verified(secret, now())? else {
            return Ok(Reading::Ping);
        };
        self.source.read(&verified, now(), Currency::parse("EUR").ok())
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

/// Write keys of the Segment-compatible API: of the store's server, and of its pages.
pub const TRUSTED: &str = "server-key";
pub const PUBLIC: &str = "page-key";
/// Where the store's pages are.
pub const PAGE: &str = "https://shop.example";

/// As Segment's libraries for servers send a write key.
pub fn keyed(headers: Headers, key: &str) -> Headers {
    headers.with(
        "Authorization",
        &format!("Basic {}", BASE64.encode(format!("{key}:"))),
    )
}

/// A request to `/v1/<call>`.
pub fn posted(call: &str, headers: &Headers, body: impl AsRef<[u8]>) -> Result<Vec<Heard>, segment::Error> {
    let (trusted, public) = (Secrets::new(TRUSTED), Secrets::new("old-page-key page-key"));
    let rules = Rules {
        keys: WriteKeys {
            trusted: &trusted,
            public: &public,
        },
        origins: &[PAGE.to_owned()],
        declared: &["Quiz Taken".to_owned(), "Page Viewed".to_owned()],
    };
    let endpoint = Endpoint::parse(call).unwrap();
    segment::read(endpoint, headers, body.as_ref(), rules, now())
}
