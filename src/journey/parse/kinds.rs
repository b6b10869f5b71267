//! What each kind of step says in a file: one file a kind, and what they share.

mod branch;
mod coupon;
mod goto;
mod notify;
mod send;
mod set;
mod split;
mod start;
pub(super) mod wait;

use super::steps::{Said, Steps};
use crate::journey::language::{TARGETS, Verb};
use crate::journey::step::{Set, StepKind, Target};
use crate::journey::yaml::{Node, Value};

pub(super) fn read(steps: &mut Steps<'_, '_>, verb: Verb, said: &mut Said<'_>) -> Option<StepKind> {
    match verb {
        Verb::Send => send::send(steps, said).map(StepKind::Send),
        Verb::Wait => wait::wait(steps, said).map(StepKind::Wait),
        Verb::Branch => branch::branch(steps, said).map(StepKind::Branch),
        Verb::Split => split::split(steps, said).map(StepKind::Split),
        Verb::Set => set::set(steps, said).map(StepKind::Set),
        Verb::Tag => set::tags(steps, said).map(|tags| {
            StepKind::Set(Set {
                tags,
                ..Set::default()
            })
        }),
        Verb::Untag => set::tags(steps, said).map(|untag| {
            StepKind::Set(Set {
                untag,
                ..Set::default()
            })
        }),
        Verb::Coupon => coupon::coupon(steps, said).map(StepKind::Coupon),
        Verb::Notify => notify::notify(steps, said).map(StepKind::Notify),
        Verb::Start => start::journey(steps, said).map(StepKind::Start),
        Verb::Stop => start::journey(steps, said).map(StepKind::Stop),
        Verb::Goto => goto::goto(steps, said).map(StepKind::Goto),
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
