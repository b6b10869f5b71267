//! One JSON line per boundary: what happened, with ids, never an address, a name or a body.

use serde_json::{Map, Value};

/// Writes one line. `fields` is an object of ids, counts and reasons.
pub fn line(event: &str, fields: Value) {
    worker::console_log!("{}", compose(event, fields));
}

/// Writes one line at error level.
pub fn error(event: &str, fields: Value) {
    worker::console_error!("{}", compose(event, fields));
}

fn compose(event: &str, fields: Value) -> Value {
    let mut object = match fields {
        Value::Object(object) => object,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    };
    object.insert("event".to_owned(), Value::String(event.to_owned()));
    Value::Object(object)
}
