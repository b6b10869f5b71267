//! Tests of the larger tables, of what is stored as bytes, and of what runs over several tables.

mod contact;
mod directory;
mod dispatch;
mod formats;
mod host;
mod message;
mod parked;
mod queues;
mod retention;
mod write;
