//! Reading the upper half of a scenario: its lines, word by word. [`super::telling`] makes events of them.

use super::crash::Point;
use super::error::LineError;
use super::provider::Fault;
use crate::domain::time::Delay;
use std::collections::BTreeMap;

/// Between the time line and what came of it.
pub const RULER: &str = "----";

/// `at +1h order 77 by=nadia`.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its place in the file, from 1.
    pub place: usize,
    pub at: Delay,
    words: Vec<String>,
    options: BTreeMap<String, String>,
    /// The lines below that begin with `|`.
    pub block: Option<String>,
}

/// The rest of the line that begins with `word`.
pub fn value<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.lines()
        .find_map(|line| line.strip_prefix(word)?.strip_prefix(' '))
        .map(str::trim)
}

/// The lines of a time line that say when something happens.
///
/// # Errors
/// With the number of a line that cannot be read.
pub fn read(text: &str) -> Result<Vec<Line>, LineError> {
    let mut lines: Vec<Line> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let wrong = |problem: String| LineError { number, problem };
        if let Some(row) = line.strip_prefix('|') {
            let row = row.strip_prefix(' ').unwrap_or(row);
            let owner = lines
                .last_mut()
                .ok_or_else(|| wrong("a `|` line belongs below a `deploy` line".to_owned()))?;
            let block = owner.block.get_or_insert_default();
            block.push_str(row);
            block.push('\n');
        } else if let Some(rest) = line.strip_prefix("at ") {
            lines.push(parse(number, rest).map_err(wrong)?);
        } else if !is_setting(line) {
            let problem =
                format!("`{line}` begins with none of `at`, `|`, `#`, `provider`, `store`, `drafts`");
            return Err(wrong(problem));
        }
    }
    Ok(lines)
}

/// Comments, and lines that [`value`] reads.
fn is_setting(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word.is_empty() || word.starts_with('#') || matches!(word, "provider" | "store" | "drafts")
}

fn parse(place: usize, text: &str) -> Result<Line, String> {
    let mut words = Vec::new();
    let mut options = BTreeMap::new();
    let mut parts = text.split_whitespace();
    let at = delay(parts.next().unwrap_or_default())?;
    for word in parts {
        match word.split_once('=') {
            Some((key, value)) => {
                options.insert(key.to_owned(), value.to_owned());
            }
            None => words.push(word.to_owned()),
        }
    }
    Ok(Line {
        place,
        at,
        words,
        options,
        block: None,
    })
}

/// `+1h`
pub(super) fn delay(text: &str) -> Result<Delay, String> {
    let text = text
        .strip_prefix('+')
        .ok_or_else(|| format!("`{text}` is not +1h or the like"))?;
    Delay::parse(text).map_err(|error| error.to_string())
}

/// Scenarios call people by their first names.
pub fn address(name: &str) -> String {
    format!("{name}@example.com")
}

pub(super) fn point(word: &str) -> Result<Point, String> {
    match word {
        "claimed" => Ok(Point::Claimed),
        "answered" => Ok(Point::Answered),
        other => Err(format!("no crash `{other}`; there are `claimed` and `answered`")),
    }
}

pub(super) fn fault(word: &str) -> Result<Fault, String> {
    Ok(match word {
        "lost" => Fault::Lost,
        "silent" => Fault::Silent,
        "broken" => Fault::Broken,
        "busy" => Fault::Busy,
        "unauthorised" => Fault::Unauthorised,
        other => {
            return Err(format!(
                "no fault `{other}`; there are `lost`, `silent`, `broken`, `busy` and `unauthorised`"
            ));
        }
    })
}

impl Line {
    /// `order 1..50` is fifty lines.
    ///
    /// # Errors
    /// When one of the two is not a number.
    pub fn each(&self) -> Result<Vec<Self>, LineError> {
        let Some((first, last)) = self.word(1).split_once("..") else {
            return Ok(vec![self.clone()]);
        };
        let read = |text: &str| {
            let number = text.parse::<u32>();
            number.map_err(|_| self.wrong(format!("`{text}` is not a number")))
        };
        let with = |number: u32| {
            let mut line = self.clone();
            if let Some(word) = line.words.get_mut(1) {
                *word = number.to_string();
            }
            line
        };
        Ok((read(first)?..=read(last)?).map(with).collect())
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    pub fn what(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name)
    }

    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    pub(super) fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// # Errors
    /// When there is such an option and it is not a whole number.
    pub fn number(&self, name: &str) -> Result<Option<u32>, LineError> {
        let Some(text) = self.option(name) else {
            return Ok(None);
        };
        let number = text.parse();
        number
            .map(Some)
            .map_err(|_| self.wrong(format!("`{name}={text}` is not a whole number")))
    }

    pub(super) fn wrong(&self, problem: impl ToString) -> LineError {
        LineError {
            number: self.place,
            problem: problem.to_string(),
        }
    }
}
