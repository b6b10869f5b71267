//! The JSON of a request as plain data: the providers name its fields, one function writes it, in the order they were named.
//!
//! Built by the providers, written by `wire::json`. There is no struct for each API, whose code to be written would be in
//! the Worker once for each, and no `serde_json::Value`, which sorts its fields and copies every text.

use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// A value of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json<'a> {
    /// Left out, with its name.
    Absent,
    Text(Cow<'a, str>),
    Flag(bool),
    Number(u8),
    List(Vec<Json<'a>>),
    Object(Vec<Field<'a>>),
}

pub type Field<'a> = (&'a str, Json<'a>);

impl<'a> Json<'a> {
    /// An object, unless it has no field.
    pub fn some(fields: Vec<Field<'a>>) -> Self {
        if fields.is_empty() {
            Self::Absent
        } else {
            Self::Object(fields)
        }
    }

    /// Absent unless there is text.
    pub fn filled(text: String) -> Self {
        Some(text).filter(|text| !text.is_empty()).into()
    }

    fn is_there(&self) -> bool {
        *self != Self::Absent
    }
}

impl<'a> From<&'a str> for Json<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Json<'a> {
    fn from(text: &'a String) -> Self {
        text.as_str().into()
    }
}

impl From<String> for Json<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a, T: Into<Json<'a>>> From<Option<T>> for Json<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => serializer.serialize_u8(*number),
            Self::List(values) => serializer.collect_seq(values),
            Self::Object(fields) => {
                let there = fields.iter().filter(|(_, value)| value.is_there());
                serializer.collect_map(there.map(|(name, value)| (name, value)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_and_what_is_absent_is_left_out() {
        let json = Json::Object(vec![
            ("to", Json::List(vec!["a\"b".into()])),
            ("reply_to", None::<String>.into()),
            ("name", Json::filled(String::new())),
            ("from", Some("c".to_owned()).into()),
            ("headers", Json::some(Vec::new())),
            ("off", Json::Flag(false)),
            ("track", Json::Number(0)),
        ]);
        assert_eq!(
            serde_json::to_string(&json).unwrap(),
            r#"{"to":["a\"b"],"from":"c","off":false,"track":0}"#
        );
    }
}
