//! The one Durable Object that holds what the whole store shares: the installation, the switches, the pace and the
//! breakers of the providers, the days of a warm-up, the catalogue. Called by the Worker and by shards, never on the path of
//! a shopper's webhook after a shard's first; a product's goes to the catalogue.

use super::error::Error;
use super::sql::ObjectSql;
use super::store_call::{PollCall, Snapshot, StoreAnswer, StoreCall};
use super::{answer, http_client, log};
use crate::domain::ids::JourneyId;
use crate::domain::shard::ShardCount;
use crate::domain::switches::Switches;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::attempts::Attempts;
use crate::engine::poll::Look;
use crate::engine::protection::{Finding, Level, enforce, judge};
use crate::engine::traffic::Traffic;
use crate::http;
use crate::store::migrate::{STORE, migrate};
use crate::store::setting::{self, Key};
use crate::store::{breaker, coupon, poll, switches, warm_up};
use crate::turn::catalogue::{Catalogue, CatalogueCall};
use crate::turn::install::Installed;
use serde_json::json;
use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// How long a provider may take to show a certificate: its event waits for it.
const DOCUMENT_TIMEOUT: Delay = Delay::from_seconds(5);
/// A provider has one certificate at a time.
const DOCUMENTS_MAX: usize = 16;

/// Store-wide state.
#[durable_object(fetch)]
pub struct Store {
    state: State,
    sql: OnceCell<ObjectSql>,
    /// Pace and breakers of the providers, once the stored breakers were read.
    traffic: RefCell<Option<Traffic>>,
    /// Certificates and the like, by address, and when they were fetched.
    documents: RefCell<BTreeMap<String, (Timestamp, Vec<u8>)>>,
    /// How marketing stood when protection looked last.
    protection: RefCell<Vec<Finding>>,
    attempts: RefCell<Attempts>,
    catalogue: RefCell<Catalogue>,
}

impl DurableObject for Store {
    fn new(state: State, _env: Env) -> Self {
        Self {
            state,
            sql: OnceCell::new(),
            traffic: RefCell::default(),
            documents: RefCell::default(),
            protection: RefCell::default(),
            attempts: RefCell::default(),
            catalogue: RefCell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let body = request.bytes().await?;
        match self.handle(&body).await {
            Ok(answer) => Response::from_json(&answer),
            Err(error) => {
                log::error("store call failed", json!({ "error": error.for_log() }));
                answer::error(500, "the Store failed", "see the log of the Store object")
            }
        }
    }
}

impl Store {
    /// Fetches a document once, unless it must be newer: the addresses of certificates carry what they name.
    async fn get(
        &self,
        url: String,
        not_before: Timestamp,
        now: Timestamp,
    ) -> std::result::Result<StoreAnswer, Error> {
        if let Some((at, held)) = self.documents.borrow().get(&url)
            && *at >= not_before
        {
            let (at, body) = (*at, held.clone());
            return Ok(StoreAnswer::Got { at, body });
        }
        let request = http::Request {
            method: http::Method::Get,
            url: url.clone(),
            headers: http::Headers::new(),
            body: Vec::new(),
        };
        let response = http_client::send(request, DOCUMENT_TIMEOUT).await?;
        if response.status != 200 {
            let error = format!("a published document: status {}", response.status);
            return Err(Error::NoAnswer(error));
        }
        let mut documents = self.documents.borrow_mut();
        if documents.len() >= DOCUMENTS_MAX {
            documents.clear();
        }
        documents.insert(url, (now, response.body.clone()));
        let (at, body) = (now, response.body);
        Ok(StoreAnswer::Got { at, body })
    }

    async fn handle(&self, body: &[u8]) -> std::result::Result<StoreAnswer, Error> {
        let call: StoreCall = http::json(body)?;
        let sql = self.sql()?;
        match call {
            StoreCall::Install(wanted) => Ok(StoreAnswer::Installed(sql.turn(|| install(sql, &wanted))?)),
            StoreCall::Snapshot => Ok(StoreAnswer::Snapshot(self.snapshot(sql)?)),
            StoreCall::Permit {
                candidates,
                lane,
                wanted,
                now,
            } => self
                .on_traffic(sql, |traffic| traffic.leave(&candidates, lane, wanted, now))
                .map(StoreAnswer::Leave),
            StoreCall::Learn { lesson, now } => {
                self.on_traffic(sql, |traffic| traffic.learn(lesson, now))?;
                Ok(StoreAnswer::Done)
            }
            StoreCall::PutBackProbe { provider, now } => {
                self.on_traffic(sql, |traffic| traffic.put_back_probe(&provider, now))?;
                Ok(StoreAnswer::Done)
            }
            StoreCall::TakePlaces { day, limit, wanted } => Ok(StoreAnswer::Places(
                sql.turn(|| warm_up::take(sql, &day, limit, wanted))?,
            )),
            StoreCall::GiveBackPlaces { day, places } => {
                sql.turn(|| warm_up::give_back(sql, &day, places))?;
                Ok(StoreAnswer::Done)
            }
            StoreCall::Switch { change, now } => Ok(StoreAnswer::Switches(
                sql.turn(|| switch(sql, |held| held.changed(&change, now)))?,
            )),
            StoreCall::Protect { counted, since, now } => {
                let findings = judge(&counted);
                let since = since.as_ref();
                let switches = sql.turn(|| switch(sql, |held| enforce(held, since, &findings, now)))?;
                let before = self.protection.replace(findings.clone());
                let news = news(&before, findings);
                Ok(StoreAnswer::Protected { switches, news })
            }
            StoreCall::Attempt { network, now } => {
                let counted = self.attempts.borrow_mut().count(&network, now);
                Ok(StoreAnswer::Attempt(counted.err()))
            }
            StoreCall::SignedIn { network } => {
                self.attempts.borrow_mut().forget(&network);
                Ok(StoreAnswer::Done)
            }
            StoreCall::Catalogue(call) => self.on_catalogue(sql, *call),
            StoreCall::Coupon { pool, errand, now } => Ok(StoreAnswer::Coupon(
                sql.turn(|| coupon::take(sql, &pool, &errand, now))?,
            )),
            StoreCall::ImportCoupons { pool, codes } => Ok(StoreAnswer::Imported(
                sql.turn(|| coupon::import(sql, &pool, &codes))?,
            )),
            StoreCall::Pools => Ok(StoreAnswer::Pools(coupon::pools(sql)?)),
            StoreCall::Get { url, not_before, now } => self.get(url, not_before, now).await,
            StoreCall::Poll(call) => Ok(StoreAnswer::Look(sql.turn(|| polled(sql, call))?)),
            StoreCall::SetClock { offset } => set_clock(sql, offset),
        }
    }

    fn on_catalogue(&self, sql: &ObjectSql, call: CatalogueCall) -> std::result::Result<StoreAnswer, Error> {
        let mut catalogue = self.catalogue.borrow_mut();
        let answer = sql.turn(|| catalogue.serve(sql, call))?;
        Ok(StoreAnswer::Catalogue(Box::new(answer)))
    }

    fn sql(&self) -> std::result::Result<&ObjectSql, Error> {
        if let Some(sql) = self.sql.get() {
            return Ok(sql);
        }
        let sql = ObjectSql::new(&self.state.storage())?;
        sql.turn(|| migrate(&sql, &STORE))?;
        Ok(self.sql.get_or_init(|| sql))
    }

    fn snapshot(&self, sql: &ObjectSql) -> std::result::Result<Snapshot, Error> {
        Ok(Snapshot {
            switches: switches::of_store(sql)?,
            protection: self.protection.borrow().clone(),
            clock_offset: setting::get(sql, &Key::ClockOffset)?
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            breakers: self.on_traffic(sql, |traffic| traffic.breakers().clone())?,
            warm_up: warm_up::latest(sql)?,
            installed: installed(sql)?,
            polls: poll::all(sql)?,
            rows_written: sql.rows_written(),
        })
    }

    /// Asks or tells the traffic, and stores the breakers that changed by it before anybody hears the answer.
    fn on_traffic<T>(
        &self,
        sql: &ObjectSql,
        work: impl FnOnce(&mut Traffic) -> T,
    ) -> std::result::Result<T, Error> {
        let mut held = self.traffic.borrow_mut();
        let mut traffic = match held.take() {
            Some(traffic) => traffic,
            None => Traffic::new(breaker::all(sql)?),
        };
        let result = work(&mut traffic);
        let changed = traffic.take_changed();
        *held = Some(traffic);
        if !changed.is_empty() {
            sql.turn(|| {
                changed
                    .iter()
                    .try_for_each(|(provider, state)| breaker::put(sql, provider, state))
            })?;
        }
        Ok(result)
    }
}

fn set_clock(sql: &ObjectSql, offset: i64) -> std::result::Result<StoreAnswer, Error> {
    sql.turn(|| setting::set(sql, &Key::ClockOffset, &offset.to_string()))?;
    Ok(StoreAnswer::Done)
}

/// Changes the switches. Writes nothing when they stay as they are.
fn switch(
    sql: &ObjectSql,
    change: impl FnOnce(&Switches) -> Switches,
) -> std::result::Result<Switches, Error> {
    let held = switches::of_store(sql)?;
    let changed = change(&held);
    if changed != held {
        switches::keep(sql, &changed)?;
    }
    Ok(changed)
}

fn polled(sql: &ObjectSql, call: PollCall) -> std::result::Result<Option<Look>, Error> {
    match call {
        PollCall::Begin { feed, now } => Ok(poll::begin(sql, &feed, now)?),
        PollCall::Told {
            feed,
            look,
            told,
            now,
        } => Ok(poll::told(sql, &feed, &look, told, now)?),
    }
}

/// What stands at another level than before; what was not looked at before was fine.
fn news(before: &[Finding], mut findings: Vec<Finding>) -> Vec<Finding> {
    let level = |journey: &Option<JourneyId>| {
        let known = before.iter().find(|finding| finding.journey == *journey);
        known.map_or(Level::Fine, |finding| finding.level)
    };
    findings.retain(|finding| finding.level != level(&finding.journey));
    findings
}

fn installed(sql: &ObjectSql) -> std::result::Result<Option<Installed>, Error> {
    let Some(shards) = setting::get(sql, &Key::Shards)? else {
        return Ok(None);
    };
    let shards = ShardCount::parse(&shards).map_err(|error| Error::NoAnswer(error.to_string()))?;
    let jurisdiction = setting::get(sql, &Key::Jurisdiction)?.filter(|place| !place.is_empty());
    Ok(Some(Installed {
        shards,
        jurisdiction,
        hash_key: setting::get(sql, &Key::HashKey)?,
    }))
}

fn install(sql: &ObjectSql, wanted: &Installed) -> std::result::Result<Installed, Error> {
    if let Some(mut installed) = installed(sql)? {
        // Installed before fingerprints were kept: the first key seen since then is the one.
        if let (None, Some(hash_key)) = (&installed.hash_key, &wanted.hash_key) {
            setting::set(sql, &Key::HashKey, hash_key)?;
            installed.hash_key = Some(hash_key.clone());
        }
        return Ok(installed);
    }
    if let Some(hash_key) = &wanted.hash_key {
        setting::set(sql, &Key::HashKey, hash_key)?;
    }
    setting::set(sql, &Key::Shards, &wanted.shards.get().to_string())?;
    setting::set(
        sql,
        &Key::Jurisdiction,
        wanted.jurisdiction.as_deref().unwrap_or_default(),
    )?;
    Ok(wanted.clone())
}
