//! A whole installation in memory: shards on rusqlite, a virtual clock, a pretend provider, and crashes.
//!
//! The turns, the routing of events, the following of forwards and the cutting of batches are the Worker's own code;
//! only what `edge` does with `await` between two turns is written here again.

use super::crash::Point;
use super::error::{Failure, LineError};
use super::exchange::{Hanging, Overtook};
use super::provider::Provider;
use super::setup::{REQUESTS_PER_SECOND, STORE_FILE, edited, settings, traffic};
use super::tables::{Class, Lent};
use crate::domain::delivery_event::DeliveryEvent;
use crate::domain::event::Event;
use crate::domain::ids::MessageId;
use crate::domain::shard::ShardIndex;
use crate::domain::switches::{Change, Switches};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::Remark;
use crate::engine::pausing;
use crate::engine::protection::{Counted, Finding, Since, enforce, is_doubtful, judge};
use crate::engine::traffic::Traffic;
use crate::journey::catalog::Catalog;
use crate::journey::project::JOURNEYS;
use crate::providers::ProviderKind;
use crate::settings::Settings;
use crate::store;
use crate::turn::alarm;
use crate::turn::baton::Baton;
use crate::turn::call::{Answer, Call, Heard, Ingested};
use crate::turn::reported::divide;
use crate::turn::routing::{Routing, Step};
use crate::turn::{self, Turn};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};

pub const ORIGIN: &str = "https://wend.example";
/// Monday, 2 March 2026, 09:00 UTC.
const START: Timestamp = Timestamp::from_seconds(1_772_442_000);

pub struct World {
    pub catalog: Catalog,
    pub settings: Settings,
    pub start: Timestamp,
    pub now: Timestamp,
    /// Where `journeys/`, `templates/` and `store.yaml` are: read again by each deploy.
    root: PathBuf,
    /// Journeys that differ from the repository's own; none for one that was removed.
    edits: BTreeMap<String, Option<String>>,
    /// The Store object's tables.
    pub store: Lent,
    /// How marketing stood when protection looked last.
    findings: RefCell<Vec<Finding>>,
    /// What another system answers to our webhooks; none while it is down.
    pub hook: RefCell<Option<serde_json::Value>>,
    /// What it was told: address, errand, body.
    pub notified: RefCell<Vec<(String, String, serde_json::Value)>>,
    pub(super) shards: Vec<Host>,
    pub(super) traffic: RefCell<Traffic>,
    pub provider: RefCell<Provider>,
    /// Turns and requests left until the crash.
    pub(super) fuse: Cell<Option<u32>>,
    pub(super) fatal: Cell<Option<Point>>,
    /// A shard that answers no call.
    pub away: Cell<Option<ShardIndex>>,
    /// How far the clock of the Worker is ahead of everybody else's.
    pub drift: Cell<Delay>,
    /// Events that arrive while the next request is out.
    pub meanwhile: RefCell<VecDeque<Event>>,
    /// What became of those, each with the number of mails that the provider had taken by then.
    pub overtook: RefCell<Vec<Overtook>>,
    /// The run of the next request waits for its answer for ever, and is lost.
    pub hang: Cell<bool>,
    /// Runs that hang.
    pub(super) hanging: RefCell<Vec<Hanging>>,
    pub remarks: RefCell<Vec<Remark>>,
}

/// One shard with what it knows only in memory.
pub(super) struct Host {
    pub(super) sql: Lent,
    pub(super) forwarding: Cell<bool>,
    /// One run at a time.
    pub(super) running: Baton,
    /// The alarm as it was set last. It is durable; whether it ever fires is the platform's business.
    pub alarm: Cell<Option<Timestamp>>,
    /// This process has seen to the alarm since it started.
    pub(super) armed: Cell<bool>,
    /// When the shard will have something to do, as of its last call.
    pub(super) next_run: Cell<Option<Timestamp>>,
    /// Shortest time until the next run by alarm.
    pub(super) floor: Cell<Delay>,
    /// No request before this to some provider: it rests, or the second's permits are used up.
    pub(super) rest_until: Cell<Timestamp>,
    pub(super) single: RefCell<BTreeSet<MessageId>>,
    /// Dispatches whose answer this very process awaits.
    pub(super) awaited: RefCell<BTreeSet<String>>,
}

impl World {
    /// An installation with these journeys, of which the project at `root` is the source.
    ///
    /// # Errors
    /// When SQLite cannot start, or the settings cannot be used.
    pub fn new(root: &Path, catalog: Catalog, shards: u16, provider: ProviderKind) -> Result<Self, Failure> {
        let hosts: Result<Vec<Host>, Failure> = (0..shards).map(|_| Host::new()).collect();
        Ok(Self {
            catalog,
            settings: settings(shards, provider)?,
            start: START,
            now: START,
            root: root.to_owned(),
            edits: BTreeMap::new(),
            store: Lent::new(Class::Store)?,
            findings: RefCell::default(),
            hook: RefCell::new(Some(serde_json::Value::Null)),
            notified: RefCell::default(),
            shards: hosts?,
            traffic: RefCell::new(traffic(BTreeMap::new(), REQUESTS_PER_SECOND, START)),
            provider: RefCell::default(),
            fuse: Cell::new(None),
            fatal: Cell::new(None),
            away: Cell::new(None),
            drift: Cell::default(),
            meanwhile: RefCell::default(),
            overtook: RefCell::default(),
            hang: Cell::new(false),
            hanging: RefCell::default(),
            remarks: RefCell::default(),
        })
    }

    /// Remembers with which changes of the project's journeys its catalog was made, so that a deploy keeps them.
    #[must_use]
    pub fn with_edits(mut self, edits: BTreeMap<String, Option<String>>) -> Self {
        self.edits = edits;
        self
    }

    /// Lets the story begin at another time. Only before anything happened.
    pub fn begin_at(&mut self, start: Timestamp) {
        (self.start, self.now) = (start, start);
        self.traffic
            .replace(traffic(BTreeMap::new(), REQUESTS_PER_SECOND, start));
    }

    /// What the provider is known to take in a second, where it matters how long mails queue.
    pub fn allow(&mut self, requests_per_second: u32) {
        self.traffic
            .replace(traffic(BTreeMap::new(), requests_per_second, self.now));
    }

    /// Deploys journeys: the repository's own, with some files replaced or, when the text is none, removed, besides
    /// those that were changed before.
    ///
    /// # Errors
    /// With the findings, when a journey does not check; the world then stays as it was.
    pub fn deploy(&mut self, changes: &[(String, Option<String>)]) -> Result<(), Failure> {
        let mut edits = self.edits.clone();
        edits.extend(changes.iter().cloned());
        let mut catalog = edited(&self.root, &edits)?;
        // The policy that a scenario set stays, unless the deploy brings another store.yaml.
        if !changes.iter().any(|(file, _)| file == STORE_FILE) {
            catalog.store = self.catalog.store.clone();
        }
        self.catalog = catalog;
        self.edits = edits;
        Ok(())
    }

    /// Lets drafts of the project take part, as if they were live: their names, separated by spaces.
    ///
    /// # Errors
    /// When there is no such journey, or it does not check.
    pub fn play_drafts(&mut self, names: &str, number: usize) -> Result<(), Failure> {
        let text = |name: &str| {
            let file = self.root.join(format!("{JOURNEYS}/{name}.yaml"));
            let text = std::fs::read_to_string(&file).map_err(|_| {
                let problem = format!("there is no {JOURNEYS}/{name}.yaml");
                LineError { number, problem }
            })?;
            Ok((name.to_owned(), Some(text)))
        };
        let texts: Result<Vec<_>, LineError> = names.split_whitespace().map(text).collect();
        self.deploy(&texts?)
    }

    /// What an operator's change does: kept by the `Store`, told to every shard.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn switch(&self, change: &Change) -> Result<(), Failure> {
        let switches = store::switches::of_store(&self.store)?.changed(change, self.now);
        self.tell_switches(&switches)
    }

    /// What protection does at a tick of cron: one count over all shards, one decision, told to every shard.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn protect(&self) -> Result<Vec<Finding>, Failure> {
        let (since, counted) = self.count_marketing()?;
        self.protect_by(&since, &counted)
    }

    /// The first half of it: what all shards count.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn count_marketing(&self) -> Result<(Since, Vec<Counted>), Failure> {
        let held = store::switches::of_store(&self.store)?;
        let since = Since::new(&held, self.now);
        let mut counted = self.counted_by(&Call::Count(since.clone()))?;
        if is_doubtful(&counted, &self.findings.borrow()) {
            counted = self.counted_by(&Call::CountAnew(since.clone()))?;
        }
        Ok((since, counted))
    }

    fn counted_by(&self, call: &Call) -> Result<Vec<Counted>, Failure> {
        let mut counted = Vec::new();
        for shard in self.indices() {
            if let Answer::Counted(part) = self.call(shard, call.clone())? {
                counted.extend(part);
            }
        }
        Ok(counted)
    }

    /// The second half: the decision on what was counted.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn protect_by(&self, since: &Since, counted: &[Counted]) -> Result<Vec<Finding>, Failure> {
        let held = store::switches::of_store(&self.store)?;
        let findings = judge(counted);
        self.findings.borrow_mut().clone_from(&findings);
        self.tell_switches(&enforce(&held, Some(since), &findings, self.now))?;
        Ok(findings)
    }

    fn tell_switches(&self, switches: &Switches) -> Result<(), Failure> {
        store::switches::keep(&self.store, switches)?;
        for shard in self.indices() {
            self.call(shard, Call::Switches(Box::new(switches.clone())))?;
        }
        Ok(())
    }

    /// What cron does after a deploy, and after a pause.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn sweep(&self) -> Result<(), Failure> {
        for shard in self.indices() {
            while matches!(self.call(shard, Call::Sweep)?, Answer::Swept { done: false }) {}
        }
        Ok(())
    }

    pub fn indices(&self) -> Vec<ShardIndex> {
        self.settings.shards.all().collect()
    }

    pub(super) fn host(&self, shard: ShardIndex) -> Result<&Host, Failure> {
        let at = self.settings.shards.all().position(|index| index == shard);
        at.and_then(|at| self.shards.get(at))
            .ok_or(Failure::NoShard(shard))
    }

    /// Whether a shard waits for the provider: for a permit, or because it was asked to.
    pub fn is_resting(&self) -> bool {
        self.shards.iter().any(|host| host.rest_until.get() > self.now)
    }

    /// One storage turn.
    ///
    /// # Errors
    /// The turn's own, or the crash that was asked for.
    pub fn turn<T>(
        &self,
        me: ShardIndex,
        work: impl FnOnce(&Turn<'_>) -> Result<T, turn::Error>,
    ) -> Result<T, Failure> {
        self.turn_at(me, self.now, work)
    }

    /// One storage turn by a clock that may be behind: that of a run which began earlier.
    pub(super) fn turn_at<T>(
        &self,
        me: ShardIndex,
        now: Timestamp,
        work: impl FnOnce(&Turn<'_>) -> Result<T, turn::Error>,
    ) -> Result<T, Failure> {
        let sql = &self.host(me)?.sql;
        let switches = store::switches::of_shard(sql)?;
        let paused = pausing::paused(&self.catalog, &switches);
        let turn = Turn {
            sql,
            catalog: paused.as_ref().unwrap_or(&self.catalog),
            settings: &self.settings,
            switches: &switches,
            me,
            now,
            origin: ORIGIN,
            remarks: RefCell::default(),
        };
        let result = sql.turn(|| {
            let result = work(&turn)?;
            self.spark()?;
            Ok::<T, Failure>(result)
        })?;
        self.remarks.borrow_mut().extend(turn.remarks.take());
        Ok(result)
    }

    /// What a shard's `fetch` does.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn call(&self, me: ShardIndex, call: Call) -> Result<Answer, Failure> {
        if self.away.get() == Some(me) {
            return Err(Failure::Silent(me));
        }
        let answer = match self.turn(me, |turn| turn.serve(call))? {
            Some(answer) => {
                let host = self.host(me)?;
                host.floor.set(alarm::FLOOR);
                // What it brings may be for a provider that does not rest.
                if self.settings.providers.len() > 1 {
                    host.rest_until.set(Timestamp::default());
                }
                answer
            }
            None => {
                let busy = !self.run_due(me)?;
                let next_due = self.next_run(me)?;
                Answer::Ran { next_due, busy }
            }
        };
        self.deliver_forwards(me)?;
        self.arm(me)?;
        Ok(answer)
    }

    /// What a shard's `alarm` does.
    ///
    /// # Errors
    /// When a turn fails.
    pub fn alarm(&self, me: ShardIndex) -> Result<(), Failure> {
        let host = self.host(me)?;
        host.alarm.set(None);
        host.armed.set(false);
        if self.run_due(me)? {
            self.deliver_forwards(me)?;
            self.arm(me)?;
        }
        Ok(())
    }

    /// Asks every shard when it will have something to do. No storage turn of its own, so nothing can go wrong in it.
    ///
    /// # Errors
    /// When storage fails.
    pub fn look_what_is_due(&self) -> Result<(), Failure> {
        let fuse = self.fuse.take();
        for shard in self.indices() {
            let host = self.host(shard)?;
            let next = self.next_run(shard)?;
            host.next_run.set(next);
        }
        self.fuse.set(fuse);
        Ok(())
    }

    fn next_run(&self, me: ShardIndex) -> Result<Option<Timestamp>, Failure> {
        let rest_until = self.host(me)?.rest_until.get();
        self.turn(me, |turn| turn.next_run(rest_until))
    }

    /// The alarm as it was set last.
    pub fn alarm_of(&self, shard: ShardIndex) -> Option<Timestamp> {
        self.host(shard).ok()?.alarm.get()
    }

    pub fn set_alarm(&self, shard: ShardIndex, at: Timestamp) {
        if let Ok(host) = self.host(shard) {
            host.alarm.set(Some(at));
        }
    }

    /// Whether this process has seen to the shard's alarm since it started.
    pub fn is_armed(&self, shard: ShardIndex) -> bool {
        self.host(shard).is_ok_and(|host| host.armed.get())
    }

    /// Until when a shard makes no request, as some provider wants it.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn rest_of(&self, shard: ShardIndex) -> Result<Timestamp, Failure> {
        Ok(self.host(shard)?.rest_until.get())
    }

    /// No process knows any more how its shards' alarms stand.
    pub fn forget_alarms(&self) {
        for host in &self.shards {
            host.armed.set(false);
        }
    }

    /// When a shard has something to do, as of its last call.
    pub fn next_run_of(&self, shard: ShardIndex) -> Option<Timestamp> {
        self.host(shard).ok()?.next_run.get()
    }

    /// Sets the alarm to the next run, if it is not set so already; none when nothing is due.
    pub(super) fn arm(&self, me: ShardIndex) -> Result<(), Failure> {
        let host = self.host(me)?;
        let next = self.next_run(me)?;
        host.next_run.set(next);
        host.armed.set(true);
        if let Some(next) = next {
            let at = self.now.plus(alarm::pause(next, self.now, host.floor.get()));
            if !alarm::stands(host.alarm.get(), at, self.now) {
                host.alarm.set(Some(at));
            }
        }
        Ok(())
    }

    /// What the Worker does with a verified event.
    ///
    /// # Errors
    /// When a turn fails; the sender is told to come again.
    pub fn ingest(&self, event: Event) -> Result<Ingested, Failure> {
        let Some((mut routing, mut step)) = Routing::start(&self.settings, event) else {
            return Ok(Ingested::Ignored);
        };
        loop {
            match step {
                Step::Done(ingested) => return Ok(ingested),
                Step::Ask(calls) => {
                    let answers: Result<Vec<Answer>, Failure> = calls
                        .into_iter()
                        .map(|(shard, call)| self.call(shard, call))
                        .collect();
                    step = routing.answer(answers?)?;
                }
            }
        }
    }

    /// What the Worker does with the proven events of a provider.
    ///
    /// # Errors
    /// When a turn fails; the provider is told to come again.
    pub fn hear(&self, events: Vec<DeliveryEvent>) -> Result<Heard, Failure> {
        let reported = divide(&self.settings, events);
        let mut heard = Heard {
            unknown: reported.nobodys,
            ..Heard::default()
        };
        for (shard, calls) in reported.calls {
            for call in calls {
                if let Answer::Heard(part) = self.call(shard, call)? {
                    heard = heard.plus(part);
                }
            }
        }
        Ok(heard)
    }
}

impl Host {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            sql: Lent::new(Class::Shard)?,
            forwarding: Cell::new(false),
            running: Baton::default(),
            alarm: Cell::new(None),
            armed: Cell::new(false),
            next_run: Cell::new(None),
            floor: Cell::new(alarm::FLOOR),
            rest_until: Cell::default(),
            single: RefCell::default(),
            awaited: RefCell::default(),
        })
    }
}
