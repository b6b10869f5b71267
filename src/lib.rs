//! Wend: email journeys for a store, run inside the store's own Cloudflare account.
//!
//! Data flows one way. Bytes of a webhook are verified and mapped to events; `decide` turns state, input and
//! the time into changes and effects; one storage turn writes them; alarms and cron bring the later steps.
//! Everything but `edge` is plain synchronous Rust that also runs on the host. `tests/it/tidy.rs` holds the
//! table of which part may use which.

#[macro_use]
pub mod planted;

pub mod domain;
pub mod engine;
pub mod generated;
#[cfg(not(target_arch = "wasm32"))]
pub mod graph;
pub mod http;
pub mod imports;
pub mod journey;
pub mod providers;
pub mod render;
pub mod settings;
pub mod signing;
#[cfg(not(target_arch = "wasm32"))]
pub mod simulation;
pub mod sources;
pub mod store;
pub mod turn;

#[cfg(target_arch = "wasm32")]
mod edge;
