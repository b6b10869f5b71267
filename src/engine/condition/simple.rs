//! Conditions of the usual forms, answered without the interpreter: comparisons of fields and literals, `&&`, `||`, `!`,
//! `in`, `has()`, `size()`, `count()`, searches in a text, and `exists` and `all` over the items.
//!
//! Where anything is out of the ordinary (another form, an attribute that is not there or of another kind, a sum that
//! overflows), there is no answer here, and the interpreter is asked: it alone says what fails. A property in the tests
//! holds that the two never differ.

mod read;

use crate::domain::event::LineItem;
use crate::engine::sight::{Datum, Sight, count, of_item};
use crate::journey::shape::{Kind, Record};
use cel::IdedExpr;
use cel::common::ast::operators;
use std::borrow::Cow;
use std::cmp::Ordering;

/// Whole numbers up to here are decimal numbers too.
const WHOLE_MAX: u64 = 1 << 53;

#[derive(Debug, Clone)]
pub(super) enum Simple {
    And(Box<[Simple; 2]>),
    Or(Box<[Simple; 2]>),
    Not(Box<Simple>),
    /// Something that is true or false itself.
    Is(Operand),
    Compare(Comparison, Operand, Operand),
    /// In a list of texts, or among the names of a map.
    In(Operand, Field),
    OneOf(Operand, Vec<Operand>),
    Search(Search, Operand, Operand),
    Items(Quantifier, Field, Box<Simple>),
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Null,
    Field(Field),
    /// A field of the item that `exists` or `all` looks at.
    Item(String),
    /// What stands in a map under a name.
    Entry(Field, String),
    Size(Field),
    /// Events of a kind in so many days.
    Count(String, i64),
    Sum(Sign, Box<[Operand; 2]>),
}

/// A field of a root.
#[derive(Debug, Clone)]
pub(super) struct Field {
    record: Record,
    name: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Quantifier {
    Exists,
    All,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Sign {
    Plus,
    Minus,
    Times,
}

/// What is looked at: all there is to see, and an item of it.
#[derive(Clone, Copy)]
struct Look<'a> {
    sight: &'a Sight<'a>,
    item: Option<&'a LineItem>,
}

impl Simple {
    /// The simple form of an expression, if it has one.
    pub fn of(expression: &IdedExpr) -> Option<Self> {
        read::Reader::new().read(expression)
    }

    /// Whether it holds; none when the interpreter must be asked.
    pub fn answer(&self, sight: &Sight<'_>) -> Option<bool> {
        self.holds(Look { sight, item: None })
    }

    fn holds(&self, look: Look<'_>) -> Option<bool> {
        match self {
            Self::And(both) => {
                let [left, right] = both.as_ref();
                Some(left.holds(look)? && right.holds(look)?)
            }
            Self::Or(both) => {
                let [left, right] = both.as_ref();
                Some(left.holds(look)? || right.holds(look)?)
            }
            Self::Not(inner) => Some(!inner.holds(look)?),
            Self::Is(operand) => match operand.value(look)? {
                Datum::Bool(value) => Some(value),
                _ => None,
            },
            Self::Compare(comparison, left, right) => {
                comparison.holds(&left.value(look)?, &right.value(look)?)
            }
            Self::In(name, list) => {
                let Datum::Text(name) = name.value(look)? else {
                    return None;
                };
                match list.value(look)? {
                    Datum::Texts(texts) => Some(texts.contains(&name.as_ref())),
                    Datum::Map(map) => Some(map.contains_key(name.as_ref())),
                    _ => None,
                }
            }
            Self::OneOf(value, list) => {
                let value = value.value(look)?;
                for other in list {
                    if equal(&value, &other.value(look)?)? {
                        return Some(true);
                    }
                }
                Some(false)
            }
            Self::Search(search, text, part) => match (text.value(look)?, part.value(look)?) {
                (Datum::Text(text), Datum::Text(part)) => Some(search.finds(&text, &part)),
                _ => None,
            },
            Self::Items(quantifier, list, inner) => {
                let Datum::Items(items) = list.value(look)? else {
                    return None;
                };
                quantifier.holds(items, look, inner)
            }
        }
    }
}

impl Quantifier {
    fn holds(self, items: &[LineItem], look: Look<'_>, inner: &Simple) -> Option<bool> {
        let decides = match self {
            Self::Exists => true,
            Self::All => false,
        };
        for item in items {
            let item = Some(item);
            if inner.holds(Look { item, ..look })? == decides {
                return Some(decides);
            }
        }
        Some(!decides)
    }
}

impl Operand {
    fn value<'a>(&'a self, look: Look<'a>) -> Option<Datum<'a>> {
        match self {
            Self::Bool(value) => Some(Datum::Bool(*value)),
            Self::Int(value) => Some(Datum::Int(*value)),
            Self::Double(value) => Some(Datum::Double(*value)),
            Self::Text(text) => Some(Datum::Text(Cow::Borrowed(text))),
            Self::Null => Some(Datum::Null),
            Self::Field(field) => field.value(look),
            Self::Item(name) => of_item(look.item?, name),
            Self::Entry(field, name) => match field.value(look)? {
                Datum::Map(map) => plain(map.get(name)?),
                _ => None,
            },
            Self::Size(field) => {
                let size = match field.value(look)? {
                    Datum::Texts(texts) => texts.len(),
                    Datum::Items(items) => items.len(),
                    Datum::Map(map) => map.len(),
                    _ => return None,
                };
                i64::try_from(size).ok().map(Datum::Int)
            }
            Self::Count(event, days) => {
                let view = look.sight.view;
                Some(Datum::Int(count(view.counted, view.now, event, *days)))
            }
            Self::Sum(sign, both) => {
                let [left, right] = both.as_ref();
                sign.of(&left.value(look)?, &right.value(look)?)
            }
        }
    }
}

impl Field {
    fn value<'a>(&'a self, look: Look<'a>) -> Option<Datum<'a>> {
        look.sight.field(self.record, &self.name)
    }

    const fn is_list_or_map(&self) -> bool {
        matches!(self.kind, Kind::List(_) | Kind::Map)
    }
}

impl Comparison {
    fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::AtMost,
            operators::GREATER => Self::More,
            operators::GREATER_EQUALS => Self::AtLeast,
            _ => return None,
        })
    }

    fn holds(self, left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
        match self {
            Self::Equal => equal(left, right),
            Self::NotEqual => Some(!equal(left, right)?),
            Self::Less => Some(order(left, right)?.is_lt()),
            Self::AtMost => Some(order(left, right)?.is_le()),
            Self::More => Some(order(left, right)?.is_gt()),
            Self::AtLeast => Some(order(left, right)?.is_ge()),
        }
    }
}

impl Search {
    fn of(method: &str) -> Option<Self> {
        Some(match method {
            "contains" => Self::Contains,
            "startsWith" => Self::StartsWith,
            "endsWith" => Self::EndsWith,
            _ => return None,
        })
    }

    fn finds(self, text: &str, part: &str) -> bool {
        match self {
            Self::Contains => text.contains(part),
            Self::StartsWith => text.starts_with(part),
            Self::EndsWith => text.ends_with(part),
        }
    }
}

impl Sign {
    fn of_operator(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::ADD => Self::Plus,
            operators::SUBSTRACT => Self::Minus,
            operators::MULTIPLY => Self::Times,
            _ => return None,
        })
    }

    fn of(self, left: &Datum<'_>, right: &Datum<'_>) -> Option<Datum<'static>> {
        match (left, right) {
            (Datum::Int(a), Datum::Int(b)) => match self {
                Self::Plus => a.checked_add(*b),
                Self::Minus => a.checked_sub(*b),
                Self::Times => a.checked_mul(*b),
            }
            .map(Datum::Int),
            (Datum::Double(a), Datum::Double(b)) => Some(Datum::Double(match self {
                Self::Plus => a + b,
                Self::Minus => a - b,
                Self::Times => a * b,
            })),
            _ => None,
        }
    }
}

fn equal(left: &Datum<'_>, right: &Datum<'_>) -> Option<bool> {
    match (left, right) {
        (Datum::Bool(a), Datum::Bool(b)) => Some(a == b),
        (Datum::Null, Datum::Null) => Some(true),
        (Datum::Text(_), Datum::Null) | (Datum::Null, Datum::Text(_)) => Some(false),
        _ => Some(order(left, right)?.is_eq()),
    }
}

fn order(left: &Datum<'_>, right: &Datum<'_>) -> Option<Ordering> {
    match (left, right) {
        (Datum::Int(a), Datum::Int(b)) => Some(a.cmp(b)),
        (Datum::Double(a), Datum::Double(b)) => a.partial_cmp(b),
        (Datum::Int(a), Datum::Double(b)) => decimal(*a)?.partial_cmp(b),
        (Datum::Double(a), Datum::Int(b)) => a.partial_cmp(&decimal(*b)?),
        (Datum::Text(a), Datum::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "none up to WHOLE_MAX")]
const fn decimal(whole: i64) -> Option<f64> {
    if whole.unsigned_abs() <= WHOLE_MAX {
        Some(whole as f64)
    } else {
        None
    }
}

fn plain(value: &serde_json::Value) -> Option<Datum<'_>> {
    use serde_json::Value;
    match value {
        Value::Null => Some(Datum::Null),
        Value::Bool(value) => Some(Datum::Bool(*value)),
        Value::Number(number) => {
            let whole = number.as_i64().map(Datum::Int);
            whole.or_else(|| number.as_f64().map(Datum::Double))
        }
        Value::String(text) => Some(Datum::Text(Cow::Borrowed(text))),
        Value::Array(_) | Value::Object(_) => None,
    }
}
