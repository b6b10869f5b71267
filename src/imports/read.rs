//! A file as records: its lines one after the other, each taken or refused with a reason.
//!
//! Called by `wend import`. A line is taken only when the Worker would take it: its record is turned into events here first,
//! by the Worker's own code.

use super::consent::Said;
use super::file::{File, Line};
use super::form::{Form, Subject};
use super::record::Record;
use super::row::{Columns, Row};
use super::when::Clock;
use super::{contacts, orders};
use crate::domain::civil::Zone;
use crate::domain::consent::ConsentState;
use crate::domain::money::Currency;
use crate::domain::time::Timestamp;
use crate::journey::region::{Regime, Region};

pub use super::consent::Said as SaidOfAll;

/// Most lines of one order: a file in which nothing ends an order is not read to its end before anything is said.
const MAX_LINES: usize = 5_000;

/// What the reader must know beside the file.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store's, by which times without an offset are read, and amounts without a currency.
    pub zone: Zone,
    pub currency: Currency,
    pub region: Region,
    pub now: Timestamp,
    /// Columns by another name: theirs, ours.
    pub renamed: Vec<(String, String)>,
    pub said: Said,
}

/// A line or the lines of an order, and what became of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// With the number of its first line.
    Record(u64, Box<Record>),
    Rejected(Line, String),
}

/// A file whose heading is known.
#[derive(Debug)]
pub struct List<'a> {
    pub form: Form,
    file: &'a File,
    columns: Columns,
    settings: &'a Settings,
}

impl<'a> List<'a> {
    /// Recognises the file by its heading.
    ///
    /// # Errors
    /// With words for whoever imports it, when nobody's list has that heading, or it cannot tell what it must.
    pub fn of(file: &'a File, subject: Subject, settings: &'a Settings) -> Result<Self, String> {
        let mut columns = Columns::new();
        for (place, heading) in file.headings.iter().enumerate() {
            let renamed = settings.renamed.iter();
            let mut renamed = renamed
                .filter(|(theirs, _)| theirs.trim().eq_ignore_ascii_case(heading))
                .map(|(_, ours)| ours);
            let name = renamed.next_back().unwrap_or(heading).trim().to_lowercase();
            // Of two columns of one name the first counts.
            columns.entry(name).or_insert(place);
        }
        for (theirs, _) in &settings.renamed {
            if !file
                .headings
                .iter()
                .any(|heading| heading.eq_ignore_ascii_case(theirs.trim()))
            {
                return Err(format!(
                    "--map: there is no column `{theirs}`; the heading has `{}`",
                    file.headings.join("`, `")
                ));
            }
        }
        let form = Form::of(&columns, subject)?;
        if let Some(refusal) = undecided(form, settings) {
            return Err(refusal);
        }
        Ok(Self {
            form,
            file,
            columns,
            settings,
        })
    }

    /// Reads every line.
    ///
    /// # Errors
    /// Those of `take`.
    pub fn each<E>(&self, subject: Subject, mut take: impl FnMut(Taken) -> Result<(), E>) -> Result<(), E> {
        match subject {
            Subject::Contacts => self.contacts(&mut take),
            Subject::Orders => self.orders(&mut take),
        }
    }

    fn contacts<E>(&self, take: &mut impl FnMut(Taken) -> Result<(), E>) -> Result<(), E> {
        for line in self.file.lines() {
            take(match line {
                Err((line, reason)) => Taken::Rejected(line, reason),
                Ok(line) => {
                    match self.checked(contacts::read(self.form, &self.row(&line), &self.settings.said)) {
                        Ok(record) => Taken::Record(line.number, Box::new(record)),
                        Err(reason) => Taken::Rejected(line, reason),
                    }
                }
            })?;
        }
        Ok(())
    }

    fn orders<E>(&self, take: &mut impl FnMut(Taken) -> Result<(), E>) -> Result<(), E> {
        let mut held: Vec<Line> = Vec::new();
        for line in self.file.lines() {
            match line {
                Err((line, reason)) => take(Taken::Rejected(line, reason))?,
                Ok(line) => {
                    let goes_on = held.first().is_some_and(|first| {
                        orders::key(self.form, &self.row(first)) == orders::key(self.form, &self.row(&line))
                    });
                    if !goes_on || held.len() >= MAX_LINES {
                        self.order(std::mem::take(&mut held), take)?;
                    }
                    held.push(line);
                }
            }
        }
        self.order(held, take)
    }

    /// An order that is refused is refused with all its lines.
    fn order<E>(&self, lines: Vec<Line>, take: &mut impl FnMut(Taken) -> Result<(), E>) -> Result<(), E> {
        let rows: Vec<Row<'_>> = lines.iter().map(|line| self.row(line)).collect();
        let Some(number) = lines.first().map(|line| line.number) else {
            return Ok(());
        };
        match self.checked(orders::read(self.form, &rows, self.settings.currency)) {
            Ok(record) => take(Taken::Record(number, Box::new(record))),
            Err(reason) => {
                for line in lines {
                    take(Taken::Rejected(line, reason.clone()))?;
                }
                Ok(())
            }
        }
    }

    fn row<'l>(&'l self, line: &'l Line) -> Row<'l> {
        Row {
            columns: &self.columns,
            fields: &line.fields,
            clock: Clock {
                zone: self.settings.zone,
                now: self.settings.now,
            },
            slashes: self.form.slashes(),
        }
    }

    fn checked(&self, record: Result<Record, String>) -> Result<Record, String> {
        let record = record?;
        record
            .events(self.settings.now)
            .map_err(|error| error.to_string())?;
        Ok(record)
    }
}

/// Where the law lets marketing go without a yes, a list that does not tell who left from who never came is nothing to go by.
fn undecided(form: Form, settings: &Settings) -> Option<String> {
    let needs_a_yes = settings.region.preset().regime == Regime::OptIn;
    if form != Form::ShopifyCustomers || needs_a_yes || settings.said.state.is_some() {
        return None;
    }
    Some(format!(
        "Shopify's export does not tell who unsubscribed from who never subscribed, and `region: {}` lets marketing go to {}.\n\
         Say --state unsubscribed (nobody without a yes gets marketing), or --state unknown if nobody in this list ever said no.",
        settings.region.as_str(),
        settings.region.preset().regime.in_words()
    ))
}

/// The state of consent that `--state` names.
///
/// # Errors
/// With the words there are.
pub fn state(text: &str) -> Result<ConsentState, String> {
    match text {
        "subscribed" => Ok(ConsentState::Subscribed),
        "unsubscribed" => Ok(ConsentState::Unsubscribed),
        "suppressed" => Ok(ConsentState::Suppressed),
        "unknown" => Ok(ConsentState::Unknown),
        other => Err(format!(
            "`{other}` is none of subscribed, unsubscribed, suppressed, unknown"
        )),
    }
}
