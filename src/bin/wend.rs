//! The host command: what a developer runs on journeys, emails and settings, without a Worker.

#[path = "wend/carriers.rs"]
mod carriers;
#[path = "wend/faults.rs"]
mod faults;
#[path = "wend/import.rs"]
mod import;
#[path = "wend/preview.rs"]
mod preview;
#[path = "wend/settings.rs"]
mod settings;
#[path = "wend/simulate.rs"]
mod simulate;

use anyhow::Context;
use clap::{Parser, Subcommand};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wend::domain::ids::JourneyId;
use wend::journey::check::check;
use wend::journey::definition::Journey;
use wend::journey::lock::Mode;
use wend::journey::parse::parse;
use wend::journey::project::{LOCK, Project};

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
    /// Show emails with sample data, without a server.
    Preview(preview::Asked),
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
    /// Read the list of another program, for `npm run import`.
    Import(import::Asked),
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
        Task::Preview(asked) => preview::run(&asked),
        Task::Schema { out } => schema(&out),
        Task::Graph { journey, out } => graph(journey.as_deref(), out.as_deref()),
        Task::Import(asked) => import::run(&asked),
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

fn schema(out: &Path) -> anyhow::Result<ExitCode> {
    save(out, &wend::journey::schema::text())?;
    writeln!(std::io::stdout().lock(), "{}", out.display())?;
    Ok(ExitCode::SUCCESS)
}

fn graph(journey: Option<&Path>, out: Option<&Path>) -> anyhow::Result<ExitCode> {
    let catalog = wend::generated::with_drafts()?;
    let subjects = preview::subjects(&catalog);
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
