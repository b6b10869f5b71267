//! A line of a list by the names of its columns. Called by the mappings of `imports`.

use super::when::{self, Clock, Slashes};
use crate::domain::email::EmailAddress;
use crate::domain::time::Timestamp;
use csv::StringRecord;
use std::collections::BTreeMap;

/// Where each column stands, by its name in small letters.
pub type Columns = BTreeMap<String, usize>;

/// A line.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub columns: &'a Columns,
    pub fields: &'a StringRecord,
    pub clock: Clock,
    pub slashes: Slashes,
}

impl<'a> Row<'a> {
    /// What stands in the column; none where there is no such column, or nothing in it.
    pub fn get(&self, column: &str) -> Option<&'a str> {
        let text = self.fields.get(*self.columns.get(column)?)?.trim();
        // Spreadsheets are kept from counting with numbers that are none: `'+48501`, `'6120`.
        let text = text.strip_prefix('\'').unwrap_or(text);
        Some(text).filter(|text| !text.is_empty())
    }

    /// The first of these columns that says something.
    pub fn first(&self, columns: &[&str]) -> Option<&'a str> {
        columns.iter().find_map(|column| self.get(column))
    }

    /// # Errors
    /// With words for the report, when it is no time.
    pub fn time(&self, column: &str) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.get(column) else {
            return Ok(None);
        };
        when::parse(text, self.clock, self.slashes).map_err(|error| format!("{column}: {error}"))
    }

    /// # Errors
    /// With words for the report, when it is no address.
    pub fn email(&self, columns: &[&str]) -> Result<Option<EmailAddress>, String> {
        let Some(text) = self.first(columns) else {
            return Ok(None);
        };
        EmailAddress::parse(text)
            .map(Some)
            .map_err(|error| format!("`{text}`: {error}"))
    }

    /// Every column whose name begins so, with the rest of its name.
    pub fn beginning(&self, with: &'static str) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        let named = self.columns.keys();
        named.filter_map(move |name| Some((name.strip_prefix(with)?, self.get(name)?)))
    }
}
