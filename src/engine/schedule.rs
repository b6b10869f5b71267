//! When a contact must be looked at again, and in which queue it stands until then.
//!
//! One row per contact carries `(queue, due)`; alarms, cron and the order of sending all read it.

use super::decide::is_held;
use super::state::{Contact, Enrollment, Position};
use crate::domain::message::Lane;
use crate::domain::time::Timestamp;
use crate::journey::catalog::Catalog;

/// A contact's place in the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    pub due: Timestamp,
    /// `0` transactional, `1` cart, `2:<journey>` for the rest, so that each journey gets its turn; [`SEGMENTS`].
    pub queue: String,
}

/// The queue of those whose segments time alone may change. No journey's name begins so.
pub const SEGMENTS: &str = "2:@segments";

/// The contact's slot, or none when nothing waits for time.
///
/// The due time is that of the earliest work; the queue is that of the most urgent work among what is due by then or
/// by `now`, so that an order mail never stands behind the same contact's backlog.
pub fn slot(contact: &Contact, catalog: &Catalog, now: Timestamp) -> Option<Slot> {
    let look_again = contact.segments.look_again;
    let wakes: Vec<(Timestamp, String)> = contact
        .enrollments
        .iter()
        .filter(|enrollment| !is_held(catalog, enrollment))
        .filter_map(|enrollment| Some((enrollment.wake()?, queue_of(enrollment, catalog))))
        .chain(contact.armed.iter().map(|(journey, at)| {
            let lane = catalog
                .journey(journey)
                .map_or(Lane::Marketing, |journey| journey.lane);
            (*at, queue_name(lane, journey.as_str()))
        }))
        .chain(look_again.map(|at| (at, SEGMENTS.to_owned())))
        .collect();
    let looked_at = if planted!(SlotOfTheFirstRun) {
        1
    } else {
        wakes.len()
    };
    let due = wakes.iter().take(looked_at).map(|(wake, _)| *wake).min()?;
    let horizon = due.max(now);
    let queue = wakes
        .into_iter()
        .filter(|(wake, _)| *wake <= horizon)
        .map(|(_, queue)| queue)
        .min()?;
    Some(Slot { due, queue })
}

fn queue_of(enrollment: &Enrollment, catalog: &Catalog) -> String {
    let lane = match &enrollment.position {
        Position::Sending(sending) => sending.lane,
        Position::Waiting { .. } | Position::Asking(_) => catalog
            .journey(&enrollment.journey)
            .map_or(Lane::Marketing, |journey| journey.lane),
    };
    queue_name(lane, enrollment.journey.as_str())
}

fn queue_name(lane: Lane, journey: &str) -> String {
    match lane {
        Lane::Transactional => "0".to_owned(),
        Lane::Cart => "1".to_owned(),
        Lane::Marketing => format!("2:{journey}"),
    }
}

/// The lane of a queue, by its name.
pub fn lane_of(queue: &str) -> Lane {
    match queue {
        "0" => Lane::Transactional,
        "1" => Lane::Cart,
        _ => Lane::Marketing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::ConsentState;
    use crate::domain::message::Stream;
    use crate::engine::fixtures::{at, catalog, contact, enrollment, sending};

    /// The slot at time 0 of somebody in these places.
    fn slot_of(places: &[(&str, &str, Position)]) -> Option<(Timestamp, String)> {
        let mut contact = contact(ConsentState::Subscribed);
        for (number, (journey, step, position)) in places.iter().enumerate() {
            let key = format!("shopify:{number}");
            contact
                .enrollments
                .push(enrollment(journey, &key, step, position.clone()));
        }
        slot(&contact, &catalog(), at(0)).map(|slot| (slot.due, slot.queue))
    }

    #[test]
    fn the_earliest_wake_in_the_queue_of_the_most_urgent_work() {
        let wait = |seconds| Position::Waiting { until: at(seconds) };
        let mail = |lane, stream, seconds| Position::Sending(sending(lane, stream, at(seconds)));
        let out = Position::Sending(crate::engine::state::Sending {
            dispatched: true,
            ..sending(Lane::Cart, Stream::Marketing, at(-5))
        });
        let welcome = |seconds| ("welcome", "before-welcome-story", wait(seconds));
        let cart = |seconds| ("abandoned-checkout", "before-checkout-nudge", wait(seconds));
        let order = |seconds| {
            (
                "post-purchase",
                "order-thank-you",
                mail(Lane::Transactional, Stream::Transactional, seconds),
            )
        };
        let found = |due, queue: &str| Some((at(due), queue.to_owned()));
        assert_eq!(slot_of(&[]), None);
        assert_eq!(slot_of(&[welcome(60)]), found(60, "2:welcome"));
        assert_eq!(slot_of(&[welcome(60), cart(90)]), found(60, "2:welcome"));
        assert_eq!(slot_of(&[welcome(60), cart(30)]), found(30, "1"));
        // All of it is due: the order's mail pulls the contact to the front.
        assert_eq!(slot_of(&[welcome(-60), cart(-30), order(-1)]), found(-60, "0"));
        // What a dispatch has the say over wakes nobody.
        assert_eq!(slot_of(&[("abandoned-checkout", "checkout-nudge", out)]), None);
    }
}
