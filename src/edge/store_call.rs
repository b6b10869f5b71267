//! What shards and the Worker ask the `Store` object, and what it answers.

use crate::domain::message::Lane;
use crate::domain::switches::{Change, Switches};
use crate::domain::time::Timestamp;
use crate::engine::breaker::Breaker;
use crate::engine::poll::{Look, Poll, Told};
use crate::engine::protection::{Counted, Finding, Since};
use crate::engine::traffic::{Candidate, Leave, Lesson};
use crate::store::coupon::Pool;
use crate::store::warm_up::Day;
use crate::turn::install::Installed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreCall {
    /// What was installed; the first to ask installs.
    Install(Installed),
    /// State that a run starts from.
    Snapshot,
    /// May I make this many requests now, and to whom?
    Permit {
        candidates: Vec<Candidate>,
        lane: Lane,
        wanted: u32,
        now: Timestamp,
    },
    /// What a request taught us about a provider.
    Learn { lesson: Lesson, now: Timestamp },
    /// No request was made on the leave to probe a provider.
    PutBackProbe { provider: String, now: Timestamp },
    /// Places of this day of the warm-up, for mails about to be claimed.
    TakePlaces { day: String, limit: u32, wanted: u32 },
    /// Those that no mail took.
    GiveBackPlaces { day: String, places: u32 },
    /// What an operator wants switched.
    Switch { change: Change, now: Timestamp },
    /// What all shards counted of marketing: stop what must be stopped.
    Protect {
        counted: Vec<Counted>,
        /// Since when: what was resumed later is not stopped by it.
        #[serde(default)]
        since: Option<Since>,
        now: Timestamp,
    },
    /// May this network try to sign in once more?
    Attempt { network: String, now: Timestamp },
    /// It signed in.
    SignedIn { network: String },
    /// A code of a pool for this errand: the same one however often it asks.
    Coupon {
        pool: String,
        errand: String,
        now: Timestamp,
    },
    /// More codes for a pool.
    ImportCoupons { pool: String, codes: Vec<String> },
    /// What the pools hold.
    Pools,
    /// What stands at an address of others, which whoever asks has checked: a certificate, a confirmation, a list of keys.
    Get {
        url: String,
        /// Fetched anew where it was fetched before this.
        #[serde(default)]
        not_before: Timestamp,
        #[serde(default)]
        now: Timestamp,
    },
    /// Polls of shops: what is due, and what came of it.
    Poll(PollCall),
    /// Development only: moves the clock to an offset from the wall's, in milliseconds.
    SetClock { offset: i64 },
}

/// What a tick of cron says of one list of a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PollCall {
    /// Is a page of it to be asked for now?
    Begin { feed: String, now: Timestamp },
    /// What came of a page; and is there one more?
    Told {
        feed: String,
        look: Look,
        told: Told,
        now: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreAnswer {
    Installed(Installed),
    Snapshot(Snapshot),
    Leave(Leave),
    Places(u32),
    Coupon(Option<String>),
    Imported(u32),
    Pools(Vec<Pool>),
    /// A document as it stood then.
    Got {
        at: Timestamp,
        body: Vec<u8>,
    },
    Switches(Switches),
    Protected {
        switches: Switches,
        /// What stands otherwise than it did.
        news: Vec<Finding>,
    },
    /// The page to ask a shop for; none when nothing is due.
    Look(Option<Look>),
    /// None when it may; else when it may again.
    Attempt(Option<Timestamp>),
    Done,
}

/// Store-wide state at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    /// Never guessed: where another version of the `Store` does not say them, nothing goes on until it does.
    pub switches: Switches,
    /// How marketing stood when protection looked last, since the object started.
    #[serde(default)]
    pub protection: Vec<Finding>,
    /// Offset of the development clock, in milliseconds.
    pub clock_offset: i64,
    /// Breakers of providers that are not closed.
    #[serde(default)]
    pub breakers: BTreeMap<String, Breaker>,
    /// The last day of the warm-up that mails went out on.
    #[serde(default)]
    pub warm_up: Option<Day>,
    pub installed: Option<Installed>,
    /// Where the polls of shops stand, by list.
    #[serde(default)]
    pub polls: BTreeMap<String, Poll>,
    /// Rows written since the object started.
    pub rows_written: u64,
}
