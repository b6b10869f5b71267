//! Holds docs/sources.md to what the sources do: `UPDATE_SOURCES=1 cargo test --test it sources::table` writes its tables
//! anew, of what the samples come to.

use super::*;
use std::fmt::Write;
use std::path::Path;
use wend::domain::identity::Identifier;

const BEGIN: &str = "<!-- written by tests/it/sources/table.rs from what the sources do -->\n";
const JOURNEYS: &str = "\
Which of the shipped [journeys](journeys.md) the events above can start. Those in bold run as shipped, the others once their line
`status: draft` is deleted. `double-opt-in` stands only where a source tells a consent; the `when:` of a journey may ask for more.
[Your own events](#your-own-events) can start all that a shop's can, and those below that need an event of yours.

";
const END: &str = "<!-- until here -->\n";

fn sources() -> String {
    let mut text = String::from("| source | address | setting | proven by |\n|---|---|---|---|\n");
    for source in SourceKind::ALL {
        let token = if source.has_token() { "/<token>" } else { "" };
        let settings: Vec<String> = source.settings().iter().map(|name| format!("`{name}`")).collect();
        let fetch = source
            .fetch_setting()
            .map(|name| format!(", and `{name}` to fetch with"));
        writeln!(
            text,
            "| `{source}` | `/hooks/{source}{token}` | {}{} | {} |",
            settings.join(" or "),
            fetch.unwrap_or_default(),
            source.proof()
        )
        .unwrap();
    }
    text
}

/// What an event does, and by which identifiers it finds its person.
fn row(sample: &samples::Sample) -> String {
    let events = sample.events();
    let mut kinds = Vec::new();
    for event in &events {
        let carted = matches!(event.kind.as_str(), "Checkout Started" | "Checkout Updated");
        let emptied = carted
            && event.data.items.is_empty()
            && event.data.value.is_none_or(|value| value.amount.is_zero());
        kinds.push(format!(
            "`{}`{}",
            event.kind,
            if emptied { ", emptied" } else { "" }
        ));
    }
    let mut ids: Vec<&str> = events
        .iter()
        .flat_map(|event| event.identifiers.iter().map(|id: &Identifier| id.kind.as_str()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let topic = sample.topic.replace(", ", "`, `");
    let when = if sample.when.is_empty() { "" } else { sample.when };
    format!(
        "| `{}` | {} | {when} | {} | {} |",
        sample.delivery.source,
        if sample.topic == "a form" {
            "a form".to_owned()
        } else {
            format!("`{topic}`")
        },
        kinds.join(" and "),
        ids.join(", ")
    )
}

fn tables() -> String {
    let mut text = sources();
    text.push_str("\n## Topics\n\n| source | topic | when | event | identifiers |\n|---|---|---|---|---|\n");
    for sample in samples::all() {
        writeln!(text, "{}", row(&sample)).unwrap();
    }
    text.push_str("\n## Journeys\n\n");
    text.push_str(JOURNEYS);
    text.push_str(&driven::table());
    text
}

#[test]
fn the_docs_say_what_the_sources_do() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/sources.md");
    let held = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = held.split_once(BEGIN).unwrap();
    let (tables_held, after) = rest.split_once(END).unwrap();
    let wanted = format!("\n{}\n", tables());
    if std::env::var_os("UPDATE_SOURCES").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert!(
        tables_held == wanted,
        "UPDATE_SOURCES=1 writes docs/sources.md anew"
    );
}

#[test]
fn the_example_of_settings_names_every_setting_and_derives_every_token() {
    let example = include_str!("../../../.dev.vars.example");
    let value = |name: &str| {
        let line = example
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=\"")));
        line.and_then(|rest| rest.strip_suffix('"')).map(str::to_owned)
    };
    let secret = value(HOOK_TOKEN).unwrap();
    for source in SourceKind::ALL {
        let fetched = source.settings().iter().copied().chain(source.fetch_setting());
        for setting in fetched.chain(source.poll_settings().iter().copied()) {
            assert!(example.contains(setting), "{setting}");
        }
        if source.has_token() {
            let name = format!("{}_HOOK_TOKEN", source.as_str().to_uppercase());
            let derived = route_token::derive(&secret, &format!("hooks/{source}"));
            assert_eq!(value(&name), Some(derived), "{name}");
        }
    }
}
