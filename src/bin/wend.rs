//! The host command: what a developer runs on journeys, emails and settings, without a Worker.

use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::{LOCK, Project};

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
        /// The folder that holds journeys/, templates/ and store.yaml.
        #[arg(long, default_value = ".")]
        root: PathBuf,
    },
}

fn main() -> anyhow::Result<ExitCode> {
    match Command::parse().task {
        Task::Lint { lock, root } => lint(&root, lock),
    }
}

fn lint(root: &Path, lock: bool) -> anyhow::Result<ExitCode> {
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
        std::fs::write(root.join(LOCK), text)?;
        writeln!(out, "{LOCK}: step ids added; commit it")?;
    }
    let Some(catalog) = &checked.catalog else {
        writeln!(out, "{} found", counted(checked.findings.len(), "problem"))?;
        return Ok(ExitCode::FAILURE);
    };
    let journeys = counted(catalog.journeys.len(), "journey");
    writeln!(
        out,
        "{journeys}, {}: no problems",
        counted(catalog.emails.len(), "email")
    )?;
    Ok(ExitCode::SUCCESS)
}

/// `1 journey`, `3 journeys`
fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
