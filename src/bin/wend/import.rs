//! `wend import`: a CSV of another program into batches that `POST /admin/import` takes, and a report of what is not taken.
//!
//! It talks to nobody: `scripts/import.mjs` posts what it writes. With `--dry-run` it writes a report for people in place of
//! the batches. Nothing is kept between two runs: the Worker knows a line that it has.

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use csv::{StringRecord, Writer};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File as OnDisk};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use wend::domain::consent::ConsentState;
use wend::domain::time::Timestamp;
use wend::engine::civil::store_zone;
use wend::imports::file::{File, Line};
use wend::imports::form::Subject;
use wend::imports::read::{List, SaidOfAll, Settings, Taken, state};
use wend::imports::record::{MAX_RECORDS, Record};

/// Rejected lines that a dry run shows; the file has all of them.
const SHOWN: usize = 5;

#[derive(Args)]
pub struct Asked {
    /// What the file lists.
    what: What,
    /// A CSV, as the other program exported it.
    file: PathBuf,
    /// Say what would be taken, and write nothing but the report of rejected lines.
    #[arg(long)]
    dry_run: bool,
    /// Read a column as another one: `--map 'Their name=email'`.
    #[arg(long, value_parser = renamed)]
    map: Vec<(String, String)>,
    /// The consent of all of whom the list says neither yes nor no: subscribed, unsubscribed, suppressed or unknown.
    #[arg(long, value_parser = state)]
    state: Option<ConsentState>,
    /// How those who said yes did, where the list does not tell: `double_opt_in` for addresses that were confirmed.
    #[arg(long)]
    method: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Contacts,
    Orders,
}

/// A line of the output: records to post, and how far the file is read.
#[derive(Serialize)]
struct Batch<'a> {
    records: &'a [Record],
    line: u64,
    of: usize,
}

/// What was in the file, by kind.
#[derive(Serialize, Default)]
struct Report {
    form: String,
    encoding: &'static str,
    records: usize,
    /// Contacts by what the list says of consent; orders by what became of them.
    kinds: BTreeMap<&'static str, usize>,
    /// Records of an address that came before in the file.
    repeated: usize,
    rejected: usize,
    /// Where the rejected lines are, if there are any.
    rejected_file: Option<String>,
    #[serde(skip)]
    first_rejected: Vec<(u64, String)>,
    #[serde(skip)]
    addresses: BTreeSet<String>,
}

pub fn run(asked: &Asked) -> anyhow::Result<ExitCode> {
    let name = asked.file.display().to_string();
    let file = File::read(&fs::read(&asked.file).with_context(|| name.clone())?)?;
    let subject = match asked.what {
        What::Contacts => Subject::Contacts,
        What::Orders => Subject::Orders,
    };
    let settings = settings(asked)?;
    let list = List::of(&file, subject, &settings).map_err(|refusal| anyhow!("{name}: {refusal}"))?;
    let mut out = std::io::stdout().lock();
    let mut rejects = Rejects::new(&asked.file, &file);
    let mut report = Report {
        form: list.form.to_string(),
        encoding: file.encoding,
        ..Report::default()
    };
    let (of, mut batch) = (file.line_count(), Vec::new());
    list.each(subject, |taken| -> anyhow::Result<()> {
        match taken {
            Taken::Record(line, record) => {
                report.count(&record);
                batch.push(*record);
                if batch.len() == MAX_RECORDS && !asked.dry_run {
                    write(&mut out, &batch, line, of)?;
                    batch.clear();
                }
            }
            Taken::Rejected(line, reason) => {
                rejects.add(&line, &reason)?;
                report.reject(line.number, reason);
            }
        }
        Ok(())
    })?;
    report.rejected_file = rejects.finish()?;
    if asked.dry_run {
        write!(out, "{}", report.in_words(&name))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !batch.is_empty() {
        write(&mut out, &batch, u64::try_from(of)?, of)?;
    }
    writeln!(out, "{}", serde_json::json!({ "report": report }))?;
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the command tells the core what time it is"
)]
fn settings(asked: &Asked) -> anyhow::Result<Settings> {
    let store = wend::generated::catalog()?.store;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    Ok(Settings {
        zone: store_zone(&store),
        currency: store.currency,
        region: store.region,
        now: Timestamp::from_millis(i64::try_from(now)?),
        renamed: asked.map.clone(),
        said: SaidOfAll {
            state: asked.state,
            method: asked.method.clone(),
        },
    })
}

fn write(out: &mut impl Write, records: &[Record], line: u64, of: usize) -> anyhow::Result<()> {
    let batch = Batch { records, line, of };
    writeln!(out, "{}", serde_json::to_string(&batch)?)?;
    Ok(())
}

fn renamed(text: &str) -> Result<(String, String), String> {
    let (theirs, ours) = text.split_once('=').ok_or("write it as 'Their name=email'")?;
    Ok((theirs.trim().to_owned(), ours.trim().to_owned()))
}

impl Report {
    fn count(&mut self, record: &Record) {
        self.records += 1;
        let (kind, email) = match record {
            Record::Contact(contact) => {
                let state = contact.consent.as_ref().map(|consent| consent.state);
                (state.unwrap_or_default().as_str(), contact.email.as_ref())
            }
            Record::Order(order) => {
                let status = order
                    .later
                    .last()
                    .map_or("completed", |(status, _)| status.as_str());
                (status, None)
            }
        };
        *self.kinds.entry(kind).or_default() += 1;
        if let Some(email) = email
            && !self.addresses.insert(email.canonical())
        {
            self.repeated += 1;
        }
    }

    fn reject(&mut self, line: u64, reason: String) {
        self.rejected += 1;
        if self.first_rejected.len() < SHOWN {
            self.first_rejected.push((line, reason));
        }
    }

    /// What a dry run says.
    fn in_words(&self, name: &str) -> String {
        let mut text = format!("{name}: {}, {}\n", self.form, self.encoding);
        let mut add = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        add(format!("would take {:>8}", self.records));
        for (kind, count) in &self.kinds {
            add(format!("           {count:>8} {kind}"));
        }
        if self.repeated > 0 {
            add(format!(
                "           {:>8} of them for an address that came before",
                self.repeated
            ));
        }
        add(format!("rejects    {:>8}", self.rejected));
        for (line, reason) in &self.first_rejected {
            add(format!("           line {line}: {reason}"));
        }
        if let Some(file) = &self.rejected_file {
            add(format!("           all of them, with their reasons: {file}"));
        }
        add("Nothing was sent.".to_owned());
        text
    }
}

/// The lines that are not taken, beside the file they are from: number, reason, and the line as it was.
struct Rejects {
    path: PathBuf,
    headings: Vec<String>,
    out: Option<Writer<OnDisk>>,
}

impl Rejects {
    fn new(beside: &Path, file: &File) -> Self {
        let mut path = beside.with_extension("").into_os_string();
        path.push(".rejected.csv");
        Self {
            path: path.into(),
            headings: file.headings.clone(),
            out: None,
        }
    }

    fn add(&mut self, line: &Line, reason: &str) -> anyhow::Result<()> {
        let out = match &mut self.out {
            Some(out) => out,
            empty @ None => {
                let named = || self.path.display().to_string();
                let disk = OnDisk::create(&self.path).with_context(named)?;
                let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(disk);
                let own = ["line", "reason"].into_iter();
                writer.write_record(own.chain(self.headings.iter().map(String::as_str)))?;
                empty.insert(writer)
            }
        };
        let number = line.number.to_string();
        let mut record = StringRecord::from(vec![number.as_str(), reason]);
        record.extend(&line.fields);
        out.write_record(&record)?;
        Ok(())
    }

    /// The file, if there is one; one of an earlier run that has nothing left to say goes.
    fn finish(self) -> anyhow::Result<Option<String>> {
        let name = self.path.display().to_string();
        let Some(mut out) = self.out else {
            if self.path.exists() {
                fs::remove_file(&self.path).with_context(|| name)?;
            }
            return Ok(None);
        };
        out.flush()?;
        Ok(Some(name))
    }
}
