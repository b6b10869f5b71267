//! Moves one enrollment along its journey until it waits, sends or ends.

use super::civil::Calendar;
use super::decide::Turn;
use super::decision::{Change, Effect, Remark};
use super::sight::{Topic, View};
use super::state::{Contact, Counted, EndReason, Ended, Enrollment, Position};
use super::{ask, enroll, steps};
use crate::domain::ids::JourneyId;
use crate::domain::time::Timestamp;
use crate::journey::definition::{Condition, Journey, Status};
use crate::journey::region::Region;
use crate::journey::step::{Step, Target};
use std::sync::Arc;

/// Most steps run for one enrollment in one decision; a longer chain without a wait ends it, with that reason.
pub const MAX_STEPS_PER_RUN: usize = 100;
/// Most steps run in one decision over all enrollments, those that they start included.
pub const MAX_STEPS_PER_DECISION: usize = 1_000;

/// What became of a step on entering it.
pub(super) enum StepOutcome {
    /// The contact stays here.
    Hold(Position),
    /// The step is done as of this moment, which the next one counts from.
    Go { to: Target, at: Timestamp },
    /// The enrollment is over.
    End(EndReason),
}

/// What a step may see and collect.
pub(super) struct Course<'a> {
    pub journey: &'a Journey,
    pub now: Timestamp,
    pub calendar: Calendar,
    /// Whose law decides to whom marketing may go.
    pub region: Region,
    /// Its marketing mails are held at present.
    pub marketing_waits: bool,
    pub contact: &'a mut Contact,
    pub counted: &'a Arc<Counted>,
    pub changes: &'a mut Vec<Change>,
    pub effects: &'a mut Vec<Effect>,
    pub remarks: &'a mut Vec<Remark>,
    /// What the steps want of other journeys, with their run. Done once this run stands still, so that none works on a contact that
    /// another is still changing.
    pub orders: Vec<(Order, Enrollment)>,
}

/// What a step wants of another journey.
pub(super) enum Order {
    /// The journey, and what makes this start another than the run's last one.
    Start(JourneyId, String),
    Stop(JourneyId),
}

/// Where an enrollment enters its journey, or goes on in it.
pub(super) enum Entry<'s> {
    /// Runs this step.
    At(&'s Step),
    /// The step it stands on was done at this moment and leads there.
    Behind { to: Target, at: Timestamp },
}

/// Where an enrollment stands after it was moved.
enum Progress {
    Running(Box<Enrollment>),
    Ended(Box<Enrollment>, EndReason),
}

impl Course<'_> {
    /// What a condition of a step says now; none when it fails, which is remarked.
    pub fn holds(&mut self, when: Option<&Condition>, run: &Enrollment) -> Option<bool> {
        let view = View {
            contact: self.contact,
            counted: self.counted,
            now: self.now,
        };
        let sight = view.on(Topic::step(self.journey, run));
        ask::holds(when, &sight, self.journey, self.remarks)
    }
}

impl StepOutcome {
    /// Straight on.
    pub const fn done(at: Timestamp) -> Self {
        Self::Go { to: Target::Next, at }
    }
}

impl Turn<'_> {
    /// Moves `enrollment` along and puts it back into the contact, or among the ended; then does what its steps want of
    /// other journeys.
    pub(super) fn advance(&mut self, journey: &Journey, mut enrollment: Enrollment, entry: Entry<'_>) {
        // The sweep may not have come here yet.
        if journey.status == Status::Retired {
            self.end(&enrollment, EndReason::Retired);
            return;
        }
        let mut course = Course {
            journey,
            now: self.now,
            calendar: Calendar::new(&self.catalog.store, Some(journey), &self.contact),
            region: self.catalog.store.region,
            marketing_waits: self.catalog.marketing_held.contains(&journey.id),
            contact: &mut self.contact,
            counted: &self.counted,
            changes: &mut self.changes,
            effects: &mut self.effects,
            remarks: &mut self.remarks,
            orders: Vec::new(),
        };
        let steps_left = &mut self.steps_left;
        let progress = match entry {
            Entry::At(step) => run(&mut course, enrollment, step, steps_left),
            Entry::Behind { to, at } => {
                enrollment.pass(at);
                behind(&mut course, enrollment, &to, steps_left)
            }
        };
        let orders = course.orders;
        settle(&mut self.contact, &mut self.changes, progress, self.now);
        self.orders.extend(orders);
        self.follow_orders();
    }

    /// Does what steps want of other journeys, unless that is being done already further up.
    fn follow_orders(&mut self) {
        if self.ordering {
            return;
        }
        self.ordering = true;
        while let Some((order, by)) = self.orders.pop_front() {
            match order {
                Order::Start(id, cause) => enroll::start_other(self, &id, &by, &cause),
                Order::Stop(id) => self.stop_other(&id),
            }
        }
        self.ordering = false;
    }

    fn stop_other(&mut self, id: &JourneyId) {
        for enrollment in self.contact.enrollments.clone() {
            if enrollment.journey == *id {
                self.end(&enrollment, EndReason::Stopped);
            }
        }
    }
}

/// Runs steps from `step` on. `enrollment.since` is when the one before was done.
fn run(course: &mut Course<'_>, mut enrollment: Enrollment, step: &Step, steps_left: &mut usize) -> Progress {
    let journey = course.journey;
    let mut step = step;
    for _ in 0..MAX_STEPS_PER_RUN {
        enrollment.step = step.id.clone();
        if *steps_left == 0 {
            return Progress::Ended(Box::new(enrollment), EndReason::StepLimit);
        }
        *steps_left -= 1;
        match steps::enter(course, &mut enrollment, step) {
            StepOutcome::Hold(position) => {
                enrollment.position = position;
                return Progress::Running(Box::new(enrollment));
            }
            StepOutcome::End(reason) => return Progress::Ended(Box::new(enrollment), reason),
            StepOutcome::Go { to, at } => {
                enrollment.pass(at);
                match target(journey, step, &to) {
                    Ok(next) => step = next,
                    Err(reason) => return Progress::Ended(Box::new(enrollment), reason),
                }
            }
        }
    }
    Progress::Ended(Box::new(enrollment), EndReason::StepLimit)
}

/// Continues behind the step the enrollment stands on.
fn behind(
    course: &mut Course<'_>,
    mut enrollment: Enrollment,
    to: &Target,
    steps_left: &mut usize,
) -> Progress {
    let journey = course.journey;
    // A renamed step was never run itself: the enrollment did its predecessor and goes on behind it.
    let Some(here) = journey.resolve(&enrollment.step) else {
        return Progress::Ended(Box::new(enrollment), EndReason::StepRemoved);
    };
    // Nor was one of another kind than what was done.
    if !enrollment.position.fits(&here.kind) {
        return run(course, enrollment, here, steps_left);
    }
    match target(journey, here, to) {
        Ok(next) => run(course, enrollment, next, steps_left),
        Err(reason) => {
            enrollment.step = here.id.clone();
            Progress::Ended(Box::new(enrollment), reason)
        }
    }
}

/// The step that `to`, said by `step`, means; or why there is none.
fn target<'j>(journey: &'j Journey, step: &'j Step, to: &Target) -> Result<&'j Step, EndReason> {
    let id = match to {
        Target::Leave => return Err(EndReason::Left),
        Target::Next => step.next.as_ref().ok_or(EndReason::Completed)?,
        Target::Step(id) => id,
    };
    journey.step(id).ok_or(EndReason::StepRemoved)
}

/// Puts the outcome into the contact, or among the ended.
fn settle(contact: &mut Contact, changes: &mut Vec<Change>, progress: Progress, now: Timestamp) {
    match progress {
        Progress::Running(enrollment) => {
            match contact
                .enrollments
                .iter_mut()
                .find(|held| held.id == enrollment.id)
            {
                Some(held) => *held = *enrollment,
                None => contact.enrollments.push(*enrollment),
            }
        }
        Progress::Ended(enrollment, reason) => {
            contact.enrollments.retain(|held| held.id != enrollment.id);
            changes.push(Change::EndEnrollment(ended(&enrollment, reason, now)));
        }
    }
}

/// The row of an enrollment that is over.
pub(super) fn ended(enrollment: &Enrollment, reason: EndReason, now: Timestamp) -> Ended {
    Ended {
        id: enrollment.id.clone(),
        journey: enrollment.journey.clone(),
        key: enrollment.key.clone(),
        started_at: enrollment.started_at,
        ended_at: now,
        step: enrollment.step.clone(),
        reason,
        arms: enrollment.arms.clone(),
        held_out: enrollment.held_out,
        goal_at: enrollment.goal_at,
    }
}
