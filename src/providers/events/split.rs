//! Takes a body apart into the JSON text of each event, so that one bad event is no other's fault, and so that a post of
//! ten thousand is never a tree in memory at once.
//!
//! Called through the providers' `events.rs`.

use super::{Error, Genuine};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A body of one object, or of an array with one object an event.
pub fn objects<'a>(genuine: &Genuine<'a>) -> Result<Vec<Cow<'a, str>>, Error> {
    let text = text(genuine.body())?;
    if text.starts_with('[') {
        return elements(text).map_err(|error| Error::unreadable(error.to_string()));
    }
    object(text)?;
    Ok(vec![Cow::Borrowed(text)])
}

/// The array under a key of the one object, or the object itself where it has no such key.
pub fn under<'a>(genuine: &Genuine<'a>, key: &str) -> Result<Vec<Cow<'a, str>>, Error> {
    let text = text(genuine.body())?;
    match object(text)?.get(key) {
        Some(list) => elements(list.get()).map_err(|_| not_a_list(key)),
        None => Ok(vec![Cow::Borrowed(text)]),
    }
}

/// The same, of a body that may also be one object a line.
pub fn under_or_lines<'a>(genuine: &Genuine<'a>, key: &str) -> Result<Vec<Cow<'a, str>>, Error> {
    let whole = under(genuine, key);
    let lines = text(genuine.body())?
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    let is_lines = whole.is_err() && lines.clone().nth(1).is_some();
    let first = lines.clone().next().is_some_and(|line| object(line).is_ok());
    if is_lines && first {
        return Ok(lines.map(Cow::Borrowed).collect());
    }
    whole
}

/// The body as text, without a byte order mark.
pub fn text(body: &[u8]) -> Result<&str, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::unreadable("it is not UTF-8"))?;
    Ok(text.trim_start_matches('\u{feff}').trim())
}

/// The fields of a JSON object, unread.
pub fn object(text: &str) -> Result<BTreeMap<String, &RawValue>, Error> {
    if text.is_empty() {
        return Err(Error::unreadable("it is empty"));
    }
    if !text.starts_with('{') {
        let hint = "it is no JSON; choose JSON as the format of this webhook";
        return Err(Error::unreadable(hint));
    }
    serde_json::from_str(text).map_err(|error| Error::unreadable(error.to_string()))
}

/// The elements of a JSON array, unread.
pub fn elements(text: &str) -> Result<Vec<Cow<'_, str>>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_str(text)?;
    Ok(elements
        .into_iter()
        .map(|element| Cow::Borrowed(element.get()))
        .collect())
}

pub fn not_a_list(key: &str) -> Error {
    Error::unreadable(format!("`{key}` is no list"))
}
