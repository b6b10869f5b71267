//! The journey language: its meaning, its reading, its checks.

pub mod catalog;
pub mod definition;
pub mod store_file;
