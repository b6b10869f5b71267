//! When a contact must be looked at again, and in which queue it stands until then.
//!
//! One row per contact carries `(queue, due)`; alarms, cron and the order of sending all read it.

use super::state::Contact;
use crate::domain::message::Lane;
use crate::domain::time::Timestamp;
use crate::journey::catalog::Catalog;

/// A contact's place in the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub due: Timestamp,
    /// `0` transactional, `1` cart, `2:<journey>` for the rest, so that each journey gets its turn.
    pub queue: String,
}

/// The contact's slot, or none when nothing waits for time.
///
/// The due time is that of the earliest work; the queue is that of the most urgent work among what is due by then or
/// by `now`, so that an order mail never stands behind the same contact's backlog.
pub fn slot(contact: &Contact, catalog: &Catalog, now: Timestamp) -> Option<Slot> {
    let wakes = || {
        contact
            .enrollments
            .iter()
            .filter_map(|enrollment| Some((enrollment.wake()?, enrollment)))
    };
    let due = wakes().map(|(wake, _)| wake).min()?;
    let horizon = due.max(now);
    let queue = wakes()
        .filter(|(wake, _)| *wake <= horizon)
        .map(|(_, enrollment)| {
            let lane = match &enrollment.position {
                super::state::Position::Sending(sending) => sending.lane,
                super::state::Position::Waiting { .. } => catalog
                    .journey(&enrollment.journey)
                    .map_or(Lane::Marketing, |journey| journey.lane),
            };
            queue_name(lane, enrollment.journey.as_str())
        })
        .min()?;
    Some(Slot { due, queue })
}

fn queue_name(lane: Lane, journey: &str) -> String {
    match lane {
        Lane::Transactional => "0".to_owned(),
        Lane::Cart => "1".to_owned(),
        Lane::Marketing => format!("2:{journey}"),
    }
}
