//! Providers: requests as they go out, every class of answer, and what must never happen whatever comes in.

mod answers;
mod capabilities;
pub mod events;
mod every_answer;
mod every_request;
mod requests;

use wend::domain::time::Timestamp;
use wend::providers::account::{Account, Want};
use wend::providers::{Capabilities, ProviderKind};

/// Those that have an HTTP API.
fn over_http() -> impl Iterator<Item = ProviderKind> {
    ProviderKind::ALL
        .into_iter()
        .filter(|kind| !kind.capabilities().local)
}

/// An account in which every setting is there, with its own name for a value.
fn account(kind: ProviderKind) -> Account {
    Account::read(kind, |name| {
        let setting = kind.settings().iter().find(|setting| setting.name == name)?;
        match setting.want {
            Want::Url(_) => None,
            Want::Secret | Want::OptionalSecret | Want::Proof => Some(format!("secret-{name}")),
            Want::Text | Want::OptionalText => Some(name.to_ascii_lowercase()),
        }
    })
}

fn batches(capabilities: &Capabilities) -> bool {
    capabilities.batch_max > 1
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-01T22:00:00Z").unwrap()
}
