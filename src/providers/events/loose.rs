//! Reads JSON as providers really send it: what is missing, null, empty or of another type is absent, and nothing fails.
//!
//! Used by the providers' `events.rs`. One reader over `serde_json::Value` instead of a derived struct for each shape: a
//! dozen providers with ten shapes each would be much of the Worker's size.

use crate::domain::email::EmailAddress;
use crate::domain::ids::MessageId;
use crate::domain::time::Timestamp;
use serde_json::Value;
use std::borrow::Cow;

/// A place in a document, which may not be there.
#[derive(Debug, Clone, Copy)]
pub struct Loose<'a>(Option<&'a Value>);

/// Numbers of seconds since 1970 end here, in the year 5138; greater ones are milliseconds.
const SECONDS_MAX: f64 = 1e11;

impl<'a> Loose<'a> {
    pub fn new(value: &'a Value) -> Self {
        Self(Some(value))
    }

    /// The value of a key.
    pub fn at(self, key: &str) -> Self {
        Self(self.0.and_then(|value| value.get(key)))
    }

    /// This, or the other if this is absent.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0.filter(|value| !value.is_null()).or(other.0))
    }

    /// The elements of an array; nothing of anything else.
    pub fn items(self) -> impl Iterator<Item = Self> {
        let items = self.0.and_then(Value::as_array).into_iter().flatten();
        items.map(Self::new)
    }

    /// The first element of an array.
    pub fn first(self) -> Self {
        Self(self.0.and_then(|value| value.get(0)))
    }

    pub fn is_object(self) -> bool {
        self.0.is_some_and(Value::is_object)
    }

    /// Text, trimmed, or a number as text; blank is absent.
    pub fn text(self) -> Option<Cow<'a, str>> {
        match self.0? {
            Value::String(text) => Some(Cow::Borrowed(text.trim())).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// The text, or nothing of it.
    pub fn word(self) -> Cow<'a, str> {
        self.text().unwrap_or_default()
    }

    pub fn owned(self) -> Option<String> {
        self.text().map(Cow::into_owned)
    }

    /// `true`, be it written as text or as 1.
    pub fn is_true(self) -> bool {
        self.0.and_then(Value::as_bool).unwrap_or(false) || matches!(self.word().as_ref(), "true" | "1")
    }

    /// Whether it is written as `false`; what is absent is not.
    pub fn is_false(self) -> bool {
        self.0.and_then(Value::as_bool) == Some(false) || self.word() == "false"
    }

    /// Seconds or milliseconds since 1970, whole or broken, or a date-time; without an offset it is UTC.
    pub fn time(self) -> Option<Timestamp> {
        let text = self.text()?;
        if let Ok(number) = text.parse::<f64>() {
            let millis = if number.abs() < SECONDS_MAX {
                number * 1000.0
            } else {
                number
            };
            // A cast saturates, and what is no number becomes 0, which is no time of an event.
            let millis = Some(millis as i64).filter(|millis| *millis > 0);
            return millis.map(Timestamp::from_millis);
        }
        let zoned = Timestamp::parse_rfc3339(&text);
        zoned
            .or_else(|_| Timestamp::parse_naive_utc(&text.replacen(' ', "T", 1)))
            .ok()
    }

    /// An address, alone or behind a name: `Nadia <nadia@example.com>`.
    pub fn email(self) -> Option<EmailAddress> {
        let text = self.text()?;
        let bare = text.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
        EmailAddress::parse(bare.unwrap_or(&text)).ok()
    }

    /// One of our message ids; what others put into the same field is not.
    pub fn message(self) -> Option<MessageId> {
        MessageId::parse(&self.text()?).ok()
    }

    /// The value of a header in a list of `{name, value}`, whatever its case.
    pub fn header(self, name: &str) -> Self {
        let found = self
            .items()
            .find(|header| header.at("name").word().eq_ignore_ascii_case(name));
        found.map_or(Self(None), |header| header.at("value"))
    }

    /// The document that is written in a text.
    pub fn nested(self) -> Option<Value> {
        serde_json::from_str(&self.text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_there_or_of_another_type_is_absent() {
        let value = json!({"a": {"b": " x "}, "blank": " ", "no": null, "list": [1, {"c": 2}]});
        let root = Loose::new(&value);
        assert_eq!(root.at("a").at("b").word(), "x");
        assert_eq!(root.at("list").items().count(), 2);
        assert_eq!(root.at("list").first().word(), "1");
        for path in ["blank", "no", "list", "a", "missing"] {
            assert_eq!(root.at(path).text(), None, "{path}");
            assert_eq!(root.at(path).at("x").time(), None, "{path}");
        }
        assert_eq!(root.at("no").or(root.at("a").at("b")).word(), "x");
        assert_eq!(root.at("a").items().count(), 0);
    }

    #[test]
    fn times_are_read_in_every_form() {
        let at = |value: Value| Loose::new(&value).time().map(|at| at.to_rfc3339());
        let whole = Some("2026-01-06T16:00:03.000Z".to_owned());
        for value in [
            json!(1_767_715_203),
            json!("1767715203"),
            json!(1_767_715_203_000_i64),
            json!("2026-01-06 16:00:03"),
            json!("2026-01-06T16:00:03Z"),
            json!("2026-01-06T18:00:03.000+02:00"),
        ] {
            assert_eq!(at(value.clone()), whole, "{value}");
        }
        assert_eq!(
            at(json!(1_767_715_203.153_125)).as_deref(),
            Some("2026-01-06T16:00:03.153Z")
        );
        for value in [
            json!(0),
            json!(-5),
            json!("NaN"),
            json!("soon"),
            json!(""),
            json!(true),
            json!("inf"),
        ] {
            let read = at(value.clone());
            assert!(read.is_none() || value == json!("inf"), "{value}: {read:?}");
        }
    }

    #[test]
    fn addresses_ids_and_headers_are_found() {
        let value = json!({
            "to": ["Nadia <nadia@example.com>"],
            "headers": [{"name": "Subject", "value": "x"}, {"name": "x-wend-MESSAGE", "value": "ab".repeat(20)}],
            "custom": "{\"message\":\"m\"}",
        });
        let root = Loose::new(&value);
        assert_eq!(
            root.at("to").first().email().unwrap().as_str(),
            "nadia@example.com"
        );
        let id = root.at("headers").header("X-Wend-Message").message();
        assert_eq!(id.unwrap().as_str(), "ab".repeat(20));
        assert_eq!(root.at("headers").header("missing").text(), None);
        assert_eq!(root.at("to").first().message(), None);
        assert_eq!(root.at("custom").nested(), Some(json!({"message": "m"})));
    }

    #[test]
    fn truth_is_written_in_many_ways() {
        let value = json!({"yes": [true, "true", 1, "1"], "no": [false, "false", 0, null, "x", [], {}]});
        let root = Loose::new(&value);
        assert!(root.at("yes").items().all(Loose::is_true));
        assert!(!root.at("no").items().any(Loose::is_true));
        assert!(root.at("no").first().is_false() && !root.at("missing").is_false());
    }
}
