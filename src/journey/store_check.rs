//! `store.yaml` read and checked: what serde finds, and what types alone cannot say.
//!
//! Called by `check`; the Worker gets the outcome.

use super::best_sellers_check;
use super::feed_check;
use super::finding::{Finding, Place, hint, nearest};
use super::project::STORE;
use super::question_check;
use super::store_file::{CODE, Retention, StoreFile};
use super::tracking::{PLACEHOLDERS, Utm, UtmTags};
use super::yaml::{self, Fields, Node, Reader, Value};
use crate::domain::civil::Zone;
use crate::domain::event::EventKind;
use crate::domain::message::Lane;
use crate::domain::time::Delay;
use std::collections::BTreeMap;

/// Reads `store.yaml`.
///
/// # Errors
/// Everything wrong with it that could be found.
pub fn parse(text: &str) -> Result<StoreFile, Vec<Finding>> {
    let root = yaml::read(STORE, text).map_err(|finding| vec![finding])?;
    let store: StoreFile = serde_saphyr::from_str(text).map_err(|error| vec![said(&error)])?;
    let mut reader = Reader::new(STORE);
    if let Some(fields) = reader.map(&root, "a map with `brand`, `sender` and the rest") {
        values(&mut reader, &fields, &store);
    }
    if reader.findings.is_empty() {
        Ok(store)
    } else {
        Err(reader.findings)
    }
}

fn said(error: &serde_saphyr::Error) -> Finding {
    use serde_saphyr::Error::{SerdeMissingField, SerdeUnknownField, SerdeUnknownVariant};
    let place = error.location().map_or(Place::START, Place::from);
    let plain = error.without_snippet();
    let message = match plain {
        SerdeUnknownField { field, expected, .. } => {
            format!("unknown field `{field}`{}", hint(field, expected))
        }
        SerdeUnknownVariant {
            variant, expected, ..
        } => {
            format!("`{variant}` is not valid here{}", hint(variant, expected))
        }
        SerdeMissingField { field, .. } => format!("`{field}:` is missing"),
        other => {
            let text = other.to_string();
            text.rsplit_once(" at line ")
                .map_or(text.clone(), |(said, _)| said.to_owned())
        }
    };
    Finding::at(STORE, place, message)
}

fn values(reader: &mut Reader<'_>, fields: &Fields<'_>, store: &StoreFile) {
    if let Some(node) = fields.get("timezone") {
        zone(reader, node, &store.timezone);
    }
    if let Some(node) = fields.get("locale") {
        let plain = store.locale.split('-').all(|part| (1..=8).contains(&part.len()));
        if !plain
            || !store
                .locale
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-')
        {
            reader.expected(node, "a language tag such as `en` or `en-GB`");
        }
    }
    brand(reader, fields, store);
    if let Some(node) = fields.get("webhooks") {
        webhooks(reader, node, store);
    }
    if let (Some(node), Some(referral)) = (fields.get("referral"), &store.referral) {
        referral_link(reader, node, &referral.link);
    }
    if let (Some(node), Utm::On(tags)) = (fields.get("utm"), &store.utm) {
        utm(reader, node, tags);
    }
    if let Some(node) = fields.get("topics") {
        topics(reader, node, store);
    }
    if let Some(node) = fields.get("questions") {
        question_check::questions(reader, node, store);
    }
    if let Some(node) = fields.get("gifts") {
        question_check::gifts(reader, node, store);
    }
    if let Some(node) = fields.get("best_sellers") {
        best_sellers_check::check(reader, node, store);
    }
    if let Some(node) = fields.get("less_often") {
        less_often(reader, node, store);
    }
    if let Some(node) = fields.get("caps") {
        caps(reader, node, store);
    }
    if let (Some(node), Some(warm_up)) = (fields.get("warm_up"), &store.warm_up)
        && warm_up.start == 0
    {
        reader.report(
            node.place,
            "a warm-up of 0 would hold all marketing for ever; without `warm_up:` there is no limit",
        );
    }
    if let Some(node) = fields.get("retention") {
        retention(reader, node, store);
    }
    if let Some(node) = fields.get("catalogue") {
        feed_check::catalogue(reader, node, store);
    }
    if let Some(node) = fields.get("events") {
        for node in reader.nodes(node, "a list of names") {
            let Some(name) = reader.text(node, "the name of an event") else {
                continue;
            };
            if !matches!(EventKind::from(name.to_owned()), EventKind::Custom(_)) {
                reader.report(
                    node.place,
                    format!("`{name}` is built in; only events of your own are declared here"),
                );
            }
        }
    }
}

fn brand(reader: &mut Reader<'_>, fields: &Fields<'_>, store: &StoreFile) {
    if let Some(brand) = fields.get("brand").and_then(|node| reader.map(node, "a map")) {
        for (name, value) in [
            ("url", Some(&store.brand.url)),
            ("logo", store.brand.logo.as_ref()),
        ] {
            let secure = value.is_none_or(|url| url.starts_with("https://") && url.len() > "https://".len());
            if let Some(node) = brand.get(name).filter(|_| !secure) {
                reader.expected(node, "an address that starts with `https://`");
            }
        }
        if let Some(node) = brand
            .get("address")
            .filter(|_| store.brand.address.trim().is_empty())
        {
            reader.expected(
                node,
                "the postal address of the store, as `14 Harbour Lane, Leith EH6 6AA, United Kingdom`: the law asks for it in marketing mail",
            );
        }
        let color = &store.brand.color;
        let hex = color
            .strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()));
        if let Some(node) = brand.get("color").filter(|_| !hex) {
            reader.expected(node, "a colour such as \"#1f4d3a\", in quotes");
        }
    }
}

fn webhooks(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    for (webhook, node) in store.webhooks.iter().zip(nodes) {
        let loopback = ["http://127.0.0.1:", "http://localhost:"];
        let secure = webhook.url.starts_with("https://");
        if !secure && !loopback.iter().any(|start| webhook.url.starts_with(start)) {
            reader.report(node.place, "`url` must start with `https://`");
        }
        if !super::parse::is_plain_name(&webhook.name) {
            reader.report(node.place, "`name` has only lower-case letters, digits and `-`");
        }
    }
}

/// The code is the contact's only in the path or the query: a host name with it would be a shop of its own.
fn referral_link(reader: &mut Reader<'_>, node: &Node, link: &str) {
    let Some(fields) = reader.map(node, "a map with `link`") else {
        return;
    };
    let Some(node) = fields.get("link") else { return };
    let rest = link.strip_prefix("https://").unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let breaks = |c: char| c.is_control() || c.is_whitespace() || "\"'<>`\\{}".contains(c);
    let once = path.matches(CODE).count() == 1;
    if host.is_empty() || !once || host.contains(breaks) || path.replace(CODE, "").contains(breaks) {
        let wanted = "an address that starts with `https://` and holds `{code}` once behind the shop's name, as \"https://shop.example/?ref={code}\"";
        reader.expected(node, wanted);
    }
}

fn utm(reader: &mut Reader<'_>, node: &Node, tags: &UtmTags) {
    // `true` has no fields.
    let Value::Map(_) = &node.value else { return };
    let Some(fields) = reader.map(node, "a map") else {
        return;
    };
    for (tag, value) in tags.each() {
        let Some(node) = fields.get(tag.trim_start_matches("utm_")) else {
            continue;
        };
        let names = PLACEHOLDERS;
        let plain = names
            .iter()
            .fold(value.to_owned(), |text, name| text.replace(name, ""));
        if plain.contains(['{', '}']) || plain.chars().any(char::is_control) {
            reader.expected(
                node,
                "a text in which only `{journey}`, `{step}` and `{email}` stand in braces",
            );
        }
    }
    let Some(node) = fields.get("sites") else { return };
    for (site, node) in tags.sites.iter().zip(reader.nodes(node, "a list of hosts")) {
        if !site.contains('.') || site.contains(|c: char| c.is_whitespace() || "/:?#@".contains(c)) {
            reader.expected(node, "a host such as `shop.example`, without `https://`");
        }
    }
}

fn less_often(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    if store.less_often == 0 {
        let message = "no mail at all is what unsubscribing is for; `less_often` is at least 1 mail a week";
        reader.report(node.place, message);
    }
}

/// A topic is named once, by a plain name, and translated into languages.
fn topics(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    for (number, (topic, node)) in store.topics.iter().zip(nodes).enumerate() {
        if !super::parse::is_plain_name(topic.id.as_str()) {
            reader.report(node.place, "`id` has only lower-case letters, digits and `-`");
        }
        let mut earlier = store.topics.iter().take(number);
        if earlier.any(|other| other.id == topic.id) {
            reader.report(node.place, format!("the topic `{}` is listed twice", topic.id));
        }
        let titles = topic.translations.values().map(|text| &text.title);
        if titles.chain([&topic.title]).any(|title| title.trim().is_empty()) {
            reader.report(
                node.place,
                "`title` is what people read beside the box: it cannot be empty",
            );
        }
        for tag in topic
            .translations
            .keys()
            .filter(|tag| !super::check::is_language(tag))
        {
            reader.report(
                node.place,
                format!("`{tag}` is not a language, as `de` or `pt-BR`"),
            );
        }
    }
}

/// No mails at all is not a cap, and no cap is an empty list: the two must not look alike.
fn caps(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    for (cap, node) in store.caps.iter().zip(nodes) {
        if cap.mails == 0 {
            reader.report(
                node.place,
                "a cap of 0 would hold all marketing for ever; `caps: []` is no cap at all",
            );
        }
        if cap.except.contains(&Lane::Transactional) {
            reader.report(
                node.place,
                "caps never hold transactional mail: leave it out of `except`",
            );
        }
    }
}

fn retention(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Some(fields) = reader.map(node, "a map with `events`, `orders` or `messages`") else {
        return;
    };
    let (own, longest) = (&store.retention, Retention::LONGEST);
    for (name, kept, most) in [
        ("events", own.events, longest.events),
        ("orders", own.orders, longest.orders),
        ("messages", own.messages, longest.messages),
    ] {
        let shortest = Retention::SHORTEST;
        if let Some(node) = fields.get(name).filter(|_| kept < shortest || kept > most) {
            reader.expected(node, &format!("a length of time from `{shortest}` to `{most}`"));
        }
    }
}

/// Events are counted by their rows: a condition that looks back further than they are kept would see none.
pub fn kept_too_short(store: Option<&StoreFile>, counted: &BTreeMap<EventKind, u16>) -> Option<Finding> {
    let kept = store?.retention.events;
    let (event, days) = counted.iter().max_by_key(|(_, days)| **days)?;
    let window = Delay::from_days(i64::from(*days));
    (window > kept).then(|| {
        let message = format!(
            "`retention: {{ events: {kept} }}` is shorter than the {window} over which a condition counts `{event}`"
        );
        Finding::whole(STORE, message)
    })
}

fn zone(reader: &mut Reader<'_>, node: &Node, name: &str) {
    if name.parse::<Zone>().is_ok() {
        return;
    }
    let near = nearest(name, Zone::names());
    let near = near.map_or_else(
        || ", for example `Europe/Warsaw`".to_owned(),
        |near| format!("; did you mean `{near}`?"),
    );
    reader.report(node.place, format!("`{name}` is not a time zone{near}"));
}
