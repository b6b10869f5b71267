//! How often and at which hours a contact may get marketing: send windows, quiet hours, frequency caps.
//!
//! Asked by the gate, which holds the mail until it may go: nothing is skipped silently. The contact's document counts
//! what went out; what is on its way at this moment the gate is told.

use super::civil::Calendar;
use super::state::{Contact, Enrollment, Mailed, Position, Sending};
use crate::domain::message::{Lane, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::Journey;
use crate::journey::store_file::{Cap, StoreFile};

/// How long a mail waits when only others that are on their way fill the cap: they may yet fail.
const IN_FLIGHT_PAUSE: Delay = Delay::from_minutes(15);
/// Rounds between quiet hours and windows until both are open; more means that they leave no time at all.
const ROUNDS: usize = 16;

/// Why a mail is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Quiet hours, or outside of the journey's window.
    Hours(Timestamp),
    /// As many mails as the cap allows went out lately.
    Cap(Timestamp),
}

/// Whether a marketing mail must wait, and until when. `in_flight` are the lanes of this contact's other marketing
/// mails whose fate is not known yet.
pub(super) fn hold(
    catalog: &Catalog,
    journey: &Journey,
    contact: &Contact,
    sending: &Sending,
    in_flight: &[Lane],
    now: Timestamp,
) -> Option<Hold> {
    let calendar = Calendar::new(&catalog.store, Some(journey), contact);
    let free = catalog
        .store
        .caps
        .iter()
        .filter(|cap| !cap.except.contains(&sending.lane))
        .filter_map(|cap| full_until(cap, &contact.mailed, in_flight, now))
        .max();
    if let Some(until) = free {
        return Some(Hold::Cap(until));
    }
    let open = opening(catalog, journey, calendar, now);
    (open > now).then_some(Hold::Hours(open))
}

/// The first moment at `now` or later that is in the window and not in quiet hours.
fn opening(catalog: &Catalog, journey: &Journey, calendar: Calendar, now: Timestamp) -> Timestamp {
    let zone = calendar.contact;
    let mut at = now;
    for _ in 0..ROUNDS {
        let quiet = catalog.store.quiet_hours.and_then(|quiet| quiet.until(at, zone));
        let later = quiet.unwrap_or(at);
        let open = journey
            .window
            .map_or(later, |window| window.next_open(later, zone));
        if open == at {
            break;
        }
        at = open;
    }
    at
}

/// Until when a cap is full; none when it has room.
fn full_until(cap: &Cap, mailed: &[Mailed], in_flight: &[Lane], now: Timestamp) -> Option<Timestamp> {
    let counts = |lane: &Lane| !cap.except.contains(lane);
    let since = now.minus(cap.per);
    let recent: Vec<Timestamp> = mailed
        .iter()
        .filter(|mailed| counts(&mailed.lane) && mailed.at > since)
        .map(|mailed| mailed.at)
        .collect();
    let flying = in_flight.iter().filter(|lane| counts(lane)).count();
    let most = usize::from(cap.mails);
    if recent.len() + flying < most {
        return None;
    }
    // The mail whose leaving the window makes room.
    let oldest = recent.len().checked_sub(most).and_then(|at| recent.get(at));
    Some(oldest.map_or(now.plus(IN_FLIGHT_PAUSE), |oldest| oldest.plus(cap.per)))
}

/// Remembers a mail that was accepted, for as long as the longest cap looks back.
pub(super) fn count(contact: &mut Contact, enrollment: &Enrollment, store: &StoreFile, now: Timestamp) {
    let Position::Sending(sending) = &enrollment.position else {
        return;
    };
    if sending.stream != Stream::Marketing || store.caps.is_empty() {
        return;
    }
    let longest = store.caps.iter().map(|cap| cap.per).max().unwrap_or(Delay::ZERO);
    let since = now.minus(longest);
    contact.mailed.retain(|mailed| mailed.at > since);
    contact.mailed.push(Mailed {
        at: now,
        lane: sending.lane,
    });
}
