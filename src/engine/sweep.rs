//! What a deploy or another calendar means for the runs there are: new lengths and names of their steps, a stop of time.
//!
//! Called by `decide`: in the sweep after a deploy, and where an event changed the contact's zone or dates.

use super::civil::Calendar;
use super::decide::Turn;
use super::decision::Decision;
use super::moment::{self, Anew};
use super::progress::StepOutcome;
use super::state::{Contact, EndReason, Enrollment, Facts, Position};
use super::steps::wait;
use crate::domain::contact::Profile;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Status};
use crate::journey::step::{Step, Wait};

impl Turn<'_> {
    pub fn sweep(&mut self) {
        moment::arm(self, Anew::All);
        self.take_stricter_streams();
        for enrollment in self.contact.enrollments.clone() {
            let Some(journey) = self.catalog.journey(&enrollment.journey) else {
                self.end(&enrollment, EndReason::JourneyRemoved);
                continue;
            };
            if journey.status == Status::Retired {
                self.end(&enrollment, EndReason::Retired);
                continue;
            }
            match journey.resolve(&enrollment.step) {
                Some(step) => {
                    self.arm_anew(&enrollment, step);
                    self.freeze(&enrollment, journey.status == Status::Frozen);
                    self.catch_up(&enrollment, journey);
                }
                None => self.end(&enrollment, EndReason::StepRemoved),
            }
        }
    }

    /// Takes over the step's new name and length. Where its kind changed, the time of the old one still decides.
    fn arm_anew(&mut self, enrollment: &Enrollment, step: &Step) {
        let wait = step.kind.as_wait();
        let (until, now) = (wait.and_then(|wait| self.until(enrollment, wait)), self.now);
        let mut found = self.contact.enrollments.iter_mut();
        let Some(held) = found.find(|held| held.id == enrollment.id) else {
            return;
        };
        match &mut held.position {
            Position::Waiting { until: held_until } => {
                *held_until = until.unwrap_or(*held_until);
                held.step = step.id.clone();
            }
            Position::Sending(sending) if step.kind.as_send().is_some() => {
                held.step = step.id.clone();
                // What the rules held that were is asked again by those that are.
                if !sending.dispatched && sending.held_until == Some(sending.due) && sending.due > now {
                    (sending.due, sending.held_until) = (now, Some(now));
                }
            }
            Position::Asking(_) if step.kind.holds() => held.step = step.id.clone(),
            Position::Sending(_) | Position::Asking(_) => {}
        }
    }

    /// Goes on with a run whose awaited event has come, or whose step gave way to one that was not done yet. `before` is the
    /// run as it stood.
    fn catch_up(&mut self, before: &Enrollment, journey: &Journey) {
        let mut runs = self.contact.enrollments.iter();
        let Some(mut run) = runs.find(|held| held.id == before.id).cloned() else {
            return;
        };
        let Some(step) = journey.resolve(&run.step).filter(|_| !journey.status.holds()) else {
            return;
        };
        let is_out = run.sending().is_some_and(|sending| sending.dispatched);
        // A mail that was intended at another step is not this one's.
        let is_anothers = before.step != step.id && run.sending().is_some();
        if (is_anothers || !run.position.fits(&step.kind)) && !is_out {
            self.jump(&run, &step.id, self.now);
            return;
        }
        let heard = step
            .kind
            .as_wait()
            .and_then(|wait| wait::heard(wait, &mut run, self.now));
        if let Some(StepOutcome::Go { to, at }) = heard {
            self.go_on(&run, to, at);
        }
    }

    /// When a wait of this run is over, by the calendars as they are now.
    fn until(&self, enrollment: &Enrollment, wait: &Wait) -> Option<Timestamp> {
        let journey = self.catalog.journey(&enrollment.journey);
        let calendar = Calendar::new(&self.catalog.store, journey, &self.contact);
        wait::until(wait, enrollment, calendar, &self.contact)
    }

    /// Another zone or another date than the profile by which a run's time was told: what waits by the calendar gets its
    /// new time.
    pub fn tell_time_anew<'p>(&mut self, before: impl Fn(&Enrollment) -> &'p Profile) {
        let after = &self.contact.profile;
        let moved = |run: &Enrollment| before(run).timezone != after.timezone;
        let told = |run: &&Enrollment| moved(run) || before(run).attributes != after.attributes;
        let runs = self.contact.enrollments.iter().filter(told);
        let runs: Vec<_> = runs.map(|run| (moved(run), run.clone())).collect();
        for (moved, mut enrollment) in runs {
            let journey = self.catalog.journey(&enrollment.journey);
            let step = journey.and_then(|journey| journey.step(&enrollment.step));
            // A mail's hours are those of another zone now.
            if let Some(step) = step.filter(|step| moved && step.kind.as_send().is_some()) {
                self.arm_anew(&enrollment, step);
            }
            // What is due already stays so.
            let open = matches!(enrollment.position, Position::Waiting { until } if until > self.now);
            if let Some(step) = step.filter(|step| open && step.kind.as_wait().is_some_and(Wait::is_civil)) {
                // An hour that has struck in the new zone already is not the one that was waited for.
                if moved && matches!(step.kind.as_wait(), Some(Wait::Until { .. })) {
                    enrollment.since = enrollment.since.max(self.now);
                }
                self.arm_anew(&enrollment, step);
            }
        }
    }

    /// Stops the time of a run whose journey was frozen, or lets it go on: it waits as much longer as it stood still. A
    /// wait by the calendar ends at its next hour or day after that.
    fn freeze(&mut self, enrollment: &Enrollment, frozen: bool) {
        let now = self.now;
        let civil = enrollment.frozen_at.and_then(|since| {
            let mut shifted = enrollment.clone();
            shifted.since = shifted.since.plus(stood_still(since, enrollment, now));
            let step = self
                .catalog
                .journey(&enrollment.journey)?
                .resolve(&enrollment.step)?;
            let wait = step.kind.as_wait().filter(|wait| wait.is_civil())?;
            self.until(&shifted, wait)
        });
        let mut found = self.contact.enrollments.iter_mut();
        let Some(held) = found.find(|held| held.id == enrollment.id) else {
            return;
        };
        match (frozen, held.frozen_at) {
            (true, None) => held.frozen_at = Some(now),
            (false, Some(since)) => {
                held.frozen_at = None;
                let stood = stood_still(since, held, now);
                held.since = held.since.plus(stood);
                match &mut held.position {
                    Position::Waiting { until } => *until = civil.unwrap_or(until.plus(stood)),
                    Position::Asking(asking) => {
                        (asking.due, asking.since) = (asking.due.plus(stood), asking.since.plus(stood));
                    }
                    Position::Sending(sending) => {
                        sending.due = sending.due.plus(stood);
                        sending.first_due = sending.first_due.plus(stood);
                        sending.held_until = sending.held_until.map(|until| until.plus(stood));
                        sending.capped_since = sending.capped_since.map(|since| since.plus(stood));
                    }
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
}

/// A contact that another was merged into: the other's runs were told the time by the profile it had, and what one of two
/// runs had heard of may end the wait of the one that goes on.
pub fn retold(
    catalog: &Catalog,
    merged: Contact,
    (winner, loser): (&Contact, &Contact),
    now: Timestamp,
) -> Decision {
    let facts = Facts::default();
    let mut turn = Turn::new(catalog, merged, &facts, now);
    turn.tell_time_anew(|run| {
        let is_own = winner.enrollments.iter().any(|own| own.id == run.id);
        if is_own { &winner.profile } else { &loser.profile }
    });
    for run in turn.contact.enrollments.clone() {
        if let Some(journey) = catalog.journey(&run.journey) {
            turn.catch_up(&run, journey);
        }
    }
    turn.finish()
}

/// How long the step that a run stands on stood still: one that it came to later, by a goal or a refresh, less long.
fn stood_still(frozen_at: Timestamp, enrollment: &Enrollment, now: Timestamp) -> Delay {
    now.since(frozen_at.max(enrollment.since))
}
