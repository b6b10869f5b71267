//! Forms as PHP writes them, made a JSON document: `payment[products][0][name]=Mug` is a value in an object in an array.
//!
//! Called by the sources and providers that post forms. Every value stays a text; what a name means is theirs to say.

use serde_json::{Map, Value};

/// Most fields read, and deepest name: a cart of 500 lines with ten fields each fits.
const MAX_FIELDS: usize = 10_000;
const MAX_DEPTH: usize = 8;

/// The document that a body of `application/x-www-form-urlencoded` stands for. A value that is a JSON object or array
/// itself is read as one.
pub fn document(body: &str) -> String {
    let mut root = Map::new();
    for (name, value) in super::urlencoded(body.as_bytes()).into_iter().take(MAX_FIELDS) {
        let path = path(&name);
        if path.len() <= MAX_DEPTH {
            put(&mut root, &path, value);
        }
    }
    written(&Value::Object(root))
}

/// `a[b][0]` is `a`, `b`, `0`.
fn path(name: &str) -> Vec<&str> {
    let (first, rest) = name.split_once('[').unwrap_or((name, ""));
    let inner = rest.strip_suffix(']').unwrap_or(rest);
    let inner = inner.split("][").filter(|_| !inner.is_empty());
    std::iter::once(first).chain(inner).collect()
}

/// Arrays stay objects with numbers for names until they are written: their elements come in any order.
fn put(fields: &mut Map<String, Value>, path: &[&str], value: String) {
    match path {
        [] => {}
        [name] => {
            fields.insert((*name).to_owned(), Value::String(value));
        }
        [name, rest @ ..] => {
            let inner = fields
                .entry((*name).to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Object(fields) if is_list(fields) => {
            let mut elements: Vec<(usize, String)> = fields
                .iter()
                .filter_map(|(index, value)| Some((index.parse().ok()?, written(value))))
                .collect();
            elements.sort_by_key(|(index, _)| *index);
            let elements: Vec<String> = elements.into_iter().map(|(_, element)| element).collect();
            format!("[{}]", elements.join(","))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::String(name.clone()), written(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::String(text) if is_document(text) => text.clone(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            value.to_string()
        }
    }
}

fn is_list(fields: &Map<String, Value>) -> bool {
    !fields.is_empty()
        && fields
            .keys()
            .all(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_with_brackets_are_objects_and_arrays() {
        let body =
            "Name=%D0%9E%D0%BB%D1%8C%D0%B3%D0%B0&a=1+2%2B&p[list][1][n]=b&p[list][0][n]=a&p[x]=&%5B=1&b%ZZ=%";
        let read: Value = serde_json::from_str(&document(body)).unwrap();
        let expected = serde_json::json!({
            "Name": "Ольга", "a": "1 2+", "p": {"list": [{"n": "a"}, {"n": "b"}], "x": ""}, "": "1", "b%ZZ": "%",
        });
        assert_eq!(read, expected);
        assert_eq!(document(""), "{}");
    }

    #[test]
    fn a_value_that_is_a_document_is_read_as_one() {
        let read = document("payment=%7B%22amount%22%3A9007199254740993%7D&note=%7Bnot+json");
        assert_eq!(
            read,
            r#"{"note":"{not json","payment":{"amount":9007199254740993}}"#
        );
    }

    proptest! {
        #[test]
        fn any_body_makes_a_document(body in "\\PC{0,200}") {
            let read: Value = serde_json::from_str(&document(&body)).unwrap();
            prop_assert!(read.is_object() || read.is_array());
        }
    }
}
