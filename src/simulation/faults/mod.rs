//! Stories in which much goes wrong at once, each drawn from a seed, and the promises that hold in every one of them.
//!
//! Called by `wend faults` and by the tests. The core, the turns and the statements are those of the Worker, in the pretend
//! installation of [`super::world`]; the storefronts, the platform and the provider around it fail. What is promised stands
//! in [`broken::Promise`], and `docs/reliability.md` tells the story.

pub mod broken;
mod check;
mod draw;
mod ends;
mod erasures;
mod mails;
mod over;
pub mod plan;
mod platform;
mod play;
mod replies;
mod report;
mod shrink;
mod snapshot;
mod stage;
mod troubles;
mod truth;

#[cfg(test)]
mod tests;

use super::error::Failure;
use super::timeline::Entry;
use broken::{Broken, Promise, keep};
use plan::Plan;
use stage::Stages;
use std::path::Path;

/// Every so many seeds are played twice: both must come to the same.
const REPLAYED: u64 = 16;

/// What is needed to play any seed.
pub struct Faults(Stages);

/// A seed that breaks a promise.
#[derive(Debug)]
pub struct Failed {
    pub seed: u64,
    /// As it was drawn.
    drawn: Plan,
    /// The least of it that breaks the same promise, and how that does.
    pub plan: Plan,
    pub broken: Broken,
    /// What happened in it.
    history: Vec<Entry>,
}

impl Faults {
    /// The stores to play in, made from the project at `root`.
    ///
    /// # Errors
    /// With the findings, when its journeys do not check.
    pub fn read(root: &Path) -> Result<Self, Failure> {
        Ok(Self(Stages::read(root)?))
    }

    /// Plays one seed; none when every promise is kept.
    ///
    /// # Errors
    /// When it cannot be played at all.
    pub fn play(&self, seed: u64) -> Result<Option<Broken>, Failure> {
        let plan = draw::plan(seed);
        Ok(self.judge(&plan)?.err())
    }

    fn judge(&self, plan: &Plan) -> Result<Result<(), Broken>, Failure> {
        let stage = self.0.stage(plan.stage)?;
        let end = match play::play(plan, stage) {
            Ok(end) => end,
            Err(broken) => return Ok(Err(broken)),
        };
        if !plan.seed.is_multiple_of(REPLAYED) {
            return Ok(Ok(()));
        }
        let same = play::play(plan, stage).is_ok_and(|again| again == end);
        Ok(keep(Promise::Replay, same, || {
            "it came to something else".to_owned()
        }))
    }

    /// The shortest reproduction of a seed that breaks a promise, with its history.
    ///
    /// # Errors
    /// When it cannot be played at all.
    pub fn explain(&self, seed: u64, broken: Broken) -> Result<Failed, Failure> {
        let drawn = draw::plan(seed);
        let (plan, broken) = shrink::shrink(&self.0, drawn.clone(), broken);
        let history = play::history(&plan, self.0.stage(plan.stage)?);
        Ok(Failed {
            seed,
            drawn,
            plan,
            broken,
            history,
        })
    }
}
