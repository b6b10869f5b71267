//! Makes a plan that breaks a promise smaller: takes away faults, then shoppers, then what they did, as long as the same
//! promise is broken.

use super::broken::{Broken, Promise};
use super::plan::Plan;
use super::play::play;
use super::stage::{Stage, Stages};

/// Most stories that are played for it.
const MAX_TRIES: usize = 600;

/// The smallest plan that was found, and how it breaks the promise.
pub(super) fn shrink(stages: &Stages, plan: Plan, broken: Broken) -> (Plan, Broken) {
    let Ok(stage) = stages.stage(plan.stage) else {
        return (plan, broken);
    };
    let mut search = Search {
        stage,
        promise: broken.promise,
        best: (plan, broken),
        tries: 0,
    };
    while search.round() {}
    search.best
}

struct Search<'s> {
    stage: &'s Stage,
    promise: Promise,
    best: (Plan, Broken),
    tries: usize,
}

impl Search<'_> {
    /// Tries to take each thing away; false when nothing could be.
    fn round(&mut self) -> bool {
        let before = self.tries;
        let mut smaller = self.each(
            |plan| plan.faults.len(),
            |plan, at| {
                plan.faults.remove(at);
            },
        );
        smaller |= self.fewer_shards();
        let shoppers = |plan: &Plan| plan.acts.iter().map(|act| act.shopper + 1).max().unwrap_or(0);
        smaller |= self.each(shoppers, |plan, shopper| {
            plan.acts.retain(|act| act.shopper != shopper);
            plan.replies.retain(|reply| reply.shopper != shopper);
        });
        smaller |= self.each(
            |plan| plan.replies.len(),
            |plan, at| {
                plan.replies.remove(at);
            },
        );
        smaller |= self.each(
            |plan| plan.acts.len(),
            |plan, at| {
                plan.acts.remove(at);
            },
        );
        smaller && self.tries > before
    }

    fn each(&mut self, count: impl Fn(&Plan) -> usize, remove: impl Fn(&mut Plan, usize)) -> bool {
        let mut smaller = false;
        for at in (0..count(&self.best.0)).rev() {
            let mut plan = self.best.0.clone();
            remove(&mut plan, at);
            smaller |= self.attempt(plan);
        }
        smaller
    }

    fn fewer_shards(&mut self) -> bool {
        let fewer = [1, 4].into_iter().filter(|shards| *shards < self.best.0.shards);
        let plans: Vec<Plan> = fewer
            .map(|shards| Plan {
                shards,
                ..self.best.0.clone()
            })
            .collect();
        plans.into_iter().any(|plan| self.attempt(plan))
    }

    fn attempt(&mut self, plan: Plan) -> bool {
        if self.tries >= MAX_TRIES {
            return false;
        }
        self.tries += 1;
        match play(&plan, self.stage) {
            Err(broken) if broken.promise == self.promise => {
                self.best = (plan, broken);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }
}
