//! What an installation holds, read out of its shards for who watches it. Writes nothing.

use super::error::Failure;
use super::world::World;
use crate::domain::consent::ConsentRecord;
use crate::domain::ids::{ContactId, EventId, MessageId};
use crate::domain::message::MessageState;
use crate::domain::order::Order;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::delivery::Dispatch;
use crate::engine::state::{Contact, Document, Ended};
use crate::render::outbox::OutboxMail;
use crate::store;
use crate::store::Sql;
use crate::store::dead_letter::DeadLetter;
use crate::store::message::Stored;

/// Longest chain of merges that is followed.
const MAX_MOVES: usize = 16;
/// More rows of one contact, or of one kind, than any story makes.
const ROWS_OF_ONE: u32 = 1_000;
const ROWS: u32 = 100_000;

impl World {
    /// Table rows written so far, over all shards.
    pub fn rows_written(&self) -> u64 {
        self.shards.iter().map(|host| host.sql.rows_written()).sum()
    }

    /// Table rows that one shard wrote so far.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn rows_of(&self, shard: ShardIndex) -> Result<u64, Failure> {
        Ok(self.host(shard)?.sql.rows_written())
    }

    /// A shard's tables, to be read.
    ///
    /// # Errors
    /// When there is no such shard.
    pub fn tables_of(&self, shard: ShardIndex) -> Result<&dyn Sql, Failure> {
        Ok(&self.host(shard)?.sql)
    }

    /// Every live contact, by id, with its stored slot.
    ///
    /// # Errors
    /// When storage fails; so for all of these.
    pub fn contacts(&self) -> Result<Vec<(ContactId, store::contact::Loaded)>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            let mut last = None;
            loop {
                let page = store::contact::page(&host.sql, last.as_ref(), ROWS)?;
                let Some(end) = page.last() else { break };
                last = Some(end.clone());
                for id in page {
                    let loaded = store::contact::load(&host.sql, &id)?;
                    all.extend(loaded.map(|loaded| (id, loaded)));
                }
            }
        }
        all.sort_by(|one, two| one.0.cmp(&two.0));
        Ok(all)
    }

    /// The ledger of consent of a contact, in whichever shard it lies.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn consents(&self, contact: &ContactId) -> Result<Vec<ConsentRecord>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            all.extend(store::consent::list(&host.sql, contact)?);
        }
        Ok(all)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn live(&self) -> Result<Vec<Contact>, Failure> {
        let contacts = self.contacts()?.into_iter();
        let live = contacts.filter_map(|(_, loaded)| match loaded.document {
            Document::Live(contact) => Some(*contact),
            Document::Moved { .. } | Document::Erased { .. } => None,
        });
        Ok(live.collect())
    }

    /// The contact a message or row belongs to now, after merges.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn owner(&self, contact: &ContactId) -> Result<Option<Contact>, Failure> {
        let mut id = contact.clone();
        for _ in 0..MAX_MOVES {
            let shard = self.settings.shards.of_contact(&id);
            let Some(loaded) = store::contact::load(&self.host(shard)?.sql, &id)? else {
                return Ok(None);
            };
            match loaded.document {
                Document::Live(contact) => return Ok(Some(*contact)),
                Document::Moved { to, .. } => id = to,
                Document::Erased { .. } => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Ids of the events of a contact that have a row.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn events_of(&self, contact: &ContactId) -> Result<Vec<EventId>, Failure> {
        let sql = self.tables_of(self.settings.shards.of_contact(contact))?;
        let all = "SELECT event_id FROM event WHERE contact_id = ?";
        let rows = sql.query(all, &[contact.into()])?;
        rows.iter()
            .map(|row| Ok(row.parsed("event_id", EventId::parse)?))
            .collect()
    }

    /// A row of a shard that holds the text, as text.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn find_text(&self, shard: ShardIndex, text: &str) -> Result<Option<String>, Failure> {
        let found = self.host(shard)?.sql.find_text(text)?;
        Ok(found.map(|row| format!("{row:?}")))
    }

    /// How many rows a shard holds, over all of its tables.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn count_rows(&self, shard: ShardIndex) -> Result<usize, Failure> {
        Ok(self.host(shard)?.sql.count_rows()?)
    }

    /// The whole ledger.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn messages(&self) -> Result<Vec<Stored>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            let mut last: Option<(ContactId, MessageId)> = None;
            loop {
                let after = last.as_ref().map(|(contact, message)| (contact, message));
                let page = store::message::list(&host.sql, &MessageState::ALL, after, ROWS)?;
                let Some(end) = page.last() else { break };
                last = Some((end.contact.clone(), end.message.id.clone()));
                all.extend(page);
            }
        }
        all.sort_by(|one, two| (&one.contact, &one.message.id).cmp(&(&two.contact, &two.message.id)));
        Ok(all)
    }

    /// One row of the ledger.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn message(&self, message: &MessageId) -> Result<Option<Stored>, Failure> {
        let shard = self.settings.shards.of_message(message);
        Ok(store::message::get(&self.host(shard)?.sql, message)?)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn ended(&self, contact: &ContactId) -> Result<Vec<Ended>, Failure> {
        let shard = self.settings.shards.of_contact(contact);
        Ok(store::enrollment::list(
            &self.host(shard)?.sql,
            contact,
            ROWS_OF_ONE,
        )?)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn orders(&self, contact: &ContactId) -> Result<Vec<Order>, Failure> {
        let shard = self.settings.shards.of_contact(contact);
        Ok(store::order::list(&self.host(shard)?.sql, contact, ROWS_OF_ONE)?)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn dispatches(&self) -> Result<Vec<Dispatch>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            all.extend(store::dispatch::list(&host.sql, ROWS)?);
        }
        Ok(all)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn forwards(&self) -> Result<u32, Failure> {
        let mut count = 0;
        for host in &self.shards {
            count += store::forward::count(&host.sql)?;
        }
        Ok(count)
    }

    /// The forwards that wait, each in words: of what kind, how often it was tried.
    ///
    /// # Errors
    /// As [`World::contacts`].
    pub fn forwards_in_words(&self) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        for (number, host) in self.shards.iter().enumerate() {
            for row in store::forward::due(&host.sql, Timestamp::from_millis(i64::MAX), ROWS_OF_ONE)? {
                let (kind, attempts) = (&row.kind, row.attempts);
                all.push(format!("{kind} of shard {number}, tried {attempts} times"));
            }
        }
        Ok(all)
    }

    /// # Errors
    /// As [`World::contacts`].
    pub fn letters(&self) -> Result<Vec<DeadLetter>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            all.extend(store::dead_letter::list(&host.sql, ROWS_OF_ONE)?);
        }
        Ok(all)
    }

    /// Mails kept by the embedded outbox.
    ///
    /// # Errors
    /// As [`World::contacts`]; also when a mail cannot be read.
    pub fn outbox(&self) -> Result<Vec<OutboxMail>, Failure> {
        let mut all = Vec::new();
        for host in &self.shards {
            for mail in store::outbox::list(&host.sql, ROWS)? {
                all.push(serde_json::from_str(&mail.body)?);
            }
        }
        Ok(all)
    }

    /// Ids of the mails that went to an address, oldest first.
    ///
    /// # Errors
    /// As [`World::outbox`].
    pub fn mails_to(&self, address: &str) -> Result<Vec<MessageId>, Failure> {
        let outbox = self.outbox()?.into_iter();
        let kept = outbox.map(|mail| (mail.sent_at, mail.to.canonical(), mail.id));
        let provider = self.provider.borrow();
        let taken = provider.taken.iter().filter_map(|mail| {
            let id = MessageId::parse(&mail.message).ok()?;
            Some((mail.at, mail.to.clone(), id))
        });
        let mut mails: Vec<_> = kept.chain(taken).filter(|(_, to, _)| to == address).collect();
        mails.sort();
        Ok(mails.into_iter().map(|(_, _, message)| message).collect())
    }
}
