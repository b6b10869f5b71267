//! What is wrong with the way steps follow each other: some nobody reaches, some lead nowhere, some go round for ever.

use super::{Lint, Subject};
use crate::journey::step::Step;

impl Lint<'_> {
    pub(super) fn graph(&mut self) {
        if !self.parsed.is_complete() {
            return;
        }
        self.unreachable();
        self.waits_for_nothing();
        self.loops_without_a_wait();
    }

    fn unreachable(&mut self) {
        let journey = &self.parsed.journey;
        let first = journey.first_step().map(|step| &step.id);
        let reached = journey.reached(first.into_iter().chain(journey.goal_step()), |_| false);
        let mut told = false;
        for (number, step) in journey.steps.iter().enumerate() {
            let lost = !reached.contains(&step.id);
            // What follows an unreachable step is unreachable too: one finding for the first.
            if lost && !told {
                self.report(
                    Subject::Step(number),
                    format!(
                        "nobody gets to `{}`: every way before it leads elsewhere; move it up or remove it",
                        step.id
                    ),
                );
            }
            told = lost;
        }
    }

    fn waits_for_nothing(&mut self) {
        for (number, step) in self.parsed.journey.steps.iter().enumerate() {
            if step.kind.as_wait().is_some() && step.successors().iter().all(Option::is_none) {
                self.report(
                    Subject::Step(number),
                    "nothing comes after this wait: add a step or remove it",
                );
            }
        }
    }

    /// A circle must hold people for a time, or it would run to the limit of its `goto` in one moment.
    fn loops_without_a_wait(&mut self) {
        let journey = &self.parsed.journey;
        let takes_time = |step: &Step| step.kind.takes_time();
        for (number, step) in journey.steps.iter().enumerate() {
            let Some(goto) = step.kind.as_goto() else { continue };
            let mut seen = journey.reached([&goto.to], takes_time);
            seen.retain(|id| journey.step(id).is_some_and(|step| !takes_time(step)));
            if seen.contains(&step.id) {
                let reached = seen.iter().filter_map(|id| journey.step(id));
                let (why, time) = if reached.filter(|step| step.kind.as_wait().is_some()).count() > 0 {
                    (
                        " for sure, since a date may have passed or not be known",
                        "for a time ",
                    )
                } else {
                    ("", "")
                };
                self.report(
                    Subject::StepName(number),
                    format!(
                        "between `{}` and this `goto` nothing waits{why}: put a `wait:` {time}in the circle",
                        goto.to
                    ),
                );
            }
        }
    }
}
