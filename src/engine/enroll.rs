//! How events end, continue and start enrollments.

use super::condition::{self, ContactScope, EnrollmentScope, EventScope, Scope};
use super::decide::Turn;
use super::decision::{Change, Remark};
use super::ids;
use super::progress::{self, Course, ended};
use super::state::{Doubt, EndReason, Enrollment, Facts, MAX_ENROLLMENTS, Position};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::EnrollmentKey;
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::journey::definition::{
    Condition, ExitRule, Journey, Key, Match, Reenter, Refresh, StepKind, Wait,
};
use std::collections::BTreeMap;

/// Ends the enrollments whose exit rules this event meets, also in the middle of a wait.
pub(super) fn exit_by(turn: &mut Turn<'_>, event: &Event) {
    let leaving: Vec<Enrollment> = turn.contact.enrollments.clone();
    for enrollment in leaving {
        let Some(journey) = turn.catalog.journey(&enrollment.journey) else {
            continue;
        };
        let rules = journey.exit.iter().filter(|rule| rule.on == event.kind);
        let (mut leaves, mut decided, mut failed) = (false, false, false);
        for rule in rules {
            let concerned = match rule.matching {
                Match::Contact => event.occurred_at >= enrollment.started_at,
                // An older event that comes late must not end what a newer one refreshed.
                Match::Key => {
                    event.occurred_at >= enrollment.data_at
                        && key_of(turn, journey.trigger.key, event).as_ref() == Some(&enrollment.key)
                }
                Match::Checkout => concerns_checkout(&enrollment, event),
            };
            if concerned {
                match ask(turn, journey, rule.when.as_ref(), event, &enrollment.key) {
                    Some(verdict) => (leaves, decided) = (leaves || verdict, true),
                    None => failed = true,
                }
            }
        }
        if leaves {
            turn.end(&enrollment, EndReason::Exited(event.kind.clone()));
        } else if decided || failed {
            doubt(turn, &enrollment, event, failed);
        }
    }
}

/// A rule that failed leaves a doubt, which holds the next send; a later event of the kind that is decided takes it
/// back.
fn doubt(turn: &mut Turn<'_>, enrollment: &Enrollment, event: &Event, failed: bool) {
    let (on, at) = (event.kind.clone(), turn.now);
    let mut running = turn.contact.enrollments.iter_mut();
    if let Some(held) = running.find(|held| held.id == enrollment.id) {
        if failed {
            held.doubt = Some(Doubt { on, at });
        } else {
            held.doubt.take_if(|doubt| doubt.on == on);
        }
    }
}

/// This checkout's own token and cart always; and every cart that is older than the event.
fn concerns_checkout(enrollment: &Enrollment, event: &Event) -> bool {
    is_about(enrollment, &checkout_keys(event)) || enrollment.data_at <= event.occurred_at
}

/// Whether an enrollment for a checkout is about one of these: by its own key, or by the cart of its checkout, since an
/// order may name only that.
pub(super) fn is_about(enrollment: &Enrollment, keys: &[EnrollmentKey]) -> bool {
    let source = enrollment.key.as_str().split_once(':').map(|(source, _)| source);
    let cart = source.zip(enrollment.data.cart_id.as_deref());
    let cart = cart.and_then(|(source, cart)| EnrollmentKey::parse(&format!("{source}:{cart}")).ok());
    keys.contains(&enrollment.key) || cart.is_some_and(|cart| keys.contains(&cart))
}

/// Enrollment keys of the checkout and cart that an event names.
pub fn checkout_keys(event: &Event) -> Vec<EnrollmentKey> {
    [&event.data.checkout_id, &event.data.cart_id]
        .into_iter()
        .flatten()
        .filter_map(|token| scoped_key(event, token))
        .collect()
}

/// Goes on with the enrollments that wait for this event, and lets the others remember that it came.
pub(super) fn continue_by(turn: &mut Turn<'_>, event: &Event) {
    for enrollment in turn.contact.enrollments.clone() {
        let Some(journey) = turn.catalog.journey(&enrollment.journey) else {
            continue;
        };
        let awaited = journey.awaited().any(|kind| *kind == event.kind);
        let same_key = key_of(turn, journey.trigger.key, event).as_ref() == Some(&enrollment.key);
        if !(awaited && same_key) {
            continue;
        }
        let waits_here = journey.resolve(&enrollment.step).is_some_and(
            |step| matches!(&step.kind, StepKind::Wait(Wait::Event { on, .. }) if *on == event.kind),
        );
        if waits_here {
            turn.go_on(&enrollment, event.counts_from());
        } else if let Some(held) = turn
            .contact
            .enrollments
            .iter_mut()
            .find(|held| held.id == enrollment.id)
        {
            held.seen.entry(event.kind.clone()).or_insert(event.counts_from());
        }
    }
}

/// Refreshes or starts the enrollments that this event triggers.
pub(super) fn start_by(turn: &mut Turn<'_>, event: &Event, facts: &Facts) {
    for journey in turn.catalog.triggered_by(&event.kind) {
        let Some(key) = key_of(turn, journey.trigger.key, event) else {
            continue;
        };
        if !holds(turn, journey, journey.trigger.when.as_ref(), event, &key) {
            continue;
        }
        if journey.trigger.key == Key::Checkout && was_bought(event, facts) {
            continue;
        }
        let running: Vec<Enrollment> = turn
            .contact
            .enrollments
            .iter()
            .filter(|enrollment| enrollment.journey == journey.id && enrollment.key == key)
            .cloned()
            .collect();
        match (running.as_slice(), journey.trigger.refresh, journey.reenter) {
            ([], _, _) => {
                if may_start(turn, journey, &key, event, facts) && !was_left(journey, event, facts) {
                    start(turn, journey, key, event, facts);
                }
            }
            ([_, ..], _, Reenter::Parallel) => start(turn, journey, key, event, facts),
            ([_, ..], Refresh::None, Reenter::Restart) => {
                for enrollment in &running {
                    turn.end(enrollment, EndReason::Restarted);
                }
                start(turn, journey, key, event, facts);
            }
            ([_, ..], Refresh::None, Reenter::Once | Reenter::After(_)) => {}
            (
                [_, ..],
                Refresh::Data | Refresh::DataAndWait,
                Reenter::Once | Reenter::Restart | Reenter::After(_),
            ) => {
                for enrollment in &running {
                    refresh(turn, journey, &enrollment.id, event);
                }
            }
        }
    }
}

/// A closed checkout stays closed, and an order placed after a cart was last touched has emptied it.
fn was_bought(event: &Event, facts: &Facts) -> bool {
    facts.checkout_closed
        || facts
            .orders
            .iter()
            .any(|order| order.placed_at >= event.occurred_at)
}

fn may_start(turn: &Turn<'_>, journey: &Journey, key: &EnrollmentKey, event: &Event, facts: &Facts) -> bool {
    let mut before = facts
        .ended
        .iter()
        .filter(|ended| ended.journey == journey.id && ended.key == *key);
    let allowed = match journey.reenter {
        Reenter::Once => before.next().is_none(),
        Reenter::Restart | Reenter::Parallel => true,
        Reenter::After(delay) => before
            .map(|ended| ended.started_at)
            .max()
            .is_none_or(|last| event.occurred_at >= last.plus(delay)),
    };
    let cooled = match (journey.cooldown, turn.contact.starts.get(&journey.id)) {
        (Some(cooldown), Some(last)) => event.occurred_at >= last.plus(cooldown),
        (Some(_) | None, _) => true,
    };
    allowed && cooled
}

/// The order of the event, as reports that overtook it left it. None when this report is the newest.
fn ahead<'a>(journey: &Journey, event: &Event, facts: &'a Facts) -> Option<&'a Order> {
    let key = event.order_key()?;
    let known = facts.orders.iter().find(|order| order.key == key)?;
    let newer = (known.status_at, Some(known.status)) > (event.occurred_at, event.kind.order_status());
    (journey.trigger.key == Key::Order && newer).then_some(known)
}

/// Whether the order has already been through what would end the journey: a cancellation that overtook its order.
fn was_left(journey: &Journey, event: &Event, facts: &Facts) -> bool {
    let Some(order) = ahead(journey, event, facts) else {
        return false;
    };
    let leaves = |rule: &ExitRule| rule.when.is_none() && rule.on.order_status() == Some(order.status);
    journey.exit.iter().any(leaves)
}

/// The awaited reports that overtook this one.
fn seen_before(journey: &Journey, event: &Event, facts: &Facts) -> BTreeMap<EventKind, Timestamp> {
    let Some(order) = ahead(journey, event, facts).filter(|order| order.status.counts()) else {
        return BTreeMap::new();
    };
    // A parcel that was delivered was on its way before.
    let passed = |kind: &&EventKind| kind.order_status().is_some_and(|status| status <= order.status);
    let awaited = journey.awaited().filter(passed);
    awaited.map(|kind| (kind.clone(), order.status_at)).collect()
}

fn start(turn: &mut Turn<'_>, journey: &Journey, key: EnrollmentKey, event: &Event, facts: &Facts) {
    let Some(first) = journey.first_step() else { return };
    let enrollment = Enrollment {
        id: ids::enrollment(&turn.contact.id, &journey.id, &key, &event.id),
        journey: journey.id.clone(),
        key,
        started_at: event.occurred_at,
        step: first.id.clone(),
        since: event.counts_from(),
        position: Position::Waiting { until: turn.now },
        data: event.data.clone(),
        data_at: event.occurred_at,
        seen: seen_before(journey, event, facts),
        doubt: None,
    };
    if turn.contact.enrollments.len() >= MAX_ENROLLMENTS {
        turn.remarks.push(Remark::EnrollmentOverflow {
            journey: journey.id.to_string(),
        });
        let row = ended(
            &enrollment,
            first.id.clone(),
            EndReason::TooManyEnrollments,
            turn.now,
        );
        turn.changes.push(Change::EndEnrollment(row));
        return;
    }
    turn.contact.starts.insert(journey.id.clone(), event.occurred_at);
    let mut course = Course {
        journey,
        now: turn.now,
        changes: &mut turn.changes,
        effects: &mut turn.effects,
    };
    let progress = progress::run(&mut course, &turn.contact, enrollment.clone(), first);
    progress::settle(
        &mut turn.contact,
        &mut turn.changes,
        &enrollment,
        progress,
        turn.now,
    );
}

/// Replaces the data and, if the journey says so, starts the current wait anew. An older event changes nothing.
fn refresh(turn: &mut Turn<'_>, journey: &Journey, id: &crate::domain::ids::EnrollmentId, event: &Event) {
    let Some(enrollment) = turn.contact.enrollments.iter_mut().find(|held| held.id == *id) else {
        return;
    };
    // Equal times: the later arrival.
    if event.occurred_at < enrollment.data_at {
        return;
    }
    enrollment.data = event.data.clone();
    enrollment.data_at = event.occurred_at;
    if journey.trigger.refresh != Refresh::DataAndWait {
        return;
    }
    let delay = journey
        .resolve(&enrollment.step)
        .and_then(|step| match &step.kind {
            StepKind::Wait(Wait::Delay(delay)) => Some(*delay),
            StepKind::Wait(Wait::Event { .. }) | StepKind::Send(_) => None,
        });
    if let (Position::Waiting { until }, Some(delay)) = (&mut enrollment.position, delay) {
        let from: Timestamp = enrollment.since.max(event.counts_from());
        enrollment.since = from;
        *until = from.plus(delay);
    }
}

fn key_of(turn: &Turn<'_>, key: Key, event: &Event) -> Option<EnrollmentKey> {
    match key {
        Key::Contact => EnrollmentKey::parse(turn.contact.id.as_str()).ok(),
        Key::Checkout => event
            .data
            .checkout_id
            .as_deref()
            .and_then(|token| scoped_key(event, token)),
        Key::Order => event
            .data
            .order_id
            .as_deref()
            .and_then(|id| scoped_key(event, id)),
    }
}

fn scoped_key(event: &Event, token: &str) -> Option<EnrollmentKey> {
    EnrollmentKey::parse(&format!("{}:{token}", event.source)).ok()
}

/// A condition that fails at run time is false, and remarked.
fn holds(
    turn: &mut Turn<'_>,
    journey: &Journey,
    when: Option<&Condition>,
    event: &Event,
    key: &EnrollmentKey,
) -> bool {
    ask(turn, journey, when, event, key).unwrap_or(false)
}

/// What a condition says; none when it fails at run time.
fn ask(
    turn: &mut Turn<'_>,
    journey: &Journey,
    when: Option<&Condition>,
    event: &Event,
    key: &EnrollmentKey,
) -> Option<bool> {
    let Some(condition) = when else {
        return Some(true);
    };
    let contact = &turn.contact;
    let spend = contact.purchases.spend.map_or(0.0, |spend| spend.as_f64());
    let scope = Scope {
        contact: ContactScope::new(
            &contact.profile,
            contact.address().map(|address| &address.email),
            contact.purchases.orders as usize,
            spend,
            contact.is_subscribed(),
        ),
        event: EventScope::new(event),
        enrollment: EnrollmentScope::new(&journey.id, key),
    };
    match condition::holds(condition, &scope) {
        Ok(verdict) => Some(verdict),
        Err(error) => {
            let (journey, error) = (journey.id.to_string(), error.to_string());
            turn.remarks.push(Remark::ConditionFailed { journey, error });
            None
        }
    }
}

/// Whether a journey's own exit rules react to orders of the checkout: such mail is checked again at its claim.
pub fn leaves_when_bought(journey: &Journey) -> bool {
    journey.trigger.key == Key::Checkout
        && journey
            .exit
            .iter()
            .any(|rule| rule.on == EventKind::OrderCompleted)
}
