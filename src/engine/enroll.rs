//! How events end, continue and start enrollments.

use super::civil::Calendar;
use super::decide::Turn;
use super::decision::{Change, Remark};
use super::ids;
use super::keys::{MAX_PRODUCTS, about, concerns, concerns_checkout, data_for, keys_of};
use super::progress::{Entry, ended};
use super::sight::Topic;
use super::state::{Doubt, EndReason, Ended, Enrollment, Facts, MAX_ENROLLMENTS, Position};
use super::steps::wait;
use crate::domain::event::{Event, EventData, EventKind};
use crate::domain::ids::{EnrollmentKey, JourneyId};
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::journey::definition::{ExitRule, Journey, Key, Match, Reenter, Refresh};
use crate::journey::step::{StepKind, Wait};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Ends the enrollments whose exit rules this event meets, also in the middle of a wait.
pub(super) fn exit_by(turn: &mut Turn<'_>, event: &Event) {
    let leaves = |journey: &Journey| journey.exit.iter().any(|rule| rule.on == event.kind);
    for enrollment in turn.running(leaves) {
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
                    event.occurred_at >= enrollment.data_at && concerns(turn, journey, &enrollment.key, event)
                }
                Match::Checkout => concerns_checkout(turn, &enrollment, event),
            };
            if concerned {
                let about = about(journey.trigger.key, &enrollment.key, event);
                let topic = Topic::exit(journey, &about, &enrollment);
                match turn.holds(rule.when.as_ref(), journey, topic) {
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

/// Goes on with the enrollments that wait for this event, and lets the others remember that it came.
pub(super) fn continue_by(turn: &mut Turn<'_>, event: &Event) {
    let awaits = |journey: &Journey| journey.awaited().any(|kind| *kind == event.kind);
    for enrollment in turn.running(awaits) {
        let Some(journey) = turn.catalog.journey(&enrollment.journey) else {
            continue;
        };
        if !turn.is_running(&enrollment) {
            continue;
        }
        // What happened before the run is none of it, whenever it is told.
        if event.occurred_at < enrollment.started_at || !is_meant(turn, journey, &enrollment, event) {
            continue;
        }
        let here = journey.resolve(&enrollment.step).map(|step| &step.kind);
        let then = match here {
            Some(StepKind::Wait(Wait::Event { on, then, .. })) if *on == event.kind => Some(then.clone()),
            Some(_) | None => None,
        };
        if let Some(to) = then.filter(|_| !journey.status.holds()) {
            turn.go_on(&enrollment, to, event.counts_from());
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

/// Whether an awaited event is about this run: one about a mail by the mail, any other by the journey's key.
fn is_meant(turn: &Turn<'_>, journey: &Journey, enrollment: &Enrollment, event: &Event) -> bool {
    match &event.data.message_id {
        Some(message) => enrollment
            .last
            .as_ref()
            .is_some_and(|last| last.message.as_str() == message),
        None => concerns(turn, journey, &enrollment.key, event),
    }
}

/// Refreshes or starts the enrollments that this event triggers.
pub(super) fn start_by(turn: &mut Turn<'_>, event: &Event, facts: &Facts) {
    not_for_the_asking(turn, event);
    for journey in turn.catalog.triggered_by(&event.kind) {
        if event.kind == EventKind::JourneyRequested && !is_asked_for(journey, event) {
            continue;
        }
        let mut keys = keys_of(turn, journey.trigger.key, event);
        if keys.len() > MAX_PRODUCTS {
            keys.truncate(MAX_PRODUCTS);
            let journey = journey.id.to_string();
            turn.remarks.push(Remark::ProductsLeftOut { journey });
        }
        for key in keys {
            let about = about(journey.trigger.key, &key, event);
            start_or_refresh(turn, journey, key, &about, facts);
        }
    }
}

/// Starts the run of this key, or does what the journey says to the one there is.
fn start_or_refresh(
    turn: &mut Turn<'_>,
    journey: &Journey,
    key: EnrollmentKey,
    event: &Event,
    facts: &Facts,
) {
    let when = journey.trigger.when.as_ref();
    if turn.holds(when, journey, Topic::event(journey, event, &key)) != Some(true) {
        return;
    }
    if journey.trigger.key == Key::Checkout && was_bought(event, facts) {
        return;
    }
    let running: Vec<Enrollment> = turn
        .contact
        .enrollments
        .iter()
        .filter(|enrollment| {
            enrollment.journey == journey.id && (enrollment.key == key || planted!(OneRunOfAJourney))
        })
        .cloned()
        .collect();
    match (running.as_slice(), journey.trigger.refresh, journey.reenter) {
        ([], _, _) => {
            if may_start(turn, journey, &key, event.occurred_at, facts)
                && !was_left(turn, journey, event, facts)
            {
                start(turn, journey, key, event, facts);
            }
        }
        ([_, ..], _, Reenter::Parallel) if may_start(turn, journey, &key, event.occurred_at, facts) => {
            start(turn, journey, key, event, facts)
        }
        // An older event that comes late does not take back what a newer one began.
        ([_, ..], Refresh::None, Reenter::Restart)
            if running.iter().all(|run| event.occurred_at >= run.data_at)
                && may_start(turn, journey, &key, event.occurred_at, facts) =>
        {
            for enrollment in &running {
                turn.end(enrollment, EndReason::Restarted);
            }
            start(turn, journey, key, event, facts);
        }
        ([_, ..], Refresh::None, _) | ([_, ..], _, Reenter::Parallel) => {}
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

/// A request that leads nowhere is worth a word: somebody waits for mails.
fn not_for_the_asking(turn: &mut Turn<'_>, event: &Event) {
    let mut journeys = turn.catalog.triggered_by(&event.kind);
    if event.kind == EventKind::JourneyRequested && !journeys.any(|journey| is_asked_for(journey, event)) {
        let named = event
            .data
            .properties
            .get("journey")
            .and_then(|name| name.as_str());
        let journey = named.unwrap_or("?").chars().take(64).collect();
        turn.remarks.push(Remark::NotForTheAsking { journey });
    }
}

/// A request is for the one journey that it names.
fn is_asked_for(journey: &Journey, event: &Event) -> bool {
    let named = event
        .data
        .properties
        .get("journey")
        .and_then(|name| name.as_str());
    named == Some(journey.id.as_str())
}

/// A closed checkout stays closed, and an order placed after a cart was last touched has emptied it.
fn was_bought(event: &Event, facts: &Facts) -> bool {
    facts.checkout_closed
        || facts
            .orders
            .iter()
            .any(|order| order.placed_at >= event.occurred_at)
}

pub(super) fn may_start(
    turn: &Turn<'_>,
    journey: &Journey,
    key: &EnrollmentKey,
    at: Timestamp,
    facts: &Facts,
) -> bool {
    if !journey.status.admits() {
        return false;
    }
    let all = ended_runs(&turn.changes, facts);
    let mut before = all.filter(|ended| ended.journey == journey.id && ended.key == *key);
    let allowed = match journey.reenter {
        Reenter::Once => before.next().is_none(),
        Reenter::Restart | Reenter::Parallel => true,
        Reenter::After(delay) => before
            .map(|ended| ended.started_at)
            .max()
            .is_none_or(|last| at >= last.plus(delay)),
    };
    let cooled = match (journey.cooldown, turn.contact.starts.get(&journey.id)) {
        (Some(cooldown), Some(last)) => at >= last.plus(cooldown),
        (Some(_) | None, _) => true,
    };
    allowed && cooled
}

/// The runs that are over, also those that this very decision ended: they are not among the facts yet.
fn ended_runs<'a>(changes: &'a [Change], facts: &'a Facts) -> impl Iterator<Item = &'a Ended> {
    let just_ended = changes.iter().filter_map(|change| match change {
        Change::EndEnrollment(ended) => Some(ended),
        Change::RecordEvent(_)
        | Change::PutOrder(_)
        | Change::RecordConsent(_)
        | Change::ReachGoal { .. }
        | Change::PutMessage(_)
        | Change::MoveStream { .. }
        | Change::SettleMessage { .. } => None,
    });
    facts.ended.iter().chain(just_ended)
}

/// The order of the event, as reports that overtook it left it. None when this report is the newest.
fn ahead<'a>(journey: &Journey, event: &Event, facts: &'a Facts) -> Option<&'a Order> {
    if journey.trigger.key != Key::Order || facts.orders.is_empty() {
        return None;
    }
    let key = event.order_key()?;
    let known = facts.orders.iter().find(|order| order.key == key)?;
    let newer = (known.status_at, Some(known.status)) > (event.occurred_at, event.kind.order_status());
    newer.then_some(known)
}

/// Whether what would end the journey has come already: a cancellation that overtook its order, or an order that overtook
/// what led to it.
fn was_left(turn: &Turn<'_>, journey: &Journey, event: &Event, facts: &Facts) -> bool {
    let by_any_order = |rule: &ExitRule| {
        rule.when.is_none() && rule.on == EventKind::OrderCompleted && rule.matching == Match::Contact
    };
    let bought = turn.contact.purchases.last_at;
    if bought.is_some_and(|bought| bought > event.occurred_at) && journey.exit.iter().any(by_any_order) {
        return true;
    }
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
    let from = Origin {
        cause: event.id.as_str(),
        at: event.occurred_at,
        counts_from: event.counts_from(),
        kind: Some(event.kind.clone()),
        data: data_for(turn, journey.trigger.key, event),
        data_at: event.occurred_at,
        seen: seen_before(journey, event, facts),
    };
    begin(turn, journey, key, from);
}

/// A journey that a step of another run starts. It gets that run's data, and its key if both are about the same thing.
/// `cause` names the step and the round of it, so that each start is a run of its own.
pub(super) fn start_other(turn: &mut Turn<'_>, id: &JourneyId, by: &Enrollment, cause: &str) {
    let Some(journey) = turn.catalog.journey(id) else {
        return;
    };
    let key = match journey.trigger.key {
        Key::Contact => EnrollmentKey::parse(turn.contact.id.as_str()).ok(),
        Key::Checkout | Key::Order | Key::Product => Some(by.key.clone()),
    };
    let Some(key) = key else { return };
    let is_in = |held: &Enrollment| held.journey == *id && held.key == key;
    let running = turn.contact.enrollments.iter().any(is_in);
    let now = turn.now;
    if running || !may_start(turn, journey, &key, now, turn.facts) {
        return;
    }
    let from = Origin {
        cause,
        // As of when the step was come to: what happened since, and is told of later, still concerns the run.
        at: by.since.min(now),
        counts_from: now,
        kind: None,
        data: Arc::clone(&by.data),
        data_at: by.data_at,
        seen: BTreeMap::new(),
    };
    begin(turn, journey, key, from);
}

/// Starts a journey for somebody who crossed the border of its segment; `cause` is part of the run's id.
pub(super) fn start_at_border(turn: &mut Turn<'_>, journey: &Journey, cause: &str) {
    let Ok(key) = EnrollmentKey::parse(turn.contact.id.as_str()) else {
        return;
    };
    let when = journey.trigger.when.as_ref();
    if turn.holds(when, journey, Topic::trigger(journey, &key)) != Some(true) {
        return;
    }
    let is_in = |held: &&Enrollment| held.journey == journey.id && held.key == key;
    let running: Vec<Enrollment> = turn.contact.enrollments.iter().filter(is_in).cloned().collect();
    let goes_on = match journey.reenter {
        Reenter::Once | Reenter::After(_) => !running.is_empty(),
        Reenter::Restart | Reenter::Parallel => false,
    };
    let now = turn.now;
    if goes_on || !may_start(turn, journey, &key, now, turn.facts) {
        return;
    }
    if journey.reenter == Reenter::Restart {
        for enrollment in &running {
            turn.end(enrollment, EndReason::Restarted);
        }
    }
    let from = Origin {
        cause,
        at: turn.happened_at,
        counts_from: now,
        kind: None,
        data: Arc::default(),
        data_at: now,
        seen: BTreeMap::new(),
    };
    begin(turn, journey, key, from);
}

/// What a run begins with.
pub(super) struct Origin<'a> {
    /// What made it begin; part of the run's id, so that a replay makes the same.
    pub cause: &'a str,
    pub at: Timestamp,
    pub counts_from: Timestamp,
    /// The event, where one made it begin.
    pub kind: Option<EventKind>,
    pub data: Arc<EventData>,
    pub data_at: Timestamp,
    pub seen: BTreeMap<EventKind, Timestamp>,
}

pub(super) fn begin(turn: &mut Turn<'_>, journey: &Journey, key: EnrollmentKey, from: Origin<'_>) {
    let Some(first) = journey.first_step() else { return };
    let contact = &turn.contact.id;
    // Most journeys hold nobody out, and a hash is not free.
    let held_out = journey.holdout > 0 && {
        let share = ids::bucket(&["holdout", contact.as_str(), journey.id.as_str()]) / 100;
        share < u32::from(journey.holdout)
    };
    let id = ids::enrollment(contact, &journey.id, &key, from.cause);
    // One cause, one run: a second would take the first one's mails for its own.
    let is_used = turn.contact.enrollments.iter().any(|held| held.id == id)
        || ended_runs(&turn.changes, turn.facts).any(|ended| ended.id == id);
    if is_used {
        return;
    }
    let enrollment = Enrollment {
        since: from.counts_from,
        // One that can only be of one kind needs no word of it.
        kind: from.kind.filter(|_| journey.trigger.on.len() > 1),
        data: from.data,
        data_at: from.data_at,
        seen: from.seen,
        held_out,
        ..Enrollment::new(id, journey.id.clone(), key, first.id.clone(), from.at)
    };
    if turn.contact.enrollments.len() >= MAX_ENROLLMENTS {
        turn.remarks.push(Remark::EnrollmentOverflow {
            journey: journey.id.to_string(),
        });
        let row = ended(&enrollment, EndReason::TooManyEnrollments, turn.now);
        turn.changes.push(Change::EndEnrollment(row));
        return;
    }
    turn.contact.starts.insert(journey.id.clone(), from.at);
    turn.advance(journey, enrollment, Entry::At(first));
}

/// Replaces the data and, if the journey says so, starts the current wait anew. An older event changes nothing.
fn refresh(turn: &mut Turn<'_>, journey: &Journey, id: &crate::domain::ids::EnrollmentId, event: &Event) {
    let data = data_for(turn, journey.trigger.key, event);
    let Some(enrollment) = turn.contact.enrollments.iter_mut().find(|held| held.id == *id) else {
        return;
    };
    // Equal times: the later arrival.
    if event.occurred_at < enrollment.data_at {
        return;
    }
    enrollment.kind = Some(event.kind.clone()).filter(|_| journey.trigger.on.len() > 1);
    enrollment.data = data;
    enrollment.data_at = event.occurred_at;
    let wait = journey
        .resolve(&enrollment.step)
        .and_then(|step| step.kind.as_wait());
    let restarts = journey.trigger.refresh == Refresh::DataAndWait;
    let Some(wait) = wait.filter(|wait| match wait {
        // The date may be another one now.
        Wait::Date { .. } => true,
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. } => restarts,
        // It is about the event, not about the time.
        Wait::Event { .. } => false,
    }) else {
        return;
    };
    let mut anew = enrollment.clone();
    if restarts {
        anew.since = anew.since.max(event.counts_from());
    }
    let calendar = Calendar::new(&turn.catalog.store, Some(journey), &turn.contact);
    let until = wait::until(wait, &anew, calendar, &turn.contact);
    if let (Position::Waiting { until: held }, Some(until)) = (&mut anew.position, until) {
        *held = until;
        if let Some(enrollment) = turn.contact.enrollments.iter_mut().find(|held| held.id == *id) {
            *enrollment = anew;
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
