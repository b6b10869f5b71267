//! What `start:` steps make of several journeys: data that only some ways in bring, and journeys that start each other
//! without end.

use super::{Names, is_missing};
use crate::domain::ids::JourneyId;
use crate::domain::time::Delay;
use crate::journey::condition::{self, About, Use};
use crate::journey::definition::{Condition, Journey, Reenter};
use crate::journey::finding::Finding;
use crate::journey::parse::{Parsed, Subject};
use crate::journey::shape::Carries;
use crate::journey::step::Step;
use std::collections::{BTreeMap, BTreeSet};

/// The `start:` steps of a journey whose journey is there: the number of the step, and the journey.
pub(super) fn started<'a>(parsed: &'a Parsed, all: &[&'a Parsed]) -> Vec<(usize, &'a Parsed)> {
    let found = |(number, step): (usize, &Step)| {
        let id = step.kind.as_start()?;
        let other = all.iter().find(|other| other.journey.id == *id)?;
        Some((number, *other))
    };
    parsed
        .journey
        .steps
        .iter()
        .enumerate()
        .filter_map(found)
        .collect()
}

/// A started run has the data of the run that starts it, so what a journey shows and asks must come with every way in.
pub(super) fn unfilled(all: &[&Parsed], names: Names<'_>, findings: &mut Vec<Finding>) {
    for root in all {
        let carries = Carries::any_of(&root.journey.trigger.on);
        let mut seen = BTreeSet::from([&root.journey.id]);
        let mut open = vec![*root];
        while let Some(parsed) = open.pop() {
            for (number, other) in started(parsed, all) {
                let place = parsed.places.of(Subject::StepName(number));
                for what in lacks(other, carries, names) {
                    let by = if parsed.journey.id == root.journey.id {
                        "which no event that starts this journey carries".to_owned()
                    } else {
                        format!(
                            "which no event that starts `{}` carries, and that leads here",
                            root.journey.id
                        )
                    };
                    let message =
                        format!("{what}, {by}; ask for it there, or start a journey that does not need it");
                    findings.push(Finding::at(&parsed.file, place, message));
                }
                if seen.insert(&other.journey.id) {
                    open.push(other);
                }
            }
        }
    }
}

/// What a journey shows and asks that data of this kind has not.
fn lacks(parsed: &Parsed, carries: Carries, names: Names<'_>) -> Vec<String> {
    let journey = &parsed.journey;
    let mut lacks = BTreeSet::new();
    for send in journey.steps.iter().filter_map(|step| step.kind.as_send()) {
        let uses = names.templates.uses.get(send.email.as_str());
        for (name, (file, place)) in uses.into_iter().flatten() {
            if is_missing(name, carries) {
                let shows = format!("`{}` shows `{name}` ({file}:{})", journey.id, place.line);
                lacks.insert(shows);
            }
        }
    }
    let variables = journey
        .variables
        .iter()
        .map(|variable| (Use::Shown, &variable.value));
    // Those of trigger, exit and goal are about other events.
    let of_steps = journey.steps.iter().flat_map(|step| step.kind.conditions());
    let conditions = of_steps.map(|condition| (Use::Condition, condition));
    for (what_for, Condition(text)) in conditions.chain(variables) {
        // The journey passed these with its own trigger: what is wrong now is what this data has not.
        let about = About::events(carries, names.segments, names.events);
        for problem in condition::check_for(what_for, text, about) {
            let rest = text.get(problem.offset..).unwrap_or_default();
            let field: String = rest
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            lacks.insert(format!("`{}` asks for `event.{field}`", journey.id));
        }
    }
    lacks.into_iter().collect()
}

/// Journeys that start each other before anything waits would go round for ever in one moment.
pub(super) fn circles(all: &[&Parsed], findings: &mut Vec<Finding>) {
    let endless: Vec<&Parsed> = all
        .iter()
        .copied()
        .filter(|parsed| starts_anew(&parsed.journey))
        .collect();
    let at_once: BTreeMap<&JourneyId, Vec<(usize, &Parsed)>> = endless
        .iter()
        .map(|parsed| {
            let journey = &parsed.journey;
            let first = journey.first_step().map(|step| &step.id);
            let at_once = journey.reached(first, |step| step.kind.takes_time());
            let mut steps = started(parsed, &endless);
            steps.retain(|(number, _)| {
                let step = journey.steps.get(*number);
                step.is_some_and(|step| at_once.contains(&step.id))
            });
            (&parsed.journey.id, steps)
        })
        .collect();
    let mut told: BTreeSet<&JourneyId> = BTreeSet::new();
    for parsed in endless {
        if told.contains(&parsed.journey.id) {
            continue;
        }
        let Some((number, circle)) = back_to(parsed, &at_once) else {
            continue;
        };
        told.extend(circle.iter().copied());
        let names: Vec<String> = circle.iter().map(|id| format!("`{id}`")).collect();
        let message = format!(
            "{} start each other round and round and nothing waits in between: put a `wait:` for a time before one of these starts, or say `reenter: once` in one of them",
            names.join(" -> ")
        );
        let place = parsed.places.of(Subject::StepName(number));
        findings.push(Finding::at(&parsed.file, place, message));
    }
}

/// Whether nothing keeps a second run from following the first at once.
fn starts_anew(journey: &Journey) -> bool {
    let is_paced = |delay: Delay| delay > Delay::ZERO;
    let by_reenter = match journey.reenter {
        Reenter::Once => false,
        Reenter::Restart | Reenter::Parallel => true,
        Reenter::After(delay) => !is_paced(delay),
    };
    by_reenter && !journey.cooldown.is_some_and(is_paced)
}

/// The shortest circle from a journey to itself, and the step of it that begins the circle.
fn back_to<'a>(
    from: &'a Parsed,
    at_once: &BTreeMap<&JourneyId, Vec<(usize, &'a Parsed)>>,
) -> Option<(usize, Vec<&'a JourneyId>)> {
    let steps = |id: &JourneyId| at_once.get(id).into_iter().flatten().copied();
    for (number, first) in steps(&from.journey.id) {
        let mut seen = BTreeSet::new();
        let mut open = std::collections::VecDeque::from([vec![&from.journey.id, &first.journey.id]]);
        while let Some(way) = open.pop_front() {
            let Some(last) = way.last().copied() else { continue };
            if *last == from.journey.id {
                return Some((number, way));
            }
            if seen.insert(last) {
                open.extend(
                    steps(last).map(|(_, next)| way.iter().copied().chain([&next.journey.id]).collect()),
                );
            }
        }
    }
    None
}
