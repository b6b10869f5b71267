//! YAML as a tree that knows where everything stands.
//!
//! `parse` reads journeys through this rather than through derived types, because serde stops at the first unknown
//! field and we want to show them all. It knows nothing of journeys.

use super::finding::{Finding, Place, hint, one_of, unknown};
use crate::domain::time::Delay;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Options, Spanned};
use std::fmt;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub place: Place,
    /// Where the value starts in the file, in bytes.
    pub offset: usize,
    pub value: Value,
}

/// What YAML can say.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    /// A number, `true`, `false`: what is not text, as written.
    Other(String),
    Null,
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a map and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub place: Place,
    pub name: String,
}

/// A map whose keys have been checked.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pub place: Place,
    entries: &'a [(Key, Node)],
}

/// Reads typed values out of a tree and notes what is wrong, without stopping.
pub struct Reader<'a> {
    file: &'a str,
    pub findings: Vec<Finding>,
}

/// Reads one document.
///
/// # Errors
/// The place and reason where the text is not YAML.
pub fn read(file: &str, text: &str) -> Result<Node, Finding> {
    let mut options = Options::default();
    // `id: y` is a text; only `true` and `false` are booleans.
    options.strict_booleans = true;
    serde_saphyr::from_str_with_options::<Spanned<Value>>(text, options)
        .map(Node::from)
        .map_err(|error| {
            let place = error.location().map_or(Place::START, Place::from);
            let message = error.without_snippet().to_string();
            let message = message
                .rsplit_once(" at line ")
                .map_or(message.as_str(), |(said, _)| said);
            let message = message
                .strip_suffix(", set DuplicateKeyPolicy in Options if acceptable")
                .unwrap_or(message);
            Finding::at(file, place, message)
        })
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        let number = |number: u64| usize::try_from(number).unwrap_or(1).max(1);
        Self {
            line: number(location.line()),
            column: number(location.column()),
        }
    }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        let offset = spanned.referenced.span().byte_offset().unwrap_or_default();
        Self {
            place: spanned.referenced.into(),
            offset: usize::try_from(offset).unwrap_or_default(),
            value: spanned.value,
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Other(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = seq.next_element::<Spanned<Value>>()? {
            nodes.push(node.into());
        }
        Ok(Value::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let place = key.referenced.into();
            let name = key.value;
            entries.push((Key { place, name }, map.next_value::<Spanned<Value>>()?.into()));
        }
        Ok(Value::Map(entries))
    }
}

impl Node {
    /// What stands here, for messages.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Text(text) | Value::Other(text) => format!("`{text}`"),
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
        }
    }
}

impl<'a> Fields<'a> {
    pub fn get(&self, name: &str) -> Option<&'a Node> {
        self.entry(name).map(|(_, node)| node)
    }

    pub fn entry(&self, name: &str) -> Option<&'a (Key, Node)> {
        self.entries.iter().find(|(key, _)| key.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &'a (Key, Node)> + use<'a> {
        self.entries.iter()
    }
}

impl<'a> Reader<'a> {
    pub fn new(file: &'a str) -> Self {
        let findings = Vec::new();
        Self { file, findings }
    }

    pub fn report(&mut self, place: Place, message: impl Into<String>) {
        self.findings.push(Finding::at(self.file, place, message));
    }

    pub fn expected(&mut self, node: &Node, what: &str) {
        self.report(node.place, format!("expected {what}, found {}", node.found()));
    }

    /// The node as a map, whatever its keys.
    pub fn map<'n>(&mut self, node: &'n Node, what: &str) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            self.expected(node, what);
            return None;
        };
        let place = node.place;
        Some(Fields { place, entries })
    }

    /// The node as a map with none but the known keys. `what` names the map in messages.
    pub fn fields<'n>(&mut self, node: &'n Node, what: &str, known: &[&str]) -> Option<Fields<'n>> {
        let fields = self.map(node, &format!("{what} with {}", one_of(known)))?;
        for (key, _) in fields.entries {
            if !known.contains(&key.name.as_str()) {
                self.report(key.place, unknown("field", &key.name, known.iter().copied()));
            }
        }
        Some(fields)
    }

    /// The value of a key that must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, name: &str, what: &str) -> Option<&'n Node> {
        let node = fields.get(name);
        if node.is_none() {
            self.report(fields.place, format!("`{name}:` is missing: {what}"));
        }
        node
    }

    pub fn text<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.expected(node, what);
        None
    }

    /// A list of texts; one alone needs no brackets.
    pub fn nodes<'n>(&mut self, node: &'n Node, what: &str) -> Vec<&'n Node> {
        match &node.value {
            Value::List(nodes) => nodes.iter().collect(),
            Value::Text(_) | Value::Other(_) => vec![node],
            Value::Null | Value::Map(_) => {
                self.expected(node, what);
                Vec::new()
            }
        }
    }

    /// One of a few words: each with its value and what it means to a reader.
    pub fn choice<T: Copy>(&mut self, node: &Node, choices: &[(&str, T, &str)]) -> Option<T> {
        let names: Vec<&str> = choices.iter().map(|(name, _, _)| *name).collect();
        let (Value::Text(text) | Value::Other(text)) = &node.value else {
            self.expected(node, &one_of(&names));
            return None;
        };
        let found = choices
            .iter()
            .find(|(name, _, _)| name == text)
            .map(|(_, value, _)| *value);
        if found.is_none() {
            self.report(
                node.place,
                format!("`{text}` is not valid here{}", hint(text, &names)),
            );
        }
        found
    }

    /// A whole number within bounds; `what` says them.
    pub fn number(&mut self, node: &Node, least: i64, most: i64, what: &str) -> Option<i64> {
        let number = match &node.value {
            Value::Text(text) | Value::Other(text) => text.parse().ok(),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.expected(node, what);
        }
        number
    }

    /// A text that parses, whose error says what is wrong with it; `what` is for what is no text at all.
    pub fn parsed<T: std::str::FromStr<Err: fmt::Display>>(&mut self, node: &Node, what: &str) -> Option<T> {
        let (Value::Text(text) | Value::Other(text)) = &node.value else {
            self.expected(node, what);
            return None;
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.report(node.place, T::Err::to_string(&error));
                None
            }
        }
    }

    pub fn delay(&mut self, node: &Node) -> Option<Delay> {
        match &node.value {
            Value::Text(text) | Value::Other(text) => match Delay::parse(text) {
                Ok(Delay::ZERO) => {
                    self.report(node.place, format!("`{text}` is no time at all; leave it out"));
                    None
                }
                Ok(delay) => Some(delay),
                Err(error) => {
                    self.report(node.place, error.to_string());
                    None
                }
            },
            Value::Null | Value::List(_) | Value::Map(_) => {
                self.expected(node, "a delay such as 30m, 1h, 2d or 1d12h");
                None
            }
        }
    }
}

/// The place of byte `inside` of a scalar that starts at byte `start` of `source`. Quotes, folded lines and the
/// indentation of block scalars make the two texts differ; where they cannot be aligned, it is the scalar's start.
pub fn place_within(source: &str, start: usize, scalar: &str, inside: usize) -> Place {
    let offset = align(source, start, scalar, inside).unwrap_or(start);
    Place::of_offset(source, offset)
}

fn align(source: &str, start: usize, scalar: &str, inside: usize) -> Option<usize> {
    let mut raw = source.get(start..)?.char_indices().peekable();
    if matches!(raw.peek(), Some((_, '"' | '\''))) && !scalar.starts_with(['"', '\'']) {
        raw.next();
    }
    for (at, wanted) in scalar.char_indices() {
        let blank = wanted.is_whitespace();
        let (offset, found) = loop {
            let (offset, found) = raw.next()?;
            let indentation = !blank && found.is_whitespace();
            let escape = found == '\\' && wanted != '\\';
            if !indentation && !escape {
                break (offset, found);
            }
        };
        if at >= inside {
            return Some(start + offset);
        }
        let doubled_quote = found == '\'' && matches!(raw.peek(), Some((_, '\'')));
        if doubled_quote && !scalar.get(at + 1..).is_some_and(|rest| rest.starts_with('\'')) {
            raw.next();
        }
        if found != wanted && !(blank && found.is_whitespace()) {
            return None;
        }
    }
    raw.peek()
        .map(|(offset, _)| start + offset)
        .or(Some(source.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_found_again_in_its_file() {
        let cases = [
            ("when: event.valeu > 1\n", "valeu", 1, 13),
            ("when: 'event.valeu == ''x'''\n", "valeu", 1, 14),
            (
                "when: \"event.name == \\\"é\\\" || event.valeu\"\n",
                "valeu",
                1,
                37,
            ),
            ("when: |\n  a &&\n    valeu\n", "valeu", 3, 5),
            ("when: >-\n  a &&\n  valeu\n", "valeu", 3, 3),
            ("when: a &&\n  valeu\n", "valeu", 2, 3),
        ];
        for (source, word, line, column) in cases {
            let root = read("x.yaml", source).unwrap();
            let Value::Map(entries) = &root.value else {
                panic!("{source}")
            };
            let Value::Text(text) = &entries[0].1.value else {
                panic!("{source}")
            };
            let inside = text.find(word).unwrap();
            let place = place_within(source, entries[0].1.offset, text, inside);
            assert_eq!(place, Place { line, column }, "{source}");
        }
    }

    #[test]
    fn broken_yaml_has_a_place_and_one_line() {
        let finding = |text: &str| read("x.yaml", text).unwrap_err().to_string();
        assert_eq!(finding("a: 1\na: 2\n"), "x.yaml:2:1: duplicate mapping key: a");
        assert_eq!(finding("a: \"x"), "x.yaml:1:4: unclosed quote");
    }
}
