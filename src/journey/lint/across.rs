//! What is wrong between journeys: starts that cannot work, mails that collide.
//!
//! Called by `check` once every journey is sound by itself.

use super::Names;
use super::starts::{circles, started, unfilled};
use crate::domain::event::EventKind;
use crate::domain::message::Stream;
use crate::journey::definition::{Journey, Key};
use crate::journey::finding::Finding;
use crate::journey::parse::{Parsed, Subject};
use crate::journey::step::{Step, Wait};
use crate::journey::taking_part::is_live;

/// Everything wrong between journeys.
pub fn across(all: &[&Parsed], names: Names<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for parsed in all {
        starts(parsed, all, &mut findings);
    }
    unfilled(all, names, &mut findings);
    circles(all, &mut findings);
    for (at, one) in all.iter().enumerate() {
        for other in all.iter().skip(at + 1) {
            // A draft meets nobody yet. The build that takes it in tells what it collides with.
            if is_live(&one.journey) && is_live(&other.journey) {
                collision(one, other, &mut findings);
            }
        }
    }
    findings
}

/// A journey that another starts gets that one's key, so both must be about the same thing, or it about the contact.
fn starts(parsed: &Parsed, all: &[&Parsed], findings: &mut Vec<Finding>) {
    for (number, other) in started(parsed, all) {
        if is_live(&parsed.journey) && !is_live(&other.journey) {
            let message = format!(
                "`{}` is a draft, so the Worker has no such journey: delete its line `status: draft`, or leave this step out",
                other.journey.id
            );
            let place = parsed.places.of(Subject::StepName(number));
            findings.push(Finding::at(&parsed.file, place, message));
        }
        let (own, key) = (parsed.journey.trigger.key, other.journey.trigger.key);
        if key != Key::Contact && key != own {
            let message = format!(
                "`{}` is about a `{}` and this journey has none; only one with `key: contact` can be started here",
                other.journey.id,
                key.as_str()
            );
            let place = parsed.places.of(Subject::StepName(number));
            findings.push(Finding::at(&parsed.file, place, message));
        }
    }
}

/// Two journeys that one event starts and that mail at one moment: a shopper gets both, or a cap picks one by chance.
fn collision(one: &Parsed, other: &Parsed, findings: &mut Vec<Finding>) {
    let (a, b) = (&one.journey, &other.journey);
    // A request names the journey it is for.
    let collides = |event: &EventKind| *event != EventKind::JourneyRequested && b.trigger.on.contains(event);
    let by_event = a.trigger.on.iter().position(collides);
    let at_one_moment = a.trigger.moment.is_some() && a.trigger.moment == b.trigger.moment;
    let by_segment = a.trigger.segments.iter().position(|border| b.starts_at(border));
    let event = by_event.and_then(|number| a.trigger.on.get(number));
    let border = by_segment.and_then(|number| a.trigger.segments.get(number));
    let (what, subject) = match (event, by_event, border, by_segment) {
        (Some(event), Some(number), _, _) => (format!("`{event}`"), Subject::TriggerEvent(number)),
        (_, _, Some(border), Some(number)) => (
            format!("`{}: {}`", border.crossing.as_str(), border.segment),
            Subject::TriggerSegment(number),
        ),
        _ if at_one_moment => ("its moment".to_owned(), Subject::Form),
        _ => return,
    };
    let (own, theirs) = (first_mails(a), first_mails(b));
    let Some(waits) = own.iter().find(|waits| theirs.contains(waits)) else {
        return;
    };
    if a.priority != b.priority {
        return;
    }
    let when = if waits.is_empty() {
        "at once"
    } else {
        "after the same wait"
    };
    let message = format!(
        "{what} starts `{}` too, and both send marketing {when}: give one of them a higher `priority:`",
        b.id
    );
    let place = one.places.of(subject);
    findings.push(Finding::at(&one.file, place, message));
}

/// Most ways through a journey that are looked at.
const WAYS_MAX: usize = 1_000;

/// The waits before the first marketing mail, for each way to one on which only time is waited for.
fn first_mails(journey: &Journey) -> Vec<Vec<&Wait>> {
    let first = journey.first_step().into_iter();
    let mut open: Vec<(&Step, Vec<&Wait>)> = first.map(|step| (step, Vec::new())).collect();
    let mut found = Vec::new();
    for _ in 0..WAYS_MAX {
        let Some((step, mut waits)) = open.pop() else {
            break;
        };
        let sends = step.kind.as_send().map(|send| send.stream);
        if sends == Some(Stream::Marketing) {
            found.push(waits);
            continue;
        }
        // Who waits for an event goes on at a time of their own.
        if step.kind.awaits().is_some() {
            continue;
        }
        waits.extend(step.kind.as_wait());
        let next = step.successors().into_iter().flatten();
        open.extend(
            next.filter_map(|id| journey.step(id))
                .map(|step| (step, waits.clone())),
        );
    }
    found
}
