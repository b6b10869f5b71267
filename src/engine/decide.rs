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
use crate::journey::definition::{StepKind, Wait};

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
    let mut turn = Turn::new(catalog, contact.clone(), &facts.in_flight, now);
    match input {
        Input::Event(event) => turn.event(event, facts),
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
        Input::CheckoutTaken(taken) => turn.checkout_taken(taken),
    }
    turn.finish()
}

/// A decision in the making.
pub(super) struct Turn<'a> {
    pub catalog: &'a Catalog,
    pub now: Timestamp,
    in_flight: &'a [MessageId],
    pub contact: Contact,
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub remarks: Vec<Remark>,
}

impl<'a> Turn<'a> {
    fn new(catalog: &'a Catalog, contact: Contact, in_flight: &'a [MessageId], now: Timestamp) -> Self {
        Self {
            catalog,
            now,
            in_flight,
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
        let timed_out = match journey.resolve(&enrollment.step).map(|step| &step.kind) {
            None => Some(EndReason::StepRemoved),
            Some(StepKind::Wait(Wait::Event {
                otherwise: crate::journey::definition::Otherwise::Exit,
                ..
            })) => Some(EndReason::TimedOut),
            Some(StepKind::Wait(_) | StepKind::Send(_)) => None,
        };
        match timed_out {
            Some(reason) => self.end(enrollment, reason),
            None => self.go_on(enrollment, until),
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
            && !self.in_flight.contains(message)
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
        if let Some(enrollment) = found {
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

    fn checkout_taken(&mut self, taken: &CheckoutTaken) {
        let gone: Vec<Enrollment> = self
            .contact
            .enrollments
            .iter()
            .filter(|enrollment| taken.keys.contains(&enrollment.key))
            .cloned()
            .collect();
        for enrollment in gone {
            self.end(&enrollment, EndReason::CheckoutTaken);
        }
    }
}
