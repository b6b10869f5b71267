//! What starts a journey: events, a date of the contact, a schedule, or nothing but another journey.

use super::waits::offset;
use super::{Places, Subject, condition, optional};
use crate::domain::civil::{Feb29, NaiveDate, Recurrence, Rule, TimeOfDay};
use crate::domain::event::EventKind;
use crate::journey::definition::{Key, Moment, Refresh, Trigger};
use crate::journey::finding::one_of;
use crate::journey::yaml::{Fields, Node, Reader};

const KEYS: [(&str, Key); 3] = [
    ("contact", Key::Contact),
    ("checkout_id", Key::Checkout),
    ("order_id", Key::Order),
];
const REFRESHES: [(&str, Refresh); 3] = [
    ("none", Refresh::None),
    ("data", Refresh::Data),
    ("data+wait", Refresh::DataAndWait),
];
/// The field that says what starts it, and what goes with it.
const FORMS: [(&str, &[&str]); 4] = [
    ("on", &["on", "key", "refresh", "when"]),
    ("date", &["date", "offset", "at", "repeat", "leap", "when", "key"]),
    ("schedule", &["schedule", "from", "at", "when", "key"]),
    ("manual", &["manual", "key"]),
];
const REPEATS: [(&str, bool); 2] = [("yearly", true), ("never", false)];
const LEAPS: [(&str, Feb29); 2] = [("feb28", Feb29::Feb28), ("mar1", Feb29::Mar1)];

pub(super) fn trigger(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Trigger {
    let mut trigger = Trigger {
        on: Vec::new(),
        moment: None,
        key: Key::Contact,
        refresh: Refresh::None,
        when: None,
    };
    let hint = "what starts it, as `trigger: {on: Signed Up, key: contact}`";
    let Some(node) = reader.required(journey, "trigger", hint) else {
        return trigger;
    };
    let Some((form, fields)) = form(reader, node) else {
        return trigger;
    };
    match form {
        "on" => events(reader, places, &fields, &mut trigger),
        "date" => trigger.moment = date(reader, &fields),
        "schedule" => trigger.moment = schedule(reader, &fields),
        // A `start` step of another journey starts it.
        _ => {
            if let Some(node) = fields.get("manual") {
                reader.choice(node, &[("true", ())]);
            }
        }
    }
    key(reader, places, &fields, form, &mut trigger);
    trigger.when = condition(reader, places, &fields, Subject::TriggerWhen);
    trigger
}

fn form<'n>(reader: &mut Reader<'_>, node: &'n Node) -> Option<(&'static str, Fields<'n>)> {
    let names = FORMS.map(|(name, _)| name);
    let fields = reader.map(node, &format!("a map with one of {}", one_of(&names)))?;
    let mut present = FORMS.iter().filter(|(name, _)| fields.get(name).is_some());
    match (present.next(), present.next()) {
        (Some((name, known)), None) => Some((name, reader.fields(node, "a trigger", known)?)),
        (Some(_), Some(_)) => {
            reader.report(
                fields.place,
                "a journey has one kind of trigger: make two journeys, or start this one from another with `start:`",
            );
            None
        }
        (None, _) => {
            // Most likely a misspelt `on`: the usual form names it.
            let [(_, usual), ..] = FORMS;
            reader.fields(node, "a trigger", usual)?;
            reader.required(&fields, "on", "the events that start it, as `on: [Signed Up]`");
            None
        }
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
    trigger.refresh = optional(reader, fields, "refresh", &REFRESHES).unwrap_or(Refresh::None);
}

/// Events say what a run is about; everything else is about the contact.
fn key(reader: &mut Reader<'_>, places: &mut Places, fields: &Fields<'_>, form: &str, trigger: &mut Trigger) {
    let node = match form {
        "on" => reader.required(fields, "key", "`contact`, `checkout_id` or `order_id`"),
        _ => fields.get("key"),
    };
    let Some(node) = node else { return };
    let choices: &[(&str, Key)] = match form {
        "date" | "schedule" => &[("contact", Key::Contact)],
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
