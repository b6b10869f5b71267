//! The production core under virtual time: a whole installation in memory, and the stories that are played in it.
//!
//! Used by `wend simulate` and by the tests, so that what the command shows is what is tested. Only the host has it. It
//! reads no clock and sends nothing: its provider is pretended. A panic here would be a bug like everywhere else, so what
//! goes wrong is a [`Failure`].

pub mod cast;
mod choosing;
mod clock;
mod contents;
pub mod crash;
mod delivery;
pub mod effects;
mod error;
mod exchange;
pub mod faults;
mod gifts;
mod inventory;
mod offers;
pub mod player;
pub mod population;
pub mod print;
mod privacy;
pub mod provider;
pub mod setup;
pub mod story;
pub mod sweep;
mod sweep_report;
mod tables;
pub mod telling;
pub mod timeline;
pub mod world;

pub use error::{Failure, LineError};
