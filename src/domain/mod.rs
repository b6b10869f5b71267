//! The vocabulary of Wend: ids, time, addresses, money, consent, events, messages.
//!
//! Everything else speaks in these types. They are parsed once at the rim and cannot be wrong afterwards.
//! This folder holds no policy beyond parsing and ordering, and depends on nothing else in the crate.

pub mod civil;
pub mod clearance;
pub mod consent;
pub mod contact;
pub mod delivery_event;
pub mod delivery_state;
pub mod email;
pub mod entities;
pub mod event;
pub mod feed;
pub mod grounds;
pub mod identity;
pub mod ids;
pub mod logbook;
pub mod mail;
pub mod message;
pub mod money;
pub mod notice;
pub mod objection;
pub mod offer;
pub mod order;
pub mod outcome;
pub mod preferences;
pub mod privacy;
pub mod referral;
pub mod shard;
pub mod switches;
pub mod time;
pub mod web_address;
