//! Which of the shipped journeys a source's webhooks can start: the second table of docs/sources.md, which `table.rs` writes and
//! compares. Of the samples' events and of `journeys/` as the build read it, drafts among them; nothing is listed by hand.

use super::*;
use std::collections::BTreeSet;
use std::fmt::Write;
use wend::domain::event::EventKind;
use wend::journey::definition::{Journey, Key, Moment, Status};
use wend::journey::step::{StepKind, Target, Wait};

/// What the samples of a source come to.
type Told = Vec<Event>;

fn told() -> BTreeMap<SourceKind, Told> {
    let mut told: BTreeMap<SourceKind, Told> = BTreeMap::new();
    for sample in samples::all() {
        let source = sample.delivery.source;
        told.entry(source).or_default().extend(sample.events());
    }
    told
}

fn tells(told: &[Event], kind: &EventKind) -> bool {
    told.iter().any(|event| event.kind == *kind)
}

fn tells_consent(told: &[Event]) -> bool {
    told.iter().any(|event| event.consent.is_some())
}

/// Whether only an event by which somebody asks for marketing starts it.
fn asks_consent(journey: &Journey) -> bool {
    let when = journey.trigger.when.as_ref();
    when.is_some_and(|condition| condition.0.contains("event.asks_consent"))
}

/// Whether the event is among the triggers, names what the journey is about, and tells the consent that it asks for. Every
/// source reads a product's id; that the samples' lines often have none says nothing of the shops.
fn starts(journey: &Journey, event: &Event) -> bool {
    let data = &event.data;
    let names_its_key = match journey.trigger.key {
        Key::Contact | Key::Product => true,
        Key::Checkout => data.checkout_id.is_some(),
        Key::Order => data.order_id.is_some(),
    };
    let says_enough = event.consent.is_some() || !asks_consent(journey);
    names_its_key && says_enough && journey.trigger.on.contains(&event.kind)
}

fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<T> = names.into_iter().collect();
    names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

fn code(name: &impl std::fmt::Display) -> String {
    format!("`{name}`")
}

fn name(journey: &Journey) -> String {
    let id = code(&journey.id);
    if journey.status == Status::Active {
        format!("**{id}**")
    } else {
        id
    }
}

/// The events that end the journey by not coming, if it waits for them: without them its later mails are never sent.
fn needed(journey: &Journey) -> impl Iterator<Item = &EventKind> {
    journey.steps.iter().filter_map(|step| {
        let StepKind::Wait(Wait::Event {
            on,
            otherwise: Target::Leave,
            ..
        }) = &step.kind
        else {
            return None;
        };
        Some(on)
    })
}

/// How a source that tells these events can drive the journey, if it can.
fn driven(journey: &Journey, told: &[Event], by_any: &[Event]) -> Option<String> {
    told.iter().find(|event| starts(journey, event))?;
    let missed = needed(journey).find(|kind| tells(by_any, kind) && !tells(told, kind));
    Some(match missed {
        Some(kind) => format!("{} up to its wait for {}", name(journey), code(&kind.as_str())),
        None => name(journey),
    })
}

/// What starts a journey that no shop's webhook starts.
fn otherwise(journey: &Journey) -> (&'static str, String) {
    let trigger = &journey.trigger;
    match &trigger.moment {
        Some(Moment::Date { of, .. }) => {
            return (
                "Dates of the contact",
                format!("{} ({})", name(journey), code(of)),
            );
        }
        Some(Moment::Schedule(_)) => return ("Dates of the calendar", name(journey)),
        None => {}
    }
    if !trigger.segments.is_empty() {
        let segments = trigger.segments.iter().map(|border| code(&border.segment));
        return (
            "Borders of segments",
            format!("{} ({})", name(journey), listed(segments)),
        );
    }
    let events: Vec<String> = trigger.on.iter().map(|kind| code(&kind.as_str())).collect();
    let events = listed(events);
    (
        "Events of other origin (the [shop's pages](segment-api.md), the [catalogue](catalogue.md), our mails and pages, your own)",
        format!("{} ({events})", name(journey)),
    )
}

/// Which sources never say whether somebody wants marketing.
fn silent(told: &BTreeMap<SourceKind, Told>) -> String {
    let silent = told.iter().filter(|(_, told)| !tells_consent(told));
    listed(silent.map(|(source, _)| code(source)))
}

/// The table, and what it leaves out.
pub fn table() -> String {
    let catalog = wend::generated::with_drafts().unwrap();
    let told = told();
    let by_any: Told = told.values().flatten().cloned().collect();
    let mut driven_by: BTreeMap<SourceKind, Vec<String>> = BTreeMap::new();
    let mut others: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for journey in &catalog.journeys {
        if !by_any.iter().any(|event| starts(journey, event)) {
            let (by, label) = otherwise(journey);
            others.entry(by).or_default().push(label);
        }
        for (source, told) in &told {
            driven_by
                .entry(*source)
                .or_default()
                .extend(driven(journey, told, &by_any));
        }
    }
    let common = |label: &String| driven_by.values().all(|labels| labels.contains(label));
    let shared: Vec<&String> = driven_by
        .values()
        .flatten()
        .filter(|label| common(label))
        .collect();
    let shared: BTreeSet<&String> = shared.into_iter().collect();
    let mut rows: Vec<(Vec<String>, Vec<&String>)> = Vec::new();
    for (source, labels) in &driven_by {
        let own: Vec<&String> = labels.iter().filter(|label| !common(label)).collect();
        match rows.iter_mut().find(|(_, labels)| *labels == own) {
            Some((sources, _)) => sources.push(code(source)),
            None => rows.push((vec![code(source)], own)),
        }
    }
    let mut text = String::from("| source | can start |\n|---|---|\n");
    writeln!(text, "| each of them | {} |", listed(shared)).unwrap();
    for (sources, labels) in rows {
        writeln!(text, "| {} | {} |", listed(sources), listed(labels)).unwrap();
    }
    writeln!(
        text,
        "\nNever tell a consent: {}. Under `region: strict`, as the store is shipped, no marketing mail of these\n\
         journeys goes to people known by these alone, until their consent comes from elsewhere: the preferences page,\n\
         [your own events](#your-own-events), [`/v1`](segment-api.md) or an [import](import.md).",
        silent(&told)
    )
    .unwrap();
    text.push_str("\nThe others are started by none of these events:\n\n");
    for (by, labels) in others {
        writeln!(text, "- {by}: {}", listed(labels)).unwrap();
    }
    text
}
