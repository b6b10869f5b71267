//! Two contacts turn out to be one. The loser's shard buries it and sends everything on in the same turn; the winner's
//! shard takes it over, once, however often it arrives.

use super::call::{Bundle, Forward, ForwardBody, Rows};
use super::forward::Received;
use super::unsubscribe::own_event;
use super::{Error, Home, Loaded, Turn};
use crate::domain::event::{Event, EventKind};
use crate::domain::identity::Identifier;
use crate::domain::ids::{ContactId, EnrollmentId, EventId, IdentifierHash, JourneyId};
use crate::domain::message::MessageState;
use crate::domain::order::Order;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::decision::{Decision, Input};
use crate::engine::intake::purchases_of;
use crate::engine::merge;
use crate::engine::state::{Contact, Facts};
use crate::engine::sweep::retold;
use crate::journey::definition::Reenter;
use crate::store;
use std::sync::Arc;

/// Most rows of one kind that move with a merge; the newest of them. No person comes near it.
const MAX_ROWS_MOVED: u32 = 10_000;
/// Most ended enrollments that move with a merge; the latest of them, which re-entry asks about.
const MAX_ENDED_MOVED: u32 = 2_000;
/// Most bytes of events and orders in one forward; the rest follows in others. Well below what a value may hold.
const MAX_PART_BYTES: usize = 700_000;
/// How long a merge waits for a request of the loser that is out.
const IN_FLIGHT_PAUSE: Delay = Delay::from_minutes(1);

/// What became of a request to absorb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absorbed {
    Done,
    /// A request of the loser is out; its fate must be known first.
    Busy,
    /// The loser was merged into a contact of another shard meanwhile.
    Elsewhere(ContactId),
}

impl Turn<'_> {
    /// Buries `loser` and sends all of it to `winner`. It turned out at `since` that they are one.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn absorb(&self, loser: &ContactId, winner: &ContactId, since: Timestamp) -> Result<Absorbed, Error> {
        let loaded = match self.find(loser)? {
            Home::Here(loaded) => loaded,
            Home::Elsewhere(contact) if contact == *winner => return Ok(Absorbed::Done),
            Home::Elsewhere(contact) => return Ok(Absorbed::Elsewhere(contact)),
        };
        if loaded.contact.id == *winner || loaded.is_new() {
            return Ok(Absorbed::Done);
        }
        let contact = loaded.contact;
        // Whoever that was is erased; who came back was not meant.
        if contact.erased_at.is_some_and(|erased| since <= erased) {
            return Ok(Absorbed::Done);
        }
        if contact.id < *winner {
            // Always towards the smaller id, so that merges never run in a circle.
            self.merge_at(winner, &contact.id, since, self.now)?;
            return Ok(Absorbed::Done);
        }
        if self.has_request_out(&contact)? {
            return Ok(Absorbed::Busy);
        }
        let id = contact.id.clone();
        let rows = parts(
            store::event::list(self.sql, &id, None, MAX_ROWS_MOVED)?,
            store::order::list(self.sql, &id, MAX_ROWS_MOVED)?,
        )?;
        let mut rows = rows.into_iter();
        let Rows { events, orders, .. } = rows.next().unwrap_or_default();
        let messages = store::message::of_contact(self.sql, &id, MAX_ROWS_MOVED)?;
        let intents = messages
            .into_iter()
            .map(|stored| stored.message)
            .filter(|message| message.state == MessageState::Intended);
        let bundle = Bundle {
            at: Some(since),
            consents: store::consent::list(self.sql, &id)?,
            events,
            orders,
            ended: store::enrollment::list(self.sql, &id, MAX_ENDED_MOVED)?,
            messages: intents.collect(),
            contact,
        };
        for (number, rows) in rows.enumerate() {
            self.forward(&Forward {
                id: format!("history:{id}:{number}"),
                to: IdentifierHash::from(winner.clone()),
                body: ForwardBody::History(Box::new(Rows {
                    at: Some(since),
                    ..rows
                })),
            })?;
        }
        self.link_all(&bundle.contact, winner)?;
        for change in merge::release(&bundle.contact, self.now) {
            store::write::change(self.sql, &id, &change, &|email| {
                self.hash(&Identifier::email(email))
            })?;
        }
        store::contact::bury(self.sql, &id, winner, self.now)?;
        self.forward(&Forward {
            id: format!("absorb:{id}"),
            to: IdentifierHash::from(winner.clone()),
            body: ForwardBody::Absorb(Box::new(bundle)),
        })?;
        Ok(Absorbed::Done)
    }

    fn has_request_out(&self, contact: &Contact) -> Result<bool, Error> {
        let mut runs = contact.enrollments.iter();
        let in_flight = runs.any(|run| run.sending().is_some_and(|sending| sending.dispatched));
        Ok(in_flight || store::dispatch::holds_contact(self.sql, &contact.id)?)
    }

    /// Leads every identifier of a contact to the one it was merged into.
    fn link_all(&self, contact: &Contact, winner: &ContactId) -> Result<(), Error> {
        for identifier in &contact.identifiers {
            let hash = self.hash(identifier);
            self.forward(&Forward {
                id: format!("link:{hash}:{winner}"),
                to: hash,
                body: ForwardBody::Link {
                    kind: identifier.kind,
                    from: Some(contact.id.clone()),
                    contact: winner.clone(),
                },
            })?;
        }
        Ok(())
    }

    /// When a merge that found its loser busy is tried again.
    ///
    /// # Errors
    /// When storage fails.
    pub fn absorb_later(&self, loser: &ContactId, winner: &ContactId) -> Result<(), Error> {
        self.merge_at(loser, winner, self.now, self.now.plus(IN_FLIGHT_PAUSE))
    }

    fn merge_at(
        &self,
        loser: &ContactId,
        winner: &ContactId,
        since: Timestamp,
        at: Timestamp,
    ) -> Result<(), Error> {
        let forward = Forward {
            id: format!("merge:{loser}:{winner}"),
            to: IdentifierHash::from(loser.clone()),
            body: ForwardBody::Merge {
                loser: loser.clone(),
                winner: winner.clone(),
                at: Some(since),
            },
        };
        self.forward_at(&forward, at)
    }

    /// Takes over everything of a contact that was merged into one of this shard's.
    pub(super) fn take_over(&self, to: &IdentifierHash, bundle: &Bundle) -> Result<Received, Error> {
        let loaded = match self.find(&to.clone().into())? {
            Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) => *loaded,
        };
        let id = loaded.contact.id.clone();
        let marker = self.marker(&bundle.contact)?;
        if store::event::seen(self.sql, &id, &marker.id)? {
            return Ok(Received::Done);
        }
        if loaded
            .contact
            .erased_at
            .is_some_and(|erased| bundle.at.is_none_or(|at| at <= erased))
        {
            return self.erase_merged(&bundle.contact).map(|()| Received::Done);
        }
        let void = self.void_credits(&loaded.contact, bundle)?;
        store::event::record(self.sql, &id, &marker)?;
        let events: &[Event] = if planted!(MergeLosesEvents) {
            &[]
        } else {
            &bundle.events
        };
        self.put_rows(&id, events, &bundle.orders)?;
        for record in &bundle.consents {
            store::consent::put(self.sql, &id, record)?;
        }
        for ended in &bundle.ended {
            let ended = merge::ended_of(ended, &bundle.contact.id, &id);
            store::enrollment::put(self.sql, &id, &ended)?;
        }
        let orders = store::order::list(self.sql, &id, MAX_ROWS_MOVED)?;
        let mut contact = loaded.contact.clone();
        let mut changes = merge::absorb(
            &mut contact,
            &bundle.contact,
            (&orders, self.catalog),
            &bundle.messages,
            self.now,
        );
        let ended = store::enrollment::list(self.sql, &id, MAX_ROWS_MOVED)?;
        let once = |id: &JourneyId| {
            let journey = self.catalog.journey(id);
            journey.is_some_and(|journey| journey.reenter == Reenter::Once)
        };
        merge::end_repeated(&mut contact, &ended, once, &mut changes, self.now);
        contact.referrals = contact.referrals.saturating_sub(void);
        let own: Vec<EnrollmentId> = runs_of(&loaded.contact).collect();
        let both = (&loaded.contact, &bundle.contact);
        let mut decision = retold(self.catalog, contact, both, self.now);
        changes.append(&mut decision.changes);
        decision.changes = changes;
        let loaded = self.write(loaded, decision)?;
        let (own, brought): (Vec<_>, Vec<_>) = runs_of(&loaded.contact).partition(|run| own.contains(run));
        let of_loser = |event: &Event| bundle.events.iter().any(|theirs| theirs.id == event.id);
        self.replay(loaded, &id, |event| if of_loser(event) { &own } else { &brought })?;
        Ok(Received::Done)
    }

    /// What one of the two did concerns the other's runs: the events of both, as far as enrollments are that old. `unheard`
    /// names the runs that an event is news to; the rules of exit are asked of all.
    fn replay<'r>(
        &self,
        mut loaded: Loaded,
        id: &ContactId,
        unheard: impl Fn(&Event) -> &'r [EnrollmentId],
    ) -> Result<(), Error> {
        let Some(oldest) = loaded
            .contact
            .enrollments
            .iter()
            .map(|enrollment| enrollment.started_at)
            .min()
        else {
            return Ok(());
        };
        let events = store::event::list(self.sql, id, None, MAX_ROWS_MOVED)?;
        for event in events
            .into_iter()
            .filter(|event| event.occurred_at >= oldest && !event.test)
        {
            let unheard = unheard(&event).to_vec();
            let event = Arc::new(event);
            let input = Input::Overtaken { event, unheard };
            (loaded, _) = self.settle(loaded, &Facts::default(), &input)?;
        }
        Ok(())
    }

    /// Takes over more rows of a contact that was merged. They may come before its document or after it.
    pub(super) fn take_rows(&self, to: &IdentifierHash, rows: &Rows) -> Result<Received, Error> {
        let loaded = match self.find(&to.clone().into())? {
            Home::Elsewhere(contact) => return Ok(Received::Elsewhere(contact.into())),
            Home::Here(loaded) => *loaded,
        };
        let mut contact = loaded.contact.clone();
        // Of somebody who was one with them before they were erased.
        let erased = contact.erased_at;
        let rows = match erased.filter(|erased| rows.at.is_none_or(|at| at <= *erased)) {
            Some(erased) => rows.since(erased),
            None => rows.clone(),
        };
        if loaded.is_erased() && rows.events.is_empty() && rows.orders.is_empty() {
            return Ok(Received::Done);
        }
        self.put_rows(&contact.id, &rows.events, &rows.orders)?;
        let id = contact.id.clone();
        let orders = store::order::list(self.sql, &contact.id, MAX_ROWS_MOVED)?;
        contact.purchases = purchases_of(orders.iter(), self.catalog.store.currency).plus(&contact.archived);
        contact.segments.ask_again(self.now);
        let decision = Decision {
            contact,
            changes: Vec::new(),
            effects: Vec::new(),
            remarks: Vec::new(),
        };
        let loaded = self.write(loaded, decision)?;
        // Whose runs these events are news to is not known any more.
        self.replay(loaded, &id, |_| &[])?;
        Ok(Received::Done)
    }

    /// An order that both had keeps the newer status, whichever record arrives last.
    fn put_rows(&self, id: &ContactId, events: &[Event], orders: &[Order]) -> Result<(), Error> {
        for event in events {
            store::event::record(self.sql, id, event)?;
        }
        for order in orders {
            let mut joined = order.clone();
            if let Some(held) = store::order::get(self.sql, id, &order.key)? {
                joined.join(&held);
            }
            store::order::put(self.sql, id, &joined)?;
        }
        Ok(())
    }

    /// The row that makes a take-over count once.
    fn marker(&self, loser: &Contact) -> Result<Event, Error> {
        Ok(own_event(
            marker_id(&loser.id)?,
            EventKind::Custom("Contact Merged".to_owned()),
            self.now,
        ))
    }
}

fn runs_of(contact: &Contact) -> impl Iterator<Item = EnrollmentId> {
    contact.enrollments.iter().map(|run| run.id.clone())
}

/// Id of the event that says that `loser` has arrived.
pub(super) fn marker_id(loser: &ContactId) -> Result<EventId, Error> {
    Ok(EventId::parse(&format!("absorbed:{loser}"))?)
}

/// Cuts rows into parts that fit a forward each, in their order.
fn parts(events: Vec<Event>, orders: Vec<Order>) -> Result<Vec<Rows>, Error> {
    let mut parts = Vec::new();
    let (mut part, mut bytes) = (Rows::default(), 0_usize);
    let mut room_for = |size: usize, part: &mut Rows| {
        if bytes > 0 && bytes.saturating_add(size) > MAX_PART_BYTES {
            parts.push(std::mem::take(part));
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
    };
    for order in orders {
        room_for(serde_json::to_vec(&order)?.len(), &mut part);
        part.orders.push(order);
    }
    for event in events {
        room_for(serde_json::to_vec(&event)?.len(), &mut part);
        part.events.push(event);
    }
    parts.push(part);
    Ok(parts)
}
