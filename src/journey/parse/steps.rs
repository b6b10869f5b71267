//! The steps of a journey: one function a kind, and the ids of all.

use super::{LEAVE, Places, Subject, step_id};
use crate::domain::event::EventKind;
use crate::domain::ids::{EmailName, StepId};
use crate::domain::message::Stream;
use crate::domain::time::Delay;
use crate::journey::definition::{Late, Otherwise, Send, Step, StepKind, Wait};
use crate::journey::finding::{Place, hint, one_of, unknown};
use crate::journey::yaml::{Fields, Node, Reader, Value};

/// The field that says what a step does, and the fields it takes besides `id`.
const KINDS: [(&str, &[&str]); 2] = [("send", &["stream", "late"]), ("wait", &[])];
const STREAMS: [(&str, Stream); 2] = [
    ("transactional", Stream::Transactional),
    ("marketing", Stream::Marketing),
];
const OTHERWISE: [(&str, Otherwise); 2] = [("continue", Otherwise::Continue), (LEAVE, Otherwise::Exit)];
/// How late a marketing message may be unless the step says.
const MARKETING_LATE_MAX: Delay = Delay::from_hours(24);

/// A step whose default id may depend on the step after it.
struct Draft {
    place: Place,
    id: Option<StepId>,
    /// An id was written, good or bad: no default is needed.
    named: bool,
    kind: StepKind,
}

pub fn steps(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Vec<Step> {
    let Some(node) = reader.required(journey, "steps", "a list, as `- send: welcome-hello`") else {
        return Vec::new();
    };
    match journey.entry("steps") {
        Some((key, _)) => places.note_place(Subject::Steps, key.place),
        None => places.note(Subject::Steps, node),
    }
    let Value::List(nodes) = &node.value else {
        reader.expected(node, "a list of steps, as `- send: welcome-hello`");
        return Vec::new();
    };
    let mut drafts: Vec<Draft> = Vec::new();
    let mut stream_before = None;
    for node in nodes {
        if let Some(draft) = step(reader, places, node, drafts.len(), &mut stream_before) {
            drafts.push(draft);
        }
    }
    with_ids(reader, places, drafts)
}

fn step(
    reader: &mut Reader<'_>,
    places: &mut Places,
    node: &Node,
    number: usize,
    stream_before: &mut Option<Stream>,
) -> Option<Draft> {
    let kinds = KINDS.map(|(name, _)| name);
    let fields = reader.map(node, &format!("a step: a map with {}", one_of(&kinds)))?;
    let present: Vec<_> = KINDS
        .iter()
        .filter(|(name, _)| fields.get(name).is_some())
        .collect();
    let (name, own) = match present.as_slice() {
        [kind] => **kind,
        [] => {
            match fields.iter().find(|(key, _)| key.name != "id") {
                Some((key, _)) => reader.report(key.place, unknown("step", &key.name, kinds)),
                None => reader.report(fields.place, format!("a step needs {}", one_of(&kinds))),
            }
            return None;
        }
        [..] => {
            reader.report(fields.place, "one step does one thing: make this several steps");
            return None;
        }
    };
    for (key, _) in fields.iter() {
        if key.name != name && key.name != "id" && !own.contains(&key.name.as_str()) {
            let known: Vec<&str> = own.iter().copied().chain(["id"]).collect();
            let hint = hint(&key.name, &known);
            reader.report(
                key.place,
                format!("unknown field `{}` of `{name}`{hint}", key.name),
            );
        }
    }
    let said = fields.get(name)?;
    let kind = match name {
        "send" => StepKind::Send(send(reader, places, &fields, said, number, stream_before)?),
        _ => StepKind::Wait(wait(reader, places, said, number)?),
    };
    let id = fields.get("id");
    let place = id.map_or(said.place, |id| id.place);
    Some(Draft {
        place,
        id: id
            .and_then(|node| reader.text(node, "an id, as `id: first-nudge`"))
            .and_then(|text| step_id(reader, text, place)),
        named: id.is_some(),
        kind,
    })
}

fn send(
    reader: &mut Reader<'_>,
    places: &mut Places,
    fields: &Fields<'_>,
    said: &Node,
    number: usize,
    stream_before: &mut Option<Stream>,
) -> Option<Send> {
    places.note(Subject::StepName(number), said);
    let email = reader
        .text(said, "the name of an email")
        .and_then(|name| EmailName::parse(name).ok());
    let stream = match fields.get("stream") {
        Some(node) => reader.choice(node, &STREAMS),
        // Transactional mail skips consent, so nothing becomes transactional by being left out.
        None if *stream_before == Some(Stream::Marketing) => Some(Stream::Marketing),
        None => {
            let advice =
                "say `marketing` or `transactional`; only a send after a marketing one may leave it out";
            reader.report(said.place, format!("`stream:` is missing: {advice}"));
            None
        }
    };
    *stream_before = stream.or(Some(Stream::Marketing));
    let stream = stream.unwrap_or(Stream::Marketing);
    let late = fields.get("late").and_then(|node| late(reader, node));
    Some(Send {
        email: email?,
        stream,
        late: late.unwrap_or(match stream {
            Stream::Marketing => Late::SkipAfter(MARKETING_LATE_MAX),
            Stream::Transactional => Late::Send,
        }),
    })
}

fn late(reader: &mut Reader<'_>, node: &Node) -> Option<Late> {
    const FORM: &str = "`send` or `skip after 12h`";
    let text = reader.text(node, FORM)?;
    if text == "send" {
        return Some(Late::Send);
    }
    match text.strip_prefix("skip after ").map(Delay::parse) {
        Some(Ok(delay)) => Some(Late::SkipAfter(delay)),
        Some(Err(error)) => {
            reader.report(node.place, error.to_string());
            None
        }
        None => {
            reader.expected(node, FORM);
            None
        }
    }
}

fn wait(reader: &mut Reader<'_>, places: &mut Places, said: &Node, number: usize) -> Option<Wait> {
    if !matches!(said.value, Value::Map(_)) {
        return reader.delay(said).map(Wait::Delay);
    }
    let fields = reader.fields(said, "a map", &["for", "timeout", "otherwise"])?;
    let otherwise = fields
        .get("otherwise")
        .and_then(|node| reader.choice(node, &OTHERWISE));
    let timeout = reader
        .required(&fields, "timeout", "how long to wait at most, as `timeout: 2d`")
        .and_then(|node| reader.delay(node));
    let event = reader.required(&fields, "for", "the event to wait for, as `for: Order Fulfilled`")?;
    places.note(Subject::StepName(number), event);
    let on = EventKind::from(reader.text(event, "the name of an event")?.to_owned());
    Some(Wait::Event {
        on,
        timeout: timeout?,
        otherwise: otherwise.unwrap_or(Otherwise::Continue),
    })
}

/// A send is called after its email, a wait after the send it comes before; what else there is must be named.
fn with_ids(reader: &mut Reader<'_>, places: &mut Places, drafts: Vec<Draft>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut following: Option<(StepId, bool)> = None;
    for (number, draft) in drafts.into_iter().enumerate().rev() {
        places.note_place(Subject::Step(number), draft.place);
        let is_send = matches!(draft.kind, StepKind::Send(_));
        let id = match (draft.id, &draft.kind, &following) {
            (Some(id), _, _) => Some(id),
            (None, _, _) if draft.named => None,
            (None, StepKind::Send(send), _) => step_id(reader, send.email.as_str(), draft.place),
            (None, StepKind::Wait(_), Some((next, true))) => StepId::parse(&format!("before-{next}")).ok(),
            (None, StepKind::Wait(_), Some((_, false)) | None) => {
                reader.report(
                    draft.place,
                    "this wait needs an `id:`, because no send follows it directly",
                );
                None
            }
        };
        following = id.clone().map(|id| (id, is_send));
        // A step without an id is in the findings already; it stays, so that numbers and order hold.
        let id = id.or_else(|| StepId::parse(&format!("step-{number}")).ok());
        if let Some(id) = id {
            steps.push(Step { id, kind: draft.kind });
        }
    }
    steps.reverse();
    steps
}
