//! What is due, in which order, and when the next thing will be.
//!
//! Transactional work first, then carts, then the rest with a share for each journey. The alarm is the earliest of
//! contacts, dispatches and forwards.

use super::{Error, Turn};
use crate::domain::message::Lane;
use crate::domain::time::Timestamp;
use crate::engine::schedule::lane_of;
use crate::store;
use crate::store::contact::Due;
use std::collections::BTreeSet;

/// Most contacts woken in one slice.
pub const CONTACTS_AT_ONCE: usize = 100;
/// Most dispatches looked at in one slice.
pub const DISPATCHES_AT_ONCE: u32 = 200;

impl Turn<'_> {
    /// The earliest time at which this shard has something to do.
    ///
    /// # Errors
    /// When storage fails.
    pub fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let contacts = store::contact::queues(self.sql)?
            .into_iter()
            .map(|queue| queue.due)
            .min();
        let dispatches = store::dispatch::earliest(self.sql)?.filter(|_| !planted!(RequestsSetNoAlarm));
        let forwards = store::forward::earliest(self.sql)?;
        Ok([contacts, dispatches, forwards].into_iter().flatten().min())
    }

    /// Contacts to wake now, most urgent first, at most [`CONTACTS_AT_ONCE`]. Lanes to `skip` wait for their provider, and
    /// must not take the places of those that can go.
    ///
    /// # Errors
    /// When storage fails.
    pub fn due_contacts(&self, skip: &BTreeSet<Lane>) -> Result<Vec<Due>, Error> {
        let due = store::contact::queues(self.sql)?;
        let due: Vec<String> = due
            .into_iter()
            .filter(|queue| queue.due <= self.now && !skip.contains(&lane_of(&queue.queue)))
            .map(|queue| queue.queue)
            .collect();
        let mut picked = Vec::new();
        let mut left = due.len();
        for queue in &due {
            // The urgent queues may take all there is; those of the same rank share what is left.
            let room = CONTACTS_AT_ONCE.saturating_sub(picked.len());
            let urgent = !queue.starts_with('2');
            let share = if urgent { room } else { room.div_ceil(left.max(1)) };
            left = left.saturating_sub(1);
            let limit = u32::try_from(share).unwrap_or(u32::MAX);
            if limit > 0 {
                let rows = store::contact::due(self.sql, queue, self.now, limit)?;
                picked.extend(rows);
            }
        }
        Ok(picked)
    }

    /// Dispatches to look at now: a repeat is due, or a lease ended. A page of at most [`DISPATCHES_AT_ONCE`], behind
    /// `after`: one that stays due must not hide those behind it.
    ///
    /// # Errors
    /// When storage fails.
    pub fn due_dispatches(&self, after: &str) -> Result<Vec<String>, Error> {
        Ok(store::dispatch::due(
            self.sql,
            self.now,
            after,
            DISPATCHES_AT_ONCE,
        )?)
    }
}
