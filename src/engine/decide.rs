//! `decide`: the one entry point of the core. Dispatches on the input; each arm is one screen elsewhere.

use super::decision::{Change, CheckoutTaken, Decision, Effect, Input, Remark, Settlement};
use super::progress::{self, Course, Progress};
use super::state::{Contact, EndReason, Enrollment, Facts, Position, Sending};
use super::{enroll, intake};
use crate::domain::event::Event;
use crate::domain::ids::MessageId;
use crate::domain::message::DropReason;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Key, Otherwise, Step, StepKind, Wait};

/// How long a deferred transactional resend waits for evidence before it goes out again.
pub const EVIDENCE_WAIT: Delay = Delay::from_minutes(15);

/// What happens to `contact` by `input` at `now`.
///
/// Total and deterministic; applying one input twice changes nothing the second time (events by their row, outcomes
/// because the enrollment has moved on).
pub fn decide(
    catalog: &Catalog,
    contact: &Contact,
    facts: &Facts,
    input: &Input,
    now: Timestamp,
) -> Decision {
    let mut turn = Turn::new(catalog, contact.clone(), now);
    match input {
        Input::Event(event) => turn.event(event, facts),
        Input::Overtaken(event) => enroll::exit_by(&mut turn, event),
        Input::Wake => turn.wake(),
        Input::Settled { message, how } => turn.settled(message, how),
        Input::Deferred { message, until } => {
            turn.reschedule(message, |sending| {
                (sending.due, sending.dispatched) = (*until, false)
            });
        }
        Input::Dispatched { message } => turn.reschedule(message, |sending| sending.dispatched = true),
        Input::Resend { message, at } => turn.reschedule(message, |sending| {
            (sending.due, sending.dispatched) = (*at, false);
            sending.generation = 2;
        }),
        Input::Sweep => turn.sweep(),
        Input::CheckoutTaken(taken) => turn.checkout_taken(taken),
    }
    turn.finish()
}

/// A decision in the making.
pub(super) struct Turn<'a> {
    pub catalog: &'a Catalog,
    pub now: Timestamp,
    pub contact: Contact,
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub remarks: Vec<Remark>,
}

impl<'a> Turn<'a> {
    fn new(catalog: &'a Catalog, contact: Contact, now: Timestamp) -> Self {
        Self {
            catalog,
            now,
            contact,
            changes: Vec::new(),
            effects: Vec::new(),
            remarks: Vec::new(),
        }
    }

    fn finish(self) -> Decision {
        let Self {
            contact,
            changes,
            effects,
            remarks,
            ..
        } = self;
        Decision {
            contact,
            changes,
            effects,
            remarks,
        }
    }

    /// An event: what it says of the person, then what it ends, continues and starts.
    fn event(&mut self, event: &Event, facts: &Facts) {
        if facts.seen {
            return;
        }
        intake::learn(self, event, facts);
        self.changes.push(Change::RecordEvent(Box::new(event.clone())));
        if event.test {
            return;
        }
        enroll::exit_by(self, event);
        enroll::continue_by(self, event);
        enroll::start_by(self, event, facts);
    }

    /// Everything whose time has come.
    fn wake(&mut self) {
        let due: Vec<Enrollment> = self
            .contact
            .enrollments
            .iter()
            .filter(|enrollment| enrollment.wake().is_some_and(|wake| wake <= self.now))
            .cloned()
            .collect();
        for enrollment in due {
            match &enrollment.position {
                Position::Waiting { until } => self.wait_over(&enrollment, *until),
                Position::Sending(sending) => {
                    self.effects.push(Effect::Deliver {
                        message: sending.message.clone(),
                        lane: sending.lane,
                    });
                }
            }
        }
    }

    fn wait_over(&mut self, enrollment: &Enrollment, until: Timestamp) {
        let Some(journey) = self.catalog.journey(&enrollment.journey) else {
            self.end(enrollment, EndReason::JourneyRemoved);
            return;
        };
        let Some(step) = journey.resolve(&enrollment.step) else {
            self.end(enrollment, EndReason::StepRemoved);
            return;
        };
        if step.id != enrollment.step {
            self.enter_moved(journey, enrollment, step, until);
            return;
        }
        match &step.kind {
            StepKind::Wait(Wait::Event {
                otherwise: Otherwise::Exit,
                ..
            }) => self.end(enrollment, EndReason::TimedOut),
            StepKind::Wait(Wait::Delay(_) | Wait::Event { .. }) | StepKind::Send(_) => {
                self.go_on(enrollment, until);
            }
        }
    }

    /// The wait somebody stood on is another step by now, which was not done yet. A wait counts from where the old one
    /// did; anything else begins when the old one ended.
    fn enter_moved(&mut self, journey: &Journey, enrollment: &Enrollment, step: &Step, until: Timestamp) {
        let mut moved = enrollment.clone();
        match &step.kind {
            StepKind::Wait(_) => {}
            StepKind::Send(_) => moved.since = until,
        }
        let mut course = Course {
            journey,
            now: self.now,
            changes: &mut self.changes,
            effects: &mut self.effects,
        };
        let progress = progress::run(&mut course, &self.contact, moved, step);
        progress::settle(
            &mut self.contact,
            &mut self.changes,
            enrollment,
            progress,
            self.now,
        );
    }

    fn sweep(&mut self) {
        for enrollment in self.contact.enrollments.clone() {
            let Some(journey) = self.catalog.journey(&enrollment.journey) else {
                self.end(&enrollment, EndReason::JourneyRemoved);
                continue;
            };
            match journey.resolve(&enrollment.step) {
                Some(step) => self.arm_anew(&enrollment, step),
                None => self.end(&enrollment, EndReason::StepRemoved),
            }
        }
    }

    /// Takes over the step's new name and length. Where its kind changed, the time of the old one still decides.
    fn arm_anew(&mut self, enrollment: &Enrollment, step: &Step) {
        let mut found = self.contact.enrollments.iter_mut();
        let Some(held) = found.find(|held| held.id == enrollment.id) else {
            return;
        };
        match (&mut held.position, &step.kind) {
            (Position::Waiting { until }, StepKind::Wait(wait)) => {
                let (Wait::Delay(length) | Wait::Event { timeout: length, .. }) = wait;
                *until = held.since.plus(*length);
                held.step = step.id.clone();
            }
            (Position::Sending(_), StepKind::Send(_)) => held.step = step.id.clone(),
            (Position::Waiting { .. }, StepKind::Send(_)) | (Position::Sending(_), StepKind::Wait(_)) => {}
        }
    }

    /// Continues after the enrollment's step, done at `at`.
    pub fn go_on(&mut self, enrollment: &Enrollment, at: Timestamp) {
        let Some(journey) = self.catalog.journey(&enrollment.journey) else {
            self.end(enrollment, EndReason::JourneyRemoved);
            return;
        };
        let mut course = Course {
            journey,
            now: self.now,
            changes: &mut self.changes,
            effects: &mut self.effects,
        };
        let progress = progress::after_step(&mut course, &self.contact, enrollment.clone(), at);
        progress::settle(
            &mut self.contact,
            &mut self.changes,
            enrollment,
            progress,
            self.now,
        );
    }

    /// Takes an enrollment out of its journey. A message that has not gone out is dropped in the same turn; one whose
    /// request is out stays in the ledger until its fate is known.
    pub fn end(&mut self, enrollment: &Enrollment, reason: EndReason) {
        if let Position::Sending(Sending {
            message,
            dispatched: false,
            ..
        }) = &enrollment.position
        {
            let reason = match &reason {
                EndReason::CheckoutTaken => DropReason::CheckoutClosed,
                EndReason::Completed
                | EndReason::Exited(_)
                | EndReason::TimedOut
                | EndReason::Restarted
                | EndReason::StepRemoved
                | EndReason::JourneyRemoved
                | EndReason::TooManyEnrollments
                | EndReason::StepLimit
                | EndReason::Merged => DropReason::Exited,
            };
            self.changes.push(Change::SettleMessage {
                message: message.clone(),
                how: Settlement::Dropped(reason),
                at: self.now,
            });
        }
        let progress = Progress::Ended(reason, enrollment.step.clone());
        progress::settle(
            &mut self.contact,
            &mut self.changes,
            enrollment,
            progress,
            self.now,
        );
    }

    fn settled(&mut self, message: &MessageId, how: &Settlement) {
        self.changes.push(Change::SettleMessage {
            message: message.clone(),
            how: how.clone(),
            at: self.now,
        });
        let found = self
            .contact
            .sending(message)
            .map(|(enrollment, _)| enrollment.clone());
        if let Some(mut enrollment) = found {
            // It held this one send.
            enrollment.doubt = None;
            self.go_on(&enrollment, self.now);
        }
    }

    fn reschedule(&mut self, message: &MessageId, change: impl FnOnce(&mut Sending)) {
        let sending =
            self.contact
                .enrollments
                .iter_mut()
                .find_map(|enrollment| match &mut enrollment.position {
                    Position::Sending(sending) if sending.message == *message => Some(sending),
                    Position::Sending(_) | Position::Waiting { .. } => None,
                });
        if let Some(sending) = sending {
            change(sending);
        }
    }

    /// Only a journey about checkouts is about its cart: one about an order goes on after it.
    fn is_taken(&self, enrollment: &Enrollment, taken: &CheckoutTaken) -> bool {
        let journey = self.catalog.journey(&enrollment.journey);
        let of_checkouts = journey.is_some_and(|journey| journey.trigger.key == Key::Checkout);
        taken.keys.contains(&enrollment.key) || (of_checkouts && enroll::is_about(enrollment, &taken.keys))
    }

    fn checkout_taken(&mut self, taken: &CheckoutTaken) {
        let gone: Vec<Enrollment> = self
            .contact
            .enrollments
            .iter()
            .filter(|enrollment| self.is_taken(enrollment, taken))
            .filter(|enrollment| taken.bought || taken.at >= enrollment.data_at)
            .cloned()
            .collect();
        for enrollment in gone {
            self.end(&enrollment, EndReason::CheckoutTaken);
        }
    }
}
