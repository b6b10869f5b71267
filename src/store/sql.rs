//! The narrow door to SQLite: statements in, rows out. The edge opens it on a Durable Object, `rusqlite.rs` on the
//! host. Nothing here knows a table.
//!
//! Statement texts are `&'static str`, so none is ever put together from data, and each is compiled once.

use super::Error;
use crate::domain::ids::{
    ContactId, EmailName, EnrollmentId, EnrollmentKey, EventId, IdentifierHash, JourneyId, MessageId,
    OrderKey, SourceName, StepId,
};
use crate::domain::time::Timestamp;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use std::fmt;
use std::sync::Arc;

/// Largest integer that survives the object, where every number is a double.
const MAX_EXACT: i64 = 1 << 53;

/// Runs one statement at a time. Consecutive calls without an `await` between them are one atomic commit.
///
/// An implementation binds every integer as a double ([`exact_number`]), refuses a wrong number of parameters, and
/// gives integral numbers back as [`Value::Integer`].
pub trait Sql {
    /// # Errors
    /// `Error::Statement` with SQLite's message.
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, Error>;

    /// Keeps all that the work wrote or, when it says no, nothing. Inside of a turn, what the turn wrote before stays.
    ///
    /// # Errors
    /// When what it wrote could not be kept.
    fn whole(&self, work: &mut dyn FnMut() -> bool) -> Result<(), Error>;
}

/// A value bound or read. There are no fractions: money is text, times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row of an answer, read by column name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

/// A write that is ready to run: everything that could fail in making it has been done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub text: &'static str,
    pub params: Vec<Value>,
}

/// The double to bind for an integer.
///
/// # Errors
/// `Error::Inexact` beyond 2^53, where a double would lose digits.
#[expect(clippy::cast_precision_loss, reason = "checked to be exact")]
pub fn exact_number(integer: i64) -> Result<f64, Error> {
    if (-MAX_EXACT..=MAX_EXACT).contains(&integer) {
        Ok(integer as f64)
    } else {
        Err(Error::Inexact(integer))
    }
}

/// The value for a number that was read: an integer, or nothing we ever store.
///
/// # Errors
/// `Error::Statement` when the number has a fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be integral and in range"
)]
pub fn value_of_number(number: f64) -> Result<Value, Error> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
    let in_range = number.abs() <= MAX_EXACT as f64;
    if in_range && number.fract() == 0.0 {
        Ok(Value::Integer(number as i64))
    } else {
        Err(Error::Statement(format!("the number {number} is not an integer")))
    }
}

impl dyn Sql + '_ {
    /// Runs a storage turn, or a part of one that may fail without it: all of its writes or, when it fails, none.
    ///
    /// # Errors
    /// The work's own error, or that of storage when what it wrote could not be kept.
    pub fn attempt<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut work = Some(work);
        let mut result = None;
        let kept = self.whole(&mut || {
            let outcome = work.take().map(|work| work());
            let fine = matches!(outcome, Some(Ok(_)));
            result = outcome;
            fine
        });
        match (result, kept) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(Error::Statement("the turn did not run".to_owned()).into()),
        }
    }

    /// Runs a statement for what it writes.
    pub(super) fn run(&self, text: &'static str, params: &[Value]) -> Result<(), Error> {
        self.query(text, params).map(drop)
    }

    /// The only row, or none.
    pub(super) fn first(&self, text: &'static str, params: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(text, params)?.into_iter().next())
    }
}

impl Statement {
    pub fn new(text: &'static str, params: Vec<Value>) -> Self {
        Self { text, params }
    }

    /// # Errors
    /// When SQLite refuses it.
    pub fn run(&self, sql: &dyn Sql) -> Result<(), Error> {
        sql.run(self.text, &self.params)
    }
}

impl Row {
    /// `columns` is shared by the rows of one answer.
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// All columns, by name.
    pub fn columns(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.columns.iter().map(String::as_str).zip(&self.values)
    }

    fn value(&self, column: &'static str) -> Result<&Value, Error> {
        self.columns
            .iter()
            .zip(&self.values)
            .find_map(|(name, value)| (name == column).then_some(value))
            .ok_or_else(|| problem(column, "is not in the answer"))
    }

    /// # Errors
    /// `Error::Column` when the column is missing or holds something else; so for all readers below.
    pub fn text(&self, column: &'static str) -> Result<&str, Error> {
        self.opt_text(column)?.ok_or_else(|| problem(column, "is null"))
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn opt_text(&self, column: &'static str) -> Result<Option<&str>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            Value::Integer(_) | Value::Blob(_) => Err(problem(column, "is not text")),
        }
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn integer(&self, column: &'static str) -> Result<i64, Error> {
        self.opt_integer(column)?
            .ok_or_else(|| problem(column, "is null"))
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn opt_integer(&self, column: &'static str) -> Result<Option<i64>, Error> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Integer(integer) => Ok(Some(*integer)),
            Value::Text(_) | Value::Blob(_) => Err(problem(column, "is not an integer")),
        }
    }

    /// # Errors
    /// As [`Row::text`]; also when the number is negative or too large.
    pub fn count(&self, column: &'static str) -> Result<u32, Error> {
        u32::try_from(self.integer(column)?).map_err(|error| problem(column, error))
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn time(&self, column: &'static str) -> Result<Timestamp, Error> {
        self.integer(column).map(Timestamp::from_millis)
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn opt_time(&self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        Ok(self.opt_integer(column)?.map(Timestamp::from_millis))
    }

    /// # Errors
    /// As [`Row::text`].
    pub fn blob(&self, column: &'static str) -> Result<&[u8], Error> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes),
            Value::Null | Value::Integer(_) | Value::Text(_) => Err(problem(column, "is not a blob")),
        }
    }

    /// A text that `parse` understands.
    ///
    /// # Errors
    /// As [`Row::text`]; also when `parse` refuses the text.
    pub fn parsed<T, E: fmt::Display>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Error> {
        parse(self.text(column)?).map_err(|error| problem(column, error))
    }

    /// # Errors
    /// As [`Row::parsed`].
    pub fn opt_parsed<T, E: fmt::Display>(
        &self,
        column: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Error> {
        let text = self.opt_text(column)?;
        text.map(|text| parse(text).map_err(|error| problem(column, error)))
            .transpose()
    }

    /// One word of an enum, in the spelling serde gives it.
    ///
    /// # Errors
    /// As [`Row::parsed`].
    pub fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        self.parsed(column, |text| {
            let word: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
            T::deserialize(word)
        })
    }

    /// # Errors
    /// As [`Row::parsed`].
    pub fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, Error> {
        self.parsed(column, |text| serde_json::from_str(text))
    }
}

fn problem(column: &'static str, problem: impl fmt::Display) -> Error {
    Error::Column {
        column,
        problem: problem.to_string(),
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<u32> for Value {
    fn from(integer: u32) -> Self {
        Self::Integer(i64::from(integer))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        Self::Integer(at.as_millis())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! value_from_id {
    ($($id:ty),* $(,)?) => {
        $(impl From<&$id> for Value {
            fn from(id: &$id) -> Self {
                Self::Text(id.as_str().to_owned())
            }
        })*
    };
}

value_from_id!(
    ContactId,
    EmailName,
    EnrollmentId,
    EnrollmentKey,
    EventId,
    IdentifierHash,
    JourneyId,
    MessageId,
    OrderKey,
    SourceName,
    StepId,
);
