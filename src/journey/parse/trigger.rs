//! What starts a journey and what ends it early: events, or the border of a segment.

use super::{KEYS, MATCHES, Places, REFRESHES, Subject, condition, optional};
use crate::domain::event::EventKind;
use crate::domain::ids::SegmentName;
use crate::journey::definition::{Border, ExitRule, Key, Match, Refresh, Trigger};
use crate::journey::segment::Crossing;
use crate::journey::yaml::{Fields, Node, Reader, Value};

const FIELDS: [&str; 7] = ["on", "enters", "leaves", "key", "refresh", "when", "backfill"];
const YES_NO: [(&str, bool); 2] = [("true", true), ("false", false)];

pub(super) fn trigger(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Trigger {
    let mut trigger = Trigger {
        on: Vec::new(),
        key: Key::Contact,
        refresh: Refresh::None,
        when: None,
        segments: Vec::new(),
        backfill: false,
    };
    let Some(fields) = reader
        .required(
            journey,
            "trigger",
            "what starts it, as `trigger: {on: Signed Up, key: contact}`",
        )
        .and_then(|node| reader.fields(node, "a map", &FIELDS))
    else {
        return trigger;
    };
    trigger.segments = borders(reader, &fields, |number, node| {
        places.note(Subject::TriggerSegment(number), node);
    });
    let crossing = Crossing::ALL
        .into_iter()
        .find(|crossing| fields.get(crossing.as_str()).is_some());
    match (crossing, fields.get("on")) {
        (Some(crossing), Some(node)) => reader.report(
            node.place,
            format!(
                "a journey starts by events or by a segment: leave out `on:` or `{}:`",
                crossing.as_str()
            ),
        ),
        (Some(_), None) => {}
        (None, _) => events(reader, places, &fields, &mut trigger),
    }
    if let Some(node) = reader.required(&fields, "key", "`contact`, `checkout_id` or `order_id`")
        && let Some(key) = reader.choice(node, &KEYS)
    {
        places.note(Subject::Key, node);
        trigger.key = key;
    }
    if let Some(node) = fields.get("refresh") {
        places.note(Subject::Refresh, node);
    }
    trigger.refresh = optional(reader, &fields, "refresh", &REFRESHES).unwrap_or(Refresh::None);
    trigger.when = condition(reader, places, &fields, Subject::TriggerWhen);
    if let Some(node) = fields.get("backfill") {
        places.note(Subject::Backfill, node);
        trigger.backfill = reader.choice(node, &YES_NO).unwrap_or(false);
    }
    trigger
}

fn events(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>, trigger: &mut Trigger) {
    let Some(node) = reader.required(fields, "on", "the events that start it, as `on: [Signed Up]`") else {
        return;
    };
    for event in reader.nodes(node, "one event or a list of events") {
        if let Some(name) = reader.text(event, "the name of an event") {
            places.note(Subject::TriggerEvent(trigger.on.len()), event);
            trigger.on.push(EventKind::from(name.to_owned()));
        }
    }
}

/// `enters:` and `leaves:`, each with one segment or a list.
fn borders(reader: &mut Reader<'_>, fields: &Fields<'_>, mut note: impl FnMut(usize, &Node)) -> Vec<Border> {
    let mut borders = Vec::new();
    for crossing in Crossing::ALL {
        let Some(node) = fields.get(crossing.as_str()) else {
            continue;
        };
        for name in reader.nodes(node, "one segment or a list of segments") {
            let text = reader.text(name, "the name of a segment");
            if let Some(segment) = text.and_then(|text| SegmentName::parse(text).ok()) {
                note(borders.len(), name);
                borders.push(Border { crossing, segment });
            }
        }
    }
    borders
}

/// Rules about events, and rules about segments.
pub(super) fn exits(
    reader: &mut Reader<'_>,
    places: &mut Places,
    journey: &Fields<'_>,
) -> (Vec<ExitRule>, Vec<Border>) {
    let (mut rules, mut all) = (Vec::new(), Vec::new());
    let Some(node) = journey.get("exit") else {
        return (rules, all);
    };
    let Value::List(nodes) = &node.value else {
        reader.expected(node, "a list of rules, as `- on: Order Completed`");
        return (rules, all);
    };
    for node in nodes {
        let about_segment = matches!(&node.value, Value::Map(entries)
            if entries.iter().any(|(key, _)| Crossing::ALL.iter().any(|crossing| crossing.as_str() == key.name)));
        if about_segment {
            if let Some(fields) = reader.fields(node, "a rule about a segment", &["enters", "leaves"]) {
                let before = all.len();
                all.extend(borders(reader, &fields, |number, node| {
                    places.note(Subject::ExitSegment(before + number), node);
                }));
            }
        } else {
            rules.extend(exit_rule(reader, places, node, rules.len()));
        }
    }
    (rules, all)
}

fn exit_rule(reader: &mut Reader<'_>, places: &mut Places, node: &Node, number: usize) -> Option<ExitRule> {
    let fields = reader.fields(node, "a rule", &["on", "match", "when"])?;
    let matching = fields.get("match").map(|node| {
        places.note(Subject::ExitMatch(number), node);
        reader.choice(node, &MATCHES).unwrap_or(Match::Contact)
    });
    let when = condition(reader, places, &fields, Subject::ExitWhen(number));
    let event = reader.required(&fields, "on", "the event that ends it, as `on: Order Completed`")?;
    let name = reader.text(event, "the name of one event; write one rule for each")?;
    places.note(Subject::ExitEvent(number), event);
    Some(ExitRule {
        on: EventKind::from(name.to_owned()),
        matching: matching.unwrap_or(Match::Contact),
        when,
    })
}
