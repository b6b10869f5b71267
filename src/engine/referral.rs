//! Referrals: which order is credited to somebody, and the count of those credited to a contact.
//!
//! Whose code it is, the friend's shard cannot know: it says so to the shard that the code names (`turn::referral`).

use super::decide::Turn;
use super::decision::{Change, Effect};
use super::state::Facts;
use crate::domain::event::{Event, EventKind};
use crate::domain::order::Order;
use crate::domain::referral::Referral;

/// A credit arrived. Its event's row makes it count once.
pub(super) fn count(turn: &mut Turn<'_>, event: &Event) {
    if event.kind == EventKind::ReferralCredited {
        turn.contact.referrals = turn.contact.referrals.saturating_add(1);
    }
}

/// Has the contact's first order credited to whom its code belongs, once for ever. Nobody sends themselves.
pub(super) fn notice(turn: &mut Turn<'_>, event: &Event, facts: &Facts) {
    let Some(code) = event.data.referral else { return };
    let in_use = turn.catalog.store.referral.is_some();
    if !in_use || turn.contact.referred_as.is_some() || code.is_of(&turn.contact.id) {
        return;
    }
    let Some(order_id) = event
        .data
        .order_id
        .clone()
        .filter(|_| is_first(turn, event, facts))
    else {
        return;
    };
    let friend = turn.contact.id.clone();
    turn.contact.referred_as = Some(friend.clone());
    turn.effects.push(Effect::Credit(Box::new(Referral {
        code,
        friend,
        source: event.source.clone(),
        order_id,
        value: event.data.value,
        at: event.occurred_at,
        starts_at: event.starts_at,
    })));
}

/// Whether the event's order counts, and none that counts was placed before it.
fn is_first(turn: &Turn<'_>, event: &Event, facts: &Facts) -> bool {
    let Some(key) = event.order_key().filter(|_| event.kind.order_status().is_some()) else {
        return false;
    };
    let written = turn.changes.iter().find_map(|change| match change {
        Change::PutOrder(order) => Some(order.as_ref()),
        Change::RecordEvent(_)
        | Change::RecordConsent(_)
        | Change::EndEnrollment(_)
        | Change::ReachGoal { .. }
        | Change::PutMessage(_)
        | Change::MoveStream { .. }
        | Change::SettleMessage { .. } => None,
    });
    let is_own = |order: &&Order| order.key == key;
    let order = written.or_else(|| facts.orders.iter().find(is_own));
    let counts = |order: &&Order| order.status.counts();
    order.filter(counts).is_some_and(|order| {
        let mut others = facts.orders.iter().filter(|other| !is_own(other)).filter(counts);
        others.all(|other| other.placed_at > order.placed_at)
    })
}
