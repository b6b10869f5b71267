//! What each kind of step says in a file: one function a kind.

use super::steps::{Said, Steps};
use super::{Subject, condition, is_plain_name, waits};
use crate::domain::ids::{EmailName, JourneyId, StepId};
use crate::domain::message::Stream;
use crate::domain::time::Delay;
use crate::journey::language::{
    COUPON, RECIPIENTS, SHARE, STICKY, STREAMS, TARGETS, TIMES_MAX, Verb, arm_names, names,
};
use crate::journey::step::{
    Arm, Code, Coupon, Exhausted, Goto, Late, Notify, Recipient, Send, Set, Share, Split, StepKind, Target,
};
use crate::journey::yaml::{Fields, Node, Value};

/// How late a marketing message may be unless the step says.
const MARKETING_LATE_MAX: Delay = Delay::from_hours(24);

pub(super) fn read(steps: &mut Steps<'_, '_>, verb: Verb, said: &mut Said<'_>) -> Option<StepKind> {
    match verb {
        Verb::Send => send(steps, said).map(StepKind::Send),
        Verb::Wait => waits::wait(steps, said).map(StepKind::Wait),
        Verb::Branch => branch(steps, said).map(StepKind::Branch),
        Verb::Split => split(steps, said).map(StepKind::Split),
        Verb::Set => set(steps, said).map(StepKind::Set),
        Verb::Tag => tags(steps, said).map(|tags| {
            StepKind::Set(Set {
                tags,
                ..Set::default()
            })
        }),
        Verb::Untag => tags(steps, said).map(|untag| {
            StepKind::Set(Set {
                untag,
                ..Set::default()
            })
        }),
        Verb::Coupon => coupon(steps, said).map(StepKind::Coupon),
        Verb::Notify => notify(steps, said).map(StepKind::Notify),
        Verb::Start => journey(steps, said).map(StepKind::Start),
        Verb::Stop => journey(steps, said).map(StepKind::Stop),
        Verb::Goto => goto(steps, said).map(StepKind::Goto),
    }
}

fn send(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Send> {
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

/// `continue`, `exit` or a list of steps; what is left out goes on.
pub(super) fn target(steps: &mut Steps<'_, '_>, said: &mut Said<'_>, node: Option<&Node>) -> Target {
    let Some(node) = node else { return Target::Next };
    match &node.value {
        Value::List(_) => steps.nested(said, node),
        Value::Text(_) | Value::Other(_) | Value::Null | Value::Map(_) => steps
            .reader
            .choice(node, &TARGETS)
            .map_or(
                Target::Next,
                |leaves| {
                    if leaves { Target::Leave } else { Target::Next }
                },
            ),
    }
}

fn branch(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Vec<Arm>> {
    const FORM: &str = "a list of arms, as `- when: contact.orders == 0` with `steps:`, and `- else:`";
    let Value::List(nodes) = &said.value.value else {
        steps.reader.expected(said.value, FORM);
        return None;
    };
    let mut arms: Vec<Arm> = Vec::new();
    for node in nodes {
        let Some(fields) = steps.reader.fields(node, "an arm", &arm_names()) else {
            continue;
        };
        if arms.last().is_some_and(|arm| arm.when.is_none()) {
            steps
                .reader
                .report(node.place, "nothing comes here: `else` takes all that is left");
        }
        let subject = Subject::ArmWhen(said.number, arms.len());
        let when = condition(steps.reader, steps.places, &fields, subject);
        let list = match (&when, fields.get("else")) {
            (None, Some(list)) if fields.get("steps").is_none() => Some(list),
            (Some(_), None) => {
                steps
                    .reader
                    .required(&fields, "steps", "what this arm does, as a list of steps")
            }
            (Some(_) | None, Some(_)) | (None, None) => {
                steps.reader.report(
                    node.place,
                    "an arm is either `when:` with `steps:`, or `else:` with a list",
                );
                None
            }
        };
        let to = list.map_or(Target::Next, |list| target(steps, said, Some(list)));
        arms.push(Arm { when, to });
    }
    if nodes.is_empty() {
        steps
            .reader
            .report(said.value.place, format!("a branch needs an arm: {FORM}"));
    }
    Some(arms)
}

fn split(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Split> {
    const FORM: &str = "a list of arms, as `- arm: short` with `weight: 50` and `steps:`";
    let Value::List(nodes) = &said.value.value else {
        steps.reader.expected(said.value, FORM);
        return None;
    };
    if nodes.is_empty() {
        steps
            .reader
            .report(said.value.place, format!("a split needs two arms: {FORM}"));
        return None;
    }
    let mut arms: Vec<Share> = Vec::new();
    for node in nodes {
        let Some(fields) = steps.reader.fields(node, "an arm", &names(&SHARE)) else {
            continue;
        };
        let name = steps
            .reader
            .required(&fields, "arm", "its name in reports, as `arm: short`")
            .and_then(|node| steps.reader.text(node, "a name"))
            .unwrap_or_default()
            .to_owned();
        if !name.is_empty() && arms.iter().any(|arm| arm.name == name) {
            let message = format!("two arms are called `{name}`: reports could not tell them apart");
            steps.reader.report(node.place, message);
        }
        let weight = steps
            .reader
            .required(&fields, "weight", "its share in percent, as `weight: 50`")
            .and_then(|node| steps.reader.number(node, 1, 99, "a share from 1 to 99 percent"));
        let to = target(steps, said, fields.get("steps"));
        arms.push(Share {
            name,
            weight: weight.and_then(|weight| u8::try_from(weight).ok()).unwrap_or(0),
            to,
        });
    }
    let whole: u32 = arms.iter().map(|arm| u32::from(arm.weight)).sum();
    if whole != 100 && arms.iter().all(|arm| arm.weight > 0) {
        let said_so = arms.iter().map(|arm| arm.weight.to_string()).collect::<Vec<_>>();
        steps.reader.report(
            said.value.place,
            format!("the weights make {whole}, not 100: {}", said_so.join(" + ")),
        );
    }
    let by = said.fields.get("by");
    let by = by.and_then(|node| steps.reader.choice(node, &STICKY));
    Some(Split {
        arms,
        by: by.unwrap_or_default(),
    })
}

fn set(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Set> {
    let fields = steps
        .reader
        .map(said.value, "attributes of the contact, as `{ favourite: mugs }`")?;
    let mut attributes = Vec::new();
    for (key, node) in fields.iter() {
        let value = match &node.value {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            Value::Other(text) => serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into()),
            Value::Null => serde_json::Value::Null,
            Value::List(_) | Value::Map(_) => {
                steps.reader.expected(node, "a text, a number, true or false");
                continue;
            }
        };
        attributes.push((key.name.clone(), value));
    }
    Some(Set {
        attributes,
        ..Set::default()
    })
}

fn tags(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Vec<String>> {
    let nodes = steps.reader.nodes(said.value, "a tag or a list of tags");
    if matches!(&said.value.value, Value::List(nodes) if nodes.is_empty()) {
        steps
            .reader
            .report(said.value.place, "an empty list: name a tag, as `tag: vip`");
    }
    let tags: Vec<String> = nodes
        .into_iter()
        .filter_map(|node| steps.reader.text(node, "a tag").map(str::to_owned))
        .collect();
    (!tags.is_empty()).then_some(tags)
}

fn coupon(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Coupon> {
    let fields = steps.reader.fields(said.value, "a coupon", &names(&COUPON))?;
    let percent = fields
        .get("percent")
        .and_then(|node| steps.reader.number(node, 1, 100, "a number from 1 to 100"));
    let expires = fields.get("expires").and_then(|node| steps.reader.delay(node));
    let code = match (fields.get("code"), fields.get("pool")) {
        (Some(node), None) => {
            for (key, _) in fields.iter() {
                if ["fallback", "otherwise"].contains(&key.name.as_str()) {
                    let message = format!("`{}` is for a `pool:`: a shared code never runs out", key.name);
                    steps.reader.report(key.place, message);
                }
            }
            Code::Shared(steps.reader.text(node, "a code, as `WELCOME10`")?.to_owned())
        }
        (None, Some(node)) => {
            let name = steps.reader.text(node, "the name of a pool, as `comeback`")?;
            if !is_plain_name(name) {
                steps
                    .reader
                    .expected(node, "a name of lower-case letters, digits and `-`");
                return None;
            }
            let exhausted = exhausted(steps, said, &fields)?;
            let name = name.to_owned();
            Code::Pool { name, exhausted }
        }
        (Some(_), Some(_)) | (None, None) => {
            steps.reader.report(
                fields.place,
                "a coupon is either `code:`, the same for everyone, or one of a `pool:`",
            );
            return None;
        }
    };
    Some(Coupon {
        code,
        percent: percent.and_then(|percent| u8::try_from(percent).ok()),
        expires,
    })
}

/// A pool runs dry one day, so a journey says what happens then.
fn exhausted(steps: &mut Steps<'_, '_>, said: &mut Said<'_>, fields: &Fields<'_>) -> Option<Exhausted> {
    match (fields.get("fallback"), fields.get("otherwise")) {
        (Some(node), None) => {
            let code = steps.reader.text(node, "a code, as `WELCOME10`")?;
            Some(Exhausted::Shared(code.to_owned()))
        }
        (None, Some(node)) => Some(Exhausted::Go(target(steps, said, Some(node)))),
        (Some(_), Some(_)) | (None, None) => {
            steps.reader.report(
                fields.place,
                "say what happens when the pool is empty: either `fallback:` with a code for everyone, or `otherwise:` with `continue`, `exit` or steps",
            );
            None
        }
    }
}

fn notify(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Notify> {
    steps.places.note(Subject::StepName(said.number), said.value);
    let webhook = steps
        .reader
        .text(said.value, "the name of a webhook in store.yaml")?;
    let answer = said
        .fields
        .get("as")
        .and_then(|node| steps.reader.text(node, "a name for its answer, as `as: stock`"));
    Some(Notify {
        webhook: webhook.to_owned(),
        answer: answer.map(str::to_owned),
    })
}

fn journey(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<JourneyId> {
    steps.places.note(Subject::StepName(said.number), said.value);
    name(steps, said.value, "the name of a journey", JourneyId::parse)
}

/// A name that can be one; whether anything is called so, `lint` knows.
fn name<T, E>(
    steps: &mut Steps<'_, '_>,
    node: &Node,
    what: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let found = parse(steps.reader.text(node, what)?).ok();
    if found.is_none() {
        steps.reader.expected(node, what);
    }
    found
}

fn goto(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Goto> {
    steps.places.note(Subject::StepName(said.number), said.value);
    let name = steps.reader.text(said.value, "the id of a step")?;
    if !is_plain_name(name) {
        steps.reader.expected(said.value, "the id of a step");
        return None;
    }
    let times = steps
        .reader
        .required(&said.fields, "times", "how often at most, as `times: 3`")
        .and_then(|node| {
            let most = i64::from(TIMES_MAX);
            steps.reader.number(node, 1, most, "a number from 1 to 100")
        });
    Some(Goto {
        to: StepId::parse(name).ok()?,
        times: u16::try_from(times?).ok()?,
    })
}
