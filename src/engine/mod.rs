//! The core: given a contact's state, an input and the time, what to write and what to do.

pub mod condition;
