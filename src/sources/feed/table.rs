//! Google Merchant's table: a line of names, then a line for each offer, with tabs between. Called by [`super::FeedReader`].

use super::google::Draft;
use super::{FeedError, Found, Terms};

/// Longest line.
const MAX_LINE_BYTES: usize = 256 << 10;
const MAX_COLUMNS: usize = 200;

#[derive(Debug)]
pub(super) struct Table {
    terms: Terms,
    /// Names of the columns, once their line was read.
    columns: Option<Vec<String>>,
    cells: Vec<String>,
    cell: String,
    /// Bytes of the line so far.
    length: usize,
    /// Within quotes, where tabs and ends of lines are text.
    quoted: bool,
    /// A quote was closed: another one at once is a quote in the text.
    closed: bool,
    pub(super) found: Found,
}

impl Table {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            columns: None,
            cells: Vec::new(),
            cell: String::new(),
            length: 0,
            quoted: false,
            closed: false,
            found: Found::default(),
        }
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), FeedError> {
        for character in text.chars() {
            self.length += character.len_utf8();
            if self.length > MAX_LINE_BYTES || self.cells.len() > MAX_COLUMNS {
                return Err(FeedError::TooLong);
            }
            match character {
                '"' if self.quoted => (self.quoted, self.closed) = (false, true),
                '"' if self.closed => {
                    self.cell.push('"');
                    (self.quoted, self.closed) = (true, false);
                }
                '"' if self.cell.is_empty() => self.quoted = true,
                '\t' if !self.quoted => self.end_cell(),
                '\n' if !self.quoted => self.end_line()?,
                '\r' if !self.quoted => {}
                other => self.cell.push(other),
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), FeedError> {
        if self.quoted {
            return Err(FeedError::Torn);
        }
        self.end_line()?;
        if self.columns.is_some() {
            Ok(())
        } else {
            Err(FeedError::Torn)
        }
    }

    fn end_cell(&mut self) {
        self.closed = false;
        self.cells.push(std::mem::take(&mut self.cell));
    }

    fn end_line(&mut self) -> Result<(), FeedError> {
        self.end_cell();
        self.length = 0;
        let cells = std::mem::take(&mut self.cells);
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(());
        }
        let Some(columns) = &self.columns else {
            let columns: Vec<String> = cells.iter().map(|name| column(name)).collect();
            if !columns.iter().any(|name| name == "id") {
                return Err(FeedError::Unknown);
            }
            self.columns = Some(columns);
            return Ok(());
        };
        let mut draft = Draft::default();
        for (name, cell) in columns.iter().zip(&cells) {
            draft.set(name, cell);
        }
        draft.finish(&self.terms, &mut self.found)
    }
}

/// `Image link`, `g:image_link` and `image_link` are one.
fn column(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    name.rsplit(':').next().unwrap_or_default().to_owned()
}
