//! What is wrong with the way steps follow each other: some nobody reaches, some lead nowhere, some go round for ever.

use super::{Lint, Subject};
use crate::domain::ids::StepId;
use crate::journey::step::{Step, StepKind, Target, Wait};
use std::collections::BTreeSet;

/// Whether a step surely takes time. A date may have passed, or not be known.
pub(super) const fn holds_people(kind: &StepKind) -> bool {
    match kind {
        StepKind::Wait(Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } | Wait::Event { .. }) => true,
        StepKind::Wait(Wait::Date { .. })
        | StepKind::Send(_)
        | StepKind::Branch(_)
        | StepKind::Split(_)
        | StepKind::Set(_)
        | StepKind::Coupon(_)
        | StepKind::Notify(_)
        | StepKind::Start(_)
        | StepKind::Stop(_)
        | StepKind::Goto(_)
        | StepKind::Exit => false,
    }
}

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
        let mut reached: BTreeSet<&StepId> = BTreeSet::new();
        let mut open: Vec<&StepId> = journey.first_step().map(|step| &step.id).into_iter().collect();
        if let Some(goal) = &journey.goal
            && let Target::Step(id) = &goal.then
        {
            open.push(id);
        }
        while let Some(id) = open.pop() {
            if reached.insert(id) {
                let step = journey.step(id);
                open.extend(step.into_iter().flat_map(Step::successors).flatten());
            }
        }
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
            let StepKind::Wait(_) = &step.kind else { continue };
            if step.successors().iter().all(Option::is_none) {
                self.report(
                    Subject::Step(number),
                    "nothing comes after this wait: add a step or remove it",
                );
            }
        }
    }

    /// A circle must hold people for a time, or it would run to the limit of its `goto` in one moment.
    fn loops_without_a_wait(&mut self) {
        for (number, step) in self.parsed.journey.steps.iter().enumerate() {
            let StepKind::Goto(goto) = &step.kind else {
                continue;
            };
            let mut seen: BTreeSet<&StepId> = BTreeSet::new();
            let mut open = vec![&goto.to];
            while let Some(id) = open.pop() {
                let Some(reached) = self.parsed.journey.step(id) else {
                    continue;
                };
                if !holds_people(&reached.kind) && seen.insert(id) {
                    open.extend(reached.successors().into_iter().flatten());
                }
            }
            if seen.contains(&step.id) {
                let reached = seen.iter().filter_map(|id| self.parsed.journey.step(id));
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
