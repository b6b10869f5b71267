//! Marketing that is no longer wanted: dropped in the turn in which somebody says so, not only when it would be claimed.
//!
//! Called by `decide` after an input. A mail whose request is out stays: it cannot be called back.

use super::decide::Turn;
use super::decision::{Change, Settlement};
use super::guard;
use super::state::{Contact, Enrollment};

impl Turn<'_> {
    /// Drops what waits and what the contact, who was `before`, does not want any more. Their runs go on: later mails are
    /// asked about when their own time comes.
    pub fn take_back_unwanted(&mut self, before: &Contact) {
        let told = |change: &Change| matches!(change, Change::RecordConsent(_));
        if self.contact.preferences == before.preferences && !self.changes.iter().any(told) {
            return;
        }
        // What this very input wrote is asked about at its claim, like everything after it.
        let waited = |run: &Enrollment| before.enrollments.iter().any(|held| held.id == run.id);
        let runs = self.contact.enrollments.clone();
        for run in runs.into_iter().filter(waited) {
            let Some(sending) = run.sending().filter(|sending| !sending.dispatched) else {
                continue;
            };
            let journey = self.catalog.journey(&run.journey);
            let step =
                journey.and_then(|journey| Some((journey, journey.resolve(&run.step)?.kind.as_send()?)));
            let region = self.catalog.store.region;
            let to = self.contact.address().map(|address| (&self.contact, address));
            let reason = step
                .zip(to)
                .and_then(|(step, to)| guard::unwanted(region, to, step, sending, self.now));
            // What came of the one before may have ended it.
            if let Some(reason) = reason.filter(|_| self.is_running(&run)) {
                self.settled(&sending.message, &Settlement::Dropped(reason));
            }
        }
    }
}
