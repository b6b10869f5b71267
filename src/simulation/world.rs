//! A whole installation in memory: shards on rusqlite, a virtual clock, a pretend provider, and crashes.
//!
//! The turns, the routing of events, the following of forwards and the cutting of batches are the Worker's own code;
//! only what `edge` does with `await` between two turns is written here again.

use super::crash::Point;
use super::error::Failure;
use super::provider::Provider;
use super::setup::{REQUESTS_PER_SECOND, STORE_FILE, edited, settings, store_tables, traffic};
use crate::domain::delivery_event::DeliveryEvent;
use crate::domain::event::Event;
use crate::domain::ids::MessageId;
use crate::domain::shard::ShardIndex;
use crate::domain::switches::{Change, Switches};
use crate::domain::time::Timestamp;
use crate::engine::decision::Remark;
use crate::engine::pausing;
use crate::engine::protection::{Finding, Since, enforce, judge};
use crate::engine::traffic::Traffic;
use crate::journey::catalog::Catalog;
use crate::providers::ProviderKind;
use crate::settings::Settings;
use crate::store;
use crate::store::migrate::{SHARD, migrate};
use crate::store::rusqlite::Sqlite;
use crate::turn::call::{Answer, Call, Heard, Ingested};
use crate::turn::reported::divide;
use crate::turn::routing::{Routing, Step};
use crate::turn::{self, Turn};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
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
    pub store: Sqlite,
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
    /// A shard that does not answer when it is asked whether carts were bought.
    pub away: Cell<Option<ShardIndex>>,
    pub remarks: RefCell<Vec<Remark>>,
}

/// One shard with what it knows only in memory.
pub(super) struct Host {
    pub(super) sql: Sqlite,
    pub(super) forwarding: Cell<bool>,
    /// No request before this to some provider: it rests, or the second's permits are used up.
    pub(super) rest_until: Cell<Timestamp>,
    pub(super) single: RefCell<BTreeSet<MessageId>>,
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
            store: store_tables()?,
            hook: RefCell::new(Some(serde_json::Value::Null)),
            notified: RefCell::default(),
            shards: hosts?,
            traffic: RefCell::new(traffic(BTreeMap::new(), REQUESTS_PER_SECOND, START)),
            provider: RefCell::default(),
            fuse: Cell::new(None),
            fatal: Cell::new(None),
            away: Cell::new(None),
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
        let held = store::switches::of_store(&self.store)?;
        let since = Since::new(&held, self.now);
        let mut counted = Vec::new();
        for shard in self.indices() {
            if let Answer::Counted(part) = self.call(shard, Call::Count(since.clone()))? {
                counted.extend(part);
            }
        }
        let findings = judge(&counted);
        self.tell_switches(&enforce(&held, &findings, self.now))?;
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
        let sql = &self.host(me)?.sql;
        let switches = store::switches::of_shard(sql)?;
        let paused = pausing::paused(&self.catalog, &switches);
        let turn = Turn {
            sql,
            catalog: paused.as_ref().unwrap_or(&self.catalog),
            settings: &self.settings,
            switches: &switches,
            me,
            now: self.now,
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
        let answer = match self.turn(me, |turn| turn.serve(call))? {
            Some(answer) => answer,
            None => {
                self.run_due(me)?;
                let next_due = self.turn(me, |turn| turn.next_run())?;
                Answer::Ran {
                    next_due,
                    busy: false,
                }
            }
        };
        self.deliver_forwards(me)?;
        Ok(answer)
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
        let sql = Sqlite::in_memory()?;
        migrate(&sql, &SHARD)?;
        Ok(Self {
            sql,
            forwarding: Cell::new(false),
            rest_until: Cell::default(),
            single: RefCell::default(),
        })
    }
}
