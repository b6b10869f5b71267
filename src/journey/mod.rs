//! The journey language: its meaning, its reading, its checks.
//!
//! The Worker has the meaning only, and the shape of what conditions see. Reading and checking happen on the host:
//! build.rs includes this folder and writes what it found good, so nothing here may use a crate that is not also a
//! build-dependency.

pub mod best_sellers;
pub mod catalog;
pub mod definition;
pub mod feeds;
pub mod question;
pub mod region;
pub mod segment;
pub mod shape;
pub mod step;
pub mod store_file;
pub mod tracking;

#[cfg(not(target_arch = "wasm32"))]
pub mod best_sellers_check;
#[cfg(not(target_arch = "wasm32"))]
pub mod check;
#[cfg(not(target_arch = "wasm32"))]
pub mod condition;
#[cfg(not(target_arch = "wasm32"))]
pub mod email_shape;
#[cfg(not(target_arch = "wasm32"))]
pub mod feed_check;
#[cfg(not(target_arch = "wasm32"))]
pub mod finding;
#[cfg(not(target_arch = "wasm32"))]
pub mod language;
#[cfg(not(target_arch = "wasm32"))]
pub mod lint;
#[cfg(not(target_arch = "wasm32"))]
pub mod lock;
#[cfg(not(target_arch = "wasm32"))]
pub mod parse;
#[cfg(not(target_arch = "wasm32"))]
pub mod project;
#[cfg(not(target_arch = "wasm32"))]
pub mod question_check;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
#[cfg(not(target_arch = "wasm32"))]
pub mod segment_file;
#[cfg(not(target_arch = "wasm32"))]
pub mod store_check;
#[cfg(not(target_arch = "wasm32"))]
pub mod taking_part;
#[cfg(not(target_arch = "wasm32"))]
pub mod template_check;
#[cfg(not(target_arch = "wasm32"))]
pub mod template_code;
#[cfg(not(target_arch = "wasm32"))]
pub mod words;
#[cfg(not(target_arch = "wasm32"))]
pub mod yaml;
