//! The journey language as JSON Schema, for editors: written from the tables of `language` by `wend schema`.

use super::language::{Field, Form, JOURNEY, KINDS, Kind, LEAVE};
use crate::domain::event::EventKind;
use serde_json::{Map, Value, json};

/// Where it lies, and what a journey names in its first line.
pub const FILE: &str = "journeys/schema.json";

const NAME: &str = "^[a-z]([a-z0-9-]{0,62}[a-z0-9])?$";
const DELAY: &str = "([0-9]+[smhdw])+";

/// The file's text.
pub fn text() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).unwrap_or_default();
    text.push('\n');
    text
}

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut root = map(&JOURNEY);
    let known: Vec<&str> = EventKind::known_names().collect();
    let steps = json!({ "type": "array", "items": { "$ref": "#/$defs/step" } });
    let defs = json!({
        "delay": {
            "type": "string",
            "pattern": format!("^{DELAY}$"),
            "description": "90s, 30m, 1h, 2d, 1w, or a sum such as 1d12h; a day is 24 hours.",
        },
        "name": {
            "type": "string",
            "pattern": NAME,
            "description": "Lower-case letters, digits and `-`, starting with a letter.",
        },
        "condition": {
            "type": "string",
            "description": "A CEL expression that is true or false, as `event.value > 0`.",
        },
        "event": {
            "description": "The name of an event, or of one under `events:` in store.yaml.",
            "anyOf": [{ "enum": known }, { "type": "string" }],
        },
        "steps": steps,
        "step": step(),
    });
    if let Value::Object(fields) = &mut root {
        fields.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        fields.insert("title".to_owned(), json!("A journey of Wend"));
        fields.insert("$defs".to_owned(), defs);
    }
    root
}

fn step() -> Value {
    let leave = json!({ "const": LEAVE, "description": "Leaves the journey." });
    let kinds = KINDS.iter().map(kind);
    json!({ "anyOf": std::iter::once(leave).chain(kinds).collect::<Vec<_>>() })
}

fn kind(kind: &Kind) -> Value {
    let fields: Vec<&Field> = std::iter::once(&kind.field).chain(kind.with).collect();
    let mut value = object(&fields);
    let id = json!({
        "description": "What the step is called as long as people may stand on it.",
        "allOf": [{ "$ref": "#/$defs/name" }, { "not": { "const": LEAVE } }],
    });
    if let Some(Value::Object(properties)) = value.get_mut("properties") {
        properties.insert("id".to_owned(), id);
    }
    if let Value::Object(fields) = &mut value {
        fields.insert("title".to_owned(), json!(kind.field.name));
        fields.insert("description".to_owned(), json!(kind.field.about));
    }
    value
}

fn map(fields: &[Field]) -> Value {
    object(&fields.iter().collect::<Vec<_>>())
}

fn object(fields: &[&Field]) -> Value {
    let mut properties = Map::new();
    for field in fields {
        let mut value = form(&field.form);
        if let Value::Object(said) = &mut value {
            said.insert("description".to_owned(), json!(field.about));
        }
        properties.insert(field.name.to_owned(), value);
    }
    let required = fields.iter().filter(|field| field.required);
    json!({
        "type": "object",
        "properties": properties,
        "required": required.map(|field| field.name).collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}

fn form(form: &Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Like(pattern) => json!({ "type": "string", "pattern": pattern }),
        Form::YesNo => json!({ "type": "boolean" }),
        Form::Name => json!({ "$ref": "#/$defs/name" }),
        Form::Delay => json!({ "$ref": "#/$defs/delay" }),
        Form::Within(word) => json!({ "type": "string", "pattern": format!("^{word} {DELAY}$") }),
        Form::Percent(least, most) => percent(*least, *most),
        Form::Number(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Form::Condition => json!({ "$ref": "#/$defs/condition" }),
        Form::Expression => json!({ "type": "string" }),
        Form::Named(fields) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[a-z][a-z0-9_]*$" },
            "additionalProperties": map(fields),
        }),
        Form::Event => json!({ "$ref": "#/$defs/event" }),
        Form::Words(words) => {
            let words = words().into_iter();
            let each = words.map(|(word, about)| json!({ "const": word, "description": about }));
            json!({ "anyOf": each.collect::<Vec<_>>() })
        }
        Form::OneOrMore(one) => {
            let one = self::form(one);
            json!({ "anyOf": [one, { "type": "array", "items": one }] })
        }
        Form::List(of, least) => json!({ "type": "array", "items": self::form(of), "minItems": least }),
        Form::Map(fields) => map(fields),
        Form::Attributes => json!({
            "type": "object",
            "additionalProperties": { "type": ["string", "number", "boolean", "null"] },
        }),
        Form::Moves => json!({
            "type": "object",
            "propertyNames": { "$ref": "#/$defs/name", "not": { "const": LEAVE } },
            "additionalProperties": { "$ref": "#/$defs/name" },
        }),
        Form::Steps => json!({ "$ref": "#/$defs/steps" }),
        Form::AnyOf(forms) => json!({ "anyOf": forms.iter().map(self::form).collect::<Vec<_>>() }),
    }
}

/// A schema counts no numbers within a text, so all of them are listed; `1%` to `50%`.
fn percent(least: u8, most: u8) -> Value {
    let shares: Vec<String> = (least..=most).map(|share| format!("{share}%")).collect();
    json!({ "enum": shares })
}
