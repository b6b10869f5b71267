//! One scenario with the shopper in every time zone, around the days on which its clock changes.
//!
//! Zones whose clocks show the same all year are played once and counted together: names do not reach the arithmetic.

use super::cast::{Cast, Script};
use super::error::Failure;
use super::timeline::{Entry, Timeline, Verb};
use crate::domain::civil::{TimeOfDay, Weekdays, Zone, next_time_of_day, zone_changes};
use crate::domain::ids::StepId;
use crate::domain::message::{DropReason, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::Journey;
use crate::journey::step::{Step, Wait};
use chrono::NaiveDate;
use std::collections::{BTreeMap, BTreeSet};

/// The year that is swept: that of every simulation.
const YEAR_START: Timestamp = Timestamp::from_seconds(1_767_225_600);
const YEAR_END: Timestamp = Timestamp::from_seconds(1_798_761_600);
/// How far the clocks must agree for zones to be played together: a journey that starts in December goes on after it.
const COMPARED_UNTIL: Timestamp = Timestamp::from_seconds(1_830_297_600);
/// Where the clock never changes: a day in June.
const QUIET_DAY: Timestamp = Timestamp::from_seconds(1_781_481_600);
/// The shopper comes at this hour of her own clock, on the day before the change.
pub(super) const START_HOUR: u16 = 14;

/// Instants from which a clock shows a new distance to UTC, and that distance.
type Clock = Vec<(i64, i64)>;

/// What one start in one zone came to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Outcome {
    /// What is odd about it; empty when nothing is.
    odd: BTreeSet<String>,
    /// `welcome-story day 2 10:00`
    mails: Vec<String>,
}

/// Zones that came out the same.
#[derive(Debug, Clone)]
pub struct Group {
    pub odd: Vec<String>,
    pub mails: Vec<String>,
    pub zones: BTreeSet<&'static str>,
    /// Starts that came out so: up to two for each zone that changes its clock.
    pub starts: usize,
    /// One of the starts, by UTC.
    pub example: Timestamp,
}

/// All groups, odd ones first, then the largest.
#[derive(Debug)]
pub struct Swept {
    pub groups: Vec<Group>,
    pub zones: usize,
    pub starts: usize,
}

/// Plays the script in each of the zones.
///
/// # Errors
/// When the script cannot be played.
pub fn sweep(cast: &Cast, script: &Script, zones: &[Zone], days: u32) -> Result<Swept, Failure> {
    let mut alike: BTreeMap<(Timestamp, Clock), Vec<Zone>> = BTreeMap::new();
    for zone in zones {
        let clock = clock_of(*zone);
        for start in starts(*zone) {
            alike.entry((start, clock.clone())).or_default().push(*zone);
        }
    }
    let mut groups: BTreeMap<Outcome, Group> = BTreeMap::new();
    let mut played = 0;
    for ((start, _), zones) in alike {
        let Some(zone) = zones.first().copied() else {
            continue;
        };
        let outcome = play(cast, script, zone, start, days)?;
        played += zones.len();
        let group = groups.entry(outcome.clone()).or_insert_with(|| Group {
            odd: outcome.odd.into_iter().collect(),
            mails: outcome.mails,
            zones: BTreeSet::new(),
            starts: 0,
            example: start,
        });
        group.zones.extend(zones.iter().map(|zone| zone.name()));
        group.starts += zones.len();
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| (group.odd.is_empty(), std::cmp::Reverse(group.starts)));
    Ok(Swept {
        groups,
        zones: zones.len(),
        starts: played,
    })
}

/// What a zone's clock shows over the year: the distance to UTC, at its beginning and at each change.
fn clock_of(zone: Zone) -> Clock {
    let distance = |at: Timestamp| {
        let local = zone.local(at).and_utc().timestamp();
        (at.as_seconds(), local - at.as_seconds())
    };
    let changes = zone_changes(zone, YEAR_START, COMPARED_UNTIL);
    std::iter::once(YEAR_START).chain(changes).map(distance).collect()
}

/// The afternoon before each change of the clock; without changes, one in June.
fn starts(zone: Zone) -> Vec<Timestamp> {
    let afternoon = TimeOfDay::new(START_HOUR, 0).unwrap_or_default();
    let before = |at: Timestamp| next_time_of_day(at, afternoon, Weekdays::EVERY_DAY, zone);
    let changes = zone_changes(zone, YEAR_START, YEAR_END);
    if changes.is_empty() {
        return vec![before(QUIET_DAY)];
    }
    let day_before = |change: &Timestamp| before(change.minus(Delay::from_days(1)));
    changes.iter().map(day_before).collect()
}

fn play(cast: &Cast, script: &Script, zone: Zone, start: Timestamp, days: u32) -> Result<Outcome, Failure> {
    let player = cast.play(script, days, |player| {
        player.world.begin_at(start);
        player.story.zone = Some(zone);
    })?;
    let catalog = &player.world.catalog;
    let first_day = zone.date(start);
    let mut outcome = Outcome {
        odd: BTreeSet::new(),
        mails: Vec::new(),
    };
    let mut days: BTreeMap<(String, NaiveDate), usize> = BTreeMap::new();
    for entry in &player.watcher.entries {
        match entry.verb {
            Verb::Sent => {
                let local = zone.local(entry.at);
                let step = entry.step.as_ref().map(ToString::to_string).unwrap_or_default();
                let day = local.date().signed_duration_since(first_day).num_days() + 1;
                outcome
                    .mails
                    .push(format!("{step} day {day} {}", local.format("%H:%M")));
                outcome
                    .odd
                    .extend(odd_mail(catalog, &player.watcher, entry, zone));
                let count = days.entry((entry.who.clone(), local.date())).or_default();
                *count += 1;
                if *count == 2 {
                    outcome.odd.insert("two mails on one calendar day".to_owned());
                }
            }
            Verb::Dropped if entry.text == DropReason::TooLate.in_words() => {
                let step = entry.step.as_ref().map(ToString::to_string).unwrap_or_default();
                outcome.odd.insert(format!("{step} was skipped as too late"));
            }
            Verb::Started
            | Verb::Dropped
            | Verb::Held
            | Verb::Trouble
            | Verb::Waits
            | Verb::Ended
            | Verb::Note => {}
        }
    }
    Ok(outcome)
}

/// What is odd about the moment at which a mail went out.
fn odd_mail(catalog: &Catalog, timeline: &Timeline, entry: &Entry, zone: Zone) -> Vec<String> {
    let mut odd = Vec::new();
    let journey = entry.journey.as_ref().and_then(|id| catalog.journey(id));
    let step = entry.step.as_ref();
    let (Some(journey), Some(id)) = (journey, step) else {
        return odd;
    };
    let Some(send) = journey.step(id).and_then(|step| step.kind.as_send()) else {
        return odd;
    };
    if send.stream == Stream::Marketing {
        if journey
            .window
            .is_some_and(|window| !window.is_open(entry.at, zone))
        {
            odd.push(format!("{id} outside of the journey's window"));
        }
        let quiet = catalog.store.quiet_hours;
        if quiet.is_some_and(|quiet| quiet.until(entry.at, zone).is_some()) {
            odd.push(format!("{id} in quiet hours"));
        }
    }
    let held = timeline
        .entries
        .iter()
        .any(|other| other.verb == Verb::Held && other.step == entry.step && other.who == entry.who);
    let wanted = waited_until(journey, id);
    if let Some(wanted) = wanted.filter(|_| !held) {
        let shown = zone.local(entry.at).format("%H:%M").to_string();
        if shown != wanted.to_string() {
            odd.push(format!("{id} at {shown} in place of {wanted}"));
        }
    }
    odd
}

/// The time of day that the wait right before a step asks for.
fn waited_until(journey: &Journey, id: &StepId) -> Option<TimeOfDay> {
    let mut before = journey
        .steps
        .iter()
        .filter(|step: &&Step| step.next.as_ref() == Some(id));
    match before.next()?.kind.as_wait()? {
        Wait::Until { at, .. } | Wait::Date { at, .. } => Some(*at),
        Wait::Delay(_) | Wait::Calendar(_) | Wait::Event { .. } => None,
    }
}
