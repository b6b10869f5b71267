//! `split`: arms with weights.

use super::target;
use crate::journey::language::{SHARE, STICKY, names};
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::step::{Share, Split};
use crate::journey::yaml::Value;

pub(super) fn split(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Split> {
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
