//! A seed that breaks a promise, for people: which, how, the shortest way to it, and what happened on it.

use super::super::print;
use super::Failed;
use super::plan::Plan;
use std::fmt;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            seed,
            drawn,
            plan,
            broken,
            history,
        } = self;
        writeln!(f, "seed {seed} breaks a promise: {}", broken.promise.in_words())?;
        writeln!(f, "  {}\n", broken.how)?;
        let shards = plan.shards;
        let noun = if shards == 1 { "shard" } else { "shards" };
        let kept = |what: fn(&Plan) -> usize| format!("{} of {}", what(plan), what(drawn));
        writeln!(
            f,
            "The shortest way to it that was found, at {shards} {noun} and by {}, in store {}: {} faults, {} shoppers, {} acts and {} replies are left.\n",
            plan.provider.as_str(),
            plan.stage,
            kept(|plan| plan.faults.len()),
            kept(shoppers),
            kept(|plan| plan.acts.len()),
            kept(|plan| plan.replies.len()),
        )?;
        write!(f, "{plan}")?;
        writeln!(f, "\nWhat happened:\n")?;
        f.write_str(&print::timeline(history, plan.start, false))?;
        writeln!(f, "\nAgain: wend faults --seeds 1 --from {seed}")
    }
}

fn shoppers(plan: &Plan) -> usize {
    let all: std::collections::BTreeSet<usize> = plan.acts.iter().map(|act| act.shopper).collect();
    all.len()
}
