//! Tests over several tables.
