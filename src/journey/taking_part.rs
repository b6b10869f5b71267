//! From sound journeys to a catalog: which of them take part, what their conditions count, and the hash of it all.
//!
//! Called by `check`, and by the simulation, which lets drafts take part. Host only; it checks nothing.

use super::catalog::Catalog;
use super::condition::clocks::clocks;
use super::definition::{Condition, Journey, Status};
use super::segment::{Clock, Segment};
use crate::domain::event::EventKind;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// The catalog without the journeys that do not take part, and without the emails and segments that only those name.
///
/// An email that no journey sends stays: people may stand before it whose journey sent it yesterday. So does a segment that
/// no journey names: whoever wrote it down wants to know who is in it.
pub fn taking_part(whole: &Catalog, takes_part: impl Fn(&Journey) -> bool) -> Catalog {
    let (journeys, left_out): (Vec<Journey>, Vec<Journey>) =
        whole.journeys.iter().cloned().partition(takes_part);
    let (sent, unsent) = (sent(&journeys), self::sent(&left_out));
    let stays = |email: &&String| sent.contains(email.as_str()) || !unsent.contains(email.as_str());
    let is_named = |by: &[Journey], segment: &Segment| by.iter().any(|journey| names(journey, segment));
    let stays_too = |segment: &&Segment| is_named(&journeys, segment) || !is_named(&left_out, segment);
    let segments: Vec<Segment> = whole.segments.iter().filter(stays_too).cloned().collect();
    hashed(Catalog {
        hash: String::new(),
        emails: whole.emails.iter().filter(stays).cloned().collect(),
        counted: counted(&journeys, &segments),
        segments,
        journeys,
        ..whole.clone()
    })
}

/// Whether the journey is part of the Worker.
pub fn is_live(journey: &Journey) -> bool {
    journey.status != Status::Draft
}

/// The names of the emails that these journeys send.
fn sent(journeys: &[Journey]) -> BTreeSet<&str> {
    let steps = journeys.iter().flat_map(|journey| &journey.steps);
    steps
        .filter_map(|step| Some(step.kind.as_send()?.email.as_str()))
        .collect()
}

/// Whether the journey starts or ends at the segment's border, or asks who is in it.
fn names(journey: &Journey, segment: &Segment) -> bool {
    let mut borders = journey.trigger.segments.iter().chain(&journey.exit_segments);
    let asks = |condition: &Condition| {
        let text = condition.0.as_str();
        let name = segment.name.as_str();
        let quoted = |quote: char| text.contains(&format!("{quote}{name}{quote}"));
        text.contains("segments") && (quoted('"') || quoted('\''))
    };
    borders.any(|border| border.segment == segment.name) || journey.conditions().any(asks)
}

/// The kinds of events that the conditions count, each with the widest window.
pub fn counted(journeys: &[Journey], segments: &[Segment]) -> BTreeMap<EventKind, u16> {
    let of_journeys = journeys.iter().flat_map(Journey::conditions);
    let of_segments = segments.iter().map(|segment| &segment.when);
    let mut counted = BTreeMap::new();
    for clock in of_journeys
        .chain(of_segments)
        .flat_map(|condition| clocks(&condition.0))
    {
        match clock {
            Clock::Window { event, days } => {
                let widest = counted.entry(event).or_insert(days);
                *widest = days.max(*widest);
            }
            Clock::After { .. } | Clock::Daily { .. } => {}
        }
    }
    counted
}

/// The catalog with the hash of its content, 16 hex digits.
fn hashed(catalog: Catalog) -> Catalog {
    let text = serde_json::to_string(&catalog).unwrap_or_default();
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    Catalog { hash, ..catalog }
}
