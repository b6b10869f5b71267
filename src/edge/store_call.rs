//! What shards and the Worker ask the `Store` object, and what it answers.

use crate::domain::message::Lane;
use crate::domain::switches::{Change, Switches};
use crate::domain::time::Timestamp;
use crate::engine::permits::Lease;
use crate::engine::protection::{Counted, Finding};
use crate::store::coupon::Pool;
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
    /// May I make this many requests now?
    Permit {
        provider: String,
        lane: Lane,
        wanted: u32,
        now: Timestamp,
    },
    /// What an answer taught us about a provider.
    Learn {
        provider: String,
        per_second: Option<u32>,
        pause: Option<Timestamp>,
        fault: Option<String>,
        now: Timestamp,
    },
    /// What an operator wants switched.
    Switch { change: Change, now: Timestamp },
    /// What all shards counted of marketing: stop what must be stopped.
    Protect { counted: Vec<Counted>, now: Timestamp },
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
    /// Development only: moves the clock to an offset from the wall's, in milliseconds.
    SetClock { offset: i64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreAnswer {
    Installed(Installed),
    Snapshot(Snapshot),
    Lease(Lease),
    Coupon(Option<String>),
    Imported(u32),
    Pools(Vec<Pool>),
    Got(Vec<u8>),
    Switches(Switches),
    Protected {
        switches: Switches,
        /// What stands otherwise than it did.
        news: Vec<Finding>,
    },
    /// None when it may; else when it may again.
    Attempt(Option<Timestamp>),
    Done,
}

/// Store-wide state at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(default)]
    pub switches: Switches,
    /// How marketing stood when protection looked last, since the object started.
    #[serde(default)]
    pub protection: Vec<Finding>,
    /// Offset of the development clock, in milliseconds.
    pub clock_offset: i64,
    /// Providers that refused our settings, with their words.
    pub faults: BTreeMap<String, String>,
    pub installed: Option<Installed>,
    /// Rows written since the object started.
    pub rows_written: u64,
}
