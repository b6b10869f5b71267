//! Lists that were kept elsewhere: people and their orders out of another program's export.
//!
//! `wend import` reads a file into records, and the Worker takes records: both by [`record`], so that what one writes the
//! other reads. The rest is the host's: a CSV is read where it lies. Nothing here stores, sends or reads a clock, and
//! nothing that comes of it ever starts a journey (`Event::imported`).

pub mod record;

#[cfg(not(target_arch = "wasm32"))]
mod consent;
#[cfg(not(target_arch = "wasm32"))]
mod contacts;
#[cfg(not(target_arch = "wasm32"))]
pub mod file;
#[cfg(not(target_arch = "wasm32"))]
pub mod form;
#[cfg(not(target_arch = "wasm32"))]
mod lines;
#[cfg(not(target_arch = "wasm32"))]
mod orders;
#[cfg(not(target_arch = "wasm32"))]
pub mod read;
#[cfg(not(target_arch = "wasm32"))]
mod row;
#[cfg(not(target_arch = "wasm32"))]
mod when;
