//! Looks at the world after every step: at what the step changed, and nothing else. [`super::over`] looks at all of it.

use super::super::error::Failure;
use super::super::world::World;
use super::broken::{Broken, Promise, keep};
use super::play::Play;
use crate::domain::ids::{ContactId, MessageId};
use crate::domain::message::Lane;
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::state::{Contact, Document, Enrollment, MAX_DOCUMENT_BYTES, MAX_ENROLLMENTS};
use crate::store::{self, Row, Sql};
use crate::turn::alarm;
use std::collections::{BTreeMap, BTreeSet};

/// How much later than what is due an alarm may stand: the longest pause between two runs, and what it may differ by.
const ALARM_TOLERANCE: Delay = Delay::from_millis(alarm::EMPTY_RUN_FLOOR.as_millis() + 200);

/// Longest rest that is believed of a provider.
const LONGEST_REST: Delay = Delay::from_hours(1);

/// What was seen when it was looked last.
pub(super) struct Eyes {
    rows: BTreeMap<ShardIndex, u64>,
    /// Each contact as it was stored.
    contacts: BTreeMap<ContactId, String>,
    /// Mails that were looked at, and the marketing among them: when it left by our clock, and in which lane.
    pub mails: usize,
    pub marketing: BTreeMap<ContactId, Vec<(Timestamp, Lane, String)>>,
    pub keys: BTreeSet<String>,
    pub taken: BTreeMap<String, u32>,
    /// When a message was taken first.
    pub first_taken: BTreeMap<String, Timestamp>,
    pub mismatched: usize,
    /// Mails whose end was looked at.
    pub ended: BTreeSet<MessageId>,
}

impl Eyes {
    pub fn new(world: &World) -> Self {
        Self {
            rows: world.indices().into_iter().map(|shard| (shard, 0)).collect(),
            contacts: BTreeMap::new(),
            mails: 0,
            marketing: BTreeMap::new(),
            keys: BTreeSet::new(),
            taken: BTreeMap::new(),
            first_taken: BTreeMap::new(),
            mismatched: 0,
            ended: BTreeSet::new(),
        }
    }

    /// # Errors
    /// With the promise that the last step broke.
    pub fn look(&mut self, play: &mut Play<'_>) -> Result<(), Broken> {
        let taken = play.world.provider.borrow().taken.len();
        self.look_at_mails(play, taken)?;
        for shard in play.world.indices() {
            let rows = play.world.rows_of(shard)?;
            if self.rows.insert(shard, rows) != Some(rows) {
                self.look_at_contacts(play, shard)?;
                self.look_at_ends(play, shard)?;
            }
            alarm_stands(&play.world, shard)?;
        }
        if play.truth.awaits() && play.world.forwards()? == 0 {
            play.truth.arrive();
        }
        Ok(())
    }

    fn look_at_contacts(&mut self, play: &Play<'_>, shard: ShardIndex) -> Result<(), Broken> {
        let sql = play.world.tables_of(shard)?;
        let swept = !play.unswept.contains(&shard);
        let journeys = &play.world.catalog.hash;
        for row in rows(sql)? {
            let id = row
                .parsed("contact_id", ContactId::parse)
                .map_err(Failure::from)?;
            let text = row.text("doc").map_err(Failure::from)?;
            let due = row.opt_time("due").map_err(Failure::from)?;
            let failures = row.count("failures").map_err(Failure::from)?;
            keep(Promise::Answered, failures == 0, || {
                format!("contact {id} failed to be woken")
            })?;
            let seen = format!("{due:?} {swept} {journeys} {text}");
            if self.contacts.get(&id) == Some(&seen) {
                continue;
            }
            let bytes = text.len();
            keep(Promise::Bounds, bytes <= MAX_DOCUMENT_BYTES, || {
                format!("the document of {id} has {bytes} bytes")
            })?;
            match serde_json::from_str(text).map_err(Failure::from)? {
                Document::Live(contact) => {
                    look_at_contact(play, sql, &contact, due)?;
                    if swept {
                        stands_on_steps(&play.world, &contact)?;
                    }
                }
                Document::Moved { .. } | Document::Erased { .. } => {}
            }
            self.contacts.insert(id, seen);
        }
        Ok(())
    }

    /// Looks at everything again, as if nothing had been seen.
    ///
    /// # Errors
    /// As [`Eyes::look`].
    pub fn look_at_all(&mut self, play: &mut Play<'_>) -> Result<(), Broken> {
        self.contacts.clear();
        for shard in play.world.indices() {
            self.look_at_contacts(play, shard)?;
        }
        Ok(())
    }
}

fn rows(sql: &dyn Sql) -> Result<Vec<Row>, Failure> {
    let all = "SELECT contact_id, due, failures, doc FROM contact WHERE moved_at IS NULL";
    Ok(sql.query(all, &[])?)
}

fn look_at_contact(
    play: &Play<'_>,
    sql: &dyn Sql,
    contact: &Contact,
    due: Option<Timestamp>,
) -> Result<(), Broken> {
    let id = &contact.id;
    let runs = contact.enrollments.len();
    keep(Promise::Bounds, runs <= MAX_ENROLLMENTS, || {
        format!("{id} is in {runs} runs")
    })?;
    // Nobody is frozen in these stores, so every run has its time.
    let wakes = contact.enrollments.iter().filter_map(Enrollment::wake);
    let others = contact.armed.values().copied().chain(contact.segments.look_again);
    let earliest = wakes.chain(others).min();
    keep(Promise::Wake, due == earliest, || {
        format!("{id} is due at {due:?}, and its earliest wake is {earliest:?}")
    })?;
    for run in &contact.enrollments {
        let Some(sending) = run.sending() else { continue };
        let message = &sending.message;
        let stored = store::message::get(sql, message).map_err(Failure::from)?;
        keep(Promise::NotLost, stored.is_some(), || {
            format!(
                "{} of {id} waits for message {message}, which is not in the ledger",
                run.journey
            )
        })?;
        if sending.dispatched {
            let out = store::dispatch::open_members(sql, &[message]).map_err(Failure::from)?;
            keep(Promise::Wake, out.contains(message), || {
                format!(
                    "{} of {id} waits for a request that is not there: {message}",
                    run.journey
                )
            })?;
        }
    }
    let limited = play
        .world
        .remarks
        .borrow()
        .iter()
        .any(|remark| remark.to_string().contains("step limit"));
    keep(Promise::Ends, !limited, || {
        format!("{id} ran into the step limit")
    })
}

fn stands_on_steps(world: &World, contact: &Contact) -> Result<(), Broken> {
    for run in &contact.enrollments {
        let journey = world.catalog.journey(&run.journey);
        let stands = journey.is_some_and(|journey| journey.step(&run.step).is_some());
        keep(Promise::Swept, stands, || {
            format!("{} stands on {} of {}", contact.id, run.step, run.journey)
        })?;
    }
    Ok(())
}

/// The earliest thing that is due in a shard, as its rows have it: contacts, requests that are out, work for other shards.
///
/// # Errors
/// When storage fails.
pub(super) fn earliest_due(world: &World, shard: ShardIndex) -> Result<Option<Timestamp>, Failure> {
    let rows = "SELECT min(due) AS due FROM (
          SELECT due FROM contact UNION ALL
          SELECT coalesce(next_at, lease_until) FROM dispatch UNION ALL
          SELECT next_at FROM forward)";
    let found = world.tables_of(shard)?.query(rows, &[])?;
    Ok(found.first().map_or(Ok(None), |row| row.opt_time("due"))?)
}

/// The alarm is no later than the earliest thing that is due, or than the rest that the provider asks for. Whatever this
/// process does not know of, as after a crash, cron finds.
fn alarm_stands(world: &World, shard: ShardIndex) -> Result<(), Broken> {
    if !world.is_armed(shard) {
        return Ok(());
    }
    let Some(due) = earliest_due(world, shard)? else {
        return Ok(());
    };
    let rest = world.rest_of(shard)?.min(world.now.plus(LONGEST_REST));
    let latest = due.max(rest).max(world.now).plus(ALARM_TOLERANCE);
    let set = world.alarm_of(shard);
    keep(Promise::Alarm, set.is_some_and(|set| set <= latest), || {
        format!("shard {shard} has work at {due:?}, and its alarm is at {set:?}")
    })
}

/// An alarm may stand early, as one that was set before its work was done elsewhere stays. But a run that found nothing to do
/// by it sets it no earlier than what is `due` next: a shard wakes for nothing once, and not again.
///
/// # Errors
/// With the alarm that is for nothing again.
pub(super) fn rests_until(world: &World, shard: ShardIndex, due: Option<Timestamp>) -> Result<(), Broken> {
    let set = world.alarm_of(shard);
    let rests = set.is_none_or(|set| due.is_some_and(|due| set >= due));
    keep(Promise::Alarm, rests, || {
        format!(
            "shard {shard} woke for nothing, has nothing to do before {due:?}, and its alarm is at {set:?}"
        )
    })
}
