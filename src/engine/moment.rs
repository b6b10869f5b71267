//! Journeys that a time starts: each contact carries the next one of each, and is woken for it.
//!
//! Armed when the contact's dates or zone change and in the sweep after a deploy, by the clock of the contact (dates) or
//! of the store (schedules). A date that becomes known on its own day, a little late, still counts.

use super::civil::{Calendar, date_named};
use super::decide::Turn;
use super::enroll::{Origin, begin, may_start};
use super::occasion;
use super::sight::Topic;
use crate::domain::event::EventData;
use crate::domain::ids::EnrollmentKey;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Moment};
use std::collections::BTreeMap;

/// How long ago a moment may be that is only known now.
const GRACE: Delay = Delay::from_hours(24);

/// Which moments are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anew {
    /// Of every journey: a date or a zone may be another one, or the journeys are.
    All,
    /// As `All`, where a date came with a list that was kept elsewhere: what was due before that is nobody's business.
    Ahead,
    /// Of journeys without one: somebody new.
    Missing,
}

/// Works out when the contact is due next in each journey that a time starts.
pub(super) fn arm(turn: &mut Turn<'_>, anew: Anew) {
    let mut armed = BTreeMap::new();
    for journey in timed(turn.catalog) {
        let held = turn.contact.armed.get(&journey.id).copied();
        let at = match (anew, held) {
            (Anew::Missing, Some(held)) => Some(held),
            // Nothing became known: what is past stays past.
            // It is due, and only waits for its turn.
            (Anew::Ahead, Some(held)) if held <= turn.now => Some(held),
            (Anew::Missing, None) | (Anew::Ahead, _) => next(turn, journey, turn.now),
            (Anew::All, _) => next(turn, journey, turn.now.minus(GRACE)),
        };
        armed.extend(at.map(|at| (journey.id.clone(), at)));
    }
    turn.contact.armed = armed;
    let fired = &mut turn.contact.fired;
    fired.retain(|id, _| turn.catalog.journey(id).is_some());
}

fn timed(catalog: &Catalog) -> impl Iterator<Item = &Journey> {
    catalog
        .journeys
        .iter()
        .filter(|journey| journey.trigger.moment.is_some() && journey.status.admits())
}

/// The next moment of a journey at `from` or later, later than the one that came last.
fn next(turn: &Turn<'_>, journey: &Journey, from: Timestamp) -> Option<Timestamp> {
    let calendar = Calendar::new(&turn.catalog.store, Some(journey), &turn.contact);
    let last = turn.contact.fired.get(&journey.id).copied();
    let after = last.map_or(from, |last| from.max(last.plus(Delay::from_millis(1))));
    match journey.trigger.moment.as_ref()? {
        Moment::Date {
            of,
            offset_days,
            at,
            yearly,
            leap,
        } => {
            let date = date_named(of, &turn.contact, &EventData::default(), calendar.contact)?;
            if *yearly {
                return Some(date.yearly_after(after, *offset_days, *at, calendar.contact, *leap));
            }
            date.once(*offset_days, *at, calendar.contact)
                .filter(|at| *at >= after)
        }
        // A schedule has no past: who comes today gets the next issue.
        Moment::Schedule(recurrence) => recurrence.next(turn.now.max(after), calendar.store),
    }
}

/// Starts what is due, and arms the moment after it.
pub(super) fn fire(turn: &mut Turn<'_>) {
    let due: Vec<_> = turn
        .contact
        .armed
        .iter()
        .filter(|(_, at)| **at <= turn.now)
        .map(|(journey, at)| (journey.clone(), *at))
        .collect();
    for (id, at) in due {
        turn.contact.armed.remove(&id);
        let Some(journey) = turn
            .catalog
            .journey(&id)
            .filter(|journey| journey.status.admits())
        else {
            continue;
        };
        turn.contact.fired.insert(id.clone(), at);
        start(turn, journey, at);
        let later = at.max(turn.now.minus(GRACE)).plus(Delay::from_millis(1));
        if let Some(next) = next(turn, journey, later) {
            turn.contact.armed.insert(id, next);
        }
    }
}

fn start(turn: &mut Turn<'_>, journey: &Journey, at: Timestamp) {
    let calendar = Calendar::new(&turn.catalog.store, Some(journey), &turn.contact);
    let day = match &journey.trigger.moment {
        Some(Moment::Date { offset_days, .. }) => occasion::day(at, *offset_days, calendar.contact),
        Some(Moment::Schedule(_)) | None => calendar.store.date(at),
    };
    let data = occasion::data(journey.trigger.moment.as_ref(), day);
    let day = format!("on:{day}");
    let Ok(key) = EnrollmentKey::parse(&day) else {
        return;
    };
    let is_in = turn
        .contact
        .enrollments
        .iter()
        .any(|held| held.journey == journey.id && held.key == key);
    if is_in || !may_start(turn, journey, &key, at, turn.facts) {
        return;
    }
    let when = journey.trigger.when.as_ref();
    if turn.holds(when, journey, Topic::trigger(journey, &key)) != Some(true) {
        return;
    }
    let from = Origin {
        cause: &day,
        at,
        counts_from: at,
        kind: None,
        data,
        data_at: at,
        seen: BTreeMap::new(),
    };
    begin(turn, journey, key, from);
}
