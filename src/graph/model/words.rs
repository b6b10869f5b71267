//! Steps in words: what each card says, and which arms leave it.
//!
//! Every kind of step is named here without `_`, so that a new one cannot be forgotten.

use super::{Card, Label, Line, Look};
use crate::domain::civil::{TimeOfDay, Weekdays};
use crate::domain::event::EventKind;
use crate::domain::ids::StepId;
use crate::domain::message::Stream;
use crate::domain::time::Delay;
use crate::graph::Subjects;
use crate::journey::definition::{Condition, Journey, Moment};
use crate::journey::step::{
    Code, Coupon, Exhausted, Late, Recipient, Send, Set, Step, StepKind, Sticky, Target, Wait,
};

/// Where a step leads other than straight on.
pub(super) struct Ways<'a> {
    pub arms: Vec<(Label, &'a Target)>,
    pub jump: Option<&'a StepId>,
    /// Nobody goes on from it.
    pub ends: bool,
}

/// The ways out of a step; no arms when it goes straight on.
pub(super) fn ways(step: &Step) -> Ways<'_> {
    let ways = |arms| Ways {
        arms,
        jump: None,
        ends: false,
    };
    match &step.kind {
        StepKind::Send(_)
        | StepKind::Set(_)
        | StepKind::Notify(_)
        | StepKind::Start(_)
        | StepKind::Stop(_) => ways(Vec::new()),
        StepKind::Coupon(coupon) => match &coupon.code {
            Code::Pool {
                exhausted: Exhausted::Go(target),
                ..
            } if *target != Target::Next => ways(vec![
                (Label::Words("with a code".to_owned()), &Target::Next),
                (Label::Words("none is left".to_owned()), target),
            ]),
            Code::Pool { .. } | Code::Shared(_) => ways(Vec::new()),
        },
        StepKind::Wait(wait) => ways(wait_ways(wait)),
        StepKind::Branch(arms) => {
            let mut all: Vec<_> = arms
                .iter()
                .map(|arm| (arm.when.as_ref().map_or_else(otherwise, code), &arm.to))
                .collect();
            if arms.iter().all(|arm| arm.when.is_some()) {
                all.push((otherwise(), &Target::Next));
            }
            ways(all)
        }
        StepKind::Split(split) => {
            let arms = split.arms.iter();
            ways(
                arms.map(|arm| (Label::Share(arm.weight, arm.name.clone()), &arm.to))
                    .collect(),
            )
        }
        StepKind::Goto(goto) => Ways {
            arms: Vec::new(),
            jump: Some(&goto.to),
            ends: false,
        },
        StepKind::Exit => Ways {
            arms: Vec::new(),
            jump: None,
            ends: true,
        },
    }
}

/// The ways out of a wait.
fn wait_ways(wait: &Wait) -> Vec<(Label, &Target)> {
    match wait {
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } => Vec::new(),
        Wait::Date {
            otherwise: Target::Next,
            ..
        } => Vec::new(),
        Wait::Date { otherwise, .. } => vec![
            (Label::Words("on that day".to_owned()), &Target::Next),
            (Label::Words("no such date".to_owned()), otherwise),
        ],
        Wait::Event {
            then: Target::Next,
            otherwise: Target::Next,
            ..
        } => Vec::new(),
        Wait::Event {
            timeout,
            then,
            otherwise,
            ..
        } => {
            let late = format!("not within {}", span(*timeout));
            let comes = Label::Words("when it comes".to_owned());
            vec![(comes, then), (Label::Words(late), otherwise)]
        }
    }
}

fn otherwise() -> Label {
    Label::Words("otherwise".to_owned())
}

fn code(condition: &Condition) -> Label {
    Label::Code(condition.0.trim().to_owned())
}

/// What the card of a step says.
pub(super) fn card(step: &Step, subjects: &Subjects) -> Card {
    let (look, does, heading, lines) = match &step.kind {
        StepKind::Send(send) => return send_card(step, send, subjects),
        StepKind::Wait(wait) => wait_words(wait),
        StepKind::Coupon(coupon) => {
            let (heading, lines) = coupon_words(coupon);
            (Look::Note, "Coupon", heading, lines)
        }
        StepKind::Notify(notify) => {
            let answer = notify.answer.as_ref();
            let lines = answer.map(|name| Line::Words(format!("keeps the answer as {name}")));
            (
                Look::Note,
                "Notify",
                notify.webhook.clone(),
                lines.into_iter().collect(),
            )
        }
        StepKind::Branch(_) => (
            Look::Fork,
            "Branch",
            "The first that holds".to_owned(),
            Vec::new(),
        ),
        StepKind::Split(split) => {
            let by = match split.by {
                Sticky::Contact => "a contact keeps its arm",
                Sticky::Enrollment => "drawn anew in each run",
            };
            let heading = step.id.to_string();
            (Look::Fork, "Split", heading, vec![Line::Words(by.to_owned())])
        }
        StepKind::Set(set) => {
            let (does, heading, lines) = noted(set);
            (Look::Note, does, heading, lines)
        }
        StepKind::Start(journey) => (Look::Journey, "Start journey", journey.to_string(), Vec::new()),
        StepKind::Stop(journey) => (Look::Journey, "Stop journey", journey.to_string(), Vec::new()),
        StepKind::Goto(goto) => {
            let times = match goto.times {
                1 => "at most once, then on".to_owned(),
                times => format!("at most {times} times, then on"),
            };
            let heading = goto.to.to_string();
            (Look::Back, "Back to", heading, vec![Line::Words(times)])
        }
        StepKind::Exit => (Look::End, "", "Leaves".to_owned(), Vec::new()),
    };
    Card {
        step: Some(step.id.clone()),
        look,
        does: does.to_owned(),
        heading,
        lines,
    }
}

fn send_card(step: &Step, send: &Send, subjects: &Subjects) -> Card {
    let mut lines = Vec::new();
    if let Some(subject) = subjects.get(send.email.as_str()) {
        lines.push(Line::Words(format!("“{}”", subject.trim())));
    }
    if let Some(Condition(when)) = &send.when {
        lines.push(Line::Words("only when".to_owned()));
        lines.push(Line::Code(when.trim().to_owned()));
    }
    let usual = Late::SkipAfter(Delay::from_hours(24));
    match (send.stream, send.late) {
        (Stream::Marketing, late) if late == usual => {}
        (Stream::Transactional, Late::Send) => {}
        (Stream::Marketing, Late::Send) => lines.push(Line::Words("however late".to_owned())),
        (Stream::Marketing | Stream::Transactional, Late::SkipAfter(delay)) => {
            lines.push(Line::Words(format!("dropped when {} late", span(delay))));
        }
    }
    let (look, stream) = match send.stream {
        Stream::Marketing => (Look::Marketing, "marketing"),
        Stream::Transactional => (Look::Transactional, "transactional"),
    };
    let does = match send.to {
        Recipient::Contact => format!("Send · {stream}"),
        Recipient::Team => "Send · to the team".to_owned(),
    };
    Card {
        step: Some(step.id.clone()),
        look,
        does,
        heading: send.email.to_string(),
        lines,
    }
}

/// How a wait's card looks, what it does, its heading and lines.
fn wait_words(wait: &Wait) -> (Look, &'static str, String, Vec<Line>) {
    match wait {
        Wait::Delay(delay) => (Look::Wait, "Wait", span(*delay), Vec::new()),
        Wait::Calendar(length) => (Look::Wait, "Wait", length.to_string(), Vec::new()),
        Wait::Until { at, days } => {
            let days = (*days != Weekdays::EVERY_DAY).then(|| Line::Words(days.to_string()));
            (
                Look::Wait,
                "Wait until",
                at.to_string(),
                days.into_iter().collect(),
            )
        }
        Wait::Date {
            of, offset_days, at, ..
        } => {
            let lines = vec![Line::Words(day(*offset_days, *at))];
            (Look::Wait, "Wait until", of.clone(), lines)
        }
        Wait::Event { on, timeout, .. } => {
            let most = Line::Words(format!("at most {}", span(*timeout)));
            (Look::Listen, "Wait for", on.as_str().to_owned(), vec![most])
        }
    }
}

/// `7 days before, at 10:00`
fn day(offset_days: i32, at: TimeOfDay) -> String {
    let days = offset_days.unsigned_abs();
    let unit = if days == 1 { "day" } else { "days" };
    match offset_days {
        0 => format!("on the day, at {at}"),
        ..0 => format!("{days} {unit} before, at {at}"),
        1.. => format!("{days} {unit} after, at {at}"),
    }
}

fn coupon_words(coupon: &Coupon) -> (String, Vec<Line>) {
    let mut lines = Vec::new();
    let heading = match &coupon.code {
        Code::Shared(code) => code.clone(),
        Code::Pool { name, exhausted } => {
            if let Exhausted::Shared(code) = exhausted {
                lines.push(Line::Words(format!("{code} once the pool is empty")));
            }
            format!("one of {name}")
        }
    };
    if let Some(percent) = coupon.percent {
        lines.push(Line::Words(format!("{percent} % off")));
    }
    if let Some(length) = coupon.expires {
        lines.push(Line::Words(format!("good for {}", span(length))));
    }
    (heading, lines)
}

/// What is written down: the tags alone, or what there is one below the other.
fn noted(set: &Set) -> (&'static str, String, Vec<Line>) {
    let is_alone = set.attributes.is_empty();
    if is_alone && set.untag.is_empty() {
        return ("Tag", set.tags.join(", "), Vec::new());
    }
    if is_alone && set.tags.is_empty() {
        return ("Untag", set.untag.join(", "), Vec::new());
    }
    let attributes = set.attributes.iter();
    let mut lines: Vec<Line> = attributes
        .map(|(name, value)| Line::Code(format!("{name} = {value}")))
        .collect();
    let tags = |said: &str, tags: &[String]| {
        (!tags.is_empty()).then(|| Line::Words(format!("{said} {}", tags.join(", "))))
    };
    lines.extend(tags("tag", &set.tags));
    lines.extend(tags("untag", &set.untag));
    ("Set", "On the contact".to_owned(), lines)
}

/// The card on top.
pub(super) fn trigger(journey: &Journey) -> Card {
    let trigger = &journey.trigger;
    let mut lines = Vec::new();
    if let Some(Condition(when)) = &trigger.when {
        lines.push(Line::Words("when".to_owned()));
        lines.push(Line::Code(when.trim().to_owned()));
    }
    Card {
        step: None,
        look: Look::Trigger,
        does: "Starts with".to_owned(),
        heading: starts(journey),
        lines,
    }
}

/// The card on top of steps that no step leads to.
pub(super) fn apart(by_goal: bool) -> Card {
    let (does, heading) = if by_goal {
        ("Goal", "When it is reached")
    } else {
        ("Apart", "No step leads here")
    };
    Card {
        step: None,
        look: Look::Trigger,
        does: does.to_owned(),
        heading: heading.to_owned(),
        lines: Vec::new(),
    }
}

/// What starts a journey.
fn starts(journey: &Journey) -> String {
    let trigger = &journey.trigger;
    match &trigger.moment {
        Some(Moment::Date {
            of,
            offset_days,
            at,
            yearly,
            ..
        }) => {
            let yearly = if *yearly { ", every year" } else { "" };
            format!("{of}: {}{yearly}", day(*offset_days, *at))
        }
        Some(Moment::Schedule(recurrence)) => {
            format!("{} at {}", recurrence.rule(), recurrence.time_of_day())
        }
        None if !trigger.segments.is_empty() => {
            let borders = trigger.segments.iter();
            let borders: Vec<String> = borders
                .map(|border| format!("{} {}", border.crossing.as_str(), border.segment))
                .collect();
            borders.join(" or ")
        }
        None => listed(&trigger.on),
    }
}

fn listed(events: &[EventKind]) -> String {
    let names: Vec<&str> = events.iter().map(EventKind::as_str).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}

/// `1 day 12 hours`
pub(super) fn span(delay: Delay) -> String {
    let units = [
        (86_400_000, "day"),
        (3_600_000, "hour"),
        (60_000, "minute"),
        (1000, "second"),
    ];
    let mut rest = delay.as_millis();
    let mut parts = Vec::new();
    for (size, name) in units {
        let count = rest / size;
        rest %= size;
        if count > 0 {
            parts.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() {
        return "no time".to_owned();
    }
    parts.join(" ")
}
