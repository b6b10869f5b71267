//! `branch`: arms with conditions, the first that holds is taken.

use super::target;
use crate::journey::language::arm_names;
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::parse::{Subject, condition};
use crate::journey::step::{Arm, Target};
use crate::journey::yaml::Value;

pub(super) fn branch(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Vec<Arm>> {
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
