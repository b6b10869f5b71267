//! `wend faults`: stories in which much goes wrong, by their seeds. Counts them, prints what fails, and leaves the rest to
//! `wend::simulation::faults`.

use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use wend::simulation::Failure;
use wend::simulation::faults::Faults as Stories;
use wend::simulation::faults::broken::Broken;

/// Seeds between two words about how far it has come, on a terminal.
const WORD_EVERY: u64 = 1_000;

#[derive(Args)]
pub struct Faults {
    /// How many stories to play.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Play on so many threads; unless said, on one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Switch on a planted defect, or list them with `list`, to see it found.
    #[cfg(feature = "planted-defects")]
    #[arg(long)]
    planted: Option<String>,
    /// The folder that holds journeys/, templates/ and store.yaml.
    #[arg(long, default_value = ".")]
    root: PathBuf,
}

/// What the threads share.
struct Search<'a> {
    asked: &'a Faults,
    stories: &'a Stories,
    next: AtomicU64,
    /// The lowest seed that failed, and how.
    failed: Mutex<Option<(u64, Broken)>>,
    words: bool,
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long it took is for people, and decides nothing"
)]
pub fn run(asked: &Faults) -> anyhow::Result<ExitCode> {
    #[cfg(feature = "planted-defects")]
    if planted::list(asked)? {
        return Ok(ExitCode::SUCCESS);
    }
    let stories = Stories::read(&asked.root)?;
    let threads = asked
        .threads
        .or_else(|| Some(std::thread::available_parallelism().ok()?.get()))
        .unwrap_or(1)
        .max(1);
    let search = Search {
        asked,
        stories: &stories,
        next: AtomicU64::new(0),
        failed: Mutex::new(None),
        words: std::io::stderr().is_terminal(),
    };
    let before = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(|| search.run())).collect();
        let mut done = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        done.try_for_each(|done| done.map_err(|_| Failure::Asked("a thread broke down".to_owned()))?)
    })?;
    let took = before.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    let failed = search.failed.into_inner().unwrap_or_default();
    let Some((seed, broken)) = failed else {
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = asked.seeds as f64 / took.max(0.001);
        writeln!(
            out,
            "{} seeds from {}: every promise was kept, in {took:.1} s: {rate:.0} seeds a second on {threads} threads",
            asked.seeds, asked.from
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    #[cfg(feature = "planted-defects")]
    planted::switch(asked)?;
    write!(out, "{}", stories.explain(seed, broken)?)?;
    Ok(ExitCode::FAILURE)
}

impl Search<'_> {
    fn run(&self) -> Result<(), Failure> {
        #[cfg(feature = "planted-defects")]
        planted::switch(self.asked)?;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let seed = self.asked.from.saturating_add(number);
            if number >= self.asked.seeds || self.is_beyond_a_failure(seed) {
                return Ok(());
            }
            if let Some(broken) = self.stories.play(seed)? {
                self.note(seed, broken);
            }
            if self.words && number > 0 && number.is_multiple_of(WORD_EVERY) {
                let _ = write!(std::io::stderr().lock(), "\r{number} seeds");
            }
        }
    }

    fn is_beyond_a_failure(&self, seed: u64) -> bool {
        let failed = self.failed.lock();
        failed.is_ok_and(|failed| failed.as_ref().is_some_and(|(lowest, _)| *lowest < seed))
    }

    fn note(&self, seed: u64, broken: Broken) {
        if let Ok(mut failed) = self.failed.lock()
            && failed.as_ref().is_none_or(|(lowest, _)| seed < *lowest)
        {
            *failed = Some((seed, broken));
        }
    }
}

#[cfg(feature = "planted-defects")]
mod planted {
    use super::Faults;
    use std::io::Write;
    use wend::journey::finding::unknown;
    use wend::planted::{self, Defect};
    use wend::simulation::Failure;

    /// Whether only the list was asked for, which is then printed.
    pub fn list(asked: &Faults) -> anyhow::Result<bool> {
        if asked.planted.as_deref() != Some("list") {
            return Ok(false);
        }
        for defect in Defect::ALL {
            writeln!(
                std::io::stdout().lock(),
                "{:<20} {}",
                defect.name(),
                defect.in_words()
            )?;
        }
        Ok(true)
    }

    /// Switches the defect that was asked for on, for this thread.
    pub fn switch(asked: &Faults) -> Result<(), Failure> {
        let Some(name) = asked.planted.as_deref() else {
            return Ok(());
        };
        let all = Defect::ALL.iter().copied();
        let Some(defect) = all.clone().find(|defect| defect.name() == name) else {
            let known: Vec<&str> = all.map(Defect::name).collect();
            return Err(Failure::Asked(unknown("defect", name, known)));
        };
        planted::switch(Some(defect));
        Ok(())
    }
}
