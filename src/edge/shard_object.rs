//! The Durable Object that holds a share of the contacts. Called by the Worker, by other shards and by its own alarm.
//!
//! It is a shell: each call is one storage turn of `turn`, then work for other shards is delivered and the alarm set to
//! the earliest thing due. Nothing depends on the alarm: cron makes the same call over fetch.

use super::error::Error;
use super::peers::Peers;
use super::sql::ObjectSql;
use super::store_call::{StoreAnswer, StoreCall};
use super::switching::Obeyed;
use super::{answer, log, runtime};
use crate::domain::ids::MessageId;
use crate::domain::shard::{ShardCount, ShardIndex};
use crate::domain::time::{Delay, Timestamp};
use crate::http;
use crate::settings::{Environment, Settings};
use crate::store::meta::{self, Key};
use crate::store::migrate::{SHARD, migrate};
use crate::turn::alarm;
use crate::turn::baton::Baton;
use crate::turn::call::{Answer, Call, Envelope};
use crate::turn::install::{Installed, Objection};
use crate::turn::seen::{self, RecentClicks};
use crate::turn::{self, Turn};
use serde_json::json;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// Where links lead when nobody has told the Worker's address yet.
const NO_ORIGIN: &str = "http://127.0.0.1:8787";

/// One shard.
#[durable_object(alarm)]
pub struct Shard {
    pub(super) state: State,
    pub(super) env: Env,
    sql: OnceCell<ObjectSql>,
    installed: RefCell<Option<Installed>>,
    /// The switches as last read.
    obeyed: RefCell<Option<Rc<Obeyed>>>,
    origin: RefCell<Option<String>>,
    /// The alarm as last set, so that it is set again only for something earlier. Each setting is a billed row.
    alarm_at: Cell<Option<Timestamp>>,
    alarms_set: Cell<u64>,
    /// Development clock less the wall's.
    offset: Cell<Option<i64>>,
    clicks: RecentClicks,
    /// One run at a time.
    pub(super) running: Baton,
    /// Shortest time until the next run by alarm.
    pub(super) floor: Cell<Delay>,
    /// Forwards are being delivered.
    pub(super) forwarding: Baton,
    /// Messages of a refused batch: they go singly.
    pub(super) single: RefCell<BTreeSet<MessageId>>,
    /// Dispatches whose answer this very process awaits.
    pub(super) awaited: RefCell<BTreeSet<String>>,
    /// No request before this to some provider: it rests, or the permits of this second are used up.
    pub(super) rest_until: Cell<Timestamp>,
}

impl DurableObject for Shard {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            sql: OnceCell::new(),
            installed: RefCell::default(),
            obeyed: RefCell::default(),
            origin: RefCell::default(),
            alarm_at: Cell::default(),
            alarms_set: Cell::default(),
            offset: Cell::default(),
            clicks: RecentClicks::default(),
            running: Baton::default(),
            floor: Cell::new(alarm::FLOOR),
            forwarding: Baton::default(),
            single: RefCell::default(),
            awaited: RefCell::default(),
            rest_until: Cell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        #[cfg(feature = "test-panic")]
        if request.path().starts_with("/test/") {
            return super::panic_routes::shard_fetch(&self.state, &request.path()).await;
        }
        let body = request.bytes().await?;
        match self.serve(&body).await {
            Ok(answer) => Response::from_json(&answer),
            Err(error) => {
                log::error("shard call failed", json!({ "error": error.for_log() }));
                answer::error(500, "the shard failed", "see the log of the shard")
            }
        }
    }

    async fn alarm(&self) -> Result<Response> {
        #[cfg(feature = "test-panic")]
        if super::panic_routes::shard_alarm(&self.state)? {
            return Response::ok("");
        }
        self.alarm_at.set(None);
        // An error is logged and not thrown: after six throws the runtime would drop the alarm for good.
        if let Err(error) = self.run_by_alarm().await {
            log::error("alarm failed", json!({ "error": error.for_log() }));
            self.set_alarm(runtime::wall_clock().plus(Delay::from_seconds(30)))
                .await?;
        }
        Response::ok("")
    }
}

impl Shard {
    async fn serve(&self, body: &[u8]) -> std::result::Result<Answer, Error> {
        let envelope: Envelope = http::json(body)?;
        #[cfg(feature = "test-panic")]
        super::panic_routes::hang(&envelope.call).await;
        if let Some(refusal) = self.admit(&envelope).await? {
            return Ok(refusal);
        }
        if self.settings().environment == Environment::Dev {
            self.offset
                .set(Some(envelope.now.as_millis() - runtime::wall_clock().as_millis()));
        }
        let (me, now) = (envelope.shard, envelope.now);
        let answer = match self.after_a_sweep(envelope.call).await {
            Call::RunDue => {
                let ran = self.run_due(me, now).await?;
                let next_due = self.next_run(me, now)?;
                Answer::Ran { next_due, busy: !ran }
            }
            call => {
                self.floor.set(alarm::FLOOR);
                // What it brings may be for a provider that does not rest.
                if self.settings().providers.len() > 1 {
                    self.rest_until.set(Timestamp::default());
                }
                self.turn(me, now, |turn| self.answer(turn, call))?
            }
        };
        // The call has committed: what cannot be delivered now stays in its row, and is no failure of the call.
        if let Err(error) = self.deliver_forwards(me, now).await {
            log::error("forwards failed", json!({ "error": error.for_log() }));
        }
        self.arm(me, now).await?;
        Ok(answer)
    }

    /// A click is heard when it is known whether others came with it.
    async fn after_a_sweep(&self, call: Call) -> Call {
        let Call::See(mut seen) = call else { return call };
        if seen.event.url.is_some() {
            self.clicks.note(&seen.event);
            worker::Delay::from(Duration::from_millis(seen::PAUSE.as_millis().unsigned_abs())).await;
            seen.beside = self.clicks.beside(&seen.event);
        }
        Call::See(seen)
    }

    /// One storage turn: all of it is written, or nothing.
    pub(super) fn turn<T>(
        &self,
        me: ShardIndex,
        now: Timestamp,
        work: impl FnOnce(&Turn<'_>) -> std::result::Result<T, turn::Error>,
    ) -> std::result::Result<T, Error> {
        let (sql, settings) = (self.sql()?, self.settings());
        let before = self.obeyed.borrow().clone();
        let obeyed = Obeyed::read(sql, before.as_ref())?;
        self.obeyed.replace(Some(Rc::clone(&obeyed)));
        let origin = self.origin();
        let turn = Turn {
            sql,
            catalog: &obeyed.catalog,
            settings: &settings,
            switches: &obeyed.switches,
            me,
            now,
            origin: &origin,
            remarks: RefCell::default(),
        };
        let result = sql.turn(|| work(&turn))?;
        for remark in turn.remarks.take() {
            log::line(
                "remark",
                json!({ "shard": me.to_string(), "remark": remark.to_string() }),
            );
        }
        Ok(result)
    }

    pub(super) fn settings(&self) -> Rc<Settings> {
        runtime::settings(&self.env)
    }

    pub(super) fn peers(&self, now: Timestamp) -> Peers<'_> {
        Peers {
            env: &self.env,
            settings: self.settings(),
            now,
            origin: self.origin.borrow().clone(),
        }
    }

    pub(super) fn sql(&self) -> std::result::Result<&ObjectSql, Error> {
        if let Some(sql) = self.sql.get() {
            return Ok(sql);
        }
        let sql = ObjectSql::new(&self.state.storage())?;
        sql.turn(|| migrate(&sql, &SHARD))?;
        Ok(self.sql.get_or_init(|| sql))
    }

    /// The refusal of a call that believes in another installation; none when it may go on.
    async fn admit(&self, envelope: &Envelope) -> std::result::Result<Option<Answer>, Error> {
        let call = Installed::from(envelope);
        let installed = self.installed(&call, envelope.now).await?;
        if let Some(Objection { error, hint, .. }) = installed.objection(&call) {
            return Ok(Some(Answer::Refused { error, hint }));
        }
        if let Some(origin) = &envelope.origin
            && self.origin.borrow().as_ref() != Some(origin)
        {
            meta::set(self.sql()?, Key::Origin, origin)?;
            self.origin.replace(Some(origin.clone()));
        }
        Ok(None)
    }

    async fn installed(&self, call: &Installed, now: Timestamp) -> std::result::Result<Installed, Error> {
        // One that was installed before fingerprints were kept asks for it: all shards must hold the same.
        let complete = |held: &Installed| held.hash_key.is_some() || call.hash_key.is_none();
        if let Some(installed) = self.installed.borrow().clone().filter(complete) {
            return Ok(installed);
        }
        let installed = match Installed::load(self.sql()?)?.filter(complete) {
            Some(installed) => installed,
            None => {
                let answer = self.peers(now).store(&StoreCall::Install(call.clone())).await?;
                let StoreAnswer::Installed(installed) = answer else {
                    return Err(Error::NoAnswer("the Store gave no installation".to_owned()));
                };
                installed.save(self.sql()?)?;
                installed
            }
        };
        self.installed.replace(Some(installed.clone()));
        Ok(installed)
    }

    fn origin(&self) -> String {
        if let Some(url) = &self.settings().public_url {
            return url.clone();
        }
        if self.origin.borrow().is_none()
            && let Ok(sql) = self.sql()
        {
            self.origin.replace(meta::get(sql, Key::Origin).ok().flatten());
        }
        self.origin
            .borrow()
            .clone()
            .unwrap_or_else(|| NO_ORIGIN.to_owned())
    }

    async fn run_by_alarm(&self) -> std::result::Result<(), Error> {
        // Nothing is stored before the first call, so an alarm finds an installation or has nothing to do.
        let Some(installed) = Installed::load(self.sql()?)? else {
            return Ok(());
        };
        let Some(me) = self.my_index(installed.shards) else {
            return Ok(());
        };
        // An alarm carries no envelope: what this Worker was deployed with is compared here.
        if let Some(Objection { error, hint, .. }) = installed.objection(&Installed::from(&*self.settings()))
        {
            log::error("refused to run", json!({ "error": error, "hint": hint }));
            return Ok(());
        }
        let now = self.clock().await?;
        if !self.run_due(me, now).await? {
            // Another run is under way, and sets the alarm when it ends.
            return Ok(());
        }
        self.deliver_forwards(me, now).await?;
        self.arm(me, now).await
    }

    /// Which shard this is, by the name it was called by.
    fn my_index(&self, shards: ShardCount) -> Option<ShardIndex> {
        let name = self.state.id().name()?;
        shards.all().find(|shard| shard.to_string() == name)
    }

    async fn clock(&self) -> std::result::Result<Timestamp, Error> {
        let wall = runtime::wall_clock();
        if self.settings().environment == Environment::Production {
            return Ok(wall);
        }
        if self.offset.get().is_none()
            && let StoreAnswer::Snapshot(snapshot) = self.peers(wall).store(&StoreCall::Snapshot).await?
        {
            self.offset.set(Some(snapshot.clock_offset));
        }
        Ok(Timestamp::from_millis(
            wall.as_millis() + self.offset.get().unwrap_or(0),
        ))
    }

    fn next_run(&self, me: ShardIndex, now: Timestamp) -> std::result::Result<Option<Timestamp>, Error> {
        self.turn(me, now, |turn| turn.next_run(self.rest_until.get()))
    }

    /// Sets the alarm to the next run, if it is not set so already; none when nothing is due.
    async fn arm(&self, me: ShardIndex, now: Timestamp) -> std::result::Result<(), Error> {
        if let Some(next) = self.next_run(me, now)? {
            let pause = alarm::pause(next, now, self.floor.get());
            self.set_alarm(runtime::wall_clock().plus(pause)).await?;
        }
        Ok(())
    }

    async fn set_alarm(&self, at: Timestamp) -> Result<()> {
        let storage = self.state.storage();
        if self.alarm_at.get().is_none() {
            self.alarm_at
                .set(storage.get_alarm().await?.map(Timestamp::from_millis));
        }
        if alarm::stands(self.alarm_at.get(), at, runtime::wall_clock()) {
            return Ok(());
        }
        storage
            .set_alarm(worker::ScheduledTime::from(at.to_chrono()))
            .await?;
        self.alarm_at.set(Some(at));
        self.alarms_set.set(self.alarms_set.get() + 1);
        Ok(())
    }

    /// Serves a call that is one storage turn.
    fn answer(&self, turn: &Turn<'_>, call: Call) -> std::result::Result<Answer, turn::Error> {
        match turn.serve(call)? {
            Some(Answer::Overview(mut overview)) => {
                if let Some(fields) = overview.as_object_mut() {
                    let rows = self.sql.get().map_or(0, ObjectSql::rows_written);
                    fields.insert("rows_written".to_owned(), rows.into());
                    fields.insert("alarms_set".to_owned(), self.alarms_set.get().into());
                    let alarm_at = self.alarm_at.get().map(Timestamp::to_rfc3339);
                    fields.insert("alarm_at".to_owned(), alarm_at.into());
                }
                Ok(Answer::Overview(overview))
            }
            Some(answer) => Ok(answer),
            // Needs more than a turn; `serve` has taken it.
            None => Ok(Answer::Done),
        }
    }
}
