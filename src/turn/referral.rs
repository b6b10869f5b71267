//! A friend's first order is credited to whom its code belongs: told by the friend's shard, counted by the referrer's.
//!
//! It travels as a forward like other work between shards, also where both are the same, so that there is one way. The
//! event it becomes bears the friend's id, and that event's row makes it count once.

use super::call::{Bundle, Forward, ForwardBody};
use super::forward::Received;
use super::{Error, Home, Turn, merge};
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::ids::{ContactId, EventId, IdentifierHash};
use crate::domain::referral::{Referral, ReferralCode, credit_id};
use crate::engine::decision::{Effect, Input, Remark};
use crate::engine::state::Contact;
use crate::store;
use crate::store::directory::Entry;
use std::sync::Arc;

impl Turn<'_> {
    /// Sends on the credits among the effects of a decision.
    pub(super) fn refer(&self, effects: &[Effect]) -> Result<(), Error> {
        for effect in effects {
            match effect {
                Effect::Credit(referral) => self.forward(&Forward {
                    id: credit_id(&referral.friend)?.to_string(),
                    to: referral.code.lowest(),
                    body: ForwardBody::Referral(referral.clone()),
                })?,
                // A wake finds these by itself.
                Effect::Deliver { .. } | Effect::Run { .. } => {}
            }
        }
        Ok(())
    }

    /// Counts a credit for the contact whose code it is. A code of nobody is remarked and forgotten.
    pub(super) fn credit(&self, to: &IdentifierHash, referral: &Referral) -> Result<Received, Error> {
        let asked = if *to == referral.code.lowest() {
            self.whose(referral.code)?
        } else {
            // Another shard followed the code to this contact.
            Some(ContactId::from(to.clone()))
        };
        let Some(asked) = asked else {
            let code = referral.code;
            self.remarks.borrow_mut().push(Remark::CodeOfNobody { code });
            return Ok(Received::Done);
        };
        let loaded = match self.find(&asked)? {
            Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) => *loaded,
        };
        if loaded.is_erased() || self.is_friend(&loaded.contact.id, &referral.friend)? {
            return Ok(Received::Done);
        }
        let event = credited(referral, self.now)?;
        let facts = store::load_facts(self.sql, &loaded.contact.id, Some(&event), false)?;
        if !facts.seen {
            self.settle(loaded, &facts, &Input::Event(Arc::new(event)))?;
        }
        Ok(Received::Done)
    }

    /// The contact that a code leads to: its own, one that was merged, or one that was known by an identifier of that
    /// hash. None when there is no such, or when it could be two.
    fn whose(&self, code: ReferralCode) -> Result<Option<ContactId>, Error> {
        let (lowest, highest) = (code.lowest(), code.highest());
        let mut ids = store::contact::between(self.sql, &lowest, &highest)?;
        let rows = store::directory::between(self.sql, &lowest, &highest)?;
        let known = rows.into_iter().filter(|row| row.owner().is_some());
        ids.extend(known.map(|Entry { hash, .. }| ContactId::from(hash)));
        ids.sort();
        ids.dedup();
        Ok(match ids.as_slice() {
            [only] => Some(only.clone()),
            _ => None,
        })
    }

    /// Whether the referrer turned out to be the friend: by the same id, or because one was merged into the other.
    fn is_friend(&self, referrer: &ContactId, friend: &ContactId) -> Result<bool, Error> {
        Ok(referrer == friend || store::event::seen(self.sql, referrer, &merge::marker_id(friend)?)?)
    }

    /// How many credits of two contacts are void once they are one: those both were given, and those that one of them
    /// was given for the other. Asked before the loser's rows come in.
    pub(super) fn void_credits(&self, winner: &Contact, bundle: &Bundle) -> Result<u32, Error> {
        let given = |event: &&Event| event.kind == EventKind::ReferralCredited;
        let brought: Vec<&EventId> = bundle
            .events
            .iter()
            .filter(given)
            .map(|event| &event.id)
            .collect();
        let mut void = 0_u32;
        for id in &brought {
            void = void.saturating_add(u32::from(store::event::seen(self.sql, &winner.id, id)?));
        }
        if let Some(friend) = &winner.referred_as {
            void = void.saturating_add(u32::from(brought.contains(&&credit_id(friend)?)));
        }
        if let Some(friend) = &bundle.contact.referred_as {
            let own = store::event::seen(self.sql, &winner.id, &credit_id(friend)?)?;
            void = void.saturating_add(u32::from(own));
        }
        Ok(void)
    }
}

/// The event of a credit. It bears the order's source, because an order's id means nothing without it.
fn credited(referral: &Referral, now: crate::domain::time::Timestamp) -> Result<Event, Error> {
    let id = credit_id(&referral.friend)?;
    let (kind, source) = (EventKind::ReferralCredited, referral.source.clone());
    Ok(Event {
        starts_at: referral.starts_at,
        data: EventData {
            order_id: Some(referral.order_id.clone()),
            value: referral.value,
            ..EventData::default()
        },
        ..Event::new(id, kind, source, referral.at, now)
    })
}
