//! A timeline as text: one line a thing, in columns, with colour where a terminal shows it.

use super::timeline::{Entry, Verb};
use crate::domain::time::Timestamp;

const DOMAIN: &str = "@example.com";
const RESET: &str = "\u{1b}[0m";

/// The whole timeline with its head line. `start` is what elapsed time counts from.
pub fn timeline(entries: &[Entry], start: Timestamp, colour: bool) -> String {
    let names = entries.iter().map(|entry| name(entry).chars().count());
    let width = names.max().unwrap_or(0).max("contact".len());
    let mut text = format!(
        "{:<10} {:<16} {:<16} {:<width$} what\n",
        "elapsed", "UTC", "local", "contact"
    );
    for entry in entries {
        let line = format!(
            "{:<10} {:<16} {:<16} {:<width$} {} {}",
            format!("+{}", entry.at.since(start)),
            entry.at.to_chrono().format("%Y-%m-%d %H:%M"),
            local(entry),
            name(entry),
            painted(entry.verb, colour),
            what(entry),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn name(entry: &Entry) -> &str {
    entry.who.strip_suffix(DOMAIN).unwrap_or(&entry.who)
}

fn local(entry: &Entry) -> String {
    entry.zone.map_or_else(
        || "-".to_owned(),
        |zone| zone.local(entry.at).format("%a %-d %b %H:%M").to_string(),
    )
}

/// `welcome-story (welcome) until Tue 3 Mar 08:00: it waits for …`
fn what(entry: &Entry) -> String {
    let journey = entry.journey.as_ref().map(ToString::to_string);
    let subject = match (&entry.step, journey) {
        (Some(step), Some(journey)) => format!("{step} ({journey})"),
        (None, Some(journey)) => journey,
        (Some(step), None) => step.to_string(),
        (None, None) => String::new(),
    };
    let colon = match entry.verb {
        Verb::Dropped | Verb::Ended | Verb::Trouble => ": ",
        Verb::Started | Verb::Sent | Verb::Held | Verb::Waits | Verb::Note => " ",
    };
    if subject.is_empty() || entry.text.is_empty() {
        format!("{subject}{}", entry.text)
    } else {
        format!("{subject}{colon}{}", entry.text)
    }
}

fn painted(verb: Verb, colour: bool) -> String {
    let word = format!("{:<8}", verb.as_str());
    if !colour {
        return word;
    }
    let code = match verb {
        Verb::Started => "36",
        Verb::Sent => "32",
        Verb::Dropped | Verb::Trouble => "31",
        Verb::Held => "33",
        Verb::Waits => "2",
        Verb::Ended => "34",
        Verb::Note => "35",
    };
    format!("\u{1b}[{code}m{word}{RESET}")
}
