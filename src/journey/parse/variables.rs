//! `variables:`, what a journey's emails can show besides what every email can.
//!
//! Called by `parse`. Whether an expression can be asked, and whether an email shows it, is `lint`'s.

use super::{Places, Subject};
use crate::journey::definition::{Condition, Variable};
use crate::journey::language::{VARIABLE, names};
use crate::journey::template_check::is_variable_name;
use crate::journey::yaml::{Fields, Reader};

pub(super) fn variables(reader: &mut Reader<'_>, places: &mut Places, journey: &Fields<'_>) -> Vec<Variable> {
    const FORM: &str = "a map such as `{score: {value: event.properties.score, otherwise: \"0\"}}`";
    let mut all = Vec::new();
    let Some(named) = journey.get("variables").and_then(|node| reader.map(node, FORM)) else {
        return all;
    };
    for (key, node) in named.iter() {
        if !is_variable_name(&key.name) {
            let message = format!(
                "`{}` cannot be a variable: use lower-case letters, digits and `_`, starting with a letter, and no word of Rust",
                key.name
            );
            reader.report(key.place, message);
        }
        let Some(fields) = reader.fields(node, "a variable", &names(&VARIABLE)) else {
            continue;
        };
        let value = reader.required(
            &fields,
            "value",
            "what is shown, as `value: event.properties.score`",
        );
        let otherwise = reader.required(
            &fields,
            "otherwise",
            "what is shown where that comes to nothing, as `otherwise: \"our mugs\"`",
        );
        let otherwise = otherwise.and_then(|node| reader.text(node, "a text, in quotes"));
        if let (Some(value), Some(otherwise)) = (value, otherwise) {
            places.note_place(Subject::Variable(all.len()), key.place);
            places.note(Subject::VariableValue(all.len()), value);
            all.extend(
                reader
                    .text(value, "an expression such as `event.properties.score`")
                    .map(|value| Variable {
                        name: key.name.clone(),
                        value: Condition(value.to_owned()),
                        otherwise: otherwise.to_owned(),
                    }),
            );
        }
    }
    all
}
