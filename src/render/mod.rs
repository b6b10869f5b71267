//! From a message of the ledger to a finished email: model, templates, links, headers; and the few pages shown to people.
//!
//! The delivery loop calls [`email::compose`] once for each claim. Everything here is a pure function of its
//! arguments, so the same message renders to the same bytes. Uses `domain`, and of `journey` only the store's
//! settings; it decides nothing about whether a mail may be sent.

pub mod best_sellers;
pub mod email;
pub mod emails;
pub mod headers;
pub mod links;
pub mod model;
pub mod operator;
pub mod outbox;
pub mod pages;
pub mod preferences;
pub mod price;
pub mod questions;
pub mod sample;
pub mod sums;
pub mod tags;
pub mod tracking;
pub mod translation;
pub mod typography;
pub mod utm;
pub mod words;
