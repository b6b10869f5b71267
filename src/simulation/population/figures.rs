//! What a population's mails came to, counted from the rows that the store keeps, as an operator would.

use super::clashes::{self, Clashes};
use super::overlap::{Overlaps, Run};
use super::rates::Rates;
use super::{Life, Plan, number_of};
use crate::domain::ids::ContactId;
use crate::domain::message::{DropReason, MessageState, Stream};
use crate::domain::time::Timestamp;
use crate::engine::defer::DeferReason;
use crate::simulation::error::Failure;
use crate::store::message::Stored;
use serde::Serialize;
use std::collections::BTreeMap;

const WEEK_MILLIS: i64 = 7 * 86_400_000;

/// Everything that is printed. Maps are by name, so that `--json` reads like the text.
#[derive(Debug, Serialize)]
pub struct Figures {
    pub contacts: u32,
    pub seed: u64,
    pub days: u32,
    pub assumed: Rates,
    pub events: u64,
    pub journeys: BTreeMap<String, JourneyFigures>,
    /// Mails a contact gets in a week of its time with the store: all, marketing, and of each stage.
    pub weekly: BTreeMap<String, Spread>,
    pub cap_hits: u64,
    /// Mails that went out beyond a cap of `store.yaml`: must be 0.
    pub over_caps: u64,
    /// Mails that came at a bad moment.
    pub clashes: Clashes,
    /// Journeys that took part and in which nobody ever was.
    pub never_entered: Vec<String>,
    pub overlapping_contacts: u64,
    pub overlaps: BTreeMap<String, u64>,
    pub unsubscribed: usize,
    /// Marketing mails to people who had unsubscribed: must be 0.
    pub mailed_after_unsubscribe: u64,
    /// Seconds from the moment a mail was due to the provider's answer, of those that no rule held.
    pub lateness_seconds: Spread,
    /// Things set aside for an operator: must be 0.
    pub dead_letters: usize,
    /// Set by who has a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_seconds: Option<f64>,
}

#[derive(Debug, Default, Serialize)]
pub struct JourneyFigures {
    pub started: u64,
    pub running: u64,
    /// Runs that reached their journey's goal.
    pub goals: u64,
    pub ended: BTreeMap<String, u64>,
    pub steps: BTreeMap<String, StepFigures>,
}

/// The mails of one step.
#[derive(Debug, Default, Serialize)]
pub struct StepFigures {
    pub sent: u64,
    /// Put off at least once, by the last reason, whatever became of it.
    pub held: BTreeMap<String, u64>,
    pub dropped: BTreeMap<String, u64>,
    /// Failed, given up, or of unknown fate.
    pub trouble: u64,
    pub under_way: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    pub mean: f64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub max: u64,
}

impl Spread {
    fn of(mut values: Vec<u64>) -> Self {
        values.sort_unstable();
        let at = |percent: usize| {
            let index = (values.len() * percent).div_ceil(100).saturating_sub(1);
            values.get(index).copied().unwrap_or_default()
        };
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let mean = values.iter().sum::<u64>() as f64 / values.len().max(1) as f64;
        Self {
            mean: (mean * 1_000.0).round() / 1_000.0,
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: values.last().copied().unwrap_or_default(),
        }
    }
}

/// Mails of one contact in each week since it came.
type Weeks = BTreeMap<(String, ContactId), BTreeMap<i64, u64>>;

impl Figures {
    pub(super) fn of(life: &Life<'_>, plan: &Plan) -> Result<Self, Failure> {
        let world = &life.world;
        let (mut journeys, overlaps, people) = runs(life)?;
        let came = people
            .iter()
            .map(|(id, person)| (id.clone(), person.since))
            .collect();
        let mut weeks = Weeks::new();
        let mut lateness = Vec::new();
        let mut cap_hits = 0;
        let messages = world.messages()?;
        for stored in &messages {
            let figures = journeys.entry(stored.message.journey.to_string()).or_default();
            let step = figures.steps.entry(stored.message.step.to_string()).or_default();
            cap_hits += u64::from(count(step, stored));
            lateness.extend(late_by(stored));
            let stage = world.catalog.journey(&stored.message.journey);
            let stage = stage.map(|journey| format!("{:?}", journey.stage).to_lowercase());
            note_week(&mut weeks, &came, stored, stage);
        }
        let (clashes, over_caps) = clashed(life, &messages, &people);
        let names = world
            .catalog
            .journeys
            .iter()
            .map(|journey| journey.id.to_string());
        let entered = |name: &String| journeys.get(name).is_some_and(|figures| figures.started > 0);
        Ok(Self {
            contacts: plan.contacts,
            seed: plan.seed,
            days: plan.days,
            assumed: plan.rates.clone(),
            events: life.events,
            never_entered: names.filter(|name| !entered(name)).collect(),
            journeys,
            weekly: weekly(&weeks, &came, life.end),
            cap_hits,
            over_caps,
            clashes,
            overlapping_contacts: overlaps.contacts,
            overlaps: overlaps
                .pairs
                .into_iter()
                .map(|((one, two), count)| (format!("{one} + {two}"), count))
                .collect(),
            unsubscribed: life.unsubscribed.len(),
            mailed_after_unsubscribe: life.unwanted,
            lateness_seconds: Spread::of(lateness),
            dead_letters: world.letters()?.len(),
            took_seconds: None,
        })
    }
}

/// A contact that is left at the end.
struct Left {
    since: Timestamp,
    /// Which of the population's people it is.
    number: Option<u32>,
}

type Journeys = BTreeMap<String, JourneyFigures>;

/// Everybody's runs, and who was in two at once.
fn runs(life: &Life<'_>) -> Result<(Journeys, Overlaps, BTreeMap<ContactId, Left>), Failure> {
    let mut journeys = Journeys::new();
    let mut overlaps = Overlaps::default();
    let mut people = BTreeMap::new();
    for contact in life.world.live()? {
        let mut runs: Vec<Run> = Vec::new();
        for run in &contact.enrollments {
            let figures = journeys.entry(run.journey.to_string()).or_default();
            figures.started += 1;
            figures.running += 1;
            figures.goals += u64::from(run.goal_at.is_some());
            runs.push((run.journey.clone(), run.started_at, life.end));
        }
        for ended in life.world.ended(&contact.id)? {
            let figures = journeys.entry(ended.journey.to_string()).or_default();
            figures.started += 1;
            figures.goals += u64::from(ended.goal_at.is_some());
            let how = crate::simulation::effects::reason_in_words(&ended.reason);
            *figures.ended.entry(how).or_default() += 1;
            runs.push((ended.journey, ended.started_at, ended.ended_at));
        }
        overlaps.add(&runs);
        let number = contact
            .address()
            .and_then(|address| number_of(address.email.as_str()));
        let since = contact.since;
        people.insert(contact.id, Left { since, number });
    }
    Ok((journeys, overlaps, people))
}

fn clashed(life: &Life<'_>, messages: &[Stored], people: &BTreeMap<ContactId, Left>) -> (Clashes, u64) {
    let mut by_contact: BTreeMap<&ContactId, Vec<&Stored>> = BTreeMap::new();
    for stored in messages {
        by_contact.entry(&stored.contact).or_default().push(stored);
    }
    let (mut clashes, mut over_caps) = (Clashes::new(), 0);
    for (contact, mails) in by_contact {
        let number = people.get(contact).and_then(|person| person.number);
        let marks = number.and_then(|number| life.marks.get(&number));
        clashes::add(&mut clashes, &mails, marks.map_or(&[], Vec::as_slice));
        over_caps += clashes::over_caps(&life.world.catalog.store.caps, &mails);
    }
    (clashes, over_caps)
}

/// Counts one message; says whether a cap held or dropped it.
fn count(step: &mut StepFigures, stored: &Stored) -> bool {
    let message = &stored.message;
    let reason = message.reason.as_deref().unwrap_or_default();
    let held = DeferReason::ALL.iter().any(|known| known.as_str() == reason);
    if held {
        *step.held.entry(reason.to_owned()).or_default() += 1;
    }
    match message.state {
        MessageState::Accepted | MessageState::Shadowed => step.sent += 1,
        MessageState::Dropped => *step.dropped.entry(reason.to_owned()).or_default() += 1,
        MessageState::Failed | MessageState::GivenUp | MessageState::Unknown => step.trouble += 1,
        MessageState::Intended => step.under_way += 1,
    }
    reason == DeferReason::Capped.as_str() || reason == DropReason::Capped.as_str()
}

/// How late a mail was that nothing of ours held.
fn late_by(stored: &Stored) -> Option<u64> {
    let message = &stored.message;
    let sent = message.state == MessageState::Accepted && message.reason.is_none();
    let late = message.settled_at.filter(|_| sent)?.since(message.due_at);
    u64::try_from(late.as_millis() / 1_000).ok()
}

fn note_week(
    weeks: &mut Weeks,
    came: &BTreeMap<ContactId, Timestamp>,
    stored: &Stored,
    stage: Option<String>,
) {
    let message = &stored.message;
    let (Some(at), Some(since)) = (message.settled_at, came.get(&stored.contact)) else {
        return;
    };
    if message.state != MessageState::Accepted {
        return;
    }
    let week = at.since(*since).as_millis() / WEEK_MILLIS;
    let marketing = (message.stream == Stream::Marketing).then(|| "marketing".to_owned());
    let stage = stage.map(|stage| format!("stage {stage}"));
    for kind in [Some("all".to_owned()), marketing, stage].into_iter().flatten() {
        let of_contact = weeks.entry((kind, stored.contact.clone())).or_default();
        *of_contact.entry(week).or_default() += 1;
    }
}

/// The spread over all weeks of all contacts, those without a mail among them.
fn weekly(weeks: &Weeks, came: &BTreeMap<ContactId, Timestamp>, end: Timestamp) -> BTreeMap<String, Spread> {
    let lived =
        |since: &Timestamp| usize::try_from(end.since(*since).as_millis() / WEEK_MILLIS + 1).unwrap_or(1);
    let total: usize = came.values().map(lived).sum();
    let mut values: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for ((kind, _), of_contact) in weeks {
        let counts = values.entry(kind.clone()).or_default();
        counts.extend(of_contact.values());
    }
    values
        .into_iter()
        .map(|(kind, mut counts)| {
            counts.resize(total.max(counts.len()), 0);
            (kind, Spread::of(counts))
        })
        .collect()
}
