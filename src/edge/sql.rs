//! `Sql` on a Durable Object, and a rollback around a storage turn.
//!
//! A statement is one call of `statement.mjs`. Every call into the runtime is bound with `catch`: the `worker` crate's own
//! bindings for reading a cursor are not, and a JavaScript exception through one of those ends the wasm instance
//! (`.one()` on no row does).

use crate::store::sql::{exact_number, value_of_number};
use crate::store::{Error, Row, Sql, Value};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::json;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;
use worker::js_sys::{Array, Uint8Array};
use worker::wasm_bindgen::prelude::*;
use worker::wasm_bindgen::{JsCast, JsValue};

/// Longer texts are bound as they are, not inside the JSON of the parameters.
const LONG: usize = 512;

#[wasm_bindgen(module = "/src/edge/statement.mjs")]
extern "C" {
    #[wasm_bindgen(catch)]
    fn run(sql: &JsValue, text: &str, params: &str, beside: &Array) -> Result<String, JsValue>;
    #[wasm_bindgen(catch)]
    fn large(at: u32) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    type StorageApi;
    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &StorageApi,
        closure: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;
}

/// The object's database. Counts the rows it writes: they are what Cloudflare bills.
pub struct ObjectSql {
    sql: JsValue,
    storage: StorageApi,
    written: Cell<u64>,
}

impl ObjectSql {
    pub fn new(storage: &worker::Storage) -> Result<Self, worker::Error> {
        let raw = JsValue::from(storage.as_raw());
        let sql = worker::js_sys::Reflect::get(&raw, &JsValue::from_str("sql"))?;
        Ok(Self {
            sql,
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
        let sql: &dyn Sql = self;
        sql.attempt(work)
    }
}

impl Sql for ObjectSql {
    fn query(&self, text: &'static str, params: &[Value]) -> Result<Vec<Row>, Error> {
        let beside = Array::new();
        let params: Vec<serde_json::Value> = params
            .iter()
            .map(|param| bound(param, &beside))
            .collect::<Result<_, _>>()?;
        let params = serde_json::Value::from(params).to_string();
        let answer = run(&self.sql, text, &params, &beside).map_err(|error| statement_error(&error))?;
        let (written, names, rows): (u64, Arc<[String]>, Vec<Vec<Held>>) =
            serde_json::from_str(&answer).map_err(|error| Error::Statement(error.to_string()))?;
        self.written.set(self.written.get() + written);
        rows.into_iter()
            .map(|cells| {
                let values = cells.into_iter().map(value).collect::<Result<_, _>>()?;
                Ok(Row::new(Arc::clone(&names), values))
            })
            .collect()
    }

    /// The runtime nests these: one inside of another is a savepoint.
    fn whole(&self, work: &mut dyn FnMut() -> bool) -> Result<(), Error> {
        let mut fine = false;
        let committed = self.storage.transaction_sync(&mut || {
            fine = work();
            if fine {
                Ok(())
            } else {
                Err(JsValue::from_str("rolled back"))
            }
        });
        match committed {
            Err(error) if fine => Err(statement_error(&error)),
            // Whoever did the work knows why it failed.
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A parameter in the JSON of all, or its place `beside` it.
fn bound(param: &Value, beside: &Array) -> Result<serde_json::Value, Error> {
    let put = |large: JsValue| json!({ "at": beside.push(&large) - 1 });
    Ok(match param {
        Value::Null => serde_json::Value::Null,
        Value::Integer(integer) => exact_number(*integer)?.into(),
        Value::Text(text) if text.len() > LONG => put(JsValue::from_str(text)),
        Value::Text(text) => text.as_str().into(),
        Value::Blob(bytes) => put(Uint8Array::from(bytes.as_slice()).into()),
    })
}

/// A cell as it comes in the JSON of an answer.
enum Held {
    Here(Value),
    Number(f64),
    /// Left in JavaScript.
    Large(u32),
}

fn value(held: Held) -> Result<Value, Error> {
    match held {
        Held::Here(value) => Ok(value),
        Held::Number(number) => value_of_number(number),
        Held::Large(at) => {
            let cell = large(at).map_err(|error| statement_error(&error))?;
            let text = cell.as_string().map(Value::Text);
            Ok(text.unwrap_or_else(|| Value::Blob(Uint8Array::new(&cell).to_vec())))
        }
    }
}

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeldVisitor)
    }
}

struct HeldVisitor;

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers come from JavaScript, where they are doubles"
)]
impl<'de> Visitor<'de> for HeldVisitor {
    type Value = Held;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a cell")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Held, E> {
        Ok(Held::Here(Value::Null))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Held, E> {
        Ok(Held::Number(number as f64))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Held, E> {
        Ok(Held::Number(number as f64))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Held, E> {
        Ok(Held::Number(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Held, E> {
        Ok(Held::Here(Value::Text(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Held, A::Error> {
        let place: Option<(String, u32)> = map.next_entry()?;
        place
            .map(|(_, at)| Held::Large(at))
            .ok_or_else(|| de::Error::custom("a place without a number"))
    }
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
