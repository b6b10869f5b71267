//! Segments: who is in which, what crossing a border starts and ends, and when to look again.
//!
//! Called by `decide` twice: before the input, to take over definitions that are new to the contact, and after it, when
//! something changed that conditions can see or when a time has come. Definitions that are new or edited are taken over
//! silently; only `backfill` makes them start something, at the time the sweep gives.

use super::condition::Compiled;
use super::decide::Turn;
use super::decision::{Input, Remark};
use super::enroll::start_at_border;
use super::sight::{Topic, View, days_between, moment};
use super::state::{Contact, EndReason, Standing};
use crate::domain::ids::{EnrollmentId, JourneyId, SegmentName};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Border, Journey};
use crate::journey::segment::{Clock, Crossing, Segment};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How often in one decision crossings start and end journeys: once for what happened, once for what these changed.
/// What changes after that is recorded and starts nothing, or two journeys could toss a contact to and fro for ever.
const ROUNDS_MAX: usize = 2;
/// How many moments ahead are tried for one at which something really changes, before a wake just looks.
const AHEAD_MAX: usize = 8;

impl Turn<'_> {
    /// Takes over definitions that are new to the contact, as of before the input. Returns whether there were any.
    ///
    /// Somebody who is new themselves is in no segment yet: what they enter by their first event, they enter.
    pub fn adopt(&mut self, input: &Input) -> bool {
        let catalog = self.catalog;
        let before = self.contact.segments.of.len();
        self.contact
            .segments
            .of
            .retain(|name, _| catalog.segment(name).is_some());
        let gone = self.contact.segments.of.len() < before;
        let is_stale = |segment: &Segment| {
            let held = self.contact.segments.of.get(&segment.name);
            held.is_none_or(|standing| standing.version != segment.version)
        };
        let stale: Vec<bool> = catalog.segments.iter().map(is_stale).collect();
        let any_stale = stale.contains(&true);
        if any_stale {
            self.take_over(&stale, input);
        }
        let taken_in = self.take_in(input);
        if catalog.segments.is_empty() {
            self.contact.segments.look_again = None;
            self.contact.segments.starting.clear();
        }
        gone || any_stale || taken_in
    }

    fn take_over(&mut self, stale: &[bool], input: &Input) {
        let catalog = self.catalog;
        let blank = Contact::new(self.contact.id.clone(), self.contact.since);
        let verdicts = if self.contact == blank {
            vec![false; stale.len()]
        } else {
            Panel::read(catalog).ask(self.view(), &mut Vec::new())
        };
        let at = self.backfill_at(input);
        let segments = catalog.segments.iter().zip(verdicts).zip(stale);
        for ((segment, is_in), _) in segments.filter(|(_, stale)| **stale) {
            let standings = &mut self.contact.segments;
            let was = standings.of.get(&segment.name).and_then(|held| held.since);
            let standing = Standing {
                version: segment.version.clone(),
                since: is_in.then(|| was.unwrap_or(self.now)),
            };
            standings.of.insert(segment.name.clone(), standing);
            if is_in && was.is_none() && segment.backfill {
                for journey in catalog.started_at(&entering(&segment.name)) {
                    standings.starting.entry(journey.id.clone()).or_insert(at);
                }
            }
        }
    }

    /// In a sweep: members of a segment who were never in a journey that wants them.
    fn take_in(&mut self, input: &Input) -> bool {
        let Input::Sweep { backfill_at } = input else {
            return false;
        };
        let wanting = self.catalog.journeys.iter().filter(|journey| {
            journey.trigger.backfill
                && journey.status.admits()
                && !self.contact.starts.contains_key(&journey.id)
                && !self.contact.segments.starting.contains_key(&journey.id)
                && self.is_member_for(journey)
        });
        let wanting: Vec<JourneyId> = wanting.map(|journey| journey.id.clone()).collect();
        let any = !wanting.is_empty();
        let starting = wanting.into_iter().map(|journey| (journey, *backfill_at));
        self.contact.segments.starting.extend(starting);
        any
    }

    /// Whoever shows up before the sweep comes to them needs no throttle: events bring people one by one.
    const fn backfill_at(&self, input: &Input) -> Timestamp {
        match input {
            Input::Sweep { backfill_at } => *backfill_at,
            Input::Event(_)
            | Input::Overtaken { .. }
            | Input::Wake
            | Input::Settled { .. }
            | Input::Deferred { .. }
            | Input::Held { .. }
            | Input::Known { .. }
            | Input::Errand { .. }
            | Input::Dispatched { .. }
            | Input::Resend { .. }
            | Input::CheckoutTaken(_) => self.now,
        }
    }

    fn is_member_for(&self, journey: &Journey) -> bool {
        let borders = &journey.trigger.segments;
        borders.iter().any(|border| {
            border.crossing == Crossing::Enters && self.contact.segments.is_member(&border.segment)
        })
    }

    /// Asks every condition, if one may say something else than `before` the input, and does what follows.
    pub fn look_at_segments(&mut self, before: &Contact, input: &Input, adopted: bool) {
        if self.catalog.segments.is_empty() {
            return;
        }
        let look_again = self.contact.segments.look_again;
        let due = look_again.is_some_and(|at| at <= self.now);
        if !adopted && !due && !self.may_differ(before, input) {
            return;
        }
        let panel = Panel::read(self.catalog);
        // A test event is kept and starts nothing, and so is what a list tells that was kept elsewhere.
        let silent = matches!(input, Input::Event(event) if !event.is_live());
        let ids = before.enrollments.iter().map(|held| held.id.clone());
        let held: BTreeSet<EnrollmentId> = ids.collect();
        for round in 0..=ROUNDS_MAX {
            let crossed = self.cross(&panel);
            let late = if silent {
                Vec::new()
            } else {
                self.due_backfills(&crossed)
            };
            if silent || (crossed.is_empty() && late.is_empty()) {
                break;
            }
            if round == ROUNDS_MAX {
                let contact = self.contact.id.clone();
                self.remarks.push(Remark::SegmentsUnsettled { contact });
                break;
            }
            self.follow(&crossed, &late, &held);
        }
        let next = panel.next_change(self.view());
        let starting = self.contact.segments.starting.values().copied();
        self.contact.segments.look_again = starting.chain(next).min();
    }

    /// Whether something changed that the condition of a segment can see. Money, days and tags change by these alone.
    fn may_differ(&self, before: &Contact, input: &Input) -> bool {
        let now = &self.contact;
        let address = |contact: &Contact| {
            let address = contact.address();
            address.map(|address| (address.email.canonical(), address.consent.state))
        };
        now.profile != before.profile
            || now.own_tags != before.own_tags
            || now.since != before.since
            || now.purchases != before.purchases
            || now.engagement != before.engagement
            || now.referrals != before.referrals
            || address(now) != address(before)
            || matches!(input, Input::Event(event)
                if !event.test && self.catalog.counted.contains_key(&event.kind))
    }

    /// Moves the contact over every border its conditions say, and tells which.
    fn cross(&mut self, panel: &Panel<'_>) -> Vec<Border> {
        let mut remarks = std::mem::take(&mut self.remarks);
        let verdicts = panel.ask(self.view(), &mut remarks);
        self.remarks = remarks;
        let mut crossed = Vec::new();
        for (segment, is_in) in self.catalog.segments.iter().zip(verdicts) {
            let Some(standing) = self.contact.segments.of.get_mut(&segment.name) else {
                continue;
            };
            if standing.since.is_some() == is_in {
                continue;
            }
            standing.since = is_in.then_some(self.now);
            crossed.push(Border {
                crossing: if is_in { Crossing::Enters } else { Crossing::Leaves },
                segment: segment.name.clone(),
            });
        }
        crossed
    }

    /// Journeys whose backfill is due, if the contact is still in their segment and this very crossing does not start
    /// them.
    fn due_backfills(&mut self, crossed: &[Border]) -> Vec<JourneyId> {
        let starting = &mut self.contact.segments.starting;
        let ids = starting.iter().filter(|(_, at)| **at <= self.now);
        let due: Vec<JourneyId> = ids.map(|(journey, _)| journey.clone()).collect();
        starting.retain(|journey, _| !due.contains(journey));
        let wanted = due.into_iter().filter(|id| {
            self.catalog.journey(id).is_some_and(|journey| {
                self.is_member_for(journey) && !crossed.iter().any(|border| journey.starts_at(border))
            })
        });
        wanted.collect()
    }

    /// Ends and starts what the crossings say. Like an event, a crossing does not end what it started itself: only runs
    /// that were `held` before.
    fn follow(&mut self, crossed: &[Border], late: &[JourneyId], held: &BTreeSet<EnrollmentId>) {
        let catalog = self.catalog;
        for enrollment in self.contact.enrollments.clone() {
            let journey = catalog.journey(&enrollment.journey);
            let rules = journey.map_or(&[][..], |journey| journey.exit_segments.as_slice());
            let left = crossed.iter().find(|border| rules.contains(border));
            if let Some(border) = left.filter(|_| held.contains(&enrollment.id)) {
                self.end(&enrollment, reason(border));
            }
        }
        let now = self.now.as_millis();
        for border in crossed {
            let cause = format!("segment:{}:{}:{now}", border.crossing.as_str(), border.segment);
            for journey in catalog.started_at(border) {
                start_at_border(self, journey, &cause);
            }
        }
        for journey in late.iter().filter_map(|id| catalog.journey(id)) {
            start_at_border(self, journey, &format!("backfill:{now}"));
        }
    }
}

fn reason(border: &Border) -> EndReason {
    match border.crossing {
        Crossing::Enters => EndReason::EnteredSegment(border.segment.clone()),
        Crossing::Leaves => EndReason::LeftSegment(border.segment.clone()),
    }
}

fn entering(segment: &SegmentName) -> Border {
    Border {
        crossing: Crossing::Enters,
        segment: segment.clone(),
    }
}

/// The conditions of all segments, read once for a decision.
struct Panel<'c> {
    segments: &'c [Segment],
    conditions: Vec<Option<Arc<Compiled>>>,
}

impl<'c> Panel<'c> {
    fn read(catalog: &'c Catalog) -> Self {
        let segments = catalog.segments.as_slice();
        // The build read every one of them.
        let read = |segment: &Segment| Compiled::of(&segment.when).ok();
        Self {
            segments,
            conditions: segments.iter().map(read).collect(),
        }
    }

    /// Who is in which, in the order of the catalog. A condition that fails does not hold, and is remarked.
    fn ask(&self, view: View<'_>, remarks: &mut Vec<Remark>) -> Vec<bool> {
        let pairs = self.segments.iter().zip(&self.conditions);
        let verdicts = pairs.map(|(segment, condition)| {
            let Some(condition) = condition else { return false };
            condition.holds(&view.on(Topic::CONTACT)).unwrap_or_else(|error| {
                let (journey, error) = (format!("segment {}", segment.name), error.to_string());
                remarks.push(Remark::ConditionFailed { journey, error });
                false
            })
        });
        verdicts.collect()
    }

    /// The next moment at which somebody of whom nothing is heard crosses a border. One that lies behind more turns
    /// than are tried is looked for from there.
    fn next_change(&self, view: View<'_>) -> Option<Timestamp> {
        let mut first = self.turn_after(view, view.now)?;
        let today = self.ask(view, &mut Vec::new());
        for _ in 0..AHEAD_MAX {
            let then = View { now: first, ..view };
            if self.ask(then, &mut Vec::new()) != today {
                return Some(first);
            }
            first = self.turn_after(view, first)?;
        }
        Some(first)
    }

    /// The earliest moment after `from` at which a comparison in some condition turns over.
    fn turn_after(&self, view: View<'_>, from: Timestamp) -> Option<Timestamp> {
        let clocks = self.segments.iter().flat_map(|segment| &segment.clocks);
        clocks.filter_map(|clock| turn_of(clock, view, from)).min()
    }
}

fn turn_of(clock: &Clock, view: View<'_>, from: Timestamp) -> Option<Timestamp> {
    let later = |at: &Timestamp| *at > from;
    match clock {
        Clock::After { moment: since, days } => {
            let base = moment(view.contact, *since)?;
            let turns = days
                .iter()
                .map(|days| base.plus(Delay::from_days(i64::from(*days))));
            turns.filter(later).min()
        }
        Clock::Daily { moment: since } => {
            let base = moment(view.contact, *since)?;
            let days = days_between(base, from).saturating_add(1);
            Some(base.plus(Delay::from_days(days))).filter(later)
        }
        Clock::Window { event, days } => {
            let times = view.counted.get(event)?.iter();
            let window = Delay::from_days(i64::from(*days));
            times.map(|at| at.plus(window)).filter(later).min()
        }
    }
}

#[cfg(test)]
mod tests;
