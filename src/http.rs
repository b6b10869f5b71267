//! Requests and responses as plain data, so that sources and providers stay pure and testable anywhere.
//!
//! The edge translates to and from the runtime's own types. Nothing here sends anything.

pub mod form;

use serde::Deserialize;
use serde::de::Error as _;
use std::fmt;

/// Header names are compared without case; the first of several values wins.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Headers(Vec<(String, String)>);

/// A request: one that came in, or one to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// Absolute for a request to be made; path and query for one that came in.
    pub url: String,
    pub headers: Headers,
    pub body: Vec<u8>,
}

/// An answer, with its body read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    /// Any other verb: no route takes it.
    Other,
}

/// JSON of a request or an answer.
///
/// It is read as text, as the store's own JSON is: `serde_json::from_slice` would put a second copy of the code that reads
/// each type into the Worker.
///
/// # Errors
/// Bytes that are not UTF-8, or JSON that is none or not that of the type.
pub fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, serde_json::Error> {
    serde_json::from_str(std::str::from_utf8(body).map_err(serde_json::Error::custom)?)
}

impl Headers {
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(held, _)| held.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of a cookie, as it was sent (RFC 6265 §5.4).
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .get("cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(held, value)| (held == name).then_some(value))
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, value);
        self
    }

    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// Shows names only: values hold keys and addresses.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "OTHER",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_have_no_case_and_debug_has_no_values() {
        let headers = Headers::new().with("X-Key", "secret");
        assert_eq!(headers.get("x-key"), Some("secret"));
        assert_eq!(format!("{headers:?}"), r#"["X-Key"]"#);
    }
}
