//! After a deploy that changed journeys: every contact is looked at once, in bounded pages, so that nobody waits by a
//! rule that is gone.
//!
//! Called by cron. Runs on steps that moved go on there, those on steps or journeys that are gone end with that
//! reason, and waits whose length changed get their new time. Segments that are new or were edited are taken over
//! silently; where a backfill starts journeys, it does so for one contact every [`BACKFILL_PAUSE`]. Whoever changes
//! nothing writes nothing.

use super::{Error, Turn};
use crate::domain::ids::ContactId;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{Input, Remark};
use crate::engine::state::Facts;
use crate::store::contact;
use crate::store::meta::{self, Key};

/// Contacts looked at in one turn.
pub const CONTACTS_A_PAGE: u32 = 200;
/// Time between two contacts of this shard for whom a backfill starts something: 86,400 a day.
pub const BACKFILL_PAUSE: Delay = Delay::from_seconds(1);

/// How far a sweep has come.
#[derive(Default)]
struct Cursor {
    after: Option<ContactId>,
    /// When the next backfill may start.
    backfill_at: Timestamp,
}

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
        let Cursor { after, backfill_at } = self.cursor()?;
        // Never this very moment, or the sweep would start them itself, a page at a time.
        let mut backfill_at = backfill_at.max(self.now.plus(BACKFILL_PAUSE));
        let page = contact::page(self.sql, after.as_ref(), CONTACTS_A_PAGE)?;
        for id in page.iter().filter(|_| !planted!(SweepLooksAtNobody)) {
            match self.existing(id) {
                Ok(Some(loaded)) => {
                    let input = Input::Sweep { backfill_at };
                    let (loaded, _) = self.settle(loaded, &Facts::default(), &input)?;
                    self.note_paused(&loaded.contact)?;
                    let starting = &loaded.contact.segments.starting;
                    if starting.values().any(|at| *at == backfill_at) {
                        backfill_at = backfill_at.plus(BACKFILL_PAUSE);
                    }
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
                meta::set(
                    self.sql,
                    Key::SweepCursor,
                    &format!("{hash} {last} {}", backfill_at.as_millis()),
                )?;
                Ok(false)
            }
            None => {
                meta::remove(self.sql, Key::SweepCursor)?;
                meta::set(self.sql, Key::CatalogHash, hash)?;
                Ok(true)
            }
        }
    }

    /// Where the sweep for this catalog stands; one for another catalog begins anew.
    fn cursor(&self) -> Result<Cursor, Error> {
        let held = meta::get(self.sql, Key::SweepCursor)?;
        let mut words = held.as_deref().unwrap_or_default().split(' ');
        if words.next() != Some(self.catalog.hash.as_str()) {
            return Ok(Cursor::default());
        }
        let after = words.next().and_then(|word| ContactId::parse(word).ok());
        let millis = words.next().and_then(|word| word.parse().ok());
        Ok(Cursor {
            after,
            backfill_at: Timestamp::from_millis(millis.unwrap_or_default()),
        })
    }
}
