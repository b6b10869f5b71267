//! `Sql` on a Durable Object, and a rollback around a storage turn.
//!
//! Every call into the runtime is bound with `catch`: the `worker` crate's own bindings for reading a cursor are not,
//! and a JavaScript exception through one of those ends the wasm instance (`.one()` on no row does).

use crate::store::sql::{exact_number, value_of_number};
use crate::store::{Error, Row, Sql, Value};
use std::cell::Cell;
use std::sync::Arc;
use worker::js_sys::{Array, Uint8Array};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen::{JsCast, JsValue};

#[wasm_bindgen]
extern "C" {
    type SqlApi;
    type CursorApi;
    type StorageApi;
    #[wasm_bindgen(js_name = Array)]
    type ArrayApi;

    #[wasm_bindgen(method, catch, variadic)]
    fn exec(this: &SqlApi, text: &str, params: Array) -> Result<CursorApi, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn raw(this: &CursorApi) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = columnNames)]
    fn column_names(this: &CursorApi) -> Result<Array, JsValue>;
    #[wasm_bindgen(method, getter, catch, js_name = rowsWritten)]
    fn rows_written(this: &CursorApi) -> Result<f64, JsValue>;
    #[wasm_bindgen(static_method_of = ArrayApi, catch, js_name = from)]
    fn from_iterator(iterator: &JsValue) -> Result<Array, JsValue>;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &StorageApi,
        closure: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;
}

/// The object's database. Counts the rows it writes: they are what Cloudflare bills.
pub struct ObjectSql {
    sql: SqlApi,
    storage: StorageApi,
    written: Cell<u64>,
}

impl ObjectSql {
    pub fn new(storage: &worker::Storage) -> Result<Self, worker::Error> {
        let raw = JsValue::from(storage.as_raw());
        let sql = worker::js_sys::Reflect::get(&raw, &JsValue::from_str("sql"))?;
        Ok(Self {
            sql: sql.unchecked_into(),
            storage: raw.unchecked_into(),
            written: Cell::new(0),
        })
    }

    /// Rows written since the object started.
    pub fn rows_written(&self) -> u64 {
        self.written.get()
    }

    /// Runs one storage turn: all of its writes or, when it fails, none.
    ///
    /// # Errors
    /// The turn's own error, or that of the runtime when it could not commit.
    pub fn turn<T, E: From<Error>>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let mut work = Some(work);
        let mut result = None;
        let committed = self.storage.transaction_sync(&mut || {
            let outcome = work.take().map(|work| work());
            let failed = !matches!(outcome, Some(Ok(_)));
            result = outcome;
            if failed {
                Err(JsValue::from_str("rolled back"))
            } else {
                Ok(())
            }
        });
        match (result, committed) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)) | None, Err(error)) => Err(statement_error(&error).into()),
            (None, Ok(())) => Err(Error::Statement("the turn did not run".to_owned()).into()),
        }
    }
}

impl Sql for ObjectSql {
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        let bound = Array::new();
        for param in params {
            bound.push(&js_value(param)?);
        }
        let failed = |error: JsValue| statement_error(&error);
        let cursor = self.sql.exec(text, bound).map_err(failed)?;
        let rows = ArrayApi::from_iterator(&cursor.raw().map_err(failed)?).map_err(failed)?;
        self.written
            .set(self.written.get() + whole(cursor.rows_written().map_err(failed)?));
        if rows.length() == 0 {
            return Ok(Vec::new());
        }
        let names = cursor.column_names().map_err(failed)?;
        let columns: Arc<[String]> = names.iter().filter_map(|name| name.as_string()).collect();
        rows.iter().map(|row| read_row(&columns, &row)).collect()
    }
}

fn read_row(columns: &Arc<[String]>, row: &JsValue) -> Result<Row, Error> {
    let cells: &Array = row.unchecked_ref();
    let values = cells
        .iter()
        .map(|cell| rust_value(&cell))
        .collect::<Result<_, _>>()?;
    Ok(Row::new(Arc::clone(columns), values))
}

fn js_value(value: &Value) -> Result<JsValue, Error> {
    Ok(match value {
        Value::Null => JsValue::NULL,
        Value::Integer(integer) => JsValue::from_f64(exact_number(*integer)?),
        Value::Text(text) => JsValue::from_str(text),
        Value::Blob(bytes) => Uint8Array::from(bytes.as_slice()).into(),
    })
}

fn rust_value(cell: &JsValue) -> Result<Value, Error> {
    if cell.is_null() || cell.is_undefined() {
        return Ok(Value::Null);
    }
    if let Some(number) = cell.as_f64() {
        return value_of_number(number);
    }
    match cell.as_string() {
        Some(text) => Ok(Value::Text(text)),
        None => Ok(Value::Blob(Uint8Array::new(cell).to_vec())),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small count"
)]
fn whole(number: f64) -> u64 {
    number.max(0.0) as u64
}

fn statement_error(error: &JsValue) -> Error {
    let message = error
        .dyn_ref::<worker::js_sys::Error>()
        .map(|error| String::from(error.message()));
    Error::Statement(
        message
            .or_else(|| error.as_string())
            .unwrap_or_else(|| format!("{error:?}")),
    )
}
