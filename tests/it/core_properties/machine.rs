//! One contact outside of any storage: keeps the facts as the store would, runs what falls due by a virtual clock, and
//! passes every message through the gate. What the properties ask is noted on the way.

mod checks;

use super::history::{Act, Fate};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wend::domain::consent::{ConsentGrade, ConsentState};
use wend::domain::event::{Event, EventKind};
use wend::domain::ids::{ContactId, EnrollmentId, EventId, MessageId, OrderKey};
use wend::domain::message::{DropReason, Lane, Message, Stream};
use wend::domain::order::Order;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::bounds::fit;
use wend::engine::decide::decide;
use wend::engine::decision::{Change, Decision, Effect, Input, Settlement};
use wend::engine::enroll::leaves_when_bought;
use wend::engine::errand::Answer;
use wend::engine::guard::{self, CheckoutFact, Verdict};
use wend::engine::keys::checkout_keys;
use wend::engine::schedule::slot;
use wend::engine::state::{Contact, Ended, Enrollment, Facts, MAX_DOCUMENT_BYTES, Position};
use wend::journey::catalog::Catalog;

/// What came of a decision, for comparing two runs.
pub type Trace = Vec<(Contact, Vec<Change>, Vec<Effect>)>;

/// Most turns of one history; more means that something runs hot.
const TURNS_MAX: usize = 30_000;

pub struct Machine<'a> {
    catalogs: [&'a Catalog; 2],
    current: usize,
    pub now: Timestamp,
    pub contact: Contact,
    delivered: Vec<Event>,
    /// Each event that counted: its kind, for conditions that count, when it was and whether it was a test.
    seen: BTreeMap<EventId, (EventKind, Timestamp, bool)>,
    orders: BTreeMap<OrderKey, Order>,
    pub ended: BTreeMap<EnrollmentId, Ended>,
    /// Every intent, and whether its fate is final.
    messages: BTreeMap<MessageId, (Message, bool)>,
    /// Requests that are out: when their fate is known, and what it is.
    dispatches: BTreeMap<MessageId, (Timestamp, Fate)>,
    closed: BTreeSet<String>,
    accepted: Vec<(Timestamp, Lane)>,
    withdrawn: BTreeMap<String, Timestamp>,
    explicit: BTreeMap<String, Timestamp>,
    fates: Vec<Fate>,
    asked: usize,
    turns: usize,
    pub trace: Trace,
    /// Every decision is kept.
    pub traced: bool,
    /// Everything is applied twice.
    pub twice: bool,
    /// Facts that may not be.
    pub broken: Vec<String>,
}

pub fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap()
}

impl<'a> Machine<'a> {
    pub fn new(catalogs: [&'a Catalog; 2], fates: &[Fate]) -> Self {
        let contact = ContactId::parse(&"8c7f".repeat(8)).unwrap();
        // One that comes through, so that a history ends.
        let fates = fates.iter().copied().chain([Fate::Done]).collect();
        Self {
            catalogs,
            current: 0,
            now: start(),
            contact: Contact::new(contact, start()),
            delivered: Vec::new(),
            seen: BTreeMap::new(),
            orders: BTreeMap::new(),
            ended: BTreeMap::new(),
            messages: BTreeMap::new(),
            dispatches: BTreeMap::new(),
            closed: BTreeSet::new(),
            accepted: Vec::new(),
            withdrawn: BTreeMap::new(),
            explicit: BTreeMap::new(),
            fates,
            asked: 0,
            turns: 0,
            trace: Vec::new(),
            traced: false,
            twice: false,
            broken: Vec::new(),
        }
    }

    pub fn catalog(&self) -> &'a Catalog {
        self.catalogs[self.current]
    }

    pub fn play(&mut self, acts: &[Act]) {
        for act in acts {
            match act {
                Act::Event(report) => {
                    self.pass(report.pause);
                    let last = self.contact.enrollments.iter();
                    let last = last
                        .filter_map(|run| Some((run.last.as_ref()?, &run.id)))
                        .next_back();
                    let last = last.map(|(last, run)| (last.message.as_str(), run));
                    let event = report.event(self.delivered.len(), self.now, last);
                    self.delivered.push(event.clone());
                    self.event(event);
                }
                Act::Again(back) => {
                    let at = self.delivered.len().checked_sub(back + 1);
                    if let Some(event) = at.map(|at| self.delivered[at].clone()) {
                        self.event(event);
                    }
                }
                Act::Pass(minutes) => self.pass(*minutes),
                Act::Outage(minutes) => self.now = self.now.plus(Delay::from_minutes(i64::from(*minutes))),
                Act::Deploy(other) => self.deploy(usize::from(*other)),
            }
        }
    }

    pub fn deploy(&mut self, catalog: usize) {
        self.current = catalog;
        self.turn(
            &Input::Sweep {
                backfill_at: self.now,
            },
            &Facts::default(),
        );
    }

    pub fn event(&mut self, event: Event) {
        let facts = self.facts(&event);
        let fresh = !facts.seen;
        if fresh && !event.test {
            self.learn(&event);
        }
        self.turn(&Input::Event(Arc::new(event.clone())), &facts);
        if self.twice {
            let before = self.contact.clone();
            let facts = self.facts(&event);
            let again = self.decided(&Input::Event(Arc::new(event.clone())), &facts);
            self.note(
                again.contact == before && again.changes.is_empty(),
                "an event counted twice",
            );
        }
        if fresh && event.closes_at().is_some() {
            self.is_out_of_what_was_bought(&event);
        }
    }

    fn facts(&self, event: &Event) -> Facts {
        let keys = checkout_keys(event);
        Facts {
            seen: self.seen.contains_key(&event.id),
            checkout_closed: keys.iter().any(|key| self.closed.contains(key.as_str())),
            orders: self.orders.values().cloned().collect(),
            ended: self.ended.values().cloned().collect(),
            ..Facts::default()
        }
    }

    /// What the person did, seen from outside.
    fn learn(&mut self, event: &Event) {
        if event.closes_at().is_some() {
            let keys = checkout_keys(event);
            self.closed.extend(keys.iter().map(ToString::to_string));
        }
        if let (Some(email), Some(signal)) = (&event.email, &event.consent) {
            let map = match (signal.state, signal.grade) {
                // A box that is not ticked refuses nothing; it may take back its own tick.
                (_, ConsentGrade::Implied) => return,
                (ConsentState::Unsubscribed, ConsentGrade::Explicit) => &mut self.withdrawn,
                (_, ConsentGrade::Explicit) => &mut self.explicit,
            };
            let held = map.entry(email.canonical()).or_insert(signal.at);
            *held = (*held).max(signal.at);
        }
    }

    pub fn pass(&mut self, minutes: u32) {
        let until = self.now.plus(Delay::from_minutes(i64::from(minutes)));
        self.run_until(until);
    }

    /// Does all that falls due until then, each at its time.
    pub fn run_until(&mut self, until: Timestamp) {
        while self.turns < TURNS_MAX {
            let wake = slot(&self.contact, self.catalog(), self.now).map(|slot| slot.due);
            let fate = self.dispatches.values().map(|(at, _)| *at).min();
            let Some(next) = wake.into_iter().chain(fate).min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            let known = self.dispatches.iter().find(|(_, (at, _))| *at <= self.now);
            match known.map(|(id, (_, fate))| (id.clone(), *fate)) {
                Some((id, fate)) => self.conclude(id, fate),
                None => self.wake(),
            }
        }
        self.note(self.turns < TURNS_MAX, "it runs hot");
        self.now = self.now.max(until);
    }

    fn wake(&mut self) {
        let effects = self.turn(&Input::Wake, &Facts::default());
        let mut due = Vec::new();
        for effect in effects {
            match effect {
                Effect::Deliver { message, .. } => due.push(message),
                Effect::Run { enrollment } => self.errand(&enrollment),
                // Only an event asks for one.
                Effect::Credit(_) => {}
            }
        }
        due.sort_by_key(|message| {
            let run = self.contact.sending(message).map(|(run, _)| &run.journey);
            let journey = run.and_then(|id| self.catalog().journey(id));
            std::cmp::Reverse(journey.map_or(0, |journey| journey.priority))
        });
        for message in due {
            self.claim(message);
        }
    }

    fn errand(&mut self, enrollment: &EnrollmentId) {
        let runs = self.contact.enrollments.iter();
        let asking = runs
            .filter(|run| run.id == *enrollment)
            .find_map(|run| match &run.position {
                Position::Asking(asking) => Some(asking.errand.clone()),
                Position::Waiting { .. } | Position::Sending(_) => None,
            });
        let Some(id) = asking else { return };
        let answer = match self.fate() {
            Fate::Done => Answer::Code(Some("CODE-1".to_owned())),
            Fate::Refused => Answer::Code(None),
            Fate::Later | Fate::Twice => Answer::Failed,
            Fate::Unknown(_, said) => Answer::Said(said.into()),
        };
        self.turn(&Input::Errand { id, answer }, &Facts::default());
    }

    /// The answer to an errand, from outside.
    pub fn answer(&mut self, id: String, answer: Answer) {
        self.turn(&Input::Errand { id, answer }, &Facts::default());
    }

    fn fate(&mut self) -> Fate {
        self.asked += 1;
        self.fates[(self.asked - 1) % self.fates.len()]
    }

    /// The gate, and the request when it says yes.
    fn claim(&mut self, message: MessageId) {
        let found = self.contact.sending(&message);
        let Some((run, sending)) = found.map(|(run, sending)| (run.clone(), sending.clone())) else {
            return;
        };
        if sending.dispatched || sending.due > self.now || self.dispatches.contains_key(&message) {
            return;
        }
        let facts = guard::Facts {
            checkout: self.checkout(&run),
            in_flight: self.in_flight(&message),
            counted: Arc::new(self.completed(&Input::Wake, &Facts::default()).counted),
            ..guard::Facts::default()
        };
        match guard::check(self.catalog(), &self.contact, &run, &sending, &facts, self.now) {
            Verdict::Drop(reason) => self.settle(message, Settlement::Dropped(reason)),
            Verdict::Defer { until, reason } => {
                self.note(until > self.now, "a deferral into the past");
                let input = if reason.is_ours() {
                    Input::Held {
                        message,
                        until,
                        by: reason,
                    }
                } else {
                    Input::Deferred { message, until }
                };
                self.turn(&input, &Facts::default());
            }
            Verdict::Allow(clearance) => {
                let to = clearance.to().canonical();
                self.is_allowed(&run, &sending, &to);
                match self.fate() {
                    Fate::Done => self.settle(message, accepted()),
                    Fate::Refused => self.settle(message, Settlement::Failed("no such address".to_owned())),
                    Fate::Later => {
                        let until = self.now.plus(Delay::from_minutes(5));
                        self.turn(&Input::Deferred { message, until }, &Facts::default());
                    }
                    fate @ (Fate::Unknown(..) | Fate::Twice) => {
                        let hours = if let Fate::Unknown(hours, _) = fate {
                            hours
                        } else {
                            1
                        };
                        let known = self.now.plus(Delay::from_hours(i64::from(hours)));
                        self.dispatches.insert(message.clone(), (known, fate));
                        self.turn(&Input::Dispatched { message }, &Facts::default());
                    }
                }
            }
        }
    }

    fn conclude(&mut self, message: MessageId, fate: Fate) {
        self.dispatches.remove(&message);
        let orphan = self.contact.sending(&message).is_none();
        match fate {
            Fate::Twice if !orphan => {
                let at = self.now.plus(Delay::from_minutes(15));
                let provider = "resend".to_owned();
                let input = Input::Resend {
                    message,
                    at,
                    provider,
                };
                self.turn(&input, &Facts::default());
            }
            Fate::Unknown(_, true) => self.settle(message, accepted()),
            _ => self.settle(message, Settlement::GivenUp("nobody knows".to_owned())),
        }
    }

    fn settle(&mut self, message: MessageId, how: Settlement) {
        let row = self
            .messages
            .get(&message)
            .map(|(row, done)| (row.stream, row.lane, *done));
        let taken = matches!(how, Settlement::Accepted { .. });
        if let (Some((Stream::Marketing, lane, false)), true) = (row, taken) {
            self.accepted.push((self.now, lane));
            self.is_within_caps();
        }
        self.note(!row.is_none_or(|row| row.2), "a message has two fates");
        let input = Input::Settled { message, how };
        self.turn(&input, &Facts::default());
        if self.twice {
            let before = self.contact.clone();
            let again = self.decided(&input, &Facts::default());
            let ledger = |change: &Change| matches!(change, Change::SettleMessage { .. });
            let same = again.contact == before && again.changes.iter().all(ledger);
            self.note(same, "an outcome counted twice");
        }
    }

    fn checkout(&self, run: &Enrollment) -> CheckoutFact {
        let journey = self.catalog().journey(&run.journey);
        let cart = run.data.cart_id.as_ref().map(|cart| format!("shopify:{cart}"));
        let names = [Some(run.key.to_string()), cart];
        let bought = names.iter().flatten().any(|name| self.closed.contains(name));
        if journey.is_some_and(leaves_when_bought) && bought {
            CheckoutFact::Closed
        } else {
            CheckoutFact::Open
        }
    }

    fn in_flight(&self, message: &MessageId) -> Vec<Lane> {
        let runs = self.contact.enrollments.iter().filter_map(Enrollment::sending);
        let others = runs.filter(|other| other.stream == Stream::Marketing && other.message != *message);
        let flying = others.filter(|other| other.dispatched || self.dispatches.contains_key(&other.message));
        flying.map(|other| other.lane).collect()
    }

    /// As the storage turn: messages whose request is out are marked before anything else is decided.
    fn marked(&self) -> Contact {
        let mut contact = self.contact.clone();
        for run in &mut contact.enrollments {
            if let Position::Sending(sending) = &mut run.position {
                sending.dispatched |= self.dispatches.contains_key(&sending.message);
            }
        }
        contact
    }

    /// As the storage turn: what the journeys ask for besides.
    fn completed(&self, input: &Input, facts: &Facts) -> Facts {
        let mut facts = facts.clone();
        let windows = &self.catalog().counted;
        for (kind, at, test) in self.seen.values() {
            let days = windows.get(kind).map(|days| i64::from(*days));
            if days.is_some_and(|days| !test && *at > self.now.minus(Delay::from_days(days))) {
                facts.counted.entry(kind.clone()).or_default().push(*at);
            }
        }
        if !matches!(input, Input::Event(_)) && self.catalog().starts_without_event() {
            facts.ended = self.ended.values().cloned().collect();
        }
        facts
    }

    fn decided(&self, input: &Input, facts: &Facts) -> Decision {
        let facts = self.completed(input, facts);
        decide(self.catalog(), &self.marked(), &facts, input, self.now)
    }

    fn turn(&mut self, input: &Input, facts: &Facts) -> Vec<Effect> {
        self.turns += 1;
        let mut decision = self.decided(input, facts);
        let fits = fit(&mut decision.contact, MAX_DOCUMENT_BYTES);
        self.note(fits, "a document that does not fit");
        self.contact = decision.contact;
        for change in &decision.changes {
            self.write(change);
        }
        if self.traced {
            let effects = decision.effects.clone();
            self.trace.push((self.contact.clone(), decision.changes, effects));
        }
        self.is_in_order();
        // A try of an errand that failed is one of many.
        let failed = matches!(
            input,
            Input::Errand {
                answer: Answer::Failed,
                ..
            }
        );
        if self.twice && !failed && matches!(input, Input::Wake | Input::Sweep { .. } | Input::Errand { .. })
        {
            let again = self.decided(input, facts);
            let same = again.contact == self.contact && again.changes.is_empty();
            self.note(same, "an input that counted twice");
        }
        decision.effects
    }

    fn write(&mut self, change: &Change) {
        match change {
            Change::RecordEvent(event) => {
                let counts = (event.kind.clone(), event.occurred_at, event.test);
                let before = self.seen.insert(event.id.clone(), counts);
                self.note(before.is_none(), "an event recorded twice");
            }
            // The event's own row is recorded once, and so is this.
            Change::RecordConsent(_) => {}
            Change::PutOrder(order) => {
                self.orders.insert(order.key.clone(), Order::clone(order));
            }
            Change::EndEnrollment(ended) => {
                let before = self.ended.insert(ended.id.clone(), ended.clone());
                self.note(before.is_none(), "a run ended twice");
            }
            Change::ReachGoal { enrollment, at } => {
                if let Some(ended) = self.ended.get_mut(enrollment) {
                    ended.goal_at = Some(*at);
                }
            }
            Change::PutMessage(message) => {
                let row = (message.clone(), message.state.is_final());
                let before = self.messages.insert(message.id.clone(), row);
                self.note(before.is_none(), "a message intended twice");
            }
            Change::MoveStream {
                message,
                stream,
                lane,
            } => {
                if let Some((row, _)) = self.messages.get_mut(message) {
                    (row.stream, row.lane) = (*stream, *lane);
                }
            }
            Change::SettleMessage { message, how, .. } => {
                let taken_back = matches!(
                    how,
                    Settlement::Dropped(
                        DropReason::Exited | DropReason::Unsubscribed | DropReason::NoConsent
                    )
                );
                let out = taken_back && self.dispatches.contains_key(message);
                self.note(!out, "a message taken back that is out");
                if let Some((_, done)) = self.messages.get_mut(message) {
                    *done = true;
                }
            }
        }
    }

    fn note(&mut self, holds: bool, problem: &str) {
        if !holds && !self.broken.iter().any(|known| known == problem) {
            self.broken.push(problem.to_owned());
        }
    }
}

fn accepted() -> Settlement {
    Settlement::Accepted {
        provider: "outbox".to_owned(),
        provider_id: None,
    }
}
