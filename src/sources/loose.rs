//! Field types that read what shops really send: a field that is missing, null, empty or of the wrong type is absent,
//! and never loses the event around it.
//!
//! Used by the private wire structs of each source, which put `#[serde(default)]` on the whole struct. Numbers are taken
//! as the text that stands in the JSON: ids go beyond 2^53 and amounts must stay exact, so neither may become a float.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Text or a number, trimmed; blank is absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text(Option<String>);

/// `true` or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flag(pub bool);

/// An object.
#[derive(Debug, Clone)]
pub struct Object<T>(pub Option<T>);

/// An array without the elements that cannot be read.
#[derive(Debug, Clone)]
pub struct List<T>(pub Vec<T>);

impl Text {
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// An id of a system where 0 means "none".
    pub fn nonzero(&self) -> Option<&str> {
        self.as_deref().filter(|id| *id != "0")
    }

    pub fn from_raw(raw: &RawValue) -> Self {
        let literal = raw.get();
        let text = match literal.bytes().next() {
            Some(b'"') => serde_json::from_str::<String>(literal).ok(),
            Some(b'-' | b'0'..=b'9') => Some(literal.to_owned()),
            _ => None,
        };
        Self(
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty()),
        )
    }
}

impl<T> Object<T> {
    pub fn as_ref(&self) -> Option<&T> {
        self.0.as_ref()
    }

    pub fn from_raw(raw: &RawValue) -> Self
    where
        T: DeserializeOwned,
    {
        // Derived structs also read arrays, by position; a PHP shop writes an empty object as `[]`.
        let object = Some(raw.get()).filter(|literal| literal.starts_with('{'));
        Self(object.and_then(|literal| serde_json::from_str(literal).ok()))
    }
}

impl<T> List<T> {
    pub fn from_raw(raw: &RawValue) -> Self
    where
        T: DeserializeOwned,
    {
        let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).unwrap_or_default();
        let readable = elements
            .into_iter()
            .filter_map(|raw| serde_json::from_str(raw.get()).ok());
        Self(readable.collect())
    }
}

impl<T> Default for Object<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from_raw)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get() == "true"))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from_raw)
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from_raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Wire {
        id: Text,
        test: Flag,
        inner: Object<Inner>,
        list: List<Inner>,
    }

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Inner {
        id: Text,
    }

    fn id(json: &str) -> Option<String> {
        serde_json::from_str::<Wire>(json).unwrap().id.0
    }

    #[test]
    fn ids_and_amounts_are_the_text_that_was_sent() {
        for literal in ["820982911946154508", "98765432109876543210987", "179.10", "-5"] {
            assert_eq!(id(&format!("{{\"id\":{literal}}}")).as_deref(), Some(literal));
            assert_eq!(
                id(&format!("{{\"id\":\" {literal} \"}}")).as_deref(),
                Some(literal)
            );
        }
        assert_eq!(id(r#"{"id":"a\u0041\/"}"#).as_deref(), Some("aA/"));
        for absent in ["null", "true", "[]", "{}", "\"  \"", "\"\"", r#""\ud800""#] {
            assert_eq!(id(&format!("{{\"id\":{absent}}}")), None, "{absent}");
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_is_absent_and_nothing_else_is_lost() {
        for wrong in [
            "null",
            "true",
            "1",
            "-1",
            "1.5",
            "1e400",
            "\"x\"",
            "[[1]]",
            "[1,null]",
            "{\"a\":[1]}",
        ] {
            let json = format!("{{\"test\":{wrong},\"inner\":{wrong},\"list\":{wrong},\"id\":7}}");
            let wire: Wire = serde_json::from_str(&json).unwrap();
            assert_eq!(wire.id.as_deref(), Some("7"), "{wrong}");
        }
        let json = r#"{"list":[{"id":1},2,null,{"id":"3"}],"inner":{"id":4}}"#;
        let wire: Wire = serde_json::from_str(json).unwrap();
        let ids: Vec<_> = wire.list.0.iter().map(|inner| inner.id.as_deref()).collect();
        assert_eq!(ids, [Some("1"), Some("3")]);
        assert_eq!(
            wire.inner.as_ref().and_then(|inner| inner.id.as_deref()),
            Some("4")
        );
    }
}
