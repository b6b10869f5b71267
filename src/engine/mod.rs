//! The core: given a contact's state, an input and the time, what to write and what to do.
//!
//! Called by `edge` inside one storage turn and by the host's simulations. Total, synchronous, deterministic: no
//! clock, no randomness, no SQL, no HTTP, no rendering.

pub mod address_health;
mod ask;
pub mod attempts;
pub mod bounds;
pub mod breaker;
pub mod civil;
pub mod condition;
pub mod decide;
pub mod decision;
pub mod defer;
pub mod delivery;
pub mod enroll;
pub mod errand;
mod goal;
pub mod grounds;
pub mod guard;
pub mod history;
pub mod identity;
pub mod ids;
pub mod intake;
pub mod interest;
pub mod keys;
pub mod machine;
pub mod merge;
mod moment;
mod occasion;
mod pace;
pub mod pausing;
pub mod permits;
pub mod poll;
mod progress;
pub mod protection;
mod referral;
pub mod retry;
pub mod schedule;
mod segments;
pub mod sight;
pub mod state;
mod steps;
mod stream;
pub mod sweep;
pub mod traffic;
mod unwanted;
pub mod variables;
pub mod warm_up;

#[cfg(test)]
mod fixtures;
