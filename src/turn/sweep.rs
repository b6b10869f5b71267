//! After a deploy that changed journeys: every contact is looked at once, in bounded pages, so that nobody waits by a
//! rule that is gone.
//!
//! Called by cron. Runs on steps that moved go on there, those on steps or journeys that are gone end with that
//! reason, and waits whose length changed get their new time. Whoever changes nothing writes nothing.

use super::{Error, Turn};
use crate::domain::ids::ContactId;
use crate::engine::decision::{Input, Remark};
use crate::engine::state::Facts;
use crate::store::contact;
use crate::store::meta::{self, Key};

/// Contacts looked at in one turn.
pub const CONTACTS_A_PAGE: u32 = 200;

impl Turn<'_> {
    /// Sweeps the next page. Returns whether this shard is done with the catalog it runs on.
    ///
    /// # Errors
    /// When storage fails. A contact whose document cannot be read is left to its wake, and remarked.
    pub fn sweep(&self) -> Result<bool, Error> {
        let hash = &self.catalog.hash;
        if meta::get(self.sql, Key::CatalogHash)?.as_ref() == Some(hash) {
            return Ok(true);
        }
        let page = contact::page(self.sql, self.cursor()?.as_ref(), CONTACTS_A_PAGE)?;
        for id in &page {
            match self.existing(id) {
                Ok(Some(loaded)) => {
                    self.settle(loaded, &Facts::default(), &Input::Sweep)?;
                }
                Ok(None) => {}
                Err(error) => {
                    let (contact, error) = (id.clone(), error.to_string());
                    self.remarks
                        .borrow_mut()
                        .push(Remark::NotSwept { contact, error });
                }
            }
        }
        let full = page.len() >= CONTACTS_A_PAGE as usize;
        match page.last().filter(|_| full) {
            Some(last) => {
                meta::set(self.sql, Key::SweepCursor, &format!("{hash} {last}"))?;
                Ok(false)
            }
            None => {
                meta::remove(self.sql, Key::SweepCursor)?;
                meta::set(self.sql, Key::CatalogHash, hash)?;
                Ok(true)
            }
        }
    }

    /// The last contact seen by a sweep for this catalog; one for another catalog begins anew.
    fn cursor(&self) -> Result<Option<ContactId>, Error> {
        let held = meta::get(self.sql, Key::SweepCursor)?;
        let place = held.as_deref().and_then(|held| held.split_once(' '));
        Ok(place
            .filter(|(hash, _)| *hash == self.catalog.hash)
            .and_then(|(_, contact)| ContactId::parse(contact).ok()))
    }
}
