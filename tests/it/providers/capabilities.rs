//! Holds docs/providers.md to what the providers declare: `UPDATE_PROVIDERS=1 cargo test --test it capabilities` writes its
//! tables anew.

use super::over_http;
use std::fmt::Write;
use std::path::Path;
use wend::domain::message::Stream;
use wend::domain::time::Delay;
use wend::providers::account::Want;
use wend::providers::{Idempotency, ProviderKind};

const BEGIN: &str =
    "<!-- written by tests/it/providers/capabilities.rs from what the providers declare -->\n";
const END: &str = "<!-- until here -->\n";

fn yes(fact: bool) -> &'static str {
    if fact { "yes" } else { "no" }
}

fn idempotency(kind: ProviderKind) -> String {
    match kind.capabilities().idempotency {
        Idempotency::Keyed { .. } if kind.capabilities().local => "the message's own row".to_owned(),
        Idempotency::Keyed { window } => format!("a key, for {window}"),
        Idempotency::None => "none".to_owned(),
    }
}

fn tables() -> String {
    let mut text = String::from(
        "| `EMAIL_PROVIDER` | may carry | messages in a request | against doubles | adds its own unsubscribe | our id in its events | reaches people |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for kind in ProviderKind::ALL {
        let able = kind.capabilities();
        let streams: Vec<&str> = [Stream::Transactional, Stream::Marketing]
            .into_iter()
            .filter(|stream| kind.may_carry(*stream))
            .map(Stream::as_str)
            .collect();
        let batch = match able.batch_max {
            _ if able.local => "–".to_owned(),
            1 => "1".to_owned(),
            max => format!("1 to {max}"),
        };
        writeln!(
            text,
            "| `{}` | {} | {batch} | {} | {} | {} | {} |",
            kind.as_str(),
            streams.join(", "),
            idempotency(kind),
            yes(able.own_unsubscribe),
            yes(able.metadata),
            yes(able.reaches_people),
        )
        .unwrap();
    }
    text.push_str("\n## What you can rely on\n\n");
    for kind in ProviderKind::ALL {
        writeln!(
            text,
            "- **{}**: {}.",
            kind.as_str(),
            kind.capabilities().guarantee
        )
        .unwrap();
    }
    text.push_str("\n## Settings\n\n| provider | setting | what | |\n|---|---|---|---|\n");
    for kind in over_http() {
        for setting in kind.settings() {
            let need = match setting.want {
                Want::Url("") | Want::OptionalText => "may be set".to_owned(),
                Want::Url(default) => format!("else `{default}`"),
                Want::Secret => "must be set; secret".to_owned(),
                Want::OptionalSecret => "may be set; secret".to_owned(),
                Want::Text => "must be set".to_owned(),
                Want::Proof => "for its events".to_owned(),
            };
            writeln!(
                text,
                "| `{}` | `{}` | {} | {need} |",
                kind.as_str(),
                setting.name,
                setting.what
            )
            .unwrap();
        }
    }
    text.push_str(&events());
    text
}

/// How each provider's events are proven, and what to do there.
fn events() -> String {
    let mut text = String::from(
        "\n## Events\n\n| provider | its webhooks post to | proven by | setting |\n|---|---|---|---|\n",
    );
    let tellers = || ProviderKind::ALL.into_iter().filter_map(ProviderKind::events);
    for events in tellers() {
        let token = if events.setting == "HOOK_TOKEN" {
            "/<token>"
        } else {
            ""
        };
        writeln!(
            text,
            "| `{name}` | `/delivery/{name}{token}` | {} | `{}` |",
            events.proof,
            events.setting,
            name = events.provider
        )
        .unwrap();
    }
    text.push_str("\nAt the provider:\n\n");
    for events in tellers() {
        writeln!(text, "- **{}**: {}.", events.provider, events.set_up).unwrap();
    }
    text
}

#[test]
fn the_docs_say_what_the_providers_declare() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md");
    let held = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = held.split_once(BEGIN).unwrap();
    let (tables_held, after) = rest.split_once(END).unwrap();
    let wanted = format!("\n{}\n", tables());
    if std::env::var_os("UPDATE_PROVIDERS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert!(
        tables_held == wanted,
        "UPDATE_PROVIDERS=1 writes docs/providers.md anew"
    );
}

#[test]
fn every_secret_is_in_the_example_of_settings() {
    let example = include_str!("../../../.dev.vars.example");
    for kind in over_http() {
        for setting in kind.settings().iter().filter(|setting| setting.must_be_set()) {
            assert!(example.contains(setting.name), "{}", setting.name);
        }
    }
}

#[test]
fn the_example_of_settings_names_every_proof() {
    let example = include_str!("../../../.dev.vars.example");
    for events in ProviderKind::ALL.into_iter().filter_map(ProviderKind::events) {
        assert!(example.contains(events.setting), "{}", events.setting);
    }
}

#[test]
fn what_is_declared_holds_together() {
    for kind in ProviderKind::ALL {
        let able = kind.capabilities();
        if let Some(events) = kind.events() {
            let own = kind
                .settings()
                .iter()
                .any(|setting| setting.name == events.setting);
            assert!(own || events.setting == "HOOK_TOKEN", "{kind:?}");
            assert_eq!(events.provider, kind.as_str());
        }
        // Whoever reaches people tells what became of the mail.
        assert_eq!(kind.events().is_some(), able.reaches_people, "{kind:?}");
        assert!(
            able.batch_max >= 1 && kind.may_carry(Stream::Transactional),
            "{kind:?}"
        );
        assert_eq!(able.local, kind.settings().is_empty(), "{kind:?}");
        assert!(!able.local || !able.reaches_people, "{kind:?}");
        // A setting is found by its provider's name.
        let prefix = kind.as_str().to_ascii_uppercase();
        assert!(
            kind.settings()
                .iter()
                .all(|setting| setting.name.starts_with(&prefix)),
            "{kind:?}"
        );
    }
    let carriers = over_http().filter(|kind| !kind.may_carry(Stream::Marketing));
    assert_eq!(carriers.collect::<Vec<_>>(), [ProviderKind::CloudflareEmail]);
    let window = |minutes| Idempotency::Keyed {
        window: Delay::from_minutes(minutes),
    };
    assert_eq!(ProviderKind::Resend.capabilities().idempotency, window(24 * 60));
    assert_eq!(ProviderKind::Brevo.capabilities().idempotency, window(15));
}
