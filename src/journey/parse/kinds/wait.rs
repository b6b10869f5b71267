//! What a `wait` says in a file: a length of time, or a map with what it is for.

use super::target;
use crate::domain::civil::{TimeOfDay, Weekdays};
use crate::domain::event::EventKind;
use crate::journey::finding::one_of;
use crate::journey::language::{WAITS, names};
use crate::journey::parse::Subject;
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::step::Wait;
use crate::journey::yaml::{Fields, Node, Reader, Value};

pub(super) fn wait(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Wait> {
    match &said.value.value {
        Value::Text(text) if text.contains(' ') => {
            let length = steps.reader.parsed(said.value, "a length of time");
            return length.map(Wait::Calendar);
        }
        Value::Map(_) => {}
        Value::Text(_) | Value::Other(_) | Value::Null | Value::List(_) => {
            return steps.reader.delay(said.value).map(Wait::Delay);
        }
    }
    let fields = steps
        .reader
        .map(said.value, "a map with `for`, `until` or `date`")?;
    let forms = WAITS.each_ref().map(|(name, _)| *name);
    let mut present = WAITS.iter().filter(|(name, _)| fields.get(name).is_some());
    let (Some((name, known)), None) = (present.next(), present.next()) else {
        steps.reader.report(
            fields.place,
            format!(
                "a wait is either a length of time or has one of {}",
                one_of(&forms)
            ),
        );
        return None;
    };
    let fields = steps.reader.fields(said.value, "a map", &names(known))?;
    match *name {
        "for" => wait_for(steps, said, &fields),
        "until" => wait_until(steps, &fields),
        _ => wait_for_date(steps, said, &fields),
    }
}

fn wait_for(steps: &mut Steps<'_, '_>, said: &mut Said<'_>, fields: &Fields<'_>) -> Option<Wait> {
    let timeout = steps
        .reader
        .required(fields, "timeout", "how long to wait at most, as `timeout: 2d`")
        .and_then(|node| steps.reader.delay(node));
    let event = steps
        .reader
        .required(fields, "for", "the event to wait for, as `for: Order Fulfilled`")?;
    steps.places.note(Subject::StepName(said.number), event);
    let on = EventKind::from(steps.reader.text(event, "the name of an event")?.to_owned());
    let then = target(steps, said, fields.get("then"));
    let otherwise = target(steps, said, fields.get("otherwise"));
    Some(Wait::Event {
        on,
        timeout: timeout?,
        then,
        otherwise,
    })
}

fn wait_until(steps: &mut Steps<'_, '_>, fields: &Fields<'_>) -> Option<Wait> {
    let at = steps
        .reader
        .parsed(fields.get("until")?, "a time of day such as `10:00`");
    let days = match fields.get("days") {
        Some(node) => days(steps.reader, node)?,
        None => Weekdays::EVERY_DAY,
    };
    Some(Wait::Until { at: at?, days })
}

/// `weekdays`, or a list of days: as YAML writes one, or between commas.
fn days(reader: &mut Reader<'_>, node: &Node) -> Option<Weekdays> {
    const FORM: &str = "days such as `mon, tue` or `weekdays`";
    let Value::List(nodes) = &node.value else {
        return reader.parsed(node, FORM);
    };
    if nodes.is_empty() {
        let message = format!("no day is listed: expected {FORM}; leave `days` out for every day");
        reader.report(node.place, message);
        return None;
    }
    let named = nodes.iter().map(|node| reader.text(node, FORM));
    let names: Vec<&str> = named.collect::<Option<_>>()?;
    let joined = Node {
        value: Value::Text(names.join(", ")),
        ..node.clone()
    };
    reader.parsed(&joined, FORM)
}

fn wait_for_date(steps: &mut Steps<'_, '_>, said: &mut Said<'_>, fields: &Fields<'_>) -> Option<Wait> {
    let node = fields.get("date")?;
    let of = steps
        .reader
        .text(node, "the name of a date, as `date: birthday`")?
        .to_owned();
    let offset_days = offset(steps.reader, fields);
    let at = match fields.get("at") {
        Some(node) => steps.reader.parsed(node, "a time of day such as `10:00`")?,
        None => TimeOfDay::MIDNIGHT,
    };
    let form = "what happens when there is no such date: `continue`, `exit` or steps";
    let otherwise = steps.reader.required(fields, "otherwise", form)?;
    let otherwise = target(steps, said, Some(otherwise));
    Some(Wait::Date {
        of,
        offset_days: offset_days?,
        at,
        otherwise,
    })
}

/// `-7d`: whole days before or after a date; none when it is malformed.
pub(in crate::journey::parse) fn offset(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<i32> {
    const FORM: &str = "days before or after the date, as `-7d`";
    let Some(node) = fields.get("offset") else {
        return Some(0);
    };
    let text = reader.text(node, FORM)?;
    let days: Option<i32> = text.strip_suffix('d').and_then(|days| days.parse().ok());
    let days = days.filter(|days| days.abs() <= 366);
    if days.is_none() {
        reader.expected(node, FORM);
    }
    days
}
