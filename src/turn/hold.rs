//! What waits: messages and repeats that may not go out now, each with its reason in the ledger.
//!
//! Called by the claim, and by the delivery loop of `edge` and of host tests when nobody carries a lane. Nothing is dropped
//! here.

use super::outcome::window_end;
use super::{Error, Loaded, Turn};
use crate::domain::ids::MessageId;
use crate::domain::message::Lane;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::Input;
use crate::engine::defer::DeferReason;
use crate::engine::state::{Facts, Sending};
use crate::providers::ProviderKind;
use crate::store;
use crate::turn::wake::DueMessage;

/// How long a message waits that no provider in `EMAIL_PROVIDER` may carry; a deploy that names one is noticed after it.
const UNROUTABLE_PAUSE: Delay = Delay::from_hours(1);

impl Turn<'_> {
    /// Puts messages off that no provider may carry, to be looked at again every hour. They would else come up in every
    /// run, before those that can go.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn hold_unroutable(&self, due: &[DueMessage]) -> Result<(), Error> {
        self.hold_back(due, self.now.plus(UNROUTABLE_PAUSE), DeferReason::NoProvider)
    }

    /// Puts messages off that are due: each stays an intent, with its reason. A message costs up to 3 rows, and 2 when it was
    /// held for the same reason before.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn hold_back(&self, due: &[DueMessage], until: Timestamp, by: DeferReason) -> Result<(), Error> {
        for item in due {
            let Some(loaded) = self.existing(&item.contact)? else {
                continue;
            };
            let waits = |sending: &Sending| !sending.dispatched && sending.due <= self.now;
            let found = loaded.contact.sending(&item.message);
            if found.is_some_and(|(_, sending)| waits(sending)) {
                self.put_off(loaded, item.message.clone(), until, by)?;
            }
        }
        Ok(())
    }

    /// Puts one message off, and says why.
    pub(super) fn put_off(
        &self,
        loaded: Loaded,
        message: MessageId,
        until: Timestamp,
        by: DeferReason,
    ) -> Result<(), Error> {
        store::message::defer(self.sql, &loaded.contact.id, &message, by)?;
        let input = if by.is_ours() {
            Input::Held { message, until, by }
        } else {
            Input::Deferred { message, until }
        };
        self.settle(loaded, &Facts::default(), &input)?;
        Ok(())
    }

    /// Whom a dispatch that is due would be repeated to, and in which lane; none when there is nothing to repeat.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn repeat_due(&self, id: &str) -> Result<Option<(ProviderKind, Lane)>, Error> {
        let Some(dispatch) = store::dispatch::get(self.sql, id)? else {
            return Ok(None);
        };
        let is_safe = window_end(&dispatch).is_some_and(|end| self.now < end);
        if dispatch.next_at.is_none() || !is_safe || self.is_shadow() {
            return Ok(None);
        }
        let Ok(provider) = ProviderKind::parse(&dispatch.provider) else {
            return Ok(None);
        };
        let first = match dispatch.members.first() {
            Some(member) => store::message::get(self.sql, member)?,
            None => None,
        };
        Ok(first.map(|stored| (provider, stored.message.lane)))
    }

    /// Puts the repeat of a dispatch off, whose provider is shut: no longer than the provider remembers its key, when its fate
    /// is left to `on_unknown`. Writes 1 row.
    ///
    /// # Errors
    /// When storage fails or a row cannot be read.
    pub fn put_off_repeat(&self, id: &str, until: Timestamp) -> Result<(), Error> {
        let Some(dispatch) = store::dispatch::get(self.sql, id)? else {
            return Ok(());
        };
        let until = window_end(&dispatch).map_or(until, |end| until.min(end));
        self.hold(&dispatch, until)
    }
}
