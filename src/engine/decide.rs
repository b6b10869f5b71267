//! `decide`: the one entry point of the core. Dispatches on the input; each arm is one screen elsewhere.

use super::decision::{Change, CheckoutTaken, Decision, Effect, Input, Remark, Settlement};
use super::moment::Anew;
use super::progress::{self, Entry, MAX_STEPS_PER_DECISION, Order, StepOutcome};
use super::sight::{Topic, View};
use super::state::{Contact, Counted, EndReason, Enrollment, Facts, Position, Sending};
use super::steps::wait;
use super::{ask, enroll, errand, goal, intake, keys, moment, pace, pausing, referral};
use crate::domain::event::{Event, EventData};
use crate::domain::ids::{EnrollmentId, MessageId, StepId};
use crate::domain::message::{DropReason, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Condition, Journey, Key};
use crate::journey::step::{Recipient, Step, Target};
use std::cell::OnceCell;
use std::collections::VecDeque;
use std::sync::Arc;

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
    let mut turn = Turn::new(catalog, contact.clone(), facts, now);
    if let Input::Event(event) = input {
        turn.happened_at = event.occurred_at.min(now);
    }
    let adopted = turn.adopt(input);
    match input {
        Input::Event(event) => turn.event(event, facts),
        Input::Overtaken { event, .. } if event.imported.is_some() => enroll::exit_by(&mut turn, event),
        Input::Overtaken { event, unheard } => {
            turn.only = Some(unheard.clone());
            goal::reach_by(&mut turn, event, facts);
            turn.only = None;
            enroll::exit_by(&mut turn, event);
            turn.only = Some(unheard.clone());
            enroll::continue_by(&mut turn, event);
        }
        Input::Wake => turn.wake(),
        Input::Settled { message, how } => turn.settled(message, how),
        Input::Deferred { message, until } => {
            turn.reschedule(message, |sending| {
                (sending.due, sending.dispatched) = (*until, false)
            });
        }
        Input::Held { message, until, by } => {
            turn.reschedule(message, |sending| {
                (sending.due, sending.held_until) = (*until, Some(*until));
                if by.is_for_room() {
                    sending.capped_since.get_or_insert(now);
                }
            });
        }
        Input::Known { message } => turn.go_past(message),
        Input::Dispatched { message } => turn.reschedule(message, |sending| sending.dispatched = true),
        Input::Resend {
            message,
            at,
            provider,
        } => turn.reschedule(message, |sending| {
            (sending.due, sending.dispatched) = (*at, false);
            sending.generation = 2;
            sending.bound_to = Some(provider.clone());
        }),
        Input::Errand { id, answer } => errand::answered(&mut turn, id, answer),
        Input::Sweep { .. } => turn.sweep(),
        Input::CheckoutTaken(taken) => turn.checkout_taken(taken),
    }
    turn.take_back_unwanted(contact);
    if turn.contact.profile != contact.profile {
        turn.tell_time_anew(|_| &contact.profile);
        let is_list = matches!(input, Input::Event(event) if event.imported.is_some());
        moment::arm(&mut turn, if is_list { Anew::Ahead } else { Anew::All });
    }
    turn.look_at_segments(contact, input, adopted);
    turn.finish()
}

/// A decision in the making.
pub(super) struct Turn<'a> {
    pub catalog: &'a Catalog,
    pub now: Timestamp,
    /// When what is decided on happened: an event may be older than its arrival.
    pub happened_at: Timestamp,
    pub facts: &'a Facts,
    pub contact: Contact,
    /// Times of the events that conditions count, this decision's own among them.
    pub counted: Arc<Counted>,
    /// The data of the event, once a run keeps it.
    data: Option<Arc<EventData>>,
    /// The keys of the event, once a rule asks for them.
    named: OnceCell<keys::Named>,
    pub changes: Vec<Change>,
    pub effects: Vec<Effect>,
    pub remarks: Vec<Remark>,
    /// Steps that may still be run: journeys that start each other come to an end.
    pub steps_left: usize,
    /// What steps want of other journeys, with the run they belong to, in the order they asked.
    pub orders: VecDeque<(Order, Enrollment)>,
    /// When set, the runs that the event is for.
    only: Option<Vec<EnrollmentId>>,
    /// The orders are being done: one that starts a run whose steps have orders of their own only adds to them, so that
    /// journeys that start each other need no more stack than one.
    pub ordering: bool,
}

impl<'a> Turn<'a> {
    pub fn new(catalog: &'a Catalog, contact: Contact, facts: &'a Facts, now: Timestamp) -> Self {
        Self {
            catalog,
            now,
            happened_at: now,
            facts,
            contact,
            counted: Arc::new(facts.counted.clone()),
            data: None,
            named: OnceCell::new(),
            changes: Vec::new(),
            effects: Vec::new(),
            remarks: Vec::new(),
            steps_left: MAX_STEPS_PER_DECISION,
            orders: VecDeque::new(),
            only: None,
            ordering: false,
        }
    }

    /// The data of the event that is decided on, copied once for all runs that keep it.
    pub fn data_of(&mut self, event: &Event) -> Arc<EventData> {
        let data = self.data.get_or_insert_with(|| Arc::new(event.data.clone()));
        Arc::clone(data)
    }

    /// The keys of the event that is decided on: there is one at most.
    pub fn named(&self, event: &Event) -> &keys::Named {
        self.named
            .get_or_init(|| keys::Named::by(event, &self.contact.id))
    }

    /// What conditions see now.
    pub fn view(&self) -> View<'_> {
        View {
            contact: &self.contact,
            counted: &self.counted,
            now: self.now,
        }
    }

    /// What a condition says now; none when it fails, which is remarked.
    pub fn holds(&mut self, when: Option<&Condition>, journey: &Journey, topic: Topic<'_>) -> Option<bool> {
        let view = View {
            contact: &self.contact,
            counted: &self.counted,
            now: self.now,
        };
        ask::holds(when, &view.on(topic), journey, &mut self.remarks)
    }

    pub fn finish(self) -> Decision {
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
    fn event(&mut self, event: &Arc<Event>, facts: &Facts) {
        if facts.seen && !planted!(DuplicateCounts) {
            return;
        }
        if !event.unread.is_empty() {
            self.remarks.push(Remark::FieldsUnread {
                event: event.id.clone(),
                fields: event.unread.clone(),
            });
        }
        intake::learn(self, event, facts);
        // What conditions count is read from the events.
        if !facts.in_ledger || self.catalog.counted.contains_key(&event.kind) {
            self.changes.push(Change::RecordEvent(Arc::clone(event)));
        }
        if event.test {
            return;
        }
        if self.catalog.counted.contains_key(&event.kind) {
            let counted = Arc::make_mut(&mut self.counted);
            counted
                .entry(event.kind.clone())
                .or_default()
                .push(event.occurred_at);
        }
        if event.imported.is_some() {
            // A cart that was bought is bought, however that became known.
            enroll::exit_by(self, event);
            moment::arm(self, Anew::Missing);
            return;
        }
        intake::read_mail(self, event);
        referral::count(self, event);
        referral::notice(self, event, facts);
        goal::reach_by(self, event, facts);
        enroll::exit_by(self, event);
        enroll::continue_by(self, event);
        enroll::start_by(self, event, facts);
        moment::arm(self, Anew::Missing);
    }

    /// Everything whose time has come.
    fn wake(&mut self) {
        moment::fire(self);
        // The sweep may not have come here yet.
        self.take_stricter_streams();
        let due: Vec<Enrollment> = self
            .contact
            .enrollments
            .iter()
            .filter(|enrollment| enrollment.wake().is_some_and(|wake| wake <= self.now))
            .filter(|enrollment| !is_held(self.catalog, enrollment))
            .cloned()
            .collect();
        for enrollment in due {
            // A step of one that ran before it may have stopped it.
            if !self.is_running(&enrollment) {
                continue;
            }
            match &enrollment.position {
                Position::Waiting { until } => self.wait_over(&enrollment, *until),
                Position::Asking(_) => self.effects.push(Effect::Run {
                    enrollment: enrollment.id.clone(),
                }),
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
        // Under somebody's feet a step may have become another: that one was not done yet.
        if step.id != enrollment.step || step.kind.as_wait().is_none() {
            self.enter_moved(journey, enrollment, step, until);
            return;
        }
        let mut run = enrollment.clone();
        match step.kind.as_wait().map(|wait| wait::over(wait, &mut run, until)) {
            Some(StepOutcome::End(reason)) => self.end(&run, reason),
            Some(StepOutcome::Go { to, at }) => self.go_on(&run, to, at),
            Some(StepOutcome::Hold(_)) | None => self.go_on(&run, Target::Next, until),
        }
    }

    /// The wait somebody stood on is another step by now, which was not done yet. A wait counts from where the old one
    /// did; anything else begins when the old one ended.
    fn enter_moved(&mut self, journey: &Journey, enrollment: &Enrollment, step: &Step, until: Timestamp) {
        let mut moved = enrollment.clone();
        if step.kind.as_wait().is_none() {
            moved.since = until;
        }
        self.advance(journey, moved, Entry::At(step));
    }

    /// Continues behind the enrollment's step, done at `at`.
    pub fn go_on(&mut self, enrollment: &Enrollment, to: Target, at: Timestamp) {
        match self.catalog.journey(&enrollment.journey) {
            Some(journey) => self.advance(journey, enrollment.clone(), Entry::Behind { to, at }),
            None => self.end(enrollment, EndReason::JourneyRemoved),
        }
    }

    /// Copies of the runs whose journeys an event concerns, to go through while the contact changes.
    pub fn running(&self, concerns: impl Fn(&Journey) -> bool) -> Vec<Enrollment> {
        let runs = self.contact.enrollments.iter();
        let meant = runs.filter(|run| self.only.as_ref().is_none_or(|only| only.contains(&run.id)));
        let concerned = meant.filter(|run| self.catalog.journey(&run.journey).is_some_and(&concerns));
        concerned.cloned().collect()
    }

    /// Whether a run that was looked up before is still there: another may have stopped it meanwhile.
    pub fn is_running(&self, enrollment: &Enrollment) -> bool {
        let mut running = self.contact.enrollments.iter();
        running.any(|held| held.id == enrollment.id)
    }

    /// Puts a run back that changed where it stands.
    pub fn put(&mut self, enrollment: Enrollment) {
        if let Some(held) = self
            .contact
            .enrollments
            .iter_mut()
            .find(|held| held.id == enrollment.id)
        {
            *held = enrollment;
        }
    }

    /// Goes to another step from wherever the enrollment stands, as of `at`.
    pub fn jump(&mut self, enrollment: &Enrollment, to: &StepId, at: Timestamp) {
        let journey = self.catalog.journey(&enrollment.journey);
        let Some((journey, step)) = journey.and_then(|journey| Some((journey, journey.step(to)?))) else {
            self.end(enrollment, EndReason::StepRemoved);
            return;
        };
        self.take_back(enrollment, DropReason::Exited);
        self.leave(enrollment);
        let mut jumping = enrollment.clone();
        jumping.since = at;
        self.advance(journey, jumping, Entry::At(step));
    }

    /// Drops the message of an enrollment, unless its request is out.
    fn take_back(&mut self, enrollment: &Enrollment, reason: DropReason) {
        if planted!(MailOutlivesItsRun) {
            return;
        }
        if let Position::Sending(Sending {
            message,
            generation,
            dispatched: false,
            ..
        }) = &enrollment.position
        {
            self.changes.push(Change::SettleMessage {
                message: message.clone(),
                how: Settlement::Dropped(reason).of_generation(*generation),
                at: self.now,
            });
        }
    }

    /// Takes an enrollment out of its journey. A message that has not gone out is dropped in the same turn; one whose
    /// request is out stays in the ledger until its fate is known.
    pub fn end(&mut self, enrollment: &Enrollment, reason: EndReason) {
        self.end_dropping(enrollment, reason, DropReason::Exited);
    }

    fn end_dropping(&mut self, enrollment: &Enrollment, reason: EndReason, dropped: DropReason) {
        self.take_back(enrollment, dropped);
        self.leave(enrollment);
        self.contact.enrollments.retain(|held| held.id != enrollment.id);
        self.changes.push(Change::EndEnrollment(progress::ended(
            enrollment, reason, self.now,
        )));
    }

    pub fn settled(&mut self, message: &MessageId, how: &Settlement) {
        let sending = self.contact.sending(message);
        let generation = sending.map_or(1, |(_, sending)| sending.generation);
        let found = sending.map(|(enrollment, _)| enrollment.clone());
        self.changes.push(Change::SettleMessage {
            message: message.clone(),
            how: how.clone().of_generation(generation),
            at: self.now,
        });
        let accepted = matches!(how, Settlement::Accepted { .. });
        let Some(mut enrollment) = found else {
            // One that nobody remembers was told before.
            if pace::learn_fate(&mut self.contact, message, accepted, self.now) && accepted {
                self.mailed();
            }
            return;
        };
        if accepted {
            pace::count(&mut self.contact, &enrollment, &self.catalog.store, self.now);
            if !self.was_to_team(&enrollment) {
                self.mailed();
            }
        }
        // It held this one send.
        enrollment.doubt = None;
        enrollment.earlier = None;
        if let Some(last) = enrollment.last.as_mut().filter(|last| last.message == *message) {
            last.sent = accepted;
        }
        self.go_on(&enrollment, Target::Next, self.now);
    }

    /// Goes on behind a send whose message has its final state already.
    fn go_past(&mut self, message: &MessageId) {
        let found = self.contact.sending(message);
        if let Some(enrollment) = found.map(|(enrollment, _)| enrollment.clone()) {
            self.remarks.push(Remark::MessageKnown {
                message: message.clone(),
            });
            self.go_on(&enrollment, Target::Next, self.now);
        }
    }

    /// A provider took a mail to the contact.
    fn mailed(&mut self) {
        let engagement = &mut self.contact.engagement;
        engagement.mails = engagement.mails.saturating_add(1);
        engagement.mailed_at = engagement.mailed_at.max(Some(self.now));
    }

    /// A run leaves a mail to the contact whose request is out: it is remembered until its fate is known.
    fn leave(&mut self, enrollment: &Enrollment) {
        if !self.was_to_team(enrollment) {
            pace::leave(&mut self.contact, enrollment, &self.catalog.store, self.now);
        }
    }

    /// Whether the run stands on a send to the store's own people.
    fn was_to_team(&self, enrollment: &Enrollment) -> bool {
        let journey = self.catalog.journey(&enrollment.journey);
        let step = journey.and_then(|journey| journey.resolve(&enrollment.step));
        let send = step.and_then(|step| step.kind.as_send());
        send.is_some_and(|send| send.to == Recipient::Team)
    }

    fn reschedule(&mut self, message: &MessageId, change: impl FnOnce(&mut Sending)) {
        let sending =
            self.contact
                .enrollments
                .iter_mut()
                .find_map(|enrollment| match &mut enrollment.position {
                    Position::Sending(sending) if sending.message == *message => Some(sending),
                    Position::Sending(_) | Position::Waiting { .. } | Position::Asking(_) => None,
                });
        if let Some(sending) = sending {
            change(sending);
        }
    }

    /// Only a journey about checkouts is about its cart: one about an order goes on after it.
    fn is_taken(&self, enrollment: &Enrollment, taken: &CheckoutTaken) -> bool {
        let journey = self.catalog.journey(&enrollment.journey);
        let of_checkouts = journey.is_some_and(|journey| journey.trigger.key == Key::Checkout);
        taken.keys.contains(&enrollment.key) || (of_checkouts && keys::is_about(enrollment, &taken.keys))
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
        let dropped = if taken.bought {
            DropReason::CheckoutClosed
        } else {
            DropReason::Exited
        };
        for enrollment in gone {
            self.end_dropping(&enrollment, EndReason::CheckoutTaken, dropped);
        }
    }
}

/// Whether its journey keeps it where it is: everybody, or whoever waits for a mail that may not leave at present.
pub(super) fn is_held(catalog: &Catalog, enrollment: &Enrollment) -> bool {
    let sends = enrollment.sending().filter(|sending| !sending.dispatched);
    let stream = sends.map_or(Stream::Transactional, |sending| sending.stream);
    pausing::holds(catalog, &enrollment.journey, stream)
}
