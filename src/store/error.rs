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

impl Error {
    /// What went wrong without the values that were read, which may hold an address: for a log.
    pub fn without_values(&self) -> String {
        match self {
            Self::Column { column, .. } => format!("column `{column}` cannot be read"),
            Self::Corrupt { what, id, .. } => format!("stored {what} `{id}` cannot be read"),
            Self::Json { what, .. } => format!("{what} cannot be written as JSON"),
            Self::Statement(_) | Self::TooLarge { .. } | Self::Inexact(_) => self.to_string(),
        }
    }
}

/// Where JSON could not be read, and why in a word; serde's own text quotes what it found.
pub fn place(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("{:?} at line {line}, column {column}", error.classify())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_line_names_the_place_and_not_the_value() {
        let problem = "`nadia@example.com` is not an id".to_owned();
        for error in [
            Error::Column {
                column: "contact_id",
                problem: problem.clone(),
            },
            Error::Corrupt {
                what: "contact",
                id: "8c".to_owned(),
                problem: problem.clone(),
            },
            Error::Json {
                what: "event",
                problem,
            },
        ] {
            assert!(!error.without_values().contains("nadia"), "{error}");
        }
        let error = serde_json::from_str::<u8>("\"nadia@example.com\"").unwrap_err();
        assert!(error.to_string().contains("nadia"));
        assert_eq!(place(&error), "Data at line 1, column 19");
    }
}
