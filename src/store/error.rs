//! What can go wrong with storage. Every function of `store` returns it; the edge answers 503 and logs it.

/// None of these is the sender's fault. `Statement` and `Corrupt` concern one row; the rest are our bugs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("statement failed: {0}")]
    Statement(String),
    #[error("column `{column}`: {problem}")]
    Column { column: &'static str, problem: String },
    #[error("stored {what} `{id}` cannot be read: {problem}")]
    Corrupt {
        what: &'static str,
        id: String,
        problem: String,
    },
    #[error("{what} `{id}` has {bytes} bytes, more than the {limit} that are stored")]
    TooLarge {
        what: &'static str,
        id: String,
        bytes: usize,
        limit: usize,
    },
    #[error("{what} cannot be written as JSON: {problem}")]
    Json { what: &'static str, problem: String },
    #[error("{0} is beyond 2^53 and would lose digits")]
    Inexact(i64),
}

/// `value` as JSON text, refused when it is longer than `limit`. `id` names it in the error.
pub(super) fn to_json<T: serde::Serialize + ?Sized>(
    what: &'static str,
    id: &str,
    value: &T,
    limit: usize,
) -> Result<String, Error> {
    let text = serde_json::to_string(value).map_err(|error| Error::Json {
        what,
        problem: error.to_string(),
    })?;
    check_size(what, id, text.len(), limit)?;
    Ok(text)
}

pub(super) fn check_size(what: &'static str, id: &str, bytes: usize, limit: usize) -> Result<(), Error> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        what,
        id: id.to_owned(),
        bytes,
        limit,
    })
}
