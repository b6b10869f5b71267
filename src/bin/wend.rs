//! The host command: what a developer runs on journeys, emails and settings, without a Worker.

#[path = "wend/carriers.rs"]
mod carriers;
#[path = "wend/faults.rs"]
mod faults;
#[path = "wend/settings.rs"]
mod settings;
#[path = "wend/simulate.rs"]
mod simulate;

use anyhow::{Context, anyhow, bail};
use clap::{Parser, Subcommand};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wend::domain::consent::ConsentState;
use wend::domain::ids::JourneyId;
use wend::domain::message::Stream;
use wend::domain::preferences::Preferences;
use wend::domain::time::Timestamp;
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::definition::Journey;
use wend::journey::finding::unknown;
use wend::journey::lock::Mode;
use wend::journey::parse::parse;
use wend::journey::project::{LOCK, Project};
use wend::render::emails::Rendered;
use wend::render::pages::{Page, page};
use wend::render::preferences::{self, Reader};
use wend::render::sample;
use wend::render::words::words;

/// When the page of preferences is previewed: the days that it offers count from here.
const PREVIEWED_AT: &str = "2026-03-21T10:05:00Z";
/// Where drawings go unless said.
const DRAWINGS: &str = "docs/images/journeys";

/// Email journeys for a store, checked on this machine.
#[derive(Parser)]
#[command(version, about)]
struct Command {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check journeys, emails, store.yaml and journeys.lock, as the build does.
    Lint {
        /// Add missing step ids to journeys.lock even where the variable CI is set.
        #[arg(long)]
        lock: bool,
        /// Check as well that these providers, as EMAIL_PROVIDER names them, may carry what the journeys send.
        #[arg(long)]
        providers: Option<String>,
        /// The folder that holds journeys/, templates/ and store.yaml.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
    /// Show an email with sample data, without a server.
    Preview {
        /// A folder of templates/emails/. Without one, every email and page is written into the folder of --out.
        email: Option<String>,
        /// As a contact gets it who reads this language, as `ru` or `pt-BR`.
        #[arg(long)]
        locale: Option<String>,
        /// Print the subject and the text part in place of the HTML.
        #[arg(long)]
        text: bool,
        /// Write into this file; without an email, into this folder.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Write the journey language as JSON Schema, by which editors help.
    Schema {
        #[arg(long, default_value = wend::journey::schema::FILE)]
        out: PathBuf,
    },
    /// Draw a journey as SVG.
    Graph {
        /// A file of journeys/. Without one, every journey is drawn into the folder of --out.
        journey: Option<PathBuf>,
        /// Write into this file, beside the journey unless said; without a journey, into this folder.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Read the settings of the environment as the Worker would, for `npm run doctor`.
    Settings(settings::Asked),
    /// Run journeys under virtual time: a scenario, one shopper, a population, or every time zone.
    Simulate(Box<simulate::Simulate>),
    /// Play stories in which storefronts, the platform and the provider fail, each drawn from a seed, and check what is
    /// promised at every step.
    Faults(faults::Faults),
}

fn main() -> ExitCode {
    let done = match Command::parse().task {
        Task::Lint {
            lock,
            providers,
            root,
        } => lint(&root, lock, providers.as_deref()),
        Task::Preview {
            email,
            locale,
            text,
            out,
        } => preview(email.as_deref(), locale.as_deref(), text, out.as_deref()),
        Task::Schema { out } => schema(&out),
        Task::Graph { journey, out } => graph(journey.as_deref(), out.as_deref()),
        Task::Settings(asked) => settings::run(&asked),
        Task::Simulate(asked) => simulate::run(&asked),
        Task::Faults(asked) => faults::run(&asked),
    };
    done.unwrap_or_else(|error| {
        // A mistake of the caller, told in one line: no backtrace.
        let _ = writeln!(std::io::stderr().lock(), "{error:#}");
        ExitCode::FAILURE
    })
}

fn lint(root: &Path, lock: bool, providers: Option<&str>) -> anyhow::Result<ExitCode> {
    let frozen = std::env::var_os("CI").is_some() && !lock;
    let checked = check(
        &Project::read(root),
        if frozen { Mode::Frozen } else { Mode::Append },
    );
    let mut out = std::io::stdout().lock();
    for finding in &checked.findings {
        writeln!(out, "{finding}")?;
    }
    if let Some(text) = &checked.lock {
        fs::write(root.join(LOCK), text)?;
        writeln!(out, "{LOCK}: step ids added; commit it")?;
    }
    let Some(catalog) = &checked.catalog else {
        writeln!(out, "{} found", counted(checked.findings.len(), "problem"))?;
        return Ok(ExitCode::FAILURE);
    };
    if let Some(named) = providers
        && let Some(refusal) = carriers::refusal(catalog, named)?
    {
        writeln!(out, "{refusal}")?;
        return Ok(ExitCode::FAILURE);
    }
    let journeys = counted(catalog.journeys.len(), "journey");
    let emails = counted(catalog.emails.len(), "email");
    let whole = checked.with_drafts.as_ref();
    let drafts = whole.map_or(0, |whole| whole.journeys.len() - catalog.journeys.len());
    if drafts == 0 {
        writeln!(out, "{journeys}, {emails}: no problems")?;
    } else {
        let drafts = counted(drafts, "draft");
        writeln!(out, "{journeys}, {emails}, {drafts} beside them: no problems")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn preview(
    email: Option<&str>,
    locale: Option<&str>,
    text: bool,
    out: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let catalog = wend::generated::with_drafts()?;
    let shown = |email: &str| -> anyhow::Result<String> {
        let Rendered {
            subject,
            html,
            text: plain,
        } = rendered(&catalog, email, locale)?;
        Ok(if text {
            format!("Subject: {subject}\n\n{plain}\n")
        } else {
            html
        })
    };
    match (email, out) {
        (Some(email), None) => write!(std::io::stdout().lock(), "{}", shown(email)?)?,
        (Some(email), Some(file)) => save(file, &shown(email)?)?,
        (None, Some(folder)) => {
            let suffix = if text { "txt" } else { "html" };
            for email in &catalog.emails {
                let file = folder.join("emails").join(format!("{email}.{suffix}"));
                save(&file, &shown(email)?)?;
            }
            for which in Page::ALL {
                let file = folder.join("pages").join(format!("{}.html", which.name()));
                save(
                    &file,
                    &page(which, &catalog.store, words(locale, &catalog.store.locale))?,
                )?;
            }
            let (wishes, now) = (Preferences::default(), Timestamp::parse_rfc3339(PREVIEWED_AT)?);
            let reader = Reader {
                preferences: &wishes,
                consent: ConsentState::Subscribed,
                locale,
                timezone: None,
            };
            let file = folder.join("pages").join("preferences.html");
            save(&file, &preferences::page(&catalog, reader, now, false)?)?;
        }
        (None, None) => bail!(
            "name an email, or a folder with --out; the emails are {}",
            catalog.emails.join(", ")
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn schema(out: &Path) -> anyhow::Result<ExitCode> {
    save(out, &wend::journey::schema::text())?;
    writeln!(std::io::stdout().lock(), "{}", out.display())?;
    Ok(ExitCode::SUCCESS)
}

fn graph(journey: Option<&Path>, out: Option<&Path>) -> anyhow::Result<ExitCode> {
    let catalog = wend::generated::with_drafts()?;
    let subjects = subjects(&catalog);
    let mut said = std::io::stdout().lock();
    let mut draw = |journey: &Journey, file: &Path| -> anyhow::Result<()> {
        save(file, &wend::graph::draw(journey, &subjects))?;
        writeln!(said, "{}", file.display())?;
        Ok(())
    };
    let Some(path) = journey else {
        let folder = out.unwrap_or(Path::new(DRAWINGS));
        for journey in &catalog.journeys {
            draw(journey, &folder.join(format!("{}.svg", journey.id)))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let name = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| name.clone())?;
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or("journey");
    // What a journey may name is the build's business: one that is still being written can be drawn.
    let findings = match parse(JourneyId::parse(stem)?, &name, &text) {
        Ok(parsed) if parsed.is_complete() => {
            draw(&parsed.journey, out.unwrap_or(&path.with_extension("svg")))?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(parsed) => parsed.findings,
        Err(findings) => findings,
    };
    for finding in findings {
        writeln!(std::io::stderr().lock(), "{finding}")?;
    }
    Ok(ExitCode::FAILURE)
}

/// The subject of every email with sample data.
fn subjects(catalog: &Catalog) -> BTreeMap<String, String> {
    let subject = |email: &String| Some((email.clone(), rendered(catalog, email, None).ok()?.subject));
    catalog.emails.iter().filter_map(subject).collect()
}

fn rendered(catalog: &Catalog, email: &str, locale: Option<&str>) -> anyhow::Result<Rendered> {
    let stream = stream_of(catalog, email);
    let rendered = sample::preview(
        &catalog.store,
        email,
        locale,
        stream,
        &variables_of(catalog, email),
    );
    let known = catalog.emails.iter().map(String::as_str);
    Ok(rendered.ok_or_else(|| anyhow!(unknown("email", email, known)))??)
}

/// The variables of the journeys that send the email: what is shown where there is nothing else, or their names.
fn variables_of(catalog: &Catalog, email: &str) -> BTreeMap<String, String> {
    let sends = |journey: &&Journey| {
        let mut sends = journey.steps.iter().filter_map(|step| step.kind.as_send());
        sends.any(|send| send.email.as_str() == email)
    };
    let variables = catalog
        .journeys
        .iter()
        .filter(sends)
        .flat_map(|journey| &journey.variables);
    let shown = variables.map(|variable| {
        let text = Some(&variable.otherwise).filter(|text| !text.is_empty());
        (variable.name.clone(), text.unwrap_or(&variable.name).clone())
    });
    shown.collect()
}

/// The stream that a journey sends the email in; marketing for one that no journey sends yet.
fn stream_of(catalog: &Catalog, email: &str) -> Stream {
    let steps = catalog.journeys.iter().flat_map(|journey| &journey.steps);
    steps
        .filter_map(|step| match step.kind.as_send() {
            Some(send) if send.email.as_str() == email => Some(send.stream),
            Some(_) | None => None,
        })
        .next()
        .unwrap_or(Stream::Marketing)
}

fn save(file: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    fs::write(file, text).with_context(|| file.display().to_string())
}

/// `1 journey`, `3 journeys`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
