//! Plays a plan: storefronts that try until they are told 200, alarms and cron of a platform that has bad days, and a look
//! at the world after every step.

use super::super::error::Failure;
use super::super::exchange::Overtook;
use super::super::player::Watcher;
use super::super::provider::Taken;
use super::super::story;
use super::super::telling::Story;
use super::super::timeline::{Entry, Timeline};
use super::super::world::World;
use super::broken::{Broken, Promise, keep};
use super::check::Eyes;
use super::plan::{Delivery, Fault, Plan, Reply, Trouble};
use super::platform::{CRON, Odd};
use super::snapshot::snapshot;
use super::stage::Stage;
use super::truth::Truth;
use crate::domain::event::Event;
use crate::domain::ids::MessageId;
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::turn::call::{Call, Ingested};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// After the last trouble: the time until all is well, and until everybody has come to an end.
const HEALED_AFTER: Delay = Delay::from_hours(30);
const WATCHED_AFTER: Delay = Delay::from_days(100);
/// Storefronts give up after so many tries, and try at these times; the last goes on.
const TRIES: usize = 10;
const AGAIN_AFTER: [Delay; 4] = [
    Delay::from_seconds(30),
    Delay::from_minutes(5),
    Delay::from_minutes(30),
    Delay::from_hours(4),
];
/// More steps than any story needs.
const MAX_STEPS: usize = 4_000;

/// What is to come.
#[derive(Debug, Clone)]
pub(super) enum Coming {
    Webhook {
        event: Box<Event>,
        tries: usize,
    },
    /// The same, while a request is out.
    Overtaking(Box<Event>),
    Reply(Box<Reply>, Taken),
    Erase(String),
    Trouble(Trouble),
    Returned,
    ClockRight,
    ComeBack,
    Healed,
    /// Every storefront repeats all it ever told.
    Repeats,
    Prune,
}

/// A story in the middle of its being played.
pub(super) struct Play<'p> {
    pub plan: &'p Plan,
    pub stage: &'p Stage,
    pub world: World,
    pub truth: Truth,
    /// The time by everybody's clock but, at times, the Worker's.
    pub now: Timestamp,
    pub coming: BTreeMap<(Timestamp, u32), Coming>,
    number: u32,
    pub no_cron_before: Timestamp,
    pub no_alarm_before: Timestamp,
    pub odd: Option<Odd>,
    /// Alarms that the platform has in hand: as they were set, and when they fire.
    pub in_hand: BTreeMap<ShardIndex, (Timestamp, Timestamp)>,
    pub unswept: BTreeSet<ShardIndex>,
    /// Mails to each shopper so far.
    pub mails: Vec<usize>,
    pub reacted: usize,
    pub overtaken: bool,
    /// Mails whose request was out when a process died or no longer waited for the answer, with the first time.
    pub left_open: BTreeMap<MessageId, Timestamp>,
    history: Option<Timeline>,
}

/// Plays a plan to its end.
///
/// # Errors
/// With the first promise that is broken.
pub(super) fn play(plan: &Plan, stage: &Stage) -> Result<Vec<String>, Broken> {
    // Nothing of the story is used after a panic, which ends the instance of a real Worker.
    let played = catch_unwind(AssertUnwindSafe(|| Play::new(plan, stage)?.run()));
    played.unwrap_or_else(|panic| Err(Broken::by(panic.as_ref())))
}

/// Plays a plan that breaks a promise, and tells what happened.
pub(super) fn history(plan: &Plan, stage: &Stage) -> Vec<Entry> {
    let Ok(mut play) = Play::new(plan, stage) else {
        return Vec::new();
    };
    play.history = Some(Timeline::default());
    // How it ends is known, be it by a panic.
    let _ = catch_unwind(AssertUnwindSafe(|| play.pass()));
    let entries = play.history.take().map(|timeline| timeline.entries);
    entries.unwrap_or_default()
}

impl<'p> Play<'p> {
    fn new(plan: &'p Plan, stage: &'p Stage) -> Result<Self, Failure> {
        let mut world = World::new(Path::new("."), stage.before.clone(), plan.shards, plan.provider)?;
        world.begin_at(plan.start);
        let mut play = Self {
            plan,
            stage,
            world,
            truth: Truth::default(),
            now: plan.start,
            coming: BTreeMap::new(),
            number: 0,
            no_cron_before: plan.start,
            no_alarm_before: plan.start,
            odd: None,
            in_hand: BTreeMap::new(),
            unswept: BTreeSet::new(),
            mails: Vec::new(),
            reacted: 0,
            overtaken: false,
            left_open: BTreeMap::new(),
            history: None,
        };
        play.prepare()?;
        Ok(play)
    }

    fn prepare(&mut self) -> Result<(), Failure> {
        let mut story = Story::default();
        for act in &self.plan.acts {
            let at = self.plan.start.plus(act.at);
            if let Some(name) = act.erases() {
                self.add(at, Coming::Erase(story::address(name)));
                continue;
            }
            let lines = story::read(&format!("at +{} {}", act.at, act.line))?;
            for line in &lines {
                let event = Box::new(story.event(line, self.plan.start, at)?);
                self.tell(act.id, at, event);
            }
        }
        for fault in &self.plan.faults {
            match fault {
                Fault::Platform { at, how } => self.add(self.plan.start.plus(*at), Coming::Trouble(*how)),
                Fault::Webhook { .. } => {}
            }
        }
        let healed = self.plan.start.plus(self.plan.length()).plus(HEALED_AFTER);
        self.add(healed, Coming::Healed);
        self.add(healed.plus(HEALED_AFTER), Coming::Repeats);
        for days in [35, 95] {
            self.add(healed.plus(Delay::from_days(days)), Coming::Prune);
        }
        Ok(())
    }

    /// The deliveries of one event.
    fn tell(&mut self, act: u32, at: Timestamp, event: Box<Event>) {
        let (mut at, mut usual) = (at, true);
        for how in self.plan.deliveries(act) {
            match how {
                Delivery::Twice(after) => {
                    let event = event.clone();
                    self.add(at.plus(after), Coming::Webhook { event, tries: 0 });
                }
                Delivery::Late(by) => at = at.plus(by),
                Delivery::Lost => usual = false,
                Delivery::WhileARequestIsOut => {
                    usual = false;
                    self.add(at, Coming::Overtaking(event.clone()));
                }
            }
        }
        if usual {
            self.add(at, Coming::Webhook { event, tries: 0 });
        }
    }

    pub fn add(&mut self, at: Timestamp, coming: Coming) {
        self.number += 1;
        self.coming.insert((at, self.number), coming);
    }

    fn run(mut self) -> Result<Vec<String>, Broken> {
        self.pass()?;
        snapshot(&self.world).map_err(Broken::from)
    }

    fn pass(&mut self) -> Result<(), Broken> {
        let end = self
            .plan
            .start
            .plus(self.plan.length())
            .plus(HEALED_AFTER)
            .plus(WATCHED_AFTER);
        let mut eyes = Eyes::new(&self.world);
        for _ in 0..MAX_STEPS {
            let Some(next) = self.next().filter(|next| *next <= end) else {
                eyes.look_at_all(self)?;
                return eyes.all_is_over(self);
            };
            self.now = self.now.max(next);
            self.overtaken = false;
            self.set_clock();
            self.step(&mut eyes)?;
            self.learn_overtaking(&mut eyes)?;
            self.react();
            eyes.look(self)?;
            if let Some(timeline) = &mut self.history {
                timeline.look(&self.world)?;
            }
        }
        keep(Promise::Ends, false, || {
            format!("after {MAX_STEPS} steps there is still no end of it")
        })
    }

    /// The Worker's clock.
    pub fn set_clock(&mut self) {
        self.world.now = self.now.plus(self.world.drift.get());
    }

    /// The Worker's clock is ahead by so much from now on. Alarms that it set before it fell back come as much too late; cron finds
    /// what is due before.
    pub fn turn_clock(&mut self, ahead: Delay) {
        let falls = ahead < self.world.drift.replace(ahead);
        self.set_clock();
        if falls {
            self.world.forget_alarms();
        }
    }

    pub fn theirs(&self, ours: Timestamp) -> Timestamp {
        ours.minus(self.world.drift.get())
    }

    /// One thing that is due now: what others do first, then alarms, then cron.
    fn step(&mut self, eyes: &mut Eyes) -> Result<(), Broken> {
        if let Some(entry) = self
            .coming
            .first_entry()
            .filter(|entry| entry.key().0 <= self.now)
        {
            let coming = entry.remove();
            return self.meet(coming, eyes);
        }
        for shard in self.world.indices() {
            if self.alarm_at(shard).is_some_and(|at| at <= self.now) {
                return self.alarm(shard);
            }
        }
        self.cron()
    }

    /// What was wanted to go wrong went wrong; anything else is a broken promise.
    pub fn survive<T>(&mut self, done: Result<T, Failure>) -> Result<Option<T>, Broken> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(Failure::Crash) => {
                self.note("the process dies and starts again");
                self.leave_open()?;
                self.world.restart();
                self.world.look_what_is_due()?;
                Ok(None)
            }
            Err(Failure::Hangs | Failure::Silent(_)) => {
                self.leave_open()?;
                self.world.look_what_is_due()?;
                Ok(None)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    fn leave_open(&mut self) -> Result<(), Failure> {
        let open = self.world.dispatches()?.into_iter();
        for message in open.flat_map(|dispatch| dispatch.members) {
            self.left_open.entry(message).or_insert(self.now);
        }
        Ok(())
    }

    /// When a request for the mail was first made, or about to be made by a process that died.
    pub fn first_asked(&self, id: &MessageId) -> Option<Timestamp> {
        let asked = self.world.provider.borrow().asked.get(id.as_str()).copied();
        let left = self.left_open.get(id).copied();
        asked.into_iter().chain(left).min()
    }

    pub fn note(&mut self, what: &str) {
        if let Some(timeline) = &mut self.history {
            timeline.note(&self.world, what);
        }
    }

    fn meet(&mut self, coming: Coming, eyes: &mut Eyes) -> Result<(), Broken> {
        match coming {
            Coming::Webhook { event, tries } => self.webhook(*event, tries)?,
            Coming::Overtaking(event) => self.world.meanwhile.borrow_mut().push_back(*event),
            Coming::Reply(reply, mail) => self.reply(&reply, &mail)?,
            Coming::Erase(address) => self.erase(&address)?,
            Coming::Trouble(trouble) => {
                self.note(&trouble.to_string());
                self.trouble(trouble)?;
            }
            Coming::Returned => self.world.away.set(None),
            Coming::ClockRight => self.turn_clock(Delay::ZERO),
            Coming::ComeBack => {
                self.world.hang.set(false);
                let done = self.world.come_back();
                self.survive(done)?;
            }
            Coming::Healed => self.heal()?,
            Coming::Repeats => {
                eyes.look_at_all(self)?;
                self.repeat_all()?;
            }
            Coming::Prune => {
                for shard in self.world.indices() {
                    self.world.call(shard, Call::Prune)?;
                }
            }
        }
        Ok(())
    }

    pub fn webhook(&mut self, event: Event, tries: usize) -> Result<(), Broken> {
        let now = self.world.now;
        let mut arriving = event.clone();
        arriving.received_at = now;
        // As the sources do with a clock that is ahead of ours.
        arriving.occurred_at = event.occurred_at.clamped_to(now);
        if let Some(consent) = &mut arriving.consent {
            consent.at = consent.at.clamped_to(now);
        }
        let settled = self.world.forwards()? == 0;
        // One that came to nothing because its person was erased has not been here: another of its name may tell of later.
        let first = self.truth.accepted.get(&event.id);
        let stayed = first.is_some_and(|first| !self.truth.erasures.may_matter_again(first));
        let known = settled && stayed;
        let forbidden = settled && self.truth.forbids(&arriving);
        let rows = self.world.rows_written();
        self.truth.attempt(&arriving);
        let done = self.world.ingest(arriving.clone());
        match self.survive(done)? {
            Some(ingested) => {
                self.note(&format!("{} at {}: {}", event.kind, event.id, told(&ingested)));
                if forbidden {
                    keep(Promise::Erased, ingested == Ingested::Ignored, || {
                        let (kind, id) = (&event.kind, &event.id);
                        format!(
                            "{kind} ({id}) of somebody who was erased since came late: {}",
                            told(&ingested)
                        )
                    })?;
                }
                if ingested == Ingested::Ignored {
                    self.truth.erasures.came_to_nothing(&arriving);
                }
                if known && !self.truth.erasures.may_matter_again(&arriving) {
                    self.changed_nothing(&arriving, &ingested, rows)?;
                }
                self.truth.accept(&arriving);
            }
            None => {
                let pause = AGAIN_AFTER.get(tries).or(AGAIN_AFTER.last()).copied();
                if tries + 1 < TRIES {
                    let event = Box::new(event);
                    let at = self.now.plus(pause.unwrap_or(CRON));
                    self.add(
                        at,
                        Coming::Webhook {
                            event,
                            tries: tries + 1,
                        },
                    );
                }
            }
        }
        Ok(())
    }

    fn changed_nothing(&self, event: &Event, ingested: &Ingested, rows: u64) -> Result<(), Broken> {
        let written = self.world.rows_written() - rows;
        let is_known = matches!(
            ingested,
            Ingested::Duplicate | Ingested::Parked | Ingested::Ignored
        );
        keep(Promise::Duplicate, is_known && written == 0, || {
            let (kind, id) = (&event.kind, &event.id);
            format!(
                "{kind} ({id}) came again: {}, {written} rows were written",
                told(ingested)
            )
        })
    }

    /// What arrived while a request was out has to be judged by what had left until then.
    fn learn_overtaking(&mut self, eyes: &mut Eyes) -> Result<(), Broken> {
        let overtook: Vec<Overtook> = self.world.overtook.take();
        for Overtook {
            event,
            outcome,
            after,
        } in overtook
        {
            self.overtaken = true;
            eyes.look_at_mails(self, after)?;
            self.truth.attempt(&event);
            match outcome {
                Ok(ingested) => {
                    self.note(&format!(
                        "{} at {}, while a request is out: {}",
                        event.kind,
                        event.id,
                        told(&ingested)
                    ));
                    self.truth.accept(&event);
                }
                Err(Failure::Crash | Failure::Silent(_)) => {
                    let at = self.now.plus(CRON);
                    let event = Box::new(event);
                    self.add(at, Coming::Webhook { event, tries: 1 });
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(())
    }

    /// Once all have settled, every event comes once more.
    fn repeat_all(&mut self) -> Result<(), Broken> {
        let all: Vec<Event> = self.truth.accepted.values().cloned().collect();
        all.into_iter().try_for_each(|event| self.webhook(event, 0))
    }
}

/// What a storefront's post came to, for the history.
fn told(ingested: &Ingested) -> &'static str {
    match ingested {
        Ingested::Applied => "applied",
        Ingested::Duplicate => "known",
        Ingested::Parked => "parked until its person is known",
        Ingested::Ignored => "ignored",
        Ingested::Elsewhere(_) | Ingested::Same { .. } => "not settled",
    }
}
