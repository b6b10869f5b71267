//! `set`, `tag` and `untag`: what a journey writes down about the contact.

use crate::journey::parse::steps::{Said, Steps};
use crate::journey::step::Set;
use crate::journey::yaml::Value;

pub(super) fn set(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Set> {
    let fields = steps
        .reader
        .map(said.value, "attributes of the contact, as `{ favourite: mugs }`")?;
    let mut attributes = Vec::new();
    for (key, node) in fields.iter() {
        let value = match &node.value {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            // `1e400`, `.nan`, `0x1F`
            Value::Other(text) => {
                let Ok(value) = serde_json::from_str(text) else {
                    let message = format!("`{text}` is no number that can be kept; a text stands in quotes");
                    steps.reader.report(node.place, message);
                    continue;
                };
                value
            }
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

pub(super) fn tags(steps: &mut Steps<'_, '_>, said: &Said<'_>) -> Option<Vec<String>> {
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
