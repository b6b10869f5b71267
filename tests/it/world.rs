//! A whole installation in memory: shards on rusqlite, a virtual clock, a pretend provider, and crashes.
//!
//! The turns, the routing of events, the following of forwards and the cutting of batches are the Worker's own code;
//! only what `edge` does with `await` between two turns is written here again.

mod delivery;
pub mod provider;

use provider::Provider;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use wend::domain::event::Event;
use wend::domain::ids::{ContactId, MessageId};
use wend::domain::shard::ShardIndex;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::decision::Remark;
use wend::engine::permits::Bucket;
use wend::engine::state::{Contact, Document, Ended};
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;
use wend::journey::store_file::Webhook;
use wend::providers::ProviderKind;
use wend::settings::Settings;
use wend::store::message::Stored;
use wend::store::migrate::{SHARD, STORE, migrate};
use wend::store::rusqlite::Sqlite;
use wend::turn::call::{Answer, Call, Ingested};
use wend::turn::routing::{self, Routing, Step};
use wend::turn::{self, Turn};
use wend::{generated, store};

pub const ORIGIN: &str = "https://wend.example";
/// Most moments a stretch of time may hold; a livelock shows as a failing test.
const MAX_MOMENTS: usize = 5_000;

/// Why something did not get done.
#[derive(Debug)]
pub enum Failure {
    /// The process died: see [`World::crash_after`].
    Crash,
    Turn(turn::Error),
    Routing(routing::Error),
}

pub struct World {
    pub catalog: Catalog,
    pub settings: Settings,
    pub start: Timestamp,
    pub now: Timestamp,
    /// Journeys that differ from the repository's own; none for one that was removed.
    edits: BTreeMap<String, Option<String>>,
    /// The Store object's tables.
    pub store: Sqlite,
    /// What another system answers to our webhooks; none while it is down.
    pub hook: RefCell<Option<serde_json::Value>>,
    /// What it was told: address, errand, body.
    pub notified: RefCell<Vec<(String, String, serde_json::Value)>>,
    shards: Vec<Host>,
    bucket: RefCell<Bucket>,
    pub provider: RefCell<Provider>,
    /// Turns and requests left until the crash.
    fuse: Cell<Option<u32>>,
    fatal: Cell<Option<Point>>,
    /// A shard that does not answer when it is asked whether carts were bought.
    pub away: Cell<Option<ShardIndex>>,
    pub remarks: RefCell<Vec<Remark>>,
}

/// Where a process may die besides within a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// The request is written down and has not left.
    Claimed,
    /// The provider has answered and nobody has heard it.
    Answered,
}

/// One shard with what it knows only in memory.
struct Host {
    sql: Sqlite,
    forwarding: Cell<bool>,
    /// No request before this: the provider rests, or the second's permits are used up.
    rest_until: Cell<Timestamp>,
    single: RefCell<BTreeSet<MessageId>>,
}

impl World {
    pub fn new(shards: u16, provider: ProviderKind) -> Self {
        let start = Timestamp::parse_rfc3339("2026-03-02T09:00:00Z").unwrap();
        let hosts = (0..shards).map(|_| Host::new()).collect();
        let mut catalog = generated::catalog().unwrap();
        catalog.store.webhooks.push(Webhook {
            name: "stock".to_owned(),
            url: "http://127.0.0.1:9/stock".to_owned(),
        });
        Self {
            catalog,
            settings: settings(shards, provider),
            start,
            now: start,
            edits: BTreeMap::new(),
            store: store_tables(),
            hook: RefCell::new(Some(serde_json::Value::Null)),
            notified: RefCell::default(),
            shards: hosts,
            bucket: RefCell::new(bucket(start)),
            provider: RefCell::default(),
            fuse: Cell::new(None),
            fatal: Cell::new(None),
            away: Cell::new(None),
            remarks: RefCell::default(),
        }
    }

    /// Deploys journeys: the repository's own, with some files replaced or, when the text is none, removed, besides
    /// those that were changed before; `segments` is segments.yaml.
    pub fn deploy(&mut self, changes: &[(String, Option<String>)]) {
        let mut project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
        project.lock = None;
        self.edits.extend(changes.iter().cloned());
        for (file, text) in &self.edits {
            if file == "segments" {
                project.segments.clone_from(text);
                continue;
            }
            let path = format!("journeys/{file}.yaml");
            match text {
                Some(text) => project.journeys.insert(path, text.clone()),
                None => project.journeys.remove(&path),
            };
        }
        let hooks = "webhooks: [{ name: stock, url: 'http://127.0.0.1:9/stock' }]";
        project.store = project.store.map(|text| text.replace("webhooks: []", hooks));
        let store = self.catalog.store.clone();
        let checked = check(&project, Mode::Append);
        self.catalog = checked
            .catalog
            .unwrap_or_else(|| panic!("{:?}", checked.findings));
        self.catalog.store = store;
    }

    /// What cron does after a deploy.
    pub fn sweep(&self) {
        for shard in self.indices() {
            while matches!(
                self.call(shard, Call::Sweep).unwrap(),
                Answer::Swept { done: false }
            ) {}
        }
    }

    /// Lets the process die after so many further turns and requests; the last one leaves no trace.
    pub fn crash_after(&self, turns: u32) {
        self.fuse.set(Some(turns));
    }

    /// Lets the process die at the next such point.
    pub fn crash_at(&self, point: Point) {
        self.fatal.set(Some(point));
    }

    /// What was only in memory is gone.
    pub fn restart(&mut self) {
        self.fuse.set(None);
        self.fatal.set(None);
        self.bucket.replace(bucket(self.now));
        for host in &self.shards {
            host.forwarding.set(false);
            host.single.borrow_mut().clear();
        }
    }

    fn reach(&self, point: Point) -> Result<(), Failure> {
        if self.fatal.get() == Some(point) {
            return Err(Failure::Crash);
        }
        self.spark()
    }

    fn spark(&self) -> Result<(), Failure> {
        match self.fuse.get() {
            Some(0) => Err(Failure::Crash),
            Some(left) => {
                self.fuse.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub fn indices(&self) -> Vec<ShardIndex> {
        self.settings.shards.all().collect()
    }

    fn host(&self, shard: ShardIndex) -> &Host {
        let at = self.indices().iter().position(|index| *index == shard).unwrap();
        &self.shards[at]
    }

    /// One storage turn.
    pub fn turn<T>(
        &self,
        me: ShardIndex,
        work: impl FnOnce(&Turn<'_>) -> Result<T, turn::Error>,
    ) -> Result<T, Failure> {
        let sql = &self.host(me).sql;
        let turn = Turn {
            sql,
            catalog: &self.catalog,
            settings: &self.settings,
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
    pub fn call(&self, me: ShardIndex, call: Call) -> Result<Answer, Failure> {
        let answer = match self.turn(me, |turn| turn.serve(call))? {
            Some(answer) => answer,
            None => {
                self.run_due(me)?;
                let next_due = self.turn(me, |turn| turn.next_due())?;
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
                    step = routing.answer(answers?).map_err(Failure::Routing)?;
                }
            }
        }
    }

    /// Runs everything due on every shard, and returns when the next thing will be.
    pub fn run_all(&self) -> Result<Option<Timestamp>, Failure> {
        let mut next = None;
        for shard in self.indices() {
            let due = self.turn(shard, |turn| turn.next_due())?;
            if due.is_none_or(|due| due > self.now) {
                next = [next, due].into_iter().flatten().min();
                continue;
            }
            if let Answer::Ran { next_due, .. } = self.call(shard, Call::RunDue)? {
                let due = next_due.map(|due| due.max(self.host(shard).rest_until.get()));
                next = [next, due].into_iter().flatten().min();
            }
        }
        let floor = self.now.plus(Delay::from_seconds(1));
        Ok(next.map(|next: Timestamp| next.max(floor)))
    }

    /// Moves the clock, stopping wherever something falls due; `each` sees the world at every stop.
    pub fn run_until(&mut self, until: Timestamp, mut each: impl FnMut(&Self)) -> Result<(), Failure> {
        for _ in 0..MAX_MOMENTS {
            let next = self.run_all()?;
            each(self);
            match next.filter(|next| *next <= until) {
                Some(next) => self.now = next,
                None if self.now < until => self.now = until,
                None => return Ok(()),
            }
        }
        panic!("more than {MAX_MOMENTS} moments before {until}");
    }

    /// Table rows written so far, over all shards.
    pub fn rows_written(&self) -> u64 {
        self.shards.iter().map(|host| host.sql.rows_written()).sum()
    }

    /// Every live contact, by id, with its stored slot.
    pub fn contacts(&self) -> Vec<(ContactId, store::contact::Loaded)> {
        let mut all = Vec::new();
        for host in &self.shards {
            for id in store::contact::page(&host.sql, None, 10_000).unwrap() {
                let loaded = store::contact::load(&host.sql, &id).unwrap().unwrap();
                all.push((id, loaded));
            }
        }
        all.sort_by(|one, two| one.0.cmp(&two.0));
        all
    }

    pub fn live(&self) -> Vec<Contact> {
        let contacts = self.contacts().into_iter();
        contacts
            .filter_map(|(_, loaded)| match loaded.document {
                Document::Live(contact) => Some(*contact),
                Document::Moved { .. } => None,
            })
            .collect()
    }

    /// The contact a message or row belongs to now, after merges.
    pub fn owner(&self, contact: &ContactId) -> Option<Contact> {
        let mut id = contact.clone();
        for _ in 0..16 {
            let shard = self.settings.shards.of_contact(&id);
            match store::contact::load(&self.host(shard).sql, &id)
                .unwrap()?
                .document
            {
                Document::Live(contact) => return Some(*contact),
                Document::Moved { to, .. } => id = to,
            }
        }
        None
    }

    /// The whole ledger.
    pub fn messages(&self) -> Vec<Stored> {
        let mut all = Vec::new();
        for host in &self.shards {
            let states = wend::domain::message::MessageState::ALL;
            all.extend(store::message::list(&host.sql, &states, None, 100_000).unwrap());
        }
        all.sort_by(|one, two| (&one.contact, &one.message.id).cmp(&(&two.contact, &two.message.id)));
        all
    }

    pub fn ended(&self, contact: &ContactId) -> Vec<Ended> {
        let shard = self.settings.shards.of_contact(contact);
        store::enrollment::list(&self.host(shard).sql, contact, 1_000).unwrap()
    }

    pub fn orders(&self, contact: &ContactId) -> Vec<wend::domain::order::Order> {
        let shard = self.settings.shards.of_contact(contact);
        store::order::list(&self.host(shard).sql, contact, 1_000).unwrap()
    }

    pub fn dispatches(&self) -> Vec<wend::engine::delivery::Dispatch> {
        let hosts = self.shards.iter();
        hosts
            .flat_map(|host| store::dispatch::list(&host.sql, 100_000).unwrap())
            .collect()
    }

    pub fn forwards(&self) -> u32 {
        self.shards
            .iter()
            .map(|host| store::forward::count(&host.sql).unwrap())
            .sum()
    }

    pub fn letters(&self) -> Vec<store::dead_letter::DeadLetter> {
        let hosts = self.shards.iter();
        hosts
            .flat_map(|host| store::dead_letter::list(&host.sql, 1_000).unwrap())
            .collect()
    }

    /// Mails kept by the embedded outbox.
    pub fn outbox(&self) -> Vec<wend::render::outbox::OutboxMail> {
        let hosts = self.shards.iter();
        let mails = hosts.flat_map(|host| store::outbox::list(&host.sql, 10_000).unwrap());
        mails
            .map(|mail| serde_json::from_str(&mail.body).unwrap())
            .collect()
    }
}

impl Host {
    fn new() -> Self {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &SHARD).unwrap();
        Self {
            sql,
            forwarding: Cell::new(false),
            rest_until: Cell::default(),
            single: RefCell::default(),
        }
    }
}

fn store_tables() -> Sqlite {
    let sql = Sqlite::in_memory().unwrap();
    migrate(&sql, &STORE).unwrap();
    sql
}

/// A provider that told a generous rate, so that the number of shards does not show in the seconds.
fn bucket(now: Timestamp) -> Bucket {
    let mut bucket = Bucket::new(now);
    bucket.learn(1_000, now);
    bucket
}

fn settings(shards: u16, provider: ProviderKind) -> Settings {
    let shards = shards.to_string();
    let get = |name: &str| {
        let value = match name {
            "SHARDS" => shards.as_str(),
            "ENVIRONMENT" => "dev",
            "EMAIL_PROVIDER" => provider.as_str(),
            "HASH_KEY" => "a-key-for-identities-of-tests-only",
            "LINK_KEY" => "a-key-for-links-of-tests-only",
            "RESEND_API_KEY" => "re_test",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let settings = Settings::read(get, &[]);
    assert!(settings.usable(), "{:?}", settings.faults);
    settings
}

impl From<turn::Error> for Failure {
    fn from(error: turn::Error) -> Self {
        Self::Turn(error)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        Self::Turn(error.into())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Crash => f.write_str("the process died"),
            Self::Turn(error) => error.fmt(f),
            Self::Routing(error) => error.fmt(f),
        }
    }
}
