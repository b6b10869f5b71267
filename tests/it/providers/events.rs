//! Events of providers: posts as each provider proves them, what is told, and what is refused.
//!
//! Posts are proven here the way each provider does it; that our verification agrees with theirs is shown by `vectors.rs`,
//! which we did not compute. Of an asymmetric signature only those vectors ask whether it holds.

mod dashamail;
mod fixtures;
mod hostile;
mod proofs;
pub mod proven;
mod traps;
mod vectors;

use base64::Engine as _;
use serde_json::{Value, json};
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::providers::ProviderKind;
use wend::providers::account::Account;
use wend::providers::events::{Certificate, Error, Events, Genuine, Keys, Post, Report, Verified};
use wend::signing::{BASE64, Secrets, route_token};

use proven::*;

/// Those whose webhooks we take.
fn tellers() -> impl Iterator<Item = (ProviderKind, &'static Events)> {
    ProviderKind::ALL
        .into_iter()
        .filter_map(|kind| kind.events().map(|events| (kind, events)))
}

/// Shortly after everything in the fixtures.
fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-01-06T18:00:00Z").unwrap()
}

fn sent(kind: ProviderKind, body: &[u8]) -> Sent {
    sent_at(kind, body, now())
}

impl Sent {
    fn verified(&self) -> Result<Genuine<'_>, Error> {
        self.verified_with(&account(self.kind), HOOK_TOKEN, now())
    }

    fn report(&self) -> Result<Report, Error> {
        self.kind.events().unwrap().read(&self.verified()?, now())
    }
}

/// What a body tells that its provider sent.
fn told(kind: ProviderKind, body: &Value) -> Report {
    let sent = sent(kind, body.to_string().as_bytes());
    sent.report().unwrap_or_else(|error| panic!("{kind:?}: {error}"))
}

/// An SNS notification around an event of SES.
fn notification(event: &Value) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "n-1",
        "TopicArn": TOPIC,
        "Message": event.to_string(),
        "Timestamp": "2026-01-06T16:00:06.000Z",
        "SignatureVersion": "1",
        "Signature": "AAAA",
        "SigningCertURL": CERTIFICATE_URL,
    })
}
