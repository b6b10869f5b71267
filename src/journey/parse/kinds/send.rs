//! `send`: the email, its stream, and what becomes of it when it is late.

use super::name;
use crate::domain::ids::EmailName;
use crate::domain::message::Stream;
use crate::domain::time::Delay;
use crate::journey::language::{RECIPIENTS, STREAMS};
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::parse::{Subject, condition, topic};
use crate::journey::step::{Late, Recipient, Send};
use crate::journey::yaml::Node;

/// How late a marketing message may be unless the step says.
const MARKETING_LATE_MAX: Delay = Delay::from_hours(24);

pub(super) fn send(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Send> {
    steps.places.note(Subject::StepName(said.number), said.value);
    let fields = &said.fields;
    let email = name(steps, said.value, "the name of an email", EmailName::parse);
    let to = fields
        .get("to")
        .and_then(|node| steps.reader.choice(node, &RECIPIENTS))
        .unwrap_or_default();
    let stream = match (fields.get("stream"), to) {
        (Some(node), _) => steps.reader.choice(node, &STREAMS),
        (None, Recipient::Team) => Some(Stream::Transactional),
        // Transactional mail skips consent, so nothing becomes transactional by being left out.
        (None, Recipient::Contact) if steps.stream_before == Some(Stream::Marketing) => {
            Some(Stream::Marketing)
        }
        (None, Recipient::Contact) => {
            let advice =
                "say `marketing` or `transactional`; only a send after a marketing one may leave it out";
            steps
                .reader
                .report(said.value.place, format!("`stream:` is missing: {advice}"));
            None
        }
    };
    if to == Recipient::Contact {
        steps.stream_before = stream.or(Some(Stream::Marketing));
    }
    let stream = stream.unwrap_or(Stream::Marketing);
    let late = fields.get("late").and_then(|node| late(steps, node));
    let when = condition(steps.reader, steps.places, fields, Subject::StepWhen(said.number));
    Some(Send {
        email: email?,
        stream,
        late: late.unwrap_or(match stream {
            Stream::Marketing => Late::SkipAfter(MARKETING_LATE_MAX),
            Stream::Transactional => Late::Send,
        }),
        when,
        to,
        topic: topic(
            steps.reader,
            steps.places,
            fields,
            Subject::StepTopic(said.number),
        ),
    })
}

fn late(steps: &mut Steps<'_, '_>, node: &Node) -> Option<Late> {
    const FORM: &str = "`send` or `skip after 12h`";
    let text = steps.reader.text(node, FORM)?;
    if text == "send" {
        return Some(Late::Send);
    }
    match text.strip_prefix("skip after ").map(Delay::parse) {
        Some(Ok(delay)) => Some(Late::SkipAfter(delay)),
        Some(Err(error)) => {
            steps.reader.report(node.place, error.to_string());
            None
        }
        None => {
            steps.reader.expected(node, FORM);
            None
        }
    }
}
