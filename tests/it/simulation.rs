//! Random histories of a small shop, with duplicates, reordering, crashes, late runs and a faulty provider. After every
//! step the world must be in order. A failing history is printed as the time line of a scenario.
//!
//! `SIMULATIONS=2000 cargo test --test it simulation` runs more of them.

use crate::world::world;
use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};
use std::collections::{BTreeMap, BTreeSet};
use wend::domain::consent::{ConsentGrade, ConsentState};
use wend::domain::event::Event;
use wend::domain::message::Stream;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::state::{Document, MAX_DOCUMENT_BYTES, MAX_ENROLLMENTS, Position};
use wend::providers::ProviderKind;
use wend::simulation::Failure;
use wend::simulation::crash::Point;
use wend::simulation::provider::Fault;
use wend::simulation::story::{self, Line};
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::Ingested;

/// What may happen besides events.
#[derive(Debug, Clone)]
enum Step {
    /// After so many minutes, this line of a scenario.
    Event(u32, String),
    /// The delivery before last, or an earlier one, once more.
    Again(usize),
    /// Nothing runs for so many hours.
    Outage(u32),
    Fault(Fault),
    /// The process dies after so many turns, or at a point of the delivery.
    Crash(u32),
    CrashAt(Point),
}

fn config(cases: u32) -> ProptestConfig {
    let wanted = std::env::var("SIMULATIONS")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: wanted.unwrap_or(cases),
        rng_seed: RngSeed::Fixed(20_260_302),
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    }
}

fn event() -> impl Strategy<Value = Step> {
    let person = prop::sample::select(vec![
        "by=ada",
        "by=ben",
        "by=cleo",
        "by=ada customer=1",
        "by=ben customer=1",
        "customer=2",
    ]);
    let what = prop::sample::select(vec![
        "signup",
        "signup",
        "profile",
        "checkout T1",
        "checkout T2",
        "update T1",
        "update T1",
        "update T2",
        "update T2 items=0 value=0",
        "order 1 checkout=T1",
        "order 2 checkout=T2",
        "order 3",
        "fulfilled 1",
        "fulfilled 2",
        "cancelled 1",
        "delivered 2",
        "refunded 3",
        "unsubscribe",
        "viewed anonymous=b1",
    ]);
    let consent = prop::sample::select(vec!["", "", "subscribed", "subscribed", "implied"]);
    // How long after it happened it arrives.
    let late = prop::sample::select(vec![0_u32, 0, 0, 1, 30, 90, 1_500]);
    let pause = prop::sample::select(vec![0_u32, 0, 1, 20, 61, 600, 3_000]);
    (pause, what, person, consent, late).prop_map(|(pause, what, person, consent, late)| {
        let late = if late > 0 {
            format!("late={late}")
        } else {
            String::new()
        };
        Step::Event(pause, format!("{what} {person} {consent} {late}"))
    })
}

fn calm() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(
        prop_oneof![6 => event(), 1 => (0_usize..8).prop_map(Step::Again)],
        2..16,
    )
}

fn stormy() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop::sample::select(vec![
        Fault::Lost,
        Fault::Silent,
        Fault::Broken,
        Fault::Busy,
        Fault::Unauthorised,
    ]);
    let point = prop::sample::select(vec![Point::Claimed, Point::Answered]);
    let step = prop_oneof![
        8 => event(),
        1 => (0_usize..8).prop_map(Step::Again),
        1 => (1_u32..60).prop_map(Step::Outage),
        2 => fault.prop_map(Step::Fault),
        2 => (0_u32..40).prop_map(Step::Crash),
        1 => point.prop_map(Step::CrashAt),
    ];
    prop::collection::vec(step, 2..20)
}

/// What the people did, seen from outside: what no mail may contradict.
#[derive(Default)]
struct Wishes {
    subscribed: BTreeMap<String, Timestamp>,
    explicit: BTreeMap<String, Timestamp>,
    withdrawn: BTreeMap<String, Timestamp>,
    bought: BTreeSet<String>,
}

struct Simulation {
    world: World,
    story: Story,
    delivered: Vec<Event>,
    wishes: Wishes,
    /// Keys of the mails that were looked at, each at the moment it left.
    seen: BTreeSet<String>,
}

/// A mail that left.
struct Mail {
    message: String,
    step: String,
    to: String,
    key: String,
}

impl Wishes {
    fn learn(&mut self, event: &Event) {
        if let (Some(email), Some(signal)) = (&event.email, &event.consent) {
            let explicit = signal.grade == ConsentGrade::Explicit;
            let latest = |map: &mut BTreeMap<String, Timestamp>| {
                let held = map.entry(email.canonical()).or_insert(signal.at);
                *held = (*held).max(signal.at);
            };
            match signal.state {
                ConsentState::Subscribed if explicit => {
                    latest(&mut self.explicit);
                    latest(&mut self.subscribed);
                }
                ConsentState::Subscribed => latest(&mut self.subscribed),
                ConsentState::Unsubscribed => latest(&mut self.withdrawn),
                ConsentState::Unknown | ConsentState::Pending | ConsentState::Suppressed => {}
            }
        }
        if event.closes_at().is_some() {
            self.bought.extend(
                event
                    .data
                    .checkout_id
                    .clone()
                    .map(|token| format!("shopify:{token}")),
            );
        }
    }

    fn allow(&self, to: &str) -> bool {
        let lifted = |at: &Timestamp| self.explicit.get(to).is_some_and(|explicit| explicit > at);
        self.subscribed.contains_key(to) && self.withdrawn.get(to).is_none_or(lifted)
    }
}

impl Simulation {
    fn new(shards: u16, provider: ProviderKind) -> Self {
        Self {
            world: world(shards, provider),
            story: Story::default(),
            delivered: Vec::new(),
            wishes: Wishes::default(),
            seen: BTreeSet::new(),
        }
    }

    fn play(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Event(pause, text) => {
                    self.run(Delay::from_minutes(i64::from(*pause)))?;
                    let event = self.event(text);
                    self.deliver(event)?;
                }
                Step::Again(back) => self.again(*back)?,
                Step::Outage(hours) => {
                    self.world.now = self.world.now.plus(Delay::from_hours(i64::from(*hours)))
                }
                Step::Fault(fault) => self.world.provider.borrow_mut().faults.push_back(*fault),
                Step::Crash(turns) => self.world.crash_after(*turns),
                Step::CrashAt(point) => self.world.crash_at(*point),
            }
            self.run(Delay::ZERO)?;
        }
        self.world.restart();
        self.world.provider.borrow_mut().faults.clear();
        self.run(Delay::from_days(100))?;
        self.all_is_over()
    }

    fn event(&mut self, text: &str) -> Event {
        let line: Line = story::read(&format!("at +0m {text}")).unwrap().remove(0);
        let mut event = self.story.event(&line, self.world.start, self.world.now).unwrap();
        if let Some(minutes) = line.number("late").unwrap() {
            event.occurred_at = event.occurred_at.minus(Delay::from_minutes(i64::from(minutes)));
            if let Some(consent) = &mut event.consent {
                consent.at = event.occurred_at;
            }
        }
        event
    }

    /// The sender tries until it is told that all is well.
    fn deliver(&mut self, event: Event) -> Result<Ingested, TestCaseError> {
        let outcome = match self.world.ingest(event.clone()) {
            Err(Failure::Crash) => {
                self.world.restart();
                self.check()?;
                self.world.ingest(event.clone())
            }
            outcome => outcome,
        };
        let outcome = outcome.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        self.wishes.learn(&event);
        self.delivered.push(event);
        self.check()?;
        Ok(outcome)
    }

    fn again(&mut self, back: usize) -> Result<(), TestCaseError> {
        let Some(event) = self.delivered.iter().rev().nth(back).cloned() else {
            return Ok(());
        };
        let settled = self.world.forwards().unwrap() == 0;
        let (rows, before) = (self.world.rows_written(), self.snapshot());
        let outcome = match self.world.ingest(event) {
            Err(Failure::Crash) => {
                self.world.restart();
                return Ok(());
            }
            outcome => outcome.map_err(|error| TestCaseError::fail(format!("{error:?}")))?,
        };
        let known = matches!(outcome, Ingested::Duplicate | Ingested::Parked);
        // One order may be reported under the names of two people: then it is new to the second.
        if settled && known {
            prop_assert_eq!(self.world.rows_written(), rows, "a duplicate wrote rows");
            prop_assert_eq!(self.snapshot(), before);
        }
        Ok(())
    }

    fn run(&mut self, delay: Delay) -> Result<(), TestCaseError> {
        let until = self.world.now.plus(delay);
        while let Err(failure) = self.world.run_until(until, |_| Ok(())) {
            prop_assert!(matches!(failure, Failure::Crash), "{failure:?}");
            self.world.restart();
            self.check()?;
        }
        self.check()
    }

    fn mails(&self) -> Vec<Mail> {
        let taken = self.world.provider.borrow().taken.clone();
        let taken = taken.into_iter().map(|mail| Mail {
            message: mail.message,
            step: mail.step,
            to: mail.to,
            key: mail.key,
        });
        let kept = self.world.outbox().unwrap().into_iter().map(|mail| Mail {
            message: mail.id.to_string(),
            key: mail.id.to_string(),
            step: mail.step.to_string(),
            to: mail.to.canonical(),
        });
        taken.chain(kept).collect()
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        self.check_contacts()?;
        self.check_mails()
    }

    fn check_contacts(&self) -> Result<(), TestCaseError> {
        let out: BTreeSet<_> = self
            .world
            .dispatches()
            .unwrap()
            .into_iter()
            .flat_map(|dispatch| dispatch.members)
            .collect();
        for (id, loaded) in self.world.contacts().unwrap() {
            let Document::Live(contact) = &loaded.document else {
                continue;
            };
            let wake = contact.enrollments.iter().filter_map(|held| held.wake()).min();
            let slot = loaded.slot.as_ref().map(|slot| slot.due);
            prop_assert_eq!(loaded.failures, 0, "{} failed", id);
            prop_assert_eq!(slot, wake, "the slot of {} is not its earliest wake", id);
            prop_assert!(contact.enrollments.len() <= MAX_ENROLLMENTS);
            prop_assert!(serde_json::to_vec(&loaded.document).unwrap().len() <= MAX_DOCUMENT_BYTES);
            for enrollment in &contact.enrollments {
                let held = match &enrollment.position {
                    Position::Waiting { .. } | Position::Asking(_) => true,
                    Position::Sending(sending) => !sending.dispatched || out.contains(&sending.message),
                };
                prop_assert!(held, "nothing will ever move {enrollment:?}");
            }
        }
        let limit = self
            .world
            .remarks
            .borrow()
            .iter()
            .any(|remark| remark.to_string().contains("step limit"));
        prop_assert!(!limit);
        Ok(())
    }

    fn check_mails(&mut self) -> Result<(), TestCaseError> {
        let mails = self.mails();
        let mut keys = BTreeSet::new();
        for mail in &mails {
            prop_assert!(keys.insert(mail.key.clone()), "key {} was taken twice", mail.key);
        }
        let ledger = self.world.messages().unwrap();
        for mail in mails.iter().filter(|mail| !self.seen.contains(&mail.key)) {
            let row = ledger.iter().find(|row| row.message.id.as_str() == mail.message);
            let row = row.ok_or_else(|| TestCaseError::fail("a mail without a ledger row"))?;
            if row.message.stream == Stream::Transactional {
                continue;
            }
            prop_assert!(
                self.wishes.allow(&mail.to),
                "{} went to {} without consent",
                mail.step,
                mail.to
            );
            let copies = mails.iter().filter(|other| other.message == mail.message).count();
            prop_assert_eq!(copies, 1, "marketing went out twice");
            let contact = self.world.owner(&row.contact).unwrap();
            let key = contact.and_then(|contact| {
                let held = contact
                    .enrollments
                    .iter()
                    .find(|held| held.id == row.message.enrollment)
                    .map(|held| held.key.clone());
                held.or_else(|| {
                    self.world
                        .ended(&contact.id)
                        .unwrap()
                        .into_iter()
                        .find(|ended| ended.id == row.message.enrollment)
                        .map(|ended| ended.key)
                })
            });
            let bought = key.is_some_and(|key| self.wishes.bought.contains(key.as_str()));
            prop_assert!(!bought, "{} about a cart that was bought", mail.step);
        }
        self.seen = keys;
        Ok(())
    }

    fn all_is_over(&self) -> Result<(), TestCaseError> {
        for contact in self.world.live().unwrap() {
            prop_assert!(
                contact.enrollments.is_empty(),
                "still runs: {:?}",
                contact.enrollments
            );
        }
        prop_assert!(self.world.dispatches().unwrap().is_empty());
        prop_assert_eq!(self.world.forwards().unwrap(), 0);
        prop_assert!(
            self.world.letters().unwrap().is_empty(),
            "{:?}",
            self.world.letters().unwrap()
        );
        let open: Vec<_> = self
            .world
            .messages()
            .unwrap()
            .into_iter()
            .filter(|row| !row.message.state.is_final())
            .collect();
        prop_assert!(open.is_empty(), "{open:?}");
        Ok(())
    }

    /// All that is stored about people, independent of where it is.
    fn snapshot(&self) -> Vec<String> {
        let mut all = Vec::new();
        for contact in self.world.live().unwrap() {
            all.push(serde_json::to_string(&contact).unwrap());
            all.extend(
                self.world
                    .ended(&contact.id)
                    .unwrap()
                    .iter()
                    .map(|ended| format!("{ended:?}")),
            );
            all.extend(
                self.world
                    .orders(&contact.id)
                    .unwrap()
                    .iter()
                    .map(|order| format!("{order:?}")),
            );
        }
        all.extend(
            self.world
                .messages()
                .unwrap()
                .iter()
                .map(|row| format!("{row:?}")),
        );
        all.sort();
        all
    }
}

fn outcome(steps: &[Step], shards: u16) -> Result<Vec<String>, TestCaseError> {
    let mut simulation = Simulation::new(shards, ProviderKind::Outbox);
    simulation.play(steps)?;
    Ok(simulation.snapshot())
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn a_history_has_one_outcome_at_any_number_of_shards_and_on_replay(steps in calm()) {
        let one = outcome(&steps, 1)?;
        prop_assert_eq!(&one, &outcome(&steps, 1)?);
        prop_assert_eq!(&one, &outcome(&steps, 4)?);
    }

    #[test]
    fn nothing_is_lost_doubled_or_unwanted_whatever_breaks(steps in stormy(), four in any::<bool>()) {
        let shards = if four { 4 } else { 1 };
        Simulation::new(shards, ProviderKind::Resend).play(&steps)?;
    }

    #[test]
    fn the_reports_of_an_order_may_arrive_in_any_order(
        reports in Just(vec!["order 1 late=900", "fulfilled 1 late=700", "delivered 1 late=500", "refunded 1 late=100"]).prop_shuffle(),
        four in any::<bool>(),
    ) {
        let mut simulation = Simulation::new(if four { 4 } else { 1 }, ProviderKind::Outbox);
        for report in reports {
            let event = simulation.event(&format!("{report} by=ada"));
            simulation.deliver(event)?;
        }
        let contact = simulation.world.live().unwrap().remove(0);
        let orders = simulation.world.orders(&contact.id).unwrap();
        prop_assert_eq!(orders[0].status, wend::domain::order::OrderStatus::Refunded);
        prop_assert_eq!(orders[0].placed_at, simulation.world.now.minus(Delay::from_minutes(900)));
        prop_assert_eq!(contact.purchases.orders, 0);
    }
}
