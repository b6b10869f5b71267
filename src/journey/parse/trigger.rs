//! What starts a journey and what ends it early: events, the border of a segment, a date, a schedule, somebody by hand.

use super::kinds::wait::offset;
use super::{Places, Subject, condition, optional};
use crate::domain::civil::{NaiveDate, Recurrence, Rule, TimeOfDay};
use crate::domain::event::EventKind;
use crate::domain::ids::SegmentName;
use crate::journey::definition::{Border, ExitRule, Key, Match, Moment, Refresh, Trigger};
use crate::journey::finding::one_of;
use crate::journey::language::{
    EXIT, EXIT_ENTERS, KEYS, LEAPS, MATCHES, REFRESHES, REPEATS, TRIGGER_FORMS, Word, YES_NO, names,
};
use crate::journey::segment::Crossing;
use crate::journey::yaml::{Fields, Node, Reader, Value};

pub(super) fn trigger(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Trigger {
    let mut trigger = Trigger {
        on: Vec::new(),
        moment: None,
        key: Key::Contact,
        refresh: Refresh::None,
        when: None,
        segments: Vec::new(),
        backfill: false,
    };
    let hint = "what starts it, as `trigger: {on: Signed Up, key: contact}`";
    let Some(node) = reader.required(journey, "trigger", hint) else {
        return trigger;
    };
    let Some((form, fields)) = form(reader, node) else {
        return trigger;
    };
    if let Some(node) = fields.get(form) {
        places.note(Subject::Form, node);
    }
    match form {
        "on" => events(reader, places, &fields, &mut trigger),
        "enters" | "leaves" => segments(reader, places, &fields, &mut trigger),
        "date" => trigger.moment = date(reader, &fields),
        "schedule" => trigger.moment = schedule(reader, &fields),
        // A `start` step starts it, or somebody who asks for it through the events API.
        _ => {
            if let Some(node) = fields.get("manual") {
                reader.choice(node, &[("true", (), "")]);
            }
            trigger.on.push(EventKind::JourneyRequested);
        }
    }
    key(reader, places, &fields, form, &mut trigger);
    trigger.when = condition(reader, places, &fields, Subject::TriggerWhen);
    trigger
}

fn form<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<(&'static str, Fields<'n>)> {
    let forms = TRIGGER_FORMS.each_ref().map(|(name, _)| *name);
    let fields = reader.map(node, &format!("a map with one of {}", one_of(&forms)))?;
    let present = |name: &str| fields.get(name).is_some();
    let mut said = TRIGGER_FORMS
        .iter()
        // Both borders of segments may start one journey.
        .filter(|(name, _)| present(name) && !(*name == "leaves" && present("enters")));
    match (said.next(), said.next()) {
        (Some((name, known)), None) => Some((name, reader.fields(node, "a trigger", &names(known))?)),
        (Some(_), Some(_)) => {
            reader.report(
                fields.place,
                "a journey has one kind of trigger: make two journeys, or start this one from another with `start:`",
            );
            None
        }
        (None, _) => {
            // Most likely a misspelt `on`: the usual form names it.
            let [(_, usual), ..] = &TRIGGER_FORMS;
            reader.fields(node, "a trigger", &names(usual))?;
            reader.required(&fields, "on", "the events that start it, as `on: [Signed Up]`");
            None
        }
    }
}

fn segments(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>, trigger: &mut Trigger) {
    trigger.segments = borders(reader, fields, |number, node| {
        places.note(Subject::TriggerSegment(number), node);
    });
    if let Some(node) = fields.get("backfill") {
        places.note(Subject::Backfill, node);
        trigger.backfill = reader.choice(node, &YES_NO).unwrap_or(false);
    }
}

fn events(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>, trigger: &mut Trigger) {
    let Some(node) = fields.get("on") else { return };
    for event in reader.nodes(node, "one event or a list of events") {
        if let Some(name) = reader.text(event, "the name of an event") {
            places.note(Subject::TriggerEvent(trigger.on.len()), event);
            trigger.on.push(EventKind::from(name.to_owned()));
        }
    }
    if let Some(node) = fields.get("refresh") {
        places.note(Subject::Refresh, node);
    }
    trigger.refresh = optional(reader, fields, "refresh", &REFRESHES).unwrap_or(Refresh::None);
}

/// Events say what a run is about; everything else is about the contact.
fn key(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>, form: &str, trigger: &mut Trigger) {
    let node = match form {
        "on" => reader.required(
            fields,
            "key",
            "`contact`, `checkout_id`, `order_id` or `product_id`",
        ),
        _ => fields.get("key"),
    };
    let Some(node) = node else { return };
    let choices: &[Word<Key>] = match form {
        "date" | "schedule" | "enters" | "leaves" => KEYS.get(..1).unwrap_or_default(),
        _ => &KEYS,
    };
    if let Some(key) = reader.choice(node, choices) {
        places.note(Subject::Key, node);
        trigger.key = key;
    }
}

fn date(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Moment> {
    let of = reader.text(fields.get("date")?, "the name of a date, as `date: birthday`")?;
    let offset_days = offset(reader, fields);
    let at = time_of_day(reader, fields);
    let yearly = optional(reader, fields, "repeat", &REPEATS).unwrap_or(false);
    let leap = optional(reader, fields, "leap", &LEAPS).unwrap_or_default();
    Some(Moment::Date {
        of: of.to_owned(),
        offset_days: offset_days?,
        at: at?,
        yearly,
        leap,
    })
}

fn schedule(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<Moment> {
    let node = fields.get("schedule")?;
    let rule: Option<Rule> = reader.parsed(node, "a rule such as `FREQ=WEEKLY;BYDAY=MO`");
    let from = reader
        .required(fields, "from", "the day it begins, as `from: 2026-01-05`")
        .and_then(|node| day(reader, node));
    let at = time_of_day(reader, fields)?;
    match Recurrence::new(from?, at, rule?) {
        Ok(recurrence) => Some(Moment::Schedule(recurrence)),
        Err(error) => {
            reader.report(node.place, error.to_string());
            None
        }
    }
}

fn day(reader: &mut Reader<'_>, node: &Node) -> Option<NaiveDate> {
    const FORM: &str = "a day such as `2026-01-05`";
    let found = reader.text(node, FORM)?.parse().ok();
    if found.is_none() {
        reader.expected(node, FORM);
    }
    found
}

/// A date without a time would mail at midnight, so the time is asked for.
fn time_of_day(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<TimeOfDay> {
    reader
        .required(fields, "at", "the time of day, as `at: \"10:00\"`")
        .and_then(|node| reader.parsed(node, "a time of day such as `10:00`"))
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
            if let Some(fields) = reader.fields(node, "a rule about a segment", &names(&EXIT_ENTERS)) {
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
    let fields = reader.fields(node, "a rule", &names(&EXIT))?;
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
