//! What is wrong in a file a store edits: place, words, nearest valid name.
//!
//! Written by every check of this folder, shown by build.rs and `wend lint`. Nothing here decides what is wrong.

use std::fmt;

/// Most names listed when none is near: more would bury the message.
const LISTED_MAX: usize = 16;

/// Line and column in a file, both counted from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// One thing to correct.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Path from the top of the repository.
    pub file: String,
    /// None when it concerns the file as a whole.
    pub place: Option<Place>,
    pub message: String,
}

impl Place {
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of a byte offset in a text.
    pub fn of_offset(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }
}

impl Finding {
    pub fn at(file: &str, place: Place, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: Some(place),
            message: message.into(),
        }
    }

    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            message: message.into(),
        }
    }
}

/// `journeys/x.yaml:7:14: message`, always one line.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file)?;
        if let Some(Place { line, column }) = self.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.message.replace('\n', " "))
    }
}

/// The known name that a misspelt one was probably meant to be: at most a third of its letters differ.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = (name.chars().count() / 3).max(2);
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(&lower, &other.to_lowercase()), other))
        .filter(|(distance, other)| *distance <= reach && *distance < other.chars().count())
        .min()
        .map(|(_, other)| other)
}

/// ``unknown field `valeu`; did you mean `value`?``, or the names there are when none is near.
pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    format!("unknown {what} `{name}`{}", hint(name, &known))
}

/// The second half of [`unknown`], for messages with another beginning.
pub fn hint(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None if known.len() > LISTED_MAX => format!("; there are {} others", known.len()),
        None => format!("; expected {}", one_of(known)),
    }
}

/// `` `a`, `b` or `c` ``
pub fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["value", "items", "currency"];
        assert_eq!(nearest("valeu", known), Some("value"));
        assert_eq!(nearest("Value", known), Some("value"));
        assert_eq!(nearest("x", known), None);
        assert_eq!(nearest("id", ["on"]), None, "everything changed is not near");
        assert_eq!(hint("zzz", &known), "; expected `value`, `items` or `currency`");
    }

    #[test]
    fn places_count_characters() {
        assert_eq!(Place::of_offset("é\nab", 0), Place::START);
        assert_eq!(Place::of_offset("é\nab", 4), Place { line: 2, column: 2 });
        assert_eq!(Place::of_offset("é", 99), Place { line: 1, column: 2 });
    }
}
