//! The schema of a shard and of the Store object, and every statement that runs on them.
//!
//! Called by `edge` inside a storage turn, and by host tests and simulations on rusqlite. One file a table, small
//! typed functions. Everything is synchronous and says what it writes; nothing here decides anything, reads a
//! clock, or names the `worker` crate. `docs/schema.md` gives the reasons; rows written are the bill, so each
//! function that writes says how many.

mod archive;
pub mod breaker;
pub mod consent;
pub mod contact;
pub mod coupon;
pub mod dead_letter;
pub mod directory;
pub mod dispatch;
pub mod enrollment;
mod error;
pub mod event;
pub mod everything;
pub mod facts;
pub mod feed;
pub mod figures;
pub mod forward;
pub mod logbook;
pub mod message;
pub mod meta;
pub mod migrate;
pub mod offer;
pub mod offer_news;
pub mod order;
pub mod outbox;
pub mod parked;
pub mod personal;
pub mod poll;
pub mod privacy_request;
pub mod retention;
#[cfg(not(target_arch = "wasm32"))]
pub mod rusqlite;
pub mod setting;
pub mod sql;
pub mod suppression;
pub mod switches;
pub mod warm_up;
pub mod write;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use error::{Error, place};
pub use facts::load_facts;
pub use sql::{Row, Sql, Statement, Value};
pub use write::apply;

/// Largest value we bind, in bytes. Cloudflare documents 2 MB for a row; the rest of the row takes some of it.
pub const MAX_VALUE_BYTES: usize = 1_900_000;
