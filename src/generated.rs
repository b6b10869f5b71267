//! What the build made of `journeys/` and `store.yaml`, inside the binary.
//!
//! Called once at start by `edge` and the host command. It checks nothing: build.rs did.

use crate::journey::catalog::Catalog;

/// The checked journeys and settings this binary was built with.
///
/// # Errors
/// When the JSON was written by another version of build.rs, which a clean build cures.
pub fn catalog() -> Result<Catalog, serde_json::Error> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/catalog.json")))
}

/// The same with the journeys that are drafts, and their emails: for previews and drawings, never for the Worker.
///
/// # Errors
/// As [`catalog`].
#[cfg(not(target_arch = "wasm32"))]
pub fn with_drafts() -> Result<Catalog, serde_json::Error> {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/with-drafts.json")))
}
