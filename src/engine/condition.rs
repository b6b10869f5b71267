//! Conditions at run time: does `when:` hold for this contact, event and enrollment?
//!
//! Called by `ask` and `segments`. The build checked every condition against `journey::shape`, and [`Sight`] fills that
//! shape completely: an absent field has its kind's empty value. What can still fail is listed at [`Error`]; the caller
//! takes a failure as false, counts it, and in an exit rule holds the send.

mod simple;

use super::sight::{Datum, Sight, count, of_item};
use crate::domain::event::LineItem;
use crate::journey::definition::Condition;
use crate::journey::shape::{ROOTS, Record};
use cel::objects::Map;
use cel::parser::PrattParser;
use cel::{Context, Env, IdedExpr, Value};
use simple::Simple;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, RwLock};

/// Building the standard functions costs more than all the rest of an evaluation.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

/// Conditions that were read before, by their text: reading one costs as much as asking it. They stand in the catalog, so
/// there are as many as that has.
static READ: LazyLock<RwLock<BTreeMap<String, Arc<Compiled>>>> = LazyLock::new(RwLock::default);
/// More than any catalog has: then all are forgotten, so that nothing can make this grow for ever.
const MAX_READ: usize = 10_000;

/// Why a condition has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Cannot happen to a condition the build checked.
    #[error("condition cannot be read: {0}")]
    Unreadable(String),
    /// A property or attribute that is not there, a position beyond a list, a text that is no number.
    #[error("condition failed: {0}")]
    Failed(String),
    /// A property or attribute of another kind than the condition takes it for.
    #[error("condition is neither true nor false")]
    NotBool,
    /// A property or attribute that is a list or a map.
    #[error("expression is neither a text nor a number")]
    NotText,
}

/// A condition read once, and what it looks at: the rest need not be made for it.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// How it is answered in a fraction of the time, if it is that simple.
    simple: Option<Simple>,
    expression: IdedExpr,
    roots: Vec<Root>,
    /// Fields of items.
    items: Vec<&'static str>,
    /// It calls `count(…)`.
    counts: bool,
}

/// A root that a condition names, with the fields whose names stand somewhere in it. The build refuses every other way
/// to a field than its name.
#[derive(Debug, Clone)]
struct Root {
    name: &'static str,
    record: Record,
    fields: Vec<&'static str>,
}

impl Compiled {
    /// # Errors
    /// `Error::Unreadable`, which the build has ruled out.
    pub fn new(condition: &Condition) -> Result<Self, Error> {
        let parsed = PrattParser::default().parse(&condition.0);
        let expression = parsed.map_err(|errors| Error::Unreadable(errors.to_string()))?;
        let names = expression.references();
        let fields = |record: Record| -> Vec<&'static str> {
            let all = record.fields().into_iter().map(|(name, _)| name);
            all.filter(|name| condition.0.contains(name)).collect()
        };
        let roots = ROOTS.into_iter().filter(|(name, _)| names.has_variable(name));
        let roots = roots.map(|(name, record)| Root {
            name,
            record,
            fields: fields(record),
        });
        Ok(Self {
            roots: roots.collect(),
            items: fields(Record::Item),
            counts: names.has_function("count"),
            simple: Simple::of(&expression),
            expression,
        })
    }

    /// The same, read at most once for each text.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of(condition: &Condition) -> Result<Arc<Self>, Error> {
        let known = READ.read().ok();
        if let Some(known) = known.and_then(|known| known.get(&condition.0).cloned()) {
            return Ok(known);
        }
        let compiled = Arc::new(Self::new(condition)?);
        // A lock that a panic left behind only means that it is read again.
        if let Ok(mut known) = READ.write() {
            if known.len() >= MAX_READ {
                known.clear();
            }
            known.insert(condition.0.clone(), Arc::clone(&compiled));
        }
        Ok(compiled)
    }

    /// # Errors
    /// See [`Error`]; a failed condition counts as false.
    pub fn holds(&self, sight: &Sight<'_>) -> Result<bool, Error> {
        let simple = self.simple.as_ref().and_then(|simple| simple.answer(sight));
        simple.map_or_else(|| self.interpret(sight), Ok)
    }

    fn interpret(&self, sight: &Sight<'_>) -> Result<bool, Error> {
        match self.evaluate(sight)? {
            Value::Bool(holds) => Ok(holds),
            _ => Err(Error::NotBool),
        }
    }

    /// What the expression comes to, as people read it; null is an empty text.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn text(&self, sight: &Sight<'_>) -> Result<String, Error> {
        match self.evaluate(sight)? {
            Value::String(text) => Ok(text.to_string()),
            Value::Int(number) => Ok(number.to_string()),
            Value::UInt(number) => Ok(number.to_string()),
            Value::Float(number) if number.is_finite() => Ok(shown(number)),
            Value::Bool(value) => Ok(value.to_string()),
            Value::Null => Ok(String::new()),
            _ => Err(Error::NotText),
        }
    }

    /// Asks the interpreter.
    fn evaluate(&self, sight: &Sight<'_>) -> Result<Value, Error> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for root in &self.roots {
            context.add_variable_from_value(root.name, self.record(root, sight));
        }
        if self.counts {
            let (counted, now) = (Arc::clone(sight.view.counted), sight.view.now);
            let function = move |event: Arc<String>, days: i64| count(&counted, now, &event, days);
            context.add_function("count", function).map_err(failed)?;
        }
        Value::resolve(&self.expression, &context).map_err(failed)
    }

    fn record(&self, root: &Root, sight: &Sight<'_>) -> Value {
        let fields = root.fields.iter();
        map(fields.filter_map(|name| Some((*name, self.value(sight.field(root.record, name)?)))))
    }

    fn value(&self, datum: Datum<'_>) -> Value {
        match datum {
            Datum::Null => Value::Null,
            Datum::Bool(value) => Value::Bool(value),
            Datum::Int(value) => Value::Int(value),
            Datum::Double(value) => Value::Float(value),
            Datum::Text(text) => Value::from(text.as_ref()),
            Datum::Texts(texts) => Value::from(texts),
            Datum::Items(items) => {
                let items: Vec<Value> = items.iter().map(|item| self.item(item)).collect();
                Value::from(items)
            }
            Datum::Map(values) => plain_map(values.iter()),
        }
    }

    fn item(&self, item: &LineItem) -> Value {
        let fields = self.items.iter();
        map(fields.filter_map(|name| Some((*name, self.value(of_item(item, name)?)))))
    }
}

fn map<'n>(fields: impl Iterator<Item = (&'n str, Value)>) -> Value {
    let fields = fields.map(|(name, value)| (name.into(), value));
    Value::Map(Map {
        map: Arc::new(fields.collect()),
    })
}

fn plain_map<'v>(values: impl Iterator<Item = (&'v String, &'v serde_json::Value)>) -> Value {
    map(values.map(|(name, value)| (name.as_str(), plain(value))))
}

/// JSON whose whole numbers are signed: CEL would not add an unsigned one to anything.
fn plain(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(values) => Value::from(values.iter().map(plain).collect::<Vec<_>>()),
        Json::Object(values) => plain_map(values.iter()),
    }
}

/// A number as people write it: an average of three orders has no use for fifteen decimals.
fn shown(number: f64) -> String {
    let rounded = format!("{number:.2}");
    let cut = rounded.trim_end_matches('0').trim_end_matches('.');
    let is_zero = cut == "-0";
    if is_zero { "0".to_owned() } else { cut.to_owned() }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(error.to_string())
}

#[cfg(test)]
mod tests;
