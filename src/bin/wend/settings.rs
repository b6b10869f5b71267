//! `wend settings`: the settings as the Worker would read them, and what is wrong with them, as JSON. `npm run doctor`
//! calls it with the values in the environment. It prints no secret; the tokens of routes are derived from one.

use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::env;
use std::io::Write;
use std::process::ExitCode;
use wend::providers::ProviderKind;
use wend::providers::account::{Setting, Want};
use wend::settings::{Fault, Settings};
use wend::signing::route_token;
use wend::sources::{HOOK_TOKEN, SourceKind};

/// Stands for a secret whose value only Cloudflare knows: long enough for a key, and base64 for those that must be.
const SET: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

#[derive(Args)]
pub struct Asked {
    /// Secrets that are set, though their values are not here.
    #[arg(long, value_delimiter = ',')]
    named: Vec<String>,
    /// Take every secret to be set: nobody knows which are.
    #[arg(long)]
    assume: bool,
}

pub fn run(asked: &Asked) -> anyhow::Result<ExitCode> {
    let named: BTreeSet<&str> = asked.named.iter().map(String::as_str).collect();
    let value = |name: &str| {
        let is_set = named.contains(name) || (asked.assume && is_secret(name));
        env::var(name)
            .ok()
            .filter(|value| !value.trim().is_empty())
            .or_else(|| is_set.then(|| SET.to_owned()))
    };
    let sources: Vec<&'static str> = SourceKind::all_settings().collect();
    let settings = Settings::read(value, &sources);
    let catalog = wend::generated::catalog()?;
    let notify = catalog
        .notifies()
        .then(|| settings.notify_fault())
        .flatten()
        .filter(|_| !asked.assume);
    let faults = settings.faults.iter().chain(&notify).map(in_json);
    let mut faults: Vec<_> = faults.chain(deaf(&settings)).chain(blind(&settings)).collect();
    faults.extend(forgetful(&settings));
    let is_on = |kind: &SourceKind| kind.is_on(settings.source_secrets());
    let no_source = !SourceKind::ALL.iter().any(is_on) && settings.segment_write_key.is_empty();
    if no_source && !asked.assume {
        let proofs: BTreeSet<&str> = SourceKind::ALL
            .iter()
            .flat_map(|kind| kind.settings())
            .copied()
            .collect();
        let problem = format!(
            "and the other sources' are not set, so no storefront is heard: set one of {}",
            proofs.into_iter().collect::<Vec<_>>().join(", ")
        );
        faults.push(json!({ "setting": "SHOPIFY_WEBHOOK_SECRET", "problem": problem, "fatal": true }));
    }
    let told = json!({
        "sender": catalog.store.sender.from.as_str(),
        "providers": settings.providers.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "reaches_people": settings.providers.iter().any(|kind| kind.capabilities().reaches_people),
        "faults": faults,
        "routes": routes(),
    });
    writeln!(std::io::stdout().lock(), "{told}")?;
    Ok(ExitCode::SUCCESS)
}

fn in_json(fault: &Fault) -> serde_json::Value {
    json!({ "setting": fault.setting, "problem": fault.problem, "fatal": fault.fatal })
}

/// Providers that are used and whose events nobody could believe.
fn deaf(settings: &Settings) -> Vec<serde_json::Value> {
    let used = settings.providers.iter();
    let off = used.filter_map(|kind| {
        let events = kind.events()?;
        let is_on = events.is_on(settings.account(*kind), &settings.hook_token);
        let problem = format!(
            "is not set, so bounces and complaints of `{}` are not heard, and protection sees none (docs/providers.md, Events)",
            kind.as_str()
        );
        (!is_on).then(|| json!({ "setting": events.setting, "problem": problem, "fatal": false }))
    });
    off.collect()
}

/// Sources whose deliveries only name documents, and that cannot fetch them.
fn blind(settings: &Settings) -> impl Iterator<Item = serde_json::Value> {
    SourceKind::ALL.into_iter().filter_map(|kind| {
        let setting = kind.lacks_to_fetch(settings.source_secrets())?;
        let problem = format!("is not set, so what `{kind}` names cannot be fetched (docs/sources.md)");
        Some(json!({ "setting": setting, "problem": problem, "fatal": false }))
    })
}

/// Sources that are used and give lost webhooks up, and that cannot be asked for them.
fn forgetful(settings: &Settings) -> impl Iterator<Item = serde_json::Value> {
    SourceKind::ALL.into_iter().filter_map(|kind| {
        let setting = kind.lacks_to_poll(settings.source_secrets())?;
        let problem = format!(
            "is not set, so webhooks of `{kind}` that get lost stay lost (docs/sources.md, What gets lost, and how it comes back)"
        );
        Some(json!({ "setting": setting, "problem": problem, "fatal": false }))
    })
}

/// The routes whose address holds a token; none when `HOOK_TOKEN` has no value here.
fn routes() -> Option<Vec<String>> {
    let token = env::var(HOOK_TOKEN).ok()?;
    let newest = token.split_whitespace().next()?;
    let kinds = ProviderKind::ALL.into_iter();
    let unsigned = kinds.filter(|kind| kind.events().is_some_and(|events| events.setting == HOOK_TOKEN));
    let providers = unsigned.map(|kind| format!("delivery/{}", kind.as_str()));
    let sources = SourceKind::ALL.into_iter().filter(|kind| kind.has_token());
    Some(
        sources
            .map(|kind| format!("hooks/{kind}"))
            .chain(providers)
            .map(|route| format!("/{route}/{}", route_token::derive(newest, &route)))
            .collect(),
    )
}

fn is_secret(name: &str) -> bool {
    let of_provider = |setting: &Setting| match setting.want {
        Want::Secret | Want::OptionalSecret | Want::Proof => setting.name == name,
        Want::Url(_) | Want::Text | Want::OptionalText => false,
    };
    let mut kinds = ProviderKind::ALL.into_iter();
    matches!(name, "HASH_KEY" | "LINK_KEY" | "ADMIN_TOKEN")
        || SourceKind::all_settings().any(|setting| setting == name)
        || kinds.any(|kind| kind.settings().iter().any(of_provider))
}
