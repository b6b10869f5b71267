//! Reads a JSON document by paths: what is missing, null, empty or of another type is absent, and nothing fails.
//!
//! Used by the sources whose fields are a table (`shape.rs`): a dozen of them with derived structs of their own would be
//! much of the Worker's size. Numbers are taken as the text that stands in the JSON, as in `loose.rs`.

use super::Error;
use super::loose::Text;
use crate::domain::time::Timestamp;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The fields of an object. A path is names with dots between them; where one leads through an array, it leads to every
/// element; `*` is every name. `a.b|c` is `a.b`, or `c` where that says nothing.
#[derive(Debug, Clone, Default)]
pub struct Fields<'a>(BTreeMap<String, &'a RawValue>);

/// Numbers of seconds since 1970 end here, in the year 5138; greater ones are milliseconds.
const SECONDS_MAX: i64 = 100_000_000_000;

impl<'a> Fields<'a> {
    /// The fields of a document that is one object, or an array of nothing but one.
    ///
    /// # Errors
    /// [`Error::Unreadable`] with the place where reading stopped.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let unreadable = |error: serde_json::Error| Error::unreadable(error.to_string());
        let document: &RawValue = serde_json::from_str(text).map_err(unreadable)?;
        let elements = elements(document);
        match elements.as_slice() {
            [only] if only.get().starts_with('{') => {
                serde_json::from_str(only.get()).map(Self).map_err(unreadable)
            }
            _ => Err(Error::unreadable("it is not a JSON object")),
        }
    }

    fn of(value: &'a RawValue) -> Self {
        // The map would also be read from what is no object.
        let object = Some(value.get()).filter(|literal| literal.starts_with('{'));
        Self(
            object
                .and_then(|literal| serde_json::from_str(literal).ok())
                .unwrap_or_default(),
        )
    }

    /// The values that one path leads to.
    fn values(&self, path: &str) -> Vec<&'a RawValue> {
        let (name, rest) = path
            .split_once('.')
            .map_or((path, None), |(name, rest)| (name, Some(rest)));
        let found: Vec<&RawValue> = match name {
            "*" => self.0.values().flat_map(|value| elements(value)).collect(),
            name => self.0.get(name).map(|value| elements(value)).unwrap_or_default(),
        };
        match rest {
            None => found,
            Some(rest) => found
                .into_iter()
                .flat_map(|value| Self::of(value).values(rest))
                .collect(),
        }
    }

    /// All texts at a path, of the first alternative that has any.
    pub fn texts(&self, path: &str) -> Vec<Text> {
        let of = |path: &str| -> Vec<Text> {
            let read = self.values(path).into_iter().map(Text::from_raw);
            read.filter(|text| text.as_deref().is_some()).collect()
        };
        let mut alternatives = path.split('|').map(of);
        alternatives.find(|texts| !texts.is_empty()).unwrap_or_default()
    }

    /// The first text at a path.
    pub fn text(&self, path: &str) -> Text {
        self.texts(path).into_iter().next().unwrap_or_default()
    }

    /// The first text at a path, or nothing of it.
    pub fn word(&self, path: &str) -> String {
        self.text(path).as_deref().unwrap_or_default().to_owned()
    }

    /// The objects at a path, of the first alternative that has any.
    pub fn objects(&self, path: &str) -> Vec<Self> {
        let of = |path: &str| -> Vec<Self> {
            let objects = self.values(path).into_iter();
            let objects = objects.filter(|value| value.get().starts_with('{'));
            objects.map(Self::of).collect()
        };
        let mut alternatives = path.split('|').map(of);
        alternatives
            .find(|objects| !objects.is_empty())
            .unwrap_or_default()
    }

    /// The first object at a path; one without fields where there is none.
    pub fn object(&self, path: &str) -> Self {
        self.objects(path).into_iter().next().unwrap_or_default()
    }

    /// The same with a field of another document, in the place of its own.
    #[must_use]
    pub fn with(mut self, name: &str, other: &Self) -> Self {
        if let Some(value) = other.0.get(name) {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Whether the value at a path is written so: `true`, `null`.
    pub fn is(&self, path: &str, literal: &str) -> bool {
        let mut alternatives = path.split('|').flat_map(|path| self.values(path));
        alternatives.any(|value| value.get() == literal)
    }

    /// A time with its offset, or seconds or milliseconds since 1970. A time of day without an offset is none: of which
    /// zone it is, only the shop knows.
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        let texts = path.split('|').map(|path| self.text(path));
        texts.filter_map(|text| time(text.as_deref()?)).next()
    }
}

fn time(text: &str) -> Option<Timestamp> {
    match text.parse::<i64>() {
        Ok(seconds @ 1..SECONDS_MAX) => Some(Timestamp::from_seconds(seconds)),
        Ok(millis) => Some(millis)
            .filter(|millis| *millis > 0)
            .map(Timestamp::from_millis),
        Err(_) => Timestamp::parse_rfc3339(text)
            .or_else(|_| Timestamp::parse_rfc2822(text))
            .ok(),
    }
}

/// The elements of an array; of anything else itself.
fn elements(value: &RawValue) -> Vec<&RawValue> {
    if value.get().starts_with('[') {
        serde_json::from_str(value.get()).unwrap_or_default()
    } else {
        vec![value]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(json: &str, path: &str) -> String {
        Fields::parse(json).unwrap().word(path)
    }

    #[test]
    fn paths_lead_through_objects_and_arrays() {
        let json = r#"{"a":{"b":" x "},"list":[{"c":1},2,{"c":820982911946154508}],"no":null,"blank":" "}"#;
        assert_eq!(word(json, "a.b"), "x");
        assert_eq!(word(json, "no|blank|a.missing|a.b"), "x");
        let fields = Fields::parse(json).unwrap();
        let ids: Vec<Text> = fields.texts("list.c");
        assert_eq!(ids.last().unwrap().as_deref(), Some("820982911946154508"));
        assert_eq!(fields.objects("none|list").len(), 2);
        for nothing in ["", ".", "a", "list", "a.b.c", "no.x", "missing|no"] {
            assert!(
                fields.text(nothing).as_deref().is_none_or(|text| text == "2"),
                "{nothing}"
            );
        }
        assert!(fields.is("no", "null") && !fields.is("missing", "null"));
    }

    #[test]
    fn a_document_is_one_object_or_an_array_of_one() {
        assert_eq!(word(r#" {"a":1} "#, "a"), "1");
        assert_eq!(word(r#"[{"a":1}]"#, "a"), "1");
        for text in [
            "",
            "[]",
            "[{},{}]",
            "null",
            "1",
            "\"{}\"",
            "{",
            "[[{}]]",
            "{\"a\":1,}",
        ] {
            let error = Fields::parse(text).map(|_| ()).unwrap_err();
            assert_eq!(error.status(), 400, "{text}");
        }
    }

    #[test]
    fn times_have_an_offset() {
        let at = |literal: &str| {
            let json = format!("{{\"t\":{literal}}}");
            Fields::parse(&json)
                .unwrap()
                .time("none|t")
                .map(Timestamp::to_rfc3339)
        };
        let noon = Some("2026-01-06T12:00:00.000Z".to_owned());
        for literal in [
            "1767700800",
            "1767700800000",
            "\"1767700800\"",
            "\"2026-01-06T15:00:00.000+03:00\"",
            "\"2026-01-06T12:00:00Z\"",
            "\"Tue, 06 Jan 2026 12:00:00 +0000\"",
        ] {
            assert_eq!(at(literal), noon, "{literal}");
        }
        for literal in [
            "0",
            "-5",
            "\"\"",
            "null",
            "\"soon\"",
            "\"2026-01-06T12:00:00\"",
            "1767700800.5",
        ] {
            assert_eq!(at(literal), None, "{literal}");
        }
    }
}
