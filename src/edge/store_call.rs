//! What shards and the Worker ask the `Store` object, and what it answers.

use crate::domain::message::Lane;
use crate::domain::time::Timestamp;
use crate::engine::permits::Lease;
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
    Stop {
        stopped: bool,
    },
    /// A code of a pool for this errand: the same one however often it asks.
    Coupon {
        pool: String,
        errand: String,
        now: Timestamp,
    },
    /// More codes for a pool.
    ImportCoupons {
        pool: String,
        codes: Vec<String>,
    },
    /// What the pools hold.
    Pools,
    /// What stands at an address of a provider's, which whoever asks has checked: a certificate, a confirmation.
    Get {
        url: String,
    },
    /// Development only: moves the clock to an offset from the wall's, in milliseconds.
    SetClock {
        offset: i64,
    },
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
    Done,
}

/// Store-wide state at one moment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Snapshot {
    pub stopped: bool,
    /// Offset of the development clock, in milliseconds.
    pub clock_offset: i64,
    /// Providers that refused our settings, with their words.
    pub faults: BTreeMap<String, String>,
    pub installed: Option<Installed>,
    /// Rows written since the object started.
    pub rows_written: u64,
}
