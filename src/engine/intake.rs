//! What an event says of the person: details, address, consent, order. Never starts or ends anything.

use super::address_health::AddressHealth;
use super::decide::Turn;
use super::decision::{Change, ConsentChange};
use super::state::{Address, Contact, Facts, MAX_ADDRESSES, MAX_IDENTIFIERS, Purchases};
use crate::domain::consent::{Consent, ConsentSignal, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::domain::money::{Currency, Money};
use crate::domain::objection::Objection;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::time::Timestamp;
use crate::journey::region::Region;

/// Applies the event's facts to the contact, by the source's own time: an older report never undoes a newer one.
pub(super) fn learn(turn: &mut Turn<'_>, event: &Event, facts: &Facts) {
    let contact = &mut turn.contact;
    if let Some(imported) = event.imported {
        contact.since = contact.since.min(imported.since.unwrap_or(contact.since));
    }
    learn_profile(contact, event);
    for identifier in &event.identifiers {
        if !contact.identifiers.contains(identifier) && contact.identifiers.len() < MAX_IDENTIFIERS {
            contact.identifiers.push(identifier.clone());
        }
    }
    let region = turn.catalog.store.region;
    if let Some(change) = address(contact, event, (region, facts.objection)) {
        turn.changes.push(change);
    }
    if let Some(change) = &event.preferences {
        turn.contact.preferences.apply(change);
    }
    if let (Some(status), false) = (event.kind.order_status(), event.test) {
        order(turn, event, status, facts);
    }
}

/// A list that was kept elsewhere fills in what no source has told; what an earlier list told gives way to it.
fn learn_profile(contact: &mut Contact, event: &Event) {
    let is_list = event.imported.is_some();
    let newest = if is_list {
        contact.profile_at == Timestamp::default()
    } else {
        event.occurred_at >= contact.profile_at
    };
    if !newest {
        contact.profile.fill_from(&event.profile);
        return;
    }
    contact.profile.update(&event.profile);
    if !is_list {
        contact.profile_at = event.occurred_at;
    }
}

/// What a reader did with the last mail of a run.
pub(super) fn read_mail(turn: &mut Turn<'_>, event: &Event) {
    let (opened, clicked) = (
        event.kind == EventKind::EmailOpened,
        event.kind == EventKind::EmailClicked,
    );
    let Some(message) = event.data.message_id.as_ref().filter(|_| opened || clicked) else {
        return;
    };
    let engagement = &mut turn.contact.engagement;
    // Who clicked has opened, whatever became of the pixel.
    engagement.opened_at = engagement.opened_at.max(Some(event.occurred_at));
    if clicked {
        engagement.clicked_at = engagement.clicked_at.max(Some(event.occurred_at));
    }
    let runs = turn.contact.enrollments.iter_mut();
    let mut mails = runs.flat_map(|run| run.last.iter_mut().chain(&mut run.earlier));
    if let Some(last) = mails.find(|last| last.message.as_str() == message) {
        last.opened = true;
        last.clicked |= clicked;
    }
}

/// Consent belongs to the event's address; a new address starts unknown, unless something is held against it. A change of
/// it is a line of its ledger.
fn address(
    contact: &mut Contact,
    event: &Event,
    (region, objection): (Region, Option<Objection>),
) -> Option<Change> {
    let email = event.email.as_ref()?;
    let (mut changed, mut told) = (false, None);
    if contact.address_mut(email).is_none() {
        changed = objection.is_some();
        make_room(contact);
        contact.addresses.push(Address {
            email: email.clone(),
            seen_at: if event.imported.is_some() {
                Timestamp::default()
            } else {
                event.occurred_at
            },
            consent: objection.map_or_else(Consent::default, |held| held.consent(&event.id)),
            health: AddressHealth::default(),
        });
    }
    let address = contact.address_mut(email)?;
    // Who says no to an address does not say that it is the one they use; nor does a mail that comes back, nor a list.
    let about = [
        EventKind::Unsubscribed,
        EventKind::EmailBounced,
        EventKind::EmailComplained,
    ];
    let used = !about.contains(&event.kind) && event.imported.is_none();
    if used && event.occurred_at >= address.seen_at {
        address.seen_at = event.occurred_at;
        address.email = email.clone();
    }
    // Nobody said yes by an order that was only a test; a no is a no.
    let counts = |signal: &&ConsentSignal| !event.test || signal.state == ConsentState::Unsubscribed;
    if let Some(signal) = event.consent.as_ref().filter(counts) {
        let state = weighed(signal, event, region);
        if address.consent.apply_as(state, signal, &event.id) {
            // A no to a dead address is not what its state rests on.
            told = Some((signal.clone(), event.id.clone()));
        }
        if planted!(RemarkForgotten) {
            address.consent.declined = None;
        }
    }
    let unsaid = address.consent.evidence.clone().filter(|_| changed);
    let (signal, by) = told.or(unsaid)?;
    Some(Change::RecordConsent(Box::new(ConsentChange {
        email: address.email.clone(),
        state: address.consent.state,
        signal,
        event: by,
        at: event.received_at,
    })))
}

/// Where a yes has to be confirmed, one that did not come from the mailbox itself is a request.
fn weighed(signal: &ConsentSignal, event: &Event, region: Region) -> ConsentState {
    let confirmed = event.kind == EventKind::ConsentConfirmed || signal.is_confirmed();
    match signal.state {
        ConsentState::Subscribed if region.preset().double_opt_in && !confirmed => ConsentState::Pending,
        ConsentState::Subscribed
        | ConsentState::Pending
        | ConsentState::Unknown
        | ConsentState::Unsubscribed
        | ConsentState::Suppressed => signal.state,
    }
}

/// Forgets the address seen longest ago, but never one that objected: its no must outlive it.
pub(super) fn make_room(contact: &mut Contact) {
    if contact.addresses.len() < MAX_ADDRESSES {
        return;
    }
    let objected = |address: &Address| address.objects() || address.consent.state == ConsentState::Suppressed;
    let oldest = contact
        .addresses
        .iter()
        .enumerate()
        .filter(|(_, address)| !objected(address))
        .min_by_key(|(_, address)| address.seen_at)
        .map(|(at, _)| at);
    if let Some(at) = oldest {
        contact.addresses.remove(at);
    }
}

fn order(turn: &mut Turn<'_>, event: &Event, status: OrderStatus, facts: &Facts) {
    let Some(key) = event.order_key() else { return };
    let known = facts.orders.iter().find(|order| order.key == key);
    let told_at = if planted!(OldNewsWins) {
        turn.now
    } else {
        event.occurred_at
    };
    let order = match known {
        Some(known) => {
            let mut order = known.clone();
            if !order.report(status, told_at) && order.total.is_some() {
                return;
            }
            order.total = order.total.or(event.data.value);
            if order.items.is_empty() {
                order.items.clone_from(&event.data.items);
            }
            order
        }
        // Told anew, though its row is gone by age: it is among the totals. A list of the past comes in any order, and its
        // repeats end at their events' rows.
        None if event.imported.is_none() && turn.contact.archived.last_at >= Some(event.occurred_at) => {
            return;
        }
        None => Order {
            key,
            status,
            status_at: event.occurred_at,
            placed_at: event.occurred_at,
            number: event.data.order_number.clone(),
            total: event.data.value,
            items: event.data.items.clone(),
            attributed_to: None,
        },
    };
    let others = facts.orders.iter().filter(|known| known.key != order.key);
    let purchases = purchases_of(others.chain([&order]), turn.catalog.store.currency);
    turn.contact.purchases = purchases.plus(&turn.contact.archived);
    turn.changes.push(Change::PutOrder(Box::new(order)));
}

/// Sums the orders that count.
pub fn purchases_of<'a>(orders: impl Iterator<Item = &'a Order>, currency: Currency) -> Purchases {
    let mut sum = Purchases::default();
    for order in orders.filter(|order| order.status.counts()) {
        sum.orders = sum.orders.saturating_add(1);
        sum.last_at = sum.last_at.max(Some(order.placed_at));
        let first = sum.first_at.unwrap_or(order.placed_at);
        sum.first_at = Some(first.min(order.placed_at));
        if let Some(total) = order.total.filter(|total| total.currency == currency) {
            sum.spend = Some(sum.spend.unwrap_or(Money::zero(currency)).plus(total));
        }
    }
    sum
}
