//! A CSV as it lies on disk: its alphabet, its separator, its heading and its lines.
//!
//! Called by `wend import`. It knows no program's columns, and keeps every line as it was written, for the report of what
//! was not taken.

use csv::{ReaderBuilder, StringRecord, StringRecordsIntoIter};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1251, WINDOWS_1252};

/// Separators that spreadsheets write, the commonest first.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// A file that was read.
#[derive(Debug, Clone)]
pub struct File {
    text: String,
    separator: u8,
    /// What the letters were written in, as `UTF-8` or `windows-1251`.
    pub encoding: &'static str,
    /// Of each column, as written.
    pub headings: Vec<String>,
}

/// A line of the file: where it starts, and its fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub number: u64,
    pub fields: StringRecord,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file is empty: its first line must be the heading, with the names of the columns")]
    Empty,
    #[error("the heading cannot be read: {0}")]
    Heading(csv::Error),
}

impl File {
    /// Reads bytes as they came out of another program.
    ///
    /// # Errors
    /// When there is no heading.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let (text, encoding) = decode(bytes);
        // A line that only spreadsheets read.
        let said = text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n'));
        let (text, said) = match said {
            Some((separator, rest)) => (rest.to_owned(), separator.bytes().next()),
            None => (text, None),
        };
        let separator = said.unwrap_or_else(|| separator_of(&text));
        let mut lines = reader(&text, separator);
        let headings = match lines.next() {
            Some(Ok(headings)) => headings.iter().map(|name| name.trim().to_owned()).collect(),
            Some(Err(error)) => return Err(Error::Heading(error)),
            None => return Err(Error::Empty),
        };
        drop(lines);
        Ok(Self {
            text,
            separator,
            encoding,
            headings,
        })
    }

    /// The lines below the heading that hold anything; of one that is no line of this file, why.
    pub fn lines(&self) -> impl Iterator<Item = Result<Line, (Line, String)>> + '_ {
        let columns = self.headings.len();
        let lines = reader(&self.text, self.separator).skip(1);
        lines.filter_map(move |line| match line {
            Ok(fields) => {
                let number = self.number_of(fields.position());
                let line = Line { number, fields };
                if line.fields.iter().all(|field| field.trim().is_empty()) {
                    return None;
                }
                if line.fields.len() != columns {
                    let reason = format!(
                        "it has {} columns and the heading {columns}; a quote or a separator is amiss",
                        line.fields.len()
                    );
                    return Some(Err((line, reason)));
                }
                Some(Ok(line))
            }
            Err(error) => {
                let number = self.number_of(error.position());
                let fields = StringRecord::new();
                Some(Err((Line { number, fields }, error.to_string())))
            }
        })
    }

    /// The number of the line that begins here, as an editor counts: what ends the line before is still to come.
    fn number_of(&self, at: Option<&csv::Position>) -> u64 {
        let Some(at) = at else { return 0 };
        let rest = usize::try_from(at.byte())
            .ok()
            .and_then(|byte| self.text.get(byte..));
        let ends = rest.unwrap_or_default().bytes();
        let ends = ends.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        ends.filter(|byte| *byte == b'\n')
            .fold(at.line(), |line, _| line.saturating_add(1))
    }

    /// How many lines there are below the heading, about: for a progress bar.
    pub fn line_count(&self) -> usize {
        self.text.lines().count().saturating_sub(1)
    }
}

fn reader(text: &str, separator: u8) -> StringRecordsIntoIter<&[u8]> {
    ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records()
}

/// What is no UTF-8 is one of two old alphabets. In Cyrillic words their letters stand side by side; in Western ones they
/// stand alone between plain ones.
fn decode(bytes: &[u8]) -> (String, &'static str) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if std::str::from_utf8(bytes).is_ok() => UTF_8,
        None if is_cyrillic(bytes) => WINDOWS_1251,
        None => WINDOWS_1252,
    };
    let (text, encoding, _) = encoding.decode(bytes);
    (text.into_owned(), encoding.name())
}

fn is_cyrillic(bytes: &[u8]) -> bool {
    let is_letter = |byte: &u8| *byte >= 0xC0;
    let letters = bytes.iter().filter(|byte| is_letter(byte)).count();
    let pairs = bytes.windows(2).filter(|pair| pair.iter().all(is_letter)).count();
    pairs.saturating_mul(2) >= letters
}

/// The separator that the heading has most of.
fn separator_of(text: &str) -> u8 {
    let heading = text
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default();
    let count = |separator: u8| heading.bytes().filter(|byte| *byte == separator).count();
    // Of equal counts the first in the list.
    SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(|separator| count(*separator))
        .unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (File, Vec<Vec<String>>) {
        let file = File::read(bytes).unwrap();
        let lines = file.lines().map(|line| line.unwrap());
        let lines = lines
            .map(|line| line.fields.iter().map(str::to_owned).collect())
            .collect();
        (file, lines)
    }

    #[test]
    fn marks_separators_and_old_alphabets_are_seen() {
        let (file, lines) = read("\u{feff}Email;First Name\r\nиван@почта.рф;Иван\r\n\r\n;\r\n".as_bytes());
        assert_eq!(file.headings, ["Email", "First Name"]);
        assert_eq!(lines, [["иван@почта.рф", "Иван"]]);
        let (cyrillic, _, _) = WINDOWS_1251.encode("Email,Имя\nivan@example.ru,Иван Петров\n");
        let (file, lines) = read(&cyrillic);
        assert_eq!(
            (file.encoding, lines[0][1].as_str()),
            ("windows-1251", "Иван Петров")
        );
        let (western, _, _) = WINDOWS_1252.encode("Email,Name\nzoe@example.fr,Zoé Lefèvre\n");
        let (file, lines) = read(&western);
        assert_eq!(
            (file.encoding, lines[0][1].as_str()),
            ("windows-1252", "Zoé Lefèvre")
        );
        let (file, lines) = read(b"sep=;\nEmail;a,b,c\na@example.com;1\n");
        assert_eq!((file.headings.len(), lines[0].len()), (2, 2));
    }

    #[test]
    fn a_quoted_line_break_is_no_new_line_and_a_broken_line_says_so() {
        let text = "Email,Note\na@example.com,\"two\nlines\"\nb@example.com,x\n\nc@example.com,x,y\n";
        for ends in ["\n", "\r\n"] {
            broken(&text.replace('\n', ends));
        }
        assert!(matches!(File::read(b""), Err(Error::Empty)));
    }

    fn broken(text: &str) {
        let file = File::read(text.as_bytes()).unwrap();
        let lines: Vec<_> = file.lines().collect();
        let numbers: Vec<u64> = lines.iter().flatten().map(|line| line.number).collect();
        assert_eq!(numbers, [2, 4]);
        let (line, reason) = lines[2].clone().unwrap_err();
        assert_eq!(line.number, 6);
        assert!(
            reason.starts_with("it has 3 columns and the heading 2"),
            "{reason}"
        );
    }
}
