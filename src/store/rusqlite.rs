//! The host's SQLite behind [`Sql`], made to behave as a Durable Object's: for tests, simulations and the host
//! command. It must not be kinder than the object: what that refuses, this refuses.

use super::sql::{Row, Sql, Value, exact_number, value_of_number};
use super::{Error, MAX_VALUE_BYTES};
use ::rusqlite::config::DbConfig;
use ::rusqlite::limits::Limit;
use ::rusqlite::types::ValueRef;
use ::rusqlite::{Connection, Statement};
use std::path::Path;
use std::sync::Arc;

/// The object's limits. 32 arguments of a function are documented, though 100 were seen to pass.
const LIMITS: [(Limit, i32); 7] = [
    (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 100),
    (Limit::SQLITE_LIMIT_COLUMN, 100),
    (Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 5),
    (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50),
    (Limit::SQLITE_LIMIT_SQL_LENGTH, 100_000),
    (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
];

/// Statements that the object refuses, by their first word.
const REFUSED: [&str; 8] = [
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "ATTACH",
    "VACUUM",
    "PRAGMA",
];

/// Statements kept compiled: all of ours, and those that clear the tables.
const CACHED_STATEMENTS: usize = 160;

/// A database of the host.
pub struct Sqlite(Connection);

impl Sqlite {
    /// An empty database that lives as long as the value.
    ///
    /// # Errors
    /// When SQLite cannot start.
    pub fn in_memory() -> Result<Self, Error> {
        Self::with_limits(Connection::open_in_memory().map_err(failed)?)
    }

    /// A database in a file, made if it is absent.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::with_limits(Connection::open(path).map_err(failed)?)
    }

    fn with_limits(connection: Connection) -> Result<Self, Error> {
        for (limit, most) in LIMITS {
            connection.set_limit(limit, most).map_err(failed)?;
        }
        connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        // Else SQLite plans a statement anew for each new parameter.
        let stable = DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
        connection.set_db_config(stable, true).map_err(failed)?;
        Ok(Self(connection))
    }

    /// Runs one storage turn as the object does: all of its writes or, when it fails, none.
    ///
    /// # Errors
    /// The turn's own error, or SQLite's when it cannot commit.
    pub fn turn<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let sql: &dyn Sql = self;
        sql.attempt(work)
    }

    fn execute(&self, text: &str) -> Result<(), Error> {
        let mut statement = self.0.prepare_cached(text).map_err(failed)?;
        statement.raw_execute().map(drop).map_err(failed)
    }

    /// Takes all rows away but keeps the tables, and what was compiled for them: a new database costs a hundred times
    /// as much.
    ///
    /// # Errors
    /// When a statement fails.
    pub fn clear(&self) -> Result<(), Error> {
        for name in self.tables()? {
            let mut statement = self
                .0
                .prepare_cached(&format!("DELETE FROM {name}"))
                .map_err(failed)?;
            statement.raw_execute().map_err(failed)?;
        }
        Ok(())
    }

    /// A row that holds the text in any column of any table.
    ///
    /// # Errors
    /// When a statement fails.
    pub fn find_text(&self, text: &str) -> Result<Option<Row>, Error> {
        for name in self.tables()? {
            let all = format!("SELECT * FROM {name}");
            let mut statement = self.0.prepare_cached(&all).map_err(failed)?;
            let rows = collect(&mut statement)?;
            let holds = |value: &Value| match value {
                Value::Null | Value::Integer(_) => false,
                Value::Text(held) => held.contains(text),
                Value::Blob(held) => held
                    .windows(text.len().max(1))
                    .any(|part| part == text.as_bytes()),
            };
            let mut rows = rows.into_iter();
            if let Some(row) = rows.find(|row| row.columns().any(|(_, value)| holds(value))) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// How many rows all tables hold.
    ///
    /// # Errors
    /// When a statement fails.
    pub fn count_rows(&self) -> Result<usize, Error> {
        let mut all = 0_usize;
        for name in self.tables()? {
            let count = format!("SELECT count(*) FROM {name}");
            let mut statement = self.0.prepare_cached(&count).map_err(failed)?;
            let rows: i64 = statement.query_row([], |row| row.get(0)).map_err(failed)?;
            all = all.saturating_add(usize::try_from(rows).unwrap_or_default());
        }
        Ok(all)
    }

    fn tables(&self) -> Result<Vec<String>, Error> {
        let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let mut statement = self.0.prepare_cached(tables).map_err(failed)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(failed)?;
        rows.collect::<::rusqlite::Result<_>>().map_err(failed)
    }

    /// Table rows written since it was opened. Index entries, which the object also bills, are not in it.
    pub fn rows_written(&self) -> u64 {
        self.0.total_changes()
    }
}

impl Sql for Sqlite {
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        refuse_what_the_object_refuses(text)?;
        let mut statement = self.0.prepare_cached(text).map_err(failed)?;
        let expected = statement.parameter_count();
        if expected != params.len() {
            let problem = format!("{} parameters for {expected} in `{text}`", params.len());
            return Err(Error::Statement(problem));
        }
        for (index, value) in params.iter().enumerate() {
            bind(&mut statement, index + 1, value)?;
        }
        collect(&mut statement)
    }

    /// As the object does it; the outermost is the transaction.
    fn whole(&self, work: &mut dyn FnMut() -> bool) -> Result<(), Error> {
        self.execute("SAVEPOINT whole")?;
        if !work() {
            self.execute("ROLLBACK TO whole")?;
        }
        self.execute("RELEASE whole")
    }
}

fn refuse_what_the_object_refuses(text: &str) -> Result<(), Error> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if REFUSED.iter().any(|word| first.eq_ignore_ascii_case(word)) {
        return Err(Error::Statement(format!("the object refuses {first}")));
    }
    // SQLite reads "nope" as text when there is no such column, which hides a misspelling.
    if text.contains('"') {
        return Err(Error::Statement(format!("double quotes in `{text}`")));
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, index: usize, value: &Value) -> Result<(), Error> {
    match value {
        Value::Null => statement.raw_bind_parameter(index, ::rusqlite::types::Null),
        Value::Integer(integer) => statement.raw_bind_parameter(index, exact_number(*integer)?),
        Value::Text(text) if text.len() <= MAX_VALUE_BYTES => statement.raw_bind_parameter(index, text),
        Value::Blob(bytes) if bytes.len() <= MAX_VALUE_BYTES => statement.raw_bind_parameter(index, bytes),
        Value::Text(_) | Value::Blob(_) => {
            return Err(Error::Statement(format!("parameter {index} is too large")));
        }
    }
    .map_err(failed)
}

fn collect(statement: &mut Statement<'_>) -> Result<Vec<Row>, Error> {
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut answer = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(failed)? {
        let values = (0..columns.len()).map(|index| {
            match row.get_ref(index).map_err(failed)? {
                ValueRef::Null => Ok(Value::Null),
                // The object hands integers out as doubles, too.
                ValueRef::Integer(integer) => value_of_number(exact_number(integer)?),
                ValueRef::Real(number) => value_of_number(number),
                ValueRef::Text(bytes) => Ok(Value::Text(String::from_utf8_lossy(bytes).into_owned())),
                ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
            }
        });
        let values: Vec<Value> = values.collect::<Result<_, Error>>()?;
        answer.push(Row::new(Arc::clone(&columns), values));
    }
    Ok(answer)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(error: ::rusqlite::Error) -> Error {
    Error::Statement(error.to_string())
}
