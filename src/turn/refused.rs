//! Calls of the Segment-compatible API that were not taken: kept among the dead letters, where operators see the reason.
//!
//! `edge::segment` hands over what the trusted key sent; a page's key could fill the table, so what that sent is only told
//! in the answer and the log. Retention takes them away like all dead letters, an erasure those that name its person.

use super::{Error, Turn};
use crate::store::dead_letter::{self, DeadLetter};
use serde::{Deserialize, Serialize};

/// What the letters of such calls say they are.
pub const WHAT: &str = "refused call";
/// Most dead letters that more are put to: a sender that does all wrong shows it by the first of them.
const MAX_KEPT: u32 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCall {
    /// The same when it is sent again.
    pub id: String,
    pub reason: String,
    /// JSON: `call` may be shown, `sent` is the call as it came.
    pub body: String,
}

impl Turn<'_> {
    /// Writes 1 row for each.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) fn keep_refused(&self, calls: &[RefusedCall]) -> Result<(), Error> {
        let held = dead_letter::count(self.sql)?;
        let room = usize::try_from(MAX_KEPT.saturating_sub(held)).unwrap_or(usize::MAX);
        for call in calls.iter().take(room) {
            let letter = DeadLetter {
                id: call.id.clone(),
                at: self.now,
                what: WHAT.to_owned(),
                reason: call.reason.clone(),
                body: call.body.clone(),
            };
            dead_letter::put(self.sql, &letter)?;
        }
        Ok(())
    }
}
