//! The switches as a shard obeys them, and what it counts for protection.
//!
//! What `wrangler.toml` says and what was switched both hold: the stricter one wins.

use super::{Error, Turn};
use crate::domain::switches::Switches;
use crate::engine::protection::{Count, Counted, Since};
use crate::engine::state::{Contact, Enrollment};
use crate::engine::{defer::DeferReason, pausing};
use crate::settings::Mode;
use crate::store;

impl Turn<'_> {
    /// Whether an operator stopped all sending. Read wherever a request would be written down.
    pub const fn stopped(&self) -> bool {
        self.switches.stopped
    }

    /// Whether everything is decided and nothing sent.
    pub fn is_shadow(&self) -> bool {
        self.settings.mode == Mode::Shadow || self.switches.shadow
    }

    /// The lists of which each must hold an address that mail goes to.
    pub(super) fn only_to(&self) -> Vec<Vec<String>> {
        let lists = [&self.settings.send_only_to, &self.switches.only_to];
        lists.into_iter().flatten().cloned().collect()
    }

    /// Takes over the switches, and tells which version holds from the next turn on.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) fn take_over_switches(&self, told: &Switches) -> Result<u64, Error> {
        Ok(store::switches::take_over(self.sql, told)?)
    }

    /// What became of this shard's marketing: its mails as they were counted last, while that stands.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub(super) fn counted_marketing(&self, since: Since) -> Result<Vec<Counted>, Error> {
        let unwanted = store::figures::unwanted(self.sql, &since)?;
        let last = store::figures::last(self.sql)?;
        match last.and_then(|count| count.with(&since, &unwanted)) {
            Some(counted) => Ok(counted),
            None => self.count_marketing(since),
        }
    }

    /// Counts it, and keeps what there is to keep. Reads every row of the ledger.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub(super) fn count_marketing(&self, since: Since) -> Result<Vec<Counted>, Error> {
        let counted = store::figures::marketing(self.sql, &since)?;
        let count = Count { since, counted };
        // A row of a shard that sends no marketing would say nothing.
        if !count.counted.is_empty() {
            store::figures::keep(self.sql, &count)?;
        }
        Ok(count.counted)
    }

    /// Writes down why the contact's mails wait that a pause holds: nothing wakes them, so no gate says it.
    ///
    /// # Errors
    /// When storage fails.
    pub(super) fn note_paused(&self, contact: &Contact) -> Result<(), Error> {
        let waiting = contact
            .enrollments
            .iter()
            .filter_map(|run: &Enrollment| Some((run, run.sending()?)));
        for (run, sending) in waiting.filter(|(_, sending)| !sending.dispatched) {
            if pausing::holds(self.catalog, &run.journey, sending.stream) {
                store::message::defer(self.sql, &contact.id, &sending.message, DeferReason::Paused)?;
            }
        }
        Ok(())
    }
}
