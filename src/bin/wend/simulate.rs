//! `wend simulate`: journeys under virtual time, before anybody receives a mail. Reads files and a clock, prints, and
//! leaves the rest to `wend::simulation`.

use anyhow::bail;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use wend::domain::civil::Zone;
use wend::domain::event::EventKind;
use wend::simulation::cast::{Cast, Others, Script};
use wend::simulation::population::rates::Rates;
use wend::simulation::population::{self, Plan};
use wend::simulation::{print, sweep};

/// Days that one shopper or a sweep is watched.
const WATCHED_DAYS: u32 = 90;

#[derive(Args)]
pub struct Simulate {
    /// Files of journeys. They are played besides the project's other journeys.
    journeys: Vec<PathBuf>,
    /// Play this scenario's time line (docs/simulate.md lists its words).
    #[arg(long, conflicts_with_all = ["event", "contacts"])]
    scenario: Option<PathBuf>,
    /// Let this happen to one made-up shopper. Without it: the first event that starts the journey.
    #[arg(long, conflicts_with = "contacts")]
    event: Option<String>,
    /// Leave the project's other journeys out.
    #[arg(long)]
    alone: bool,
    /// Leave this journey out, as a store that has another in its place. May be said several times.
    #[arg(long)]
    without: Vec<String>,
    /// Play one shopper in every time zone, around the days on which its clock changes.
    #[arg(long, conflicts_with = "contacts")]
    zone_sweep: bool,
    /// Draw a population of so many contacts and add up what they get.
    #[arg(long)]
    contacts: Option<u32>,
    /// Everything random comes from this number.
    #[arg(long, default_value_t = 1, requires = "contacts")]
    seed: u64,
    /// How long the simulation lasts.
    #[arg(long, default_value_t = WATCHED_DAYS)]
    days: u32,
    /// What the population is like, where it differs from what is assumed (docs/simulate.md).
    #[arg(long, requires = "contacts")]
    rates: Option<PathBuf>,
    /// Print the population's figures as JSON.
    #[arg(long, requires = "contacts")]
    json: bool,
    /// Leave drafts out of a population.
    #[arg(long, requires = "contacts", conflicts_with = "alone")]
    live: bool,
    /// The folder that holds journeys/, templates/ and store.yaml.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

pub fn run(asked: &Simulate) -> anyhow::Result<ExitCode> {
    let others = match (asked.alone, asked.contacts) {
        (true, _) => Others::None,
        (false, Some(_)) if !asked.live => Others::AndDrafts,
        (false, _) => Others::Live,
    };
    let mut cast = Cast::read(&asked.root, &asked.journeys, others)?;
    if !asked.without.is_empty() {
        cast = cast.without(&asked.without)?;
    }
    match asked.contacts {
        Some(contacts) => live(asked, &cast, contacts),
        None if asked.zone_sweep => zones(asked, &cast),
        None => walk(asked, &cast),
    }
}

fn script(asked: &Simulate) -> anyhow::Result<Script> {
    Ok(match &asked.scenario {
        Some(file) => match Script::read(file) {
            Ok(script) => script,
            Err(error) => bail!("{}", placed(file, &error)),
        },
        None => Script::Event(asked.event.clone().map(EventKind::from)),
    })
}

/// `tests/scenarios/x.txt: line 3: …`; the name stands there already when the file cannot be read.
fn placed(file: &std::path::Path, error: &wend::simulation::Failure) -> String {
    match error {
        wend::simulation::Failure::Story(error) => format!("{}: {error}", file.display()),
        other => other.to_string(),
    }
}

fn walk(asked: &Simulate, cast: &Cast) -> anyhow::Result<ExitCode> {
    let script = script(asked)?;
    let played = cast.play(&script, asked.days, |_| {});
    let player = match (played, &asked.scenario) {
        (Ok(player), _) => player,
        (Err(error), Some(file)) => bail!("{}", placed(file, &error)),
        (Err(error), None) => return Err(error.into()),
    };
    let mut out = std::io::stdout().lock();
    let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = print::timeline(&player.watcher.entries, player.world.start, colour);
    write!(out, "{text}")?;
    Ok(ExitCode::SUCCESS)
}

fn zones(asked: &Simulate, cast: &Cast) -> anyhow::Result<ExitCode> {
    let script = script(asked)?;
    let zones: Vec<Zone> = Zone::all().collect();
    let swept = sweep::sweep(cast, &script, &zones, asked.days)?;
    write!(std::io::stdout().lock(), "{swept}")?;
    Ok(ExitCode::SUCCESS)
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it took is for people, and decides nothing"
)]
fn live(asked: &Simulate, cast: &Cast, contacts: u32) -> anyhow::Result<ExitCode> {
    let rates = asked.rates.as_deref().map(Rates::read).transpose()?;
    let plan = Plan {
        contacts,
        seed: asked.seed,
        days: asked.days,
        rates: rates.unwrap_or_default(),
    };
    let before = std::time::Instant::now();
    let mut figures = population::run(cast, &plan)?;
    figures.took_seconds = Some(before.elapsed().as_secs_f64());
    let mut out = std::io::stdout().lock();
    if asked.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&figures)?)?;
    } else {
        write!(out, "{figures}")?;
    }
    let sound = [
        figures.mailed_after_unsubscribe,
        figures.over_caps,
        figures.dead_letters as u64,
    ];
    let sound = sound.iter().all(|count| *count == 0);
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
